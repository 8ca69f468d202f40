import type { Batch } from '../../core/batch.ts';
import { TooLargeError } from '../../core/errors.ts';
import { dataKey, encodeRow, indexKey } from './keys.ts';
import { encodeRecord, MOST_SECTIONS, type RecordFacts } from './record.ts';
import type { Tail } from './record-reader.ts';
import type { Step } from './store.ts';
import type { Put } from './waiting-puts.ts';

/** One write, and one sync, gathers up to this much. */
const GROUP_EVENTS = 20_000;
const GROUP_BYTES = 2 * 1024 * 1024;
/** One record holds up to this much, or one put: LevelDB's tables grow with the records in them, and it maps the tables it has open. */
const RECORD_BYTES = 256 * 1024;
/** A larger batch would not fit into the numbers of a record. */
const MOST_PUT_BYTES = 256 * 1024 * 1024;

/** Takes from `admitted` what goes into one write: at least one put. */
export function nextGroup(admitted: Put[]): Put[] {
  let events = 0;
  let bytes = 0;
  let count = 0;
  for (const { batch } of admitted) {
    events += batch.size;
    bytes += batch.byteLength;
    if (count > 0 && (events > GROUP_EVENTS || bytes > GROUP_BYTES)) break;
    count++;
  }
  return admitted.splice(0, count);
}

export interface GatheredRecord {
  readonly value: Buffer;
  readonly facts: RecordFacts;
}

/** The records of a group, and the steps that store them behind `from`. */
export function encodeGroup(group: readonly Put[], from: Tail): { records: GatheredRecord[]; steps: Step[]; tail: Tail } {
  const records: GatheredRecord[] = [];
  const steps: Step[] = [];
  let tail = from;
  let batches: Batch[] = [];
  let bytes = 0;
  for (const [index, { batch }] of group.entries()) {
    batches.push(batch);
    bytes += batch.byteLength;
    const next = group[index + 1];
    if (next && bytes + next.batch.byteLength <= RECORD_BYTES && batches.length < MOST_SECTIONS) continue;
    const record = encodeRecord(batches, tail.event, tail.byte);
    const { value, facts } = record;
    records.push(record);
    steps.push({ key: dataKey(facts.first), value }, { key: indexKey(facts.first), value: encodeRow({ ...facts, length: value.length }) });
    tail = { event: tail.event + facts.events, byte: tail.byte + facts.bytes };
    batches = [];
    bytes = 0;
  }
  return { records, steps, tail };
}

/** For a batch that would not fit into the empty channel. */
export function tooLargeError(batch: Batch, limits: { readonly capacity: number; readonly transactionCapacity: number }): TooLargeError | undefined {
  const most = Math.min(limits.transactionCapacity, limits.capacity);
  if (batch.size > most) {
    const option = most === limits.capacity ? 'capacity' : 'transactionCapacity';
    return new TooLargeError(`${batch.size} events are more than one transaction holds: the channel takes up to ${most} at a time (${option})`);
  }
  if (batch.byteLength <= MOST_PUT_BYTES) return undefined;
  return new TooLargeError(`${batch.size} events of ${batch.byteLength} bytes are more than one transaction holds: the channel takes up to ${MOST_PUT_BYTES} bytes at a time`);
}
