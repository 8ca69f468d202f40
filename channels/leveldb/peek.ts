import { Batch } from '../../core/batch.ts';
import type { Account } from './account.ts';
import type { EventLog } from './event-log.ts';
import { LogReader } from './log-reader.ts';

const MOST_BYTES = 1024 * 1024;

/** The oldest events that are not done with, at most `max` and about 1 MB of them, and when the first was written. */
export async function peek(log: EventLog, { done, tail }: Account, max: number): Promise<{ batch: Batch; written: Date | undefined }> {
  const reader = new LogReader(log, { event: done.head, byte: done.headBytes });
  const batches: Batch[] = [];
  let left = max;
  let bytes = 0;
  let written: Date | undefined;
  try {
    while (left > 0 && bytes < MOST_BYTES && reader.position.event < tail.event) {
      // What is missing is told when it is read for a sink.
      for (const record of (await reader.read(tail)).records) {
        for (const { from, to } of done.open(record.first, record.first + record.batch.size)) {
          const batch = record.batch.slice(from - record.first, Math.min(to - record.first, from - record.first + left));
          if (batch.size === 0 || bytes >= MOST_BYTES) break;
          batches.push(batch);
          written ??= new Date(record.written);
          left -= batch.size;
          bytes += batch.byteLength;
        }
      }
    }
  } finally {
    await reader.close();
  }
  return { batch: Batch.concat(batches), written };
}

/** What there is to tell of a store, in values that JSON knows. */
export async function statOf(log: EventLog, account: Account): Promise<Readonly<Record<string, unknown>>> {
  const { store, done, tail, held } = account;
  const oldest = held > 0 ? (await peek(log, account, 1)).written : undefined;
  return {
    store,
    directory: log.parts.directory,
    head: done.head,
    tail: tail.event,
    oldest: oldest?.toISOString() ?? null,
    segments: log.segments.length,
    spareSegments: log.spares.length,
    segmentBytes: log.parts.segmentBytes,
  };
}
