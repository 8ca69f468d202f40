import { decodeOrigin, encodeOrigin } from '../../protocols/avro-rpc/origin.ts';
import type { Origin } from '../../core/component.ts';
import type { SeenEvents } from '../seen-events.ts';
import type { EventLog } from './event-log.ts';
import { checked, originKey, ORIGINS_KEY, readU64, withChecksum, writeU64 } from './keys.ts';
import { LogReader } from './log-reader.ts';
import type { Tail } from './group.ts';
import type { Entry, Step } from './store.ts';

/** Records that are looked through where the index does not tell what was put: the newest ones, so many bytes of their files. */
const MOST_SCANNED_BYTES = 1024 * 1024 * 1024;

/** The index's account of the events of other stores, up to `tail`: what has changed since it was asked last. */
export function originSteps(seen: SeenEvents, tail: number): Step[] {
  const mark = Buffer.allocUnsafe(8);
  writeU64(mark, tail, 0);
  const steps: Step[] = [{ key: ORIGINS_KEY, value: withChecksum(mark) }];
  for (const [store, origin] of seen.takeChanges()) {
    const key = originKey(store);
    steps.push(origin ? { key, value: withChecksum(encodeOrigin(origin)) } : { key });
  }
  return steps;
}

/** What `originSteps` wrote, from the entries of the index; entries that are damaged are as if they had never been. */
export function readOriginEntries(entries: readonly Entry[]): { readonly tail: number | undefined; readonly origins: readonly Origin[] } {
  let tail: number | undefined;
  const origins: Origin[] = [];
  for (const [key, value] of entries) {
    const bytes = checked(value);
    if (!bytes) continue;
    if (key.length === ORIGINS_KEY.length) tail = readU64(bytes, 0);
    else origins.push(decodeOrigin(bytes));
  }
  return { tail, origins };
}

/** Adds the events of other stores that the records from `from` on hold; absent: those of the newest records. */
export async function addFromRecords(seen: SeenEvents, log: EventLog, from: number | undefined, tail: Tail): Promise<void> {
  const { segments, parts } = log;
  const oldest = segments[Math.max(0, segments.length - Math.ceil(MOST_SCANNED_BYTES / parts.segmentBytes))];
  if (!oldest) return;
  const begin = from === undefined ? oldest : segments.findLast(({ first }) => first <= from) ?? segments[0] ?? oldest;
  const reader = new LogReader(log, { event: begin.first, byte: begin.firstByte });
  try {
    while (reader.position.event < tail.event) {
      for (const record of (await reader.read(tail)).records) for (const origin of record.origins()) seen.add(origin);
    }
  } finally {
    await reader.close();
  }
}
