import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Source, SourceContext } from '../../core/component.ts';
import type { Values } from '../../core/define.ts';
import { compileJavaRegex } from '../../core/java-regex.ts';
import { ownOutputs } from '../../io/descriptors.ts';
import { watchDirectory } from '../../io/directory-hints.ts';
import { storeFiles, type StoreFiles } from '../../io/store-files.ts';
import { tailFiles, type TailFiles } from '../../io/tail-files.ts';
import { Deliveries } from './deliveries.ts';
import { Discovery } from './discovery.ts';
import { directoriesOf } from './names.ts';
import { handleLimit, OpenFiles } from './open-files.ts';
import type { taildirOptions } from './options.ts';
import { Origins } from './origins.ts';
import { Positions } from './positions.ts';
import { Reader } from './reader.ts';
import { FileTable } from './table.ts';
import { Tailer } from './tailer.ts';

/** Bytes that were read and are not stored yet, of all files together. */
const WINDOW_BYTES = 2 * 1024 * 1024;
/** Lines of which it is to be remembered one by one that they are stored. */
const WINDOW_LINES = 5000;

export type TaildirValues = Values<typeof taildirOptions>;

/** What a test may put in the place of the system. */
export interface Surroundings {
  readonly tails: TailFiles;
  readonly stores: StoreFiles;
  now(): number;
  readonly watch: typeof watchDirectory;
}

export function createTaildir(context: SourceContext, values: TaildirValues, surroundings: Partial<Surroundings> = {}): Source {
  const { tails, stores, now, watch }: Surroundings = { tails: tailFiles, stores: storeFiles, now: Date.now, watch: watchDirectory, ...surroundings };
  const stopping = new AbortController();
  const table = new FileTable(tails, directoriesOf(values), now);
  const deliveries = new Deliveries(context, WINDOW_BYTES, stopping.signal, values.exactlyOnce ? WINDOW_LINES : Infinity);
  const firstLine = values['multiline.firstLine'];
  const events = values.maxBatchCount * values.batchSize;
  const reader = new Reader(
    context,
    {
      maxLineBytes: values.maxLineBytes,
      longLines: values.longLines,
      firstLine: firstLine === undefined ? undefined : compileJavaRegex(firstLine),
      maxEventLines: values['multiline.maxLines'],
      batchSize: values.batchSize,
      mostEvents: Number.isSafeInteger(events) ? events : Infinity,
      byteOffsetHeader: values.byteOffsetHeader,
      numbered: values.exactlyOnce,
      fileHeader: values.fileHeader ? values.fileHeaderKey : undefined,
    },
    deliveries,
  );
  const open = new OpenFiles(context, tails, {
    mostHandles: handleLimit(),
    confined: values.linksOutside === 'refuse' || (values.linksOutside === 'auto' && process.getuid?.() === 0),
    isOwn: ownOutputs(now),
  });
  const positions = new Positions(context, { stores, tails }, table, open, {
    path: values.positionFile ?? join(homedir(), '.flume', 'taildir_position.json'),
    intervalMs: values.writePosInterval,
    fromEnd: values.skipToEnd || values.readFrom === 'end',
  });
  deliveries.moved = (file) => positions.changed(file);
  deliveries.named = (file) => positions.named(file);
  const discovery = new Discovery(context, tails, table, { alwaysList: !values.cachePatternMatching, hints: values.watch, watch });
  const settings = { idleTimeoutMs: Math.max(0, values.idleTimeout), eventTimeoutMs: values['multiline.timeoutMs'], readsCompressed: values.compressed === 'read' };
  const origins = new Origins(table, tails);
  return new Tailer(context, settings, { table, origins, discovery, reader, deliveries, open, positions }, stopping);
}
