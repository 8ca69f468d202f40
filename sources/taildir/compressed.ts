import { Readable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import type { TailHandle } from '../../io/tail-files.ts';
import type { Deliveries } from './deliveries.ts';
import { findLines } from './lines.ts';
import { advanced, HEAD_BYTES, markAt, overlapOf, START, TAIL_BYTES, type Mark } from './marks.ts';
import type { BatchMaker, ReaderRules } from './reader.ts';
import type { TailFile } from './tail-file.ts';

const PIECE_BYTES = 64 * 1024;

export type Compression = 'gzip' | 'zstd';

/** The content of a compressed file in pieces. Throws where it is not whole: cut off, or being written still. */
async function* contentOf(handle: TailHandle, compression: Compression): AsyncGenerator<Buffer> {
  const { createGunzip, createZstdDecompress } = process.getBuiltinModule('node:zlib');
  const decoder = compression === 'gzip' ? createGunzip() : createZstdDecompress();
  const source = Readable.from(bytesOf(handle), { objectMode: false, highWaterMark: PIECE_BYTES });
  source.on('error', (error) => decoder.destroy(error));
  source.pipe(decoder);
  yield* decoder as AsyncIterable<Buffer>;
}

async function* bytesOf(handle: TailHandle): AsyncGenerator<Buffer> {
  for (let position = 0; ; ) {
    const bytes = Buffer.allocUnsafe(PIECE_BYTES);
    const read = await handle.read(bytes, 0, bytes.length, position);
    if (read === 0) return;
    position += read;
    yield bytes.subarray(0, read);
  }
}

/** Goes through the content and answers how much of it was read of other files already: the longest of `marks` that it begins with. */
export async function knownContent(handle: TailHandle, compression: Compression, marks: readonly Mark[]): Promise<number> {
  const waiting = marks.filter((mark) => mark.position > 0 && mark.all !== undefined).toSorted((a, b) => a.position - b.position);
  let known = 0;
  let at = START;
  let before = Buffer.alloc(0);
  for await (const piece of contentOf(handle, compression)) {
    const bytes = Buffer.concat([before, piece]);
    const base = at.position - before.length;
    const end = base + bytes.length;
    for (let next = waiting[0]; next && next.position <= end; next = waiting[0]) {
      waiting.shift();
      at = advanced(at, bytes, base, next.position - base);
      if (at.all === next.all && at.head === next.head && at.tail === next.tail) known = next.position;
    }
    at = advanced(at, bytes, base, bytes.length);
    // As much as the next mark needs in front of it.
    before = bytes.subarray(Math.max(0, bytes.length - Math.max(overlapOf(at.position), TAIL_BYTES, HEAD_BYTES)));
  }
  return known;
}

/**
 * Sends the lines of the content behind its first `skip` bytes; the position moves to the end of the file once all are stored, so that a
 * kill in between repeats them. False: the source stops.
 */
export async function readCompressed(
  file: TailFile,
  handle: TailHandle,
  compression: Compression,
  skip: number,
  parts: { readonly rules: ReaderRules; readonly deliveries: Deliveries; readonly make: BatchMaker; readonly signal: AbortSignal },
): Promise<boolean> {
  const { rules, deliveries, make, signal } = parts;
  let rest = Buffer.alloc(0);
  let offset = 0;
  const send = (bytes: Buffer, isLast: boolean): void => {
    const base = offset - bytes.length;
    const whole = isLast && bytes.length > 0 && bytes.at(-1) !== 10 ? Buffer.concat([bytes, Buffer.from('\n')]) : bytes;
    const cutOff = !isLast && bytes.length > rules.maxLineBytes && !bytes.includes(10) ? Buffer.concat([bytes, Buffer.from('\n')]) : whole;
    const lines = findLines(cutOff, 0, Infinity, rules, isLast);
    rest = Buffer.from(cutOff === whole ? bytes.subarray(Math.min(bytes.length, lines.end)) : []);
    for (let from = 0; from < lines.count; from += rules.batchSize) {
      deliveries.send(file, make(file, cutOff, lines, base).slice(from, Math.min(lines.count, from + rules.batchSize)), START);
    }
  };
  for await (const piece of contentOf(handle, compression)) {
    const fresh = piece.subarray(Math.max(0, Math.min(piece.length, skip - offset)));
    offset += piece.length;
    if (fresh.length > 0) send(rest.length > 0 ? Buffer.concat([rest, fresh]) : fresh, false);
    while (deliveries.isFull && !signal.aborted) await deliveries.changed();
    if (signal.aborted) return false;
    await turn();
  }
  if (rest.length > 0) send(rest, true);
  const { size } = handle.facts();
  const mark = markAt(handle, size);
  if (!mark) return false;
  file.read = mark;
  file.decided = true;
  file.searchedTo = mark.position;
  deliveries.send(file, undefined, mark);
  return true;
}
