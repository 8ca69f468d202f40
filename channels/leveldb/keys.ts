import { crc32 } from 'node:zlib';
import { CorruptionError } from '../../core/errors.ts';
import type { Range } from './ranges.ts';

/**
 * Keys of the index. Numbers are unsigned; u64 is big-endian everywhere, so that keys sort as the numbers do, u32 is little-endian.
 *
 *   'i' u64 first event   where a record lies, for one in each 256 KB (below)
 *   'h'                   what is done with (below)
 *   'o' store             which events of another agent's store were put: u32 CRC-32 of the rest, origin (protocols/avro-rpc/origin.ts)
 *   'o'                   u32 CRC-32 of the rest, u64 event: what was put before it is among these
 *   'm'                   JSON: {"format": 2, "store": "16 hex digits"}
 *
 * Where a record lies, 16 bytes: u32 CRC-32 of key and rest, u32 byte in its segment, u64 generation of its segment.
 *
 * Done with: u32 CRC-32 of the rest, u32 ranges, u64 head, u64 body bytes below the head, then per range u64 from, u64 to, u64 bytes.
 */
export const FORMAT_VERSION = 2;

export const HEAD_KEY = Buffer.from('h');
export const META_KEY = Buffer.from('m');

export const ORIGINS_KEY = Buffer.from('o');
export const BEHIND_ORIGINS_KEY = Buffer.from('p');

const INDEX = 0x69;
const ROW_BYTES = 16;
const DONE_HEADER_BYTES = 24;
const RANGE_BYTES = 24;

export function indexKey(event: number): Buffer {
  const bytes = Buffer.allocUnsafe(9);
  bytes[0] = INDEX;
  writeU64(bytes, event, 1);
  return bytes;
}

export interface IndexRow {
  readonly first: number;
  readonly generation: number;
  readonly position: number;
}

export function encodeRow({ first, generation, position }: IndexRow): Buffer {
  const bytes = Buffer.allocUnsafe(ROW_BYTES);
  bytes.writeUInt32LE(position, 4);
  writeU64(bytes, generation, 8);
  bytes.writeUInt32LE(crc32(bytes.subarray(4), crc32(indexKey(first))), 0);
  return bytes;
}

/** `undefined` for a row that is not as it was written. */
export function decodeRow(key: Buffer, value: Buffer): IndexRow | undefined {
  if (key.length !== 9 || key[0] !== INDEX || value.length !== ROW_BYTES) return undefined;
  if (value.readUInt32LE(0) !== crc32(value.subarray(4), crc32(key))) return undefined;
  return { first: readU64(key, 1), position: value.readUInt32LE(4), generation: readU64(value, 8) };
}

export function originKey(store: string): Buffer {
  return Buffer.concat([ORIGINS_KEY, Buffer.from(store)]);
}

export function withChecksum(bytes: Buffer): Buffer {
  const head = Buffer.allocUnsafe(4);
  head.writeUInt32LE(crc32(bytes), 0);
  return Buffer.concat([head, bytes]);
}

/** `undefined` for bytes that are not as `withChecksum` made them. */
export function checked(bytes: Buffer): Buffer | undefined {
  return bytes.length >= 4 && bytes.readUInt32LE(0) === crc32(bytes.subarray(4)) ? bytes.subarray(4) : undefined;
}

export interface DoneState {
  readonly head: number;
  readonly headBytes: number;
  readonly ranges: readonly Range[];
}

/** With at most `mostRanges` ranges: what is left out would be delivered again after a crash. */
export function encodeDone(done: DoneState, mostRanges: number): Buffer {
  const count = Math.min(done.ranges.length, mostRanges);
  const bytes = Buffer.allocUnsafe(DONE_HEADER_BYTES + count * RANGE_BYTES);
  bytes.writeUInt32LE(count, 4);
  writeU64(bytes, done.head, 8);
  writeU64(bytes, done.headBytes, 16);
  for (let index = 0; index < count; index++) {
    const range = done.ranges[index] as Range;
    const at = DONE_HEADER_BYTES + index * RANGE_BYTES;
    writeU64(bytes, range.from, at);
    writeU64(bytes, range.to, at + 8);
    writeU64(bytes, range.bytes, at + 16);
  }
  bytes.writeUInt32LE(crc32(bytes.subarray(4)), 0);
  return bytes;
}

/** Throws CorruptionError for bytes that `encodeDone` did not write. */
export function decodeDone(bytes: Buffer): DoneState {
  const damaged = (): CorruptionError => new CorruptionError('the account of the events that are done with is damaged');
  if (bytes.length < DONE_HEADER_BYTES || bytes.readUInt32LE(0) !== crc32(bytes.subarray(4))) throw damaged();
  const count = bytes.readUInt32LE(4);
  if (bytes.length !== DONE_HEADER_BYTES + count * RANGE_BYTES) throw damaged();
  const ranges: Range[] = [];
  for (let at = DONE_HEADER_BYTES; at < bytes.length; at += RANGE_BYTES) {
    ranges.push({ from: readU64(bytes, at), to: readU64(bytes, at + 8), bytes: readU64(bytes, at + 16) });
  }
  return { head: readU64(bytes, 8), headBytes: readU64(bytes, 16), ranges };
}

/** Big-endian, up to 2^53 − 1, wherever 64 bits are written; fields of 32 bits are little-endian. */
export function writeU64(bytes: Buffer, value: number, at: number): void {
  bytes.writeUInt32BE(Math.floor(value / 2 ** 32), at);
  bytes.writeUInt32BE(value % 2 ** 32, at + 4);
}

export function readU64(bytes: Buffer, at: number): number {
  return bytes.readUInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4);
}
