import type { Source, SourceContext } from '../../core/component.ts';
import { spoolFiles } from '../../io/spool-files.ts';
import type { SpoolSettings } from './index.ts';
import { SpoolSource } from './spool-source.ts';

export async function createSpoolSource(context: SourceContext, settings: SpoolSettings): Promise<Source> {
  const { name, log } = context;
  const { inputCharset, decodeErrorPolicy, bufferMaxLineLength } = settings;
  const deserializer = await settings.deserializer.create({
    name: `${name}.deserializer`,
    log,
    count: (counter, amount) => context.count(counter, amount),
    charset: inputCharset,
    decodeErrorPolicy,
    ...(bufferMaxLineLength !== undefined && { maxLineLength: bufferMaxLineLength }),
  });
  return new SpoolSource(context, settings, deserializer, spoolFiles);
}
