import type { Origin } from '../../core/component.ts';
import { AvroWriter } from '../avro-writer.ts';
import { AvroCursor, AvroFormatError } from './cursor.ts';

/** The entry of a call's metadata that says where its events come from. Flume reads the metadata and does nothing with it. */
export const ORIGIN_ENTRY = 'millrace.origin';

const MOST_STORE_BYTES = 200;
const MOST_SPANS = 100_000;

/** string store, long settled, array of spans (long first, long events). */
export function encodeOrigin({ store, spans, settled = 0 }: Origin): Buffer {
  const writer = new AvroWriter(256);
  writer.string(store);
  writer.count(settled);
  writer.count(spans.length);
  for (const [first, end] of spans) {
    writer.count(first);
    writer.count(end - first);
  }
  if (spans.length > 0) writer.count(0);
  return writer.view(0);
}

/** Throws AvroFormatError where it is not an origin, or not one of `events` events. */
export function decodeOrigin(bytes: Buffer, events?: number): Origin {
  const cursor = new AvroCursor(bytes);
  const store = cursor.sized();
  const settled = cursor.long();
  const spans: [number, number][] = [];
  let sum = 0;
  for (let count = cursor.block(2); count > 0; count = cursor.block(2)) {
    for (; count > 0; count--) {
      const first = cursor.long();
      const length = cursor.long();
      sum += length;
      if (first < 0 || length < 1 || spans.length >= MOST_SPANS) throw new AvroFormatError('the origin of the events makes no sense');
      spans.push([first, first + length]);
    }
  }
  if (sum !== (events ?? sum) || store.length === 0 || store.length > MOST_STORE_BYTES) throw new AvroFormatError('the origin of the events makes no sense');
  return { store: store.toString(), spans, settled };
}
