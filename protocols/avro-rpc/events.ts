import { Batch } from '../../core/batch.ts';
import { decodeHeaders, EncodedHeaders } from '../../core/encoded-headers.ts';
import type { AvroWriter } from '../avro-writer.ts';
import { AvroFormatError, type AvroCursor } from './cursor.ts';

/** An event without headers and without a body: no entry of an array is shorter. */
const LEAST_EVENT_BYTES = 2;

/** More events in one message than can be stored together. */
export class TooManyEventsError extends Error {
  override readonly name = 'TooManyEventsError';
}

/** One AvroFlumeEvent, as a batch over the message. */
export function readEvent(cursor: AvroCursor): Batch {
  const events = new FoundEvents(cursor);
  events.read(1);
  return events.batch();
}

/** An array of AvroFlumeEvent, as a batch over the message: bodies and headers stay where they are. Throws TooManyEventsError above `most`. */
export function readEvents(cursor: AvroCursor, most: number): Batch {
  const events = new FoundEvents(cursor);
  for (let count = cursor.block(LEAST_EVENT_BYTES); count > 0; count = cursor.block(LEAST_EVENT_BYTES)) {
    const size = events.size + count;
    if (size > most) throw new TooManyEventsError(`the batch holds ${size} events or more, and the channels take up to ${most} at a time (transactionCapacity)`);
    events.read(count);
  }
  return events.size > 0 ? events.batch() : Batch.of([]);
}

/** Writes the events as an array of AvroFlumeEvent. */
export function writeEvents(writer: AvroWriter, batch: Batch): void {
  const { size, bytes, bounds } = batch;
  if (size > 0) writer.count(size);
  const shared = batch.hasOwnHeaders || size === 0 ? undefined : encodedOnce(writer, batch);
  for (let index = 0; index < size; index++) {
    if (shared) writer.raw(shared);
    else writeHeaders(writer, batch, index);
    writer.bytes(bytes, bounds[2 * index], bounds[2 * index + 1]);
  }
  writer.count(0);
}

/** The headers of one event as an Avro map. Those that came encoded pass as they are. */
export function writeHeaders(writer: AvroWriter, batch: Batch, index: number): void {
  const encoded = batch.encodedHeaders(index);
  if (encoded) return writer.raw(encoded);
  const headers = batch.headers(index);
  if (headers.size > 0) {
    writer.count(headers.size);
    for (const [name, value] of headers) {
      writer.string(name);
      writer.string(value);
    }
  }
  writer.count(0);
}

/** The headers that all events have, written behind the rest and taken from there. */
function encodedOnce(writer: AvroWriter, batch: Batch): Buffer {
  const from = writer.length;
  writeHeaders(writer, batch, 0);
  const encoded = Buffer.from(writer.view(from));
  writer.truncate(from);
  return encoded;
}

/** Where the events of one message lie: written down here first, since their number is known only at the end. */
let bodyBounds = new Uint32Array(2048);
let headerBounds = new Uint32Array(2048);

function makeRoom(events: number): void {
  if (2 * events <= bodyBounds.length) return;
  const grow = (bounds: Uint32Array): Uint32Array<ArrayBuffer> => {
    const grown = new Uint32Array(4 * events);
    grown.set(bounds);
    return grown;
  };
  bodyBounds = grow(bodyBounds);
  headerBounds = grow(headerBounds);
}

class FoundEvents {
  readonly #cursor: AvroCursor;
  #size = 0;
  /** All headers so far are these bytes. */
  #alike = true;
  #firstLength = 0;

  constructor(cursor: AvroCursor) {
    this.#cursor = cursor;
  }

  get size(): number {
    return this.#size;
  }

  /** Reads so many events more. */
  read(count: number): void {
    makeRoom(this.#size + count);
    const cursor = this.#cursor;
    const bodies = bodyBounds;
    const headers = headerBounds;
    for (let at = 2 * this.#size, end = at + 2 * count; at < end; at += 2) {
      const begin = cursor.at;
      cursor.skipMap();
      headers[at] = begin;
      headers[at + 1] = cursor.at;
      if (at === 0) this.#firstLength = cursor.at - begin;
      else if (this.#alike) this.#alike = cursor.at - begin === this.#firstLength && this.#isFirst(begin);
      const length = cursor.long();
      if (length < 0 || length > cursor.left) throw new AvroFormatError(`a body of ${length} bytes is announced at byte ${cursor.at}, and ${cursor.left} are there`);
      bodies[at] = cursor.at;
      cursor.at += length;
      bodies[at + 1] = cursor.at;
    }
    this.#size += count;
  }

  batch(): Batch {
    const { bytes } = this.#cursor;
    const size = this.#size;
    const bounds = bodyBounds.slice(0, 2 * size);
    if (!this.#alike) return Batch.over(bytes, bounds, size, new EncodedHeaders(bytes, headerBounds.slice(0, 2 * size)));
    let batch = Batch.over(bytes, bounds, size);
    for (const [name, value] of decodeHeaders(bytes, headerBounds[0] as number)) batch = batch.withHeader(name, value, false);
    return batch;
  }

  #isFirst(begin: number): boolean {
    if (this.#firstLength === 1) return true;
    const { bytes } = this.#cursor;
    const first = headerBounds[0] as number;
    for (let index = 0; index < this.#firstLength; index++) if (bytes[first + index] !== bytes[begin + index]) return false;
    return true;
  }
}
