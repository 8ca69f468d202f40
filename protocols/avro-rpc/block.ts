import { Batch } from '../../core/batch.ts';
import { bodyRun, copyBodies, copyLengths, fillBounds, gapOf } from '../../core/body-runs.ts';
import { decodeHeaders, EncodedHeaders } from '../../core/encoded-headers.ts';
import type { AvroWriter } from '../avro-writer.ts';
import { AvroFormatError, type AvroCursor } from './cursor.ts';
import { TooManyEventsError, writeHeaders } from './events.ts';

/**
 * The call by which agents of ours send events to one another: a block, which neither of them has to walk through body by body. Flume never
 * sees it. Numbers are little-endian.
 *
 *   u8 gap behind each body (core/body-runs.ts), u8 kind of headers, u32 events, u32 bytes of headers
 *   u32 length of each body
 *   headers as Avro maps of strings; kind 0: none; 1: one map for all events; 2: one map for each
 *   bodies with their gaps, to the end of the message
 */
export const BLOCK_CALL = 'millrace.appendBlock';

const HEAD_BYTES = 10;
const [NONE, SHARED, OWN] = [0, 1, 2] as const;

/** Writes all but the bodies, which are answered: a view of the batch where they lie one behind the other. */
export function writeBlock(writer: AvroWriter, batch: Batch): Buffer {
  const { size } = batch;
  const gap = gapOf(batch);
  const head = writer.room(HEAD_BYTES + 4 * size);
  const kind = batch.hasOwnHeaders ? OWN : batch.headers(0).size > 0 ? SHARED : NONE;
  head[0] = gap;
  head[1] = kind;
  head.writeUInt32LE(size, 2);
  const lengths = new Uint32Array(size);
  copyLengths(batch, lengths);
  head.set(new Uint8Array(lengths.buffer), HEAD_BYTES);
  const begin = writer.length;
  if (kind === SHARED) writeHeaders(writer, batch, 0);
  for (let index = 0; kind === OWN && index < size; index++) writeHeaders(writer, batch, index);
  // Writing may have moved the head.
  writer.view(begin - head.length).writeUInt32LE(writer.length - begin, 6);
  const run = bodyRun(batch, gap);
  if (run) return run;
  const bodies = Buffer.allocUnsafeSlow(batch.byteLength);
  copyBodies(batch, gap, bodies, 0);
  return bodies;
}

/** The block from the cursor on, as a batch over the message. Throws TooManyEventsError above `most`. */
export function readBlock(cursor: AvroCursor, most: number): Batch {
  const head = cursor.fixed(HEAD_BYTES);
  const [gap, kind] = [head[0] as number, head[1] as number];
  const size = head.readUInt32LE(2);
  if (gap > 1 || kind > OWN) throw new AvroFormatError(`a block of kind ${kind} with gaps of ${gap} bytes is not known`);
  if (size > most) throw new TooManyEventsError(`the call holds ${size} events, and the channels take up to ${most} at a time (transactionCapacity)`);
  const encoded = cursor.fixed(4 * size);
  const lengths = new Uint32Array(size);
  new Uint8Array(lengths.buffer).set(encoded);
  const headersAt = cursor.at;
  const bodiesAt = headersAt + head.readUInt32LE(6);
  const headerBounds = readHeaders(cursor, kind === NONE ? 0 : kind === SHARED ? 1 : size);
  if (cursor.at !== bodiesAt) throw new AvroFormatError(`the headers of a block end at byte ${cursor.at}, and ${bodiesAt} is announced`);
  const bounds = new Uint32Array(2 * size);
  const end = fillBounds(bounds, 0, lengths, bodiesAt, gap);
  const { bytes } = cursor;
  if (end !== bytes.length) throw new AvroFormatError(`the bodies of a block end at byte ${end}, and the message has ${bytes.length}`);
  cursor.at = end;
  if (kind === OWN) return Batch.over(bytes, bounds, size, new EncodedHeaders(bytes, headerBounds));
  let batch = Batch.over(bytes, bounds, size);
  if (kind === SHARED) for (const [name, value] of decodeHeaders(bytes, headersAt)) batch = batch.withHeader(name, value, false);
  return batch;
}

/** Passes over so many maps; begin and end of each. */
function readHeaders(cursor: AvroCursor, maps: number): Uint32Array {
  // Each takes a byte at least.
  if (maps > cursor.left) throw new AvroFormatError(`headers of ${maps} events are announced, and ${cursor.left} bytes are there`);
  const bounds = new Uint32Array(2 * maps);
  for (let index = 0; index < maps; index++) {
    bounds[2 * index] = cursor.at;
    cursor.skipMap();
    bounds[2 * index + 1] = cursor.at;
  }
  return bounds;
}
