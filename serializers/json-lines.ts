import { isUtf8 } from 'node:buffer';
import type { Batch } from '../core/batch.ts';
import type { Serializer } from '../core/component.ts';
import { define } from '../core/define.ts';

const NOTHING = Buffer.alloc(0);

/** Ours. A body that is not UTF-8 stands in Base64 under another name, so that nothing is altered. */
export const jsonLinesSerializer = define('serializer', {
  types: ['json'],
  summary: 'Writes each event as a line of JSON: {"headers":{…},"body":"…"}, or bodyBase64 where the body is not UTF-8.',
  options: {},
  flume: { notLoadable: '' },
  create: () => new JsonLinesSerializer(),
});

class JsonLinesSerializer implements Serializer {
  readonly canAppend = true;

  begin(): Buffer {
    return NOTHING;
  }

  encode(batch: Batch): Buffer {
    let text = '';
    const shared = batch.hasOwnHeaders || batch.size === 0 ? undefined : headersOf(batch, 0);
    for (let index = 0; index < batch.size; index++) {
      const body = batch.body(index);
      const shown = isUtf8(body) ? `"body":${JSON.stringify(body.toString())}` : `"bodyBase64":"${body.toString('base64')}"`;
      text += `{"headers":${shared ?? headersOf(batch, index)},${shown}}\n`;
    }
    return Buffer.from(text);
  }

  end(): Buffer {
    return NOTHING;
  }
}

/** In their order; names such as `__proto__` and `1` are names like all others. */
function headersOf(batch: Batch, index: number): string {
  let text = '';
  for (const [name, value] of batch.headers(index)) text += `${text === '' ? '' : ','}${JSON.stringify(name)}:${JSON.stringify(value)}`;
  return `{${text}}`;
}
