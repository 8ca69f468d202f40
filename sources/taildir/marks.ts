import type { TailHandle } from '../../io/tail-files.ts';

/** Bytes at the beginning of a file that are told apart from those of other files. */
export const HEAD_BYTES = 1024;
/** Bytes just before the position. */
export const TAIL_BYTES = 256;
/** Bytes at the beginning by whose checksum most files are told apart. */
export const START_BYTES = 32;

/**
 * What is remembered of a file's content up to a position: enough to tell whether the bytes in front of the position are still those
 * that were read, and whether another file begins with the very same ones.
 */
export interface Mark {
  /** Bytes read; what follows is to be read next. */
  readonly position: number;
  /** CRC-32 of the first `min(position, HEAD_BYTES)` bytes. */
  readonly head: number;
  /** CRC-32 of the last `min(position, TAIL_BYTES)` bytes before the position. */
  readonly tail: number;
  /** CRC-32 of the content before the position (see `contentSum`); `undefined` where not all of it went through our hands. */
  readonly all: number | undefined;
}

export const START: Mark = { position: 0, head: 0, tail: 0, all: 0 };

type Crc32 = (data: Uint8Array | string, value?: number) => number;
let crc32: Crc32 | undefined;

export function checksum(bytes: Uint8Array | string, before = 0): number {
  crc32 ??= process.getBuiltinModule('node:zlib').crc32;
  return crc32(bytes, before);
}

/** Content up to here is summed up as a whole, of what follows the first bytes of each block: enough to tell contents apart. */
const WHOLE_BYTES = 1024 * 1024;
const BLOCK_BYTES = 64 * 1024;
const SAMPLE_BYTES = 4 * 1024;

/** Goes on with the sum of a content by `bytes`, the first of which stands at `position`. */
function contentSum(bytes: Buffer, position: number, before: number): number {
  let sum = before;
  for (let at = 0; at < bytes.length; ) {
    const place = position + at;
    const inBlock = place % BLOCK_BYTES;
    const end = place < WHOLE_BYTES ? WHOLE_BYTES - position : at + SAMPLE_BYTES - inBlock;
    if (place < WHOLE_BYTES || inBlock < SAMPLE_BYTES) sum = checksum(bytes.subarray(at, end), sum);
    at = place < WHOLE_BYTES ? end : at + BLOCK_BYTES - inBlock;
  }
  return sum;
}

/** Bytes in front of a position that are read along with what follows, so that the mark can be compared at no cost. */
export function overlapOf(position: number): number {
  return position <= HEAD_BYTES ? position : TAIL_BYTES;
}

/**
 * Whether `bytes`, which were read from `mark.position - overlapOf(mark.position)` on, begin as the mark says. For positions beyond the
 * head this tells nothing of the head: see `sameHead`.
 */
export function sameOverlap(mark: Mark, bytes: Buffer): boolean {
  const overlap = overlapOf(mark.position);
  if (bytes.length < overlap) return false;
  const tailLength = Math.min(mark.position, TAIL_BYTES);
  if (checksum(bytes.subarray(overlap - tailLength, overlap)) !== mark.tail) return false;
  return mark.position > HEAD_BYTES || checksum(bytes.subarray(0, overlap)) === mark.head;
}

const scratch = Buffer.allocUnsafeSlow(HEAD_BYTES);

/** Whether the file begins with the bytes of the mark's head. */
export function sameHead(mark: Mark, handle: TailHandle): boolean {
  const length = Math.min(mark.position, HEAD_BYTES);
  return headOf(handle, length) === mark.head;
}

/** CRC-32 of the first `length` bytes; `undefined` where the file has fewer. */
export function headOf(handle: TailHandle, length: number): number | undefined {
  return readWhole(handle, length, 0) ? checksum(scratch.subarray(0, length)) : undefined;
}

/** Whether the bytes in front of the mark's position are those that it was made of, as far as head and tail tell. */
export function stillThere(mark: Mark, handle: TailHandle): boolean {
  const length = Math.min(mark.position, TAIL_BYTES);
  if (!readWhole(handle, length, mark.position - length)) return false;
  return checksum(scratch.subarray(0, length)) === mark.tail && sameHead(mark, handle);
}

/**
 * The mark at index `end` of `bytes`, the first of which stands at `base` in the file: with at least `overlapOf(mark.position)` bytes in
 * front of the mark's position.
 */
export function advanced(mark: Mark, bytes: Buffer, base: number, end: number): Mark {
  const fresh = bytes.subarray(mark.position - base, end);
  const headMissing = HEAD_BYTES - mark.position;
  return {
    position: base + end,
    head: headMissing > 0 ? checksum(fresh.subarray(0, headMissing), mark.head) : mark.head,
    tail: checksum(bytes.subarray(Math.max(0, end - TAIL_BYTES), end)),
    all: mark.all === undefined ? undefined : contentSum(fresh, mark.position, mark.all),
  };
}

/** The mark at a position of a file whose bytes before it are not read: where positions come from elsewhere. */
export function markAt(handle: TailHandle, position: number): Mark | undefined {
  const head = headOf(handle, Math.min(position, HEAD_BYTES));
  const length = Math.min(position, TAIL_BYTES);
  if (head === undefined || !readWhole(handle, length, position - length)) return undefined;
  const tail = checksum(scratch.subarray(0, length));
  return { position, head, tail, all: position <= HEAD_BYTES ? head : undefined };
}

/** Whether a file begins with everything that the mark stands for. Reads all of it in pieces, where that is needed for certainty. */
export async function beginsWith(handle: TailHandle, mark: Mark): Promise<boolean> {
  if (!stillThere(mark, handle)) return false;
  if (mark.all === undefined || mark.position <= HEAD_BYTES) return mark.all !== undefined || mark.position >= HEAD_BYTES;
  return (await sumOf(handle, mark.position)) === mark.all;
}

/** The mark behind the last line that two files have in common, at most at `most`. Reads both that far. */
export async function commonLines(handle: TailHandle, other: TailHandle, most: number): Promise<Mark> {
  const [a, b] = [Buffer.allocUnsafe(COMPARE_BYTES), Buffer.allocUnsafe(COMPARE_BYTES)];
  let lines = 0;
  for (let at = 0; at < most; ) {
    const want = Math.min(COMPARE_BYTES, most - at);
    const length = Math.min(await handle.read(a, 0, want, at), await other.read(b, 0, want, at));
    let same = 0;
    if (a.compare(b, 0, length, 0, length) === 0) same = length;
    else while (same < length && a[same] === b[same]) same++;
    const last = a.subarray(0, same).lastIndexOf(LINE_FEED);
    if (last >= 0) lines = at + last + 1;
    if (same < want) break;
    at += same;
  }
  const mark = lines === 0 ? undefined : markAt(handle, lines);
  return mark ? { ...mark, all: await sumOf(handle, lines) } : START;
}

/** Sum of the content up to a position; `undefined` where there is less. */
async function sumOf(handle: TailHandle, position: number): Promise<number | undefined> {
  const buffer = Buffer.allocUnsafe(Math.min(position, COMPARE_BYTES));
  let all = 0;
  for (let at = 0; at < position; ) {
    const read = await handle.read(buffer, 0, Math.min(buffer.length, position - at), at);
    if (read === 0) return undefined;
    all = contentSum(buffer.subarray(0, read), at, all);
    at += read;
  }
  return all;
}

const LINE_FEED = 10;
const COMPARE_BYTES = 256 * 1024;

function readWhole(handle: TailHandle, length: number, position: number): boolean {
  for (let done = 0; done < length; ) {
    const read = handle.readNow(scratch, done, length - done, position + done);
    if (read === 0) return false;
    done += read;
  }
  return true;
}
