import { crc32 } from 'node:zlib';
import type { Batch } from '../../core/batch.ts';
import type { Origin } from '../../core/component.ts';
import { FORMAT_VERSION, readU64, writeU64 } from './keys.ts';
import { isPlain, isSealed, readSeal, StoreKeyError } from './record-seal.ts';
import { readOrigins, readSections } from './sections.ts';

/**
 * A record: events that were written together. It begins at a multiple of 8 in its segment. u64 is big-endian, everything else
 * little-endian.
 *
 *   0   8 bytes identity of the store
 *   8   u32 CRC-32 of the header but for these 4 bytes, extra bytes included
 *   12  u32 CRC-32 of the content
 *   16  u8 version = 2, u8 flags (1: encrypted, else 0), u16 extra bytes, a multiple of 8 (record-seal.ts; 0 where it is not encrypted)
 *   20  u32 events
 *   24  u64 generation of the segment
 *   32  u64 first event
 *   40  u64 body bytes before it since the store began
 *   48  u64 number below which all was on the disk when this was written
 *   56  u32 body bytes of its events
 *   60  u32 length of the record, a multiple of 8
 *   64  u64 when it was written, in milliseconds since 1970; for people
 *   72  extra bytes, then the content: sections (sections.ts), zeros up to the length
 */
export const RECORD_HEADER_BYTES = 72;
/** With all extra bytes. */
export const MOST_HEADER_BYTES = 256;

export interface RecordHeader {
  readonly first: number;
  readonly events: number;
  readonly firstByte: number;
  /** Body bytes of its events. */
  readonly bytes: number;
  /** Everything below was on the disk when this was written. */
  readonly synced: number;
  readonly generation: number;
  /** Milliseconds since 1970. */
  readonly written: number;
  /** Bytes of the record. */
  readonly length: number;
}

/** What makes a record one of this store, in this life of its segment. */
export interface RecordOrigin {
  /** Identity of the store, 8 bytes. */
  readonly identity: Buffer;
  readonly generation: number;
}

/** How the content of records lies on the disk: as it is, or encrypted (record-cipher.ts). */
export interface RecordCodec {
  readonly flags: number;
  readonly extraBytes: number;
  /** Called when all of a record is in place but for its checksums: may change what follows the header. */
  seal(record: Buffer): void;
  /** The content of a record whose checksums were verified; `undefined` where it was altered all the same. Throws StoreKeyError without its key. */
  open(record: Buffer): Buffer | undefined;
  /** Why records with such a header cannot be opened. */
  refusal(header: Buffer): string | undefined;
  /** Whether a record with this header was sealed as this codec seals. */
  isAlike(header: Buffer): boolean;
}

export const plainCodec: RecordCodec = {
  flags: 0,
  extraBytes: 0,
  seal: () => undefined,
  open: (record) => {
    const refusal = plainCodec.refusal(record);
    if (refusal !== undefined) throw new StoreKeyError(`a record cannot be opened: ${refusal}`);
    return isPlain(record) ? record.subarray(RECORD_HEADER_BYTES) : undefined;
  },
  refusal: (header) => {
    if (!isSealed(header)) return undefined;
    const { name } = readSeal(header.subarray(RECORD_HEADER_BYTES));
    return `it holds events under the key "${name}", and no key is given: that needs the configuration of the channel with its encryption.*`;
  },
  isAlike: isPlain,
};

/** Writes the header of the record that lies at `at` of `target`, with all of its content in place, and seals it. */
export function finishRecord(target: Buffer, at: number, origin: RecordOrigin, facts: Omit<RecordHeader, 'generation' | 'written'>, codec: RecordCodec): void {
  const record = target.subarray(at, at + facts.length);
  origin.identity.copy(record, 0);
  record[16] = FORMAT_VERSION;
  record[17] = codec.flags;
  record.writeUInt16LE(codec.extraBytes, 18);
  record.writeUInt32LE(facts.events, 20);
  writeU64(record, origin.generation, 24);
  writeU64(record, facts.first, 32);
  writeU64(record, facts.firstByte, 40);
  writeU64(record, facts.synced, 48);
  record.writeUInt32LE(facts.bytes, 56);
  record.writeUInt32LE(facts.length, 60);
  writeU64(record, Date.now(), 64);
  codec.seal(record);
  const contentAt = RECORD_HEADER_BYTES + codec.extraBytes;
  record.writeUInt32LE(crc32(record.subarray(contentAt)), 12);
  record.writeUInt32LE(headerChecksum(record, contentAt), 8);
}

/** The header at `at`, if it is as it was written, by the store and in any life of its segment. Says nothing about the content. */
export function headerAt(bytes: Buffer, at: number, identity: Buffer): RecordHeader | undefined {
  if (at + RECORD_HEADER_BYTES > bytes.length || identity.compare(bytes, at, at + 8) !== 0) return undefined;
  const contentAt = RECORD_HEADER_BYTES + bytes.readUInt16LE(at + 18);
  const length = bytes.readUInt32LE(at + 60);
  if (contentAt > MOST_HEADER_BYTES || length < contentAt || at + contentAt > bytes.length) return undefined;
  const header = bytes.subarray(at, at + contentAt);
  if (header.readUInt32LE(8) !== headerChecksum(header, contentAt)) return undefined;
  return {
    first: readU64(header, 32),
    events: header.readUInt32LE(20),
    firstByte: readU64(header, 40),
    bytes: header.readUInt32LE(56),
    synced: readU64(header, 48),
    generation: readU64(header, 24),
    written: readU64(header, 64),
    length,
  };
}

/** What is wrong with a record whose header is sound, for a sentence; `undefined` where it is as it was written. */
export function faultOf(record: Buffer, { length }: RecordHeader): string | undefined {
  if (record.length < length) return `ends after ${record.length} of ${length} bytes`;
  if (record[16] !== FORMAT_VERSION) return `is of version ${record[16]}, and version ${FORMAT_VERSION} is known`;
  const contentAt = RECORD_HEADER_BYTES + record.readUInt16LE(18);
  return record.readUInt32LE(12) === crc32(record.subarray(contentAt, length)) ? undefined : 'has a wrong checksum';
}

/** The events of a record without fault, over its own bytes or, where it was encrypted, fresh ones; `undefined` where it was altered all the same. */
export function eventsOf(record: Buffer, { events }: RecordHeader, codec: RecordCodec): Batch | undefined {
  const content = codec.open(record);
  try {
    return content && readSections(content, events);
  } catch (error) {
    // Numbers that lead outside: its writer did not make these.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** What is wrong with a record of which `eventsOf` makes nothing. */
export function alteredText({ first }: RecordHeader): string {
  return `the record of event ${first} was altered by somebody: its checksums are right, and what they cover is not`;
}

/** Where its events come from, as far as that is known. */
export function originsOf(record: Buffer, { events }: RecordHeader, codec: RecordCodec): readonly Origin[] {
  const content = codec.open(record);
  return content ? readOrigins(content, events) : [];
}

function headerChecksum(header: Buffer, contentAt: number): number {
  return crc32(header.subarray(12, contentAt), crc32(header.subarray(0, 8)));
}
