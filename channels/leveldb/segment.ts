import { crc32 } from 'node:zlib';
import { FORMAT_VERSION, readU64, writeU64 } from './keys.ts';

/**
 * A segment: a file of records, written from its begin to its end and, once all of its events are done with, over again from the begin.
 * Its generation tells one life from the next, so that old bytes are never taken for new ones. The header fills the first 4,096 bytes:
 *
 *   8 bytes "MILLRACE", u32 CRC-32 of the rest up to byte 56, u32 version = 2, 8 bytes identity of the store, u64 generation,
 *   u64 first event, u64 body bytes before it since the store began, u64 zero; zeros up to 4,096. u64 is big-endian.
 */
export const SEGMENT_BYTES = 16 * 1024 * 1024;
export const RECORDS_AT = 4096;

const MAGIC = Buffer.from('MILLRACE');
const HEADER_BYTES = 56;

export interface SegmentHeader {
  /** Identity of the store, 16 hex digits. */
  readonly store: string;
  readonly generation: number;
  readonly first: number;
  readonly firstByte: number;
}

/** A segment file with events in it, as it stands in the list of them. */
export interface Segment {
  /** Name in the directory of the records. */
  readonly name: string;
  readonly generation: number;
  readonly first: number;
  readonly firstByte: number;
  /** Damaged: kept as it is once it is used up, instead of being written over. */
  evidence?: boolean;
}

export function segmentName(number: number): string {
  return `${String(number).padStart(6, '0')}.records`;
}

/** The number in a name that `segmentName` gave. */
export function segmentNumber(name: string): number | undefined {
  const digits = /^(\d{6,15})\.records$/.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

export function encodeSegmentHeader({ store, generation, first, firstByte }: SegmentHeader): Buffer {
  const bytes = Buffer.alloc(RECORDS_AT);
  MAGIC.copy(bytes);
  bytes.writeUInt32LE(FORMAT_VERSION, 12);
  bytes.write(store, 16, 'hex');
  writeU64(bytes, generation, 24);
  writeU64(bytes, first, 32);
  writeU64(bytes, firstByte, 40);
  bytes.writeUInt32LE(crc32(bytes.subarray(12, HEADER_BYTES)), 8);
  return bytes;
}

/** What the begin of a file says; `undefined` where it is no sound header. Of another version only that is known. */
export function decodeSegmentHeader(bytes: Buffer): SegmentHeader | { readonly version: number } | undefined {
  if (bytes.length < HEADER_BYTES || !bytes.subarray(0, 8).equals(MAGIC)) return undefined;
  if (bytes.readUInt32LE(8) !== crc32(bytes.subarray(12, HEADER_BYTES))) return undefined;
  const version = bytes.readUInt32LE(12);
  if (version !== FORMAT_VERSION) return { version };
  return { store: bytes.toString('hex', 16, 24), generation: readU64(bytes, 24), first: readU64(bytes, 32), firstByte: readU64(bytes, 40) };
}
