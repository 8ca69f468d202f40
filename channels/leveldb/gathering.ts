import type { Batch } from '../../core/batch.ts';
import { TooLargeError } from '../../core/errors.ts';
import { MOST_SECTIONS } from './record.ts';
import type { Put } from './waiting-puts.ts';

/** One write gathers up to this much. */
const GROUP_EVENTS = 20_000;
const GROUP_BYTES = 4 * 1024 * 1024;
/** A larger batch would not fit into the numbers of a record. */
const MOST_PUT_BYTES = 256 * 1024 * 1024;

/** Takes from `admitted` what goes into one record: at least one put. */
export function nextGroup(admitted: Put[]): Put[] {
  let events = 0;
  let bytes = 0;
  let count = 0;
  for (const { batch } of admitted) {
    events += batch.size;
    bytes += batch.byteLength;
    if (count > 0 && (events > GROUP_EVENTS || bytes > GROUP_BYTES || count === MOST_SECTIONS)) break;
    count++;
  }
  return admitted.splice(0, count);
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
