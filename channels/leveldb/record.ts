import { crc32 } from 'node:zlib';
import { Batch, type HeaderRows } from '../../core/batch.ts';
import { readU64, writeU64 } from './keys.ts';

/**
 * A record: the events of one write, from one or more puts (sections). u64 is big-endian, everything else little-endian.
 *
 *   record    u8 version = 1, u8 flags = 0, u16 sections, u32 CRC-32 of all other bytes, u64 first event, u64 body bytes before it since
 *             the store began, u32 events, u32 length of the record, section…, u32 length of each body…, headers of each section…,
 *             bodies of each section…
 *   section   u32 events, u32 gap, u32 kind of headers, u32 bytes of headers, u32 bytes of bodies with their gaps
 *   gap       bytes behind each body that belong to no event: 1 where lines came with their line feeds, else 0
 *   headers   kind 0: none. Kind 1: one set for all events. Kind 2: u32 end of each event's set, counted from behind the last end; sets
 *   set       u32 headers, then for each: u32 length, name, u32 length, value, in UTF-8
 */
export const RECORD_VERSION = 1;

const RECORD_HEADER_BYTES = 32;
const SECTION_BYTES = 20;
/** Most sections of one record. */
export const MOST_SECTIONS = 65_535;

const NO_HEADERS = 0;
const SHARED_HEADERS = 1;
const OWN_HEADERS = 2;

export interface RecordFacts {
  readonly first: number;
  readonly firstByte: number;
  readonly events: number;
  /** Bytes of the bodies. */
  readonly bytes: number;
}

interface Section {
  readonly batch: Batch;
  readonly gap: number;
  readonly kind: number;
  readonly headers: Buffer;
  readonly bodyBytes: number;
}

const NOTHING = Buffer.alloc(0);

/** The record of `batches`, whose first event has the number `first`. No batch is empty. */
export function encodeRecord(batches: readonly Batch[], first: number, firstByte: number): { value: Buffer; facts: RecordFacts } {
  const sections = batches.map(sectionOf);
  let events = 0;
  let bytes = 0;
  let length = RECORD_HEADER_BYTES + sections.length * SECTION_BYTES;
  for (const { batch, headers, bodyBytes } of sections) {
    events += batch.size;
    bytes += batch.byteLength;
    length += 4 * batch.size + headers.length + bodyBytes;
  }
  const value = Buffer.allocUnsafeSlow(length);
  value[0] = RECORD_VERSION;
  value[1] = 0;
  value.writeUInt16LE(sections.length, 2);
  value.writeUInt32LE(0, 4);
  writeU64(value, first, 8);
  writeU64(value, firstByte, 16);
  value.writeUInt32LE(events, 24);
  value.writeUInt32LE(length, 28);
  let at = RECORD_HEADER_BYTES;
  for (const { batch, gap, kind, headers, bodyBytes } of sections) {
    value.writeUInt32LE(batch.size, at);
    value.writeUInt32LE(gap, at + 4);
    value.writeUInt32LE(kind, at + 8);
    value.writeUInt32LE(headers.length, at + 12);
    value.writeUInt32LE(bodyBytes, at + 16);
    at += SECTION_BYTES;
  }
  const lengths = new Uint32Array(value.buffer, value.byteOffset + at, events);
  let event = 0;
  for (const { batch } of sections) event = copyLengths(batch, lengths, event);
  at += 4 * events;
  for (const { headers } of sections) at += headers.copy(value, at);
  for (const section of sections) at = copyBodies(section, value, at);
  value.writeUInt32LE(checksum(value), 4);
  return { value, facts: { first, firstByte, events, bytes } };
}

/** What is wrong with a record that was read, for a sentence; `undefined` where it is as it was written. */
export function faultOf(value: Buffer, first: number): string | undefined {
  if (value.length < RECORD_HEADER_BYTES) return `has ${value.length} bytes, fewer than the shortest record`;
  if (value.readUInt32LE(4) !== checksum(value)) return 'has a wrong checksum';
  if (value[0] !== RECORD_VERSION) return `is of version ${value[0]}, and version ${RECORD_VERSION} is known`;
  if (readU64(value, 8) !== first) return `belongs to event ${readU64(value, 8)}`;
  if (value.readUInt32LE(28) !== value.length) return `has ${value.length} bytes instead of ${value.readUInt32LE(28)}`;
  return undefined;
}

/** The events of a record without fault, over its own bytes. */
export function decodeRecord(value: Buffer): { batch: Batch; facts: RecordFacts } {
  const sectionCount = value.readUInt16LE(2);
  const events = value.readUInt32LE(24);
  let at = RECORD_HEADER_BYTES + sectionCount * SECTION_BYTES;
  const lengths = lengthsAt(value, at, events);
  at += 4 * events;
  const headers: SectionHeaders[] = [];
  let firstRow = 0;
  for (let index = 0; index < sectionCount; index++) {
    const section = RECORD_HEADER_BYTES + index * SECTION_BYTES;
    const size = value.readUInt32LE(section);
    const headerBytes = value.readUInt32LE(section + 12);
    headers.push({ firstRow, size, kind: value.readUInt32LE(section + 8), bytes: value.subarray(at, at + headerBytes) });
    firstRow += size;
    at += headerBytes;
  }
  const bounds = new Uint32Array(2 * events);
  let event = 0;
  let bytes = 0;
  for (let index = 0; index < sectionCount; index++) {
    const section = RECORD_HEADER_BYTES + index * SECTION_BYTES;
    const size = value.readUInt32LE(section);
    const gap = value.readUInt32LE(section + 4);
    const end = fillBounds(bounds, lengths, event, size, at, gap);
    bytes += end - at - size * gap;
    at = end;
    event += size;
  }
  const batch = withSectionHeaders(value, bounds, events, headers);
  return { batch, facts: { first: readU64(value, 8), firstByte: readU64(value, 16), events, bytes } };
}

function checksum(value: Buffer): number {
  return crc32(value.subarray(8), crc32(value.subarray(0, 4)));
}

function sectionOf(batch: Batch): Section {
  const gap = isLines(batch) ? 1 : 0;
  const { kind, headers } = encodeHeaders(batch);
  return { batch, gap, kind, headers, bodyBytes: batch.byteLength + gap * batch.size };
}

/** Bodies one byte apart, with a byte behind the last: what stands between them is kept, so that a sink can write them as they lie. */
function isLines(batch: Batch): boolean {
  const { bounds, size, bytes } = batch;
  if ((bounds[2 * size - 1] as number) + 1 > bytes.length) return false;
  for (let index = 2; index < 2 * size; index += 2) if (bounds[index] !== (bounds[index - 1] as number) + 1) return false;
  return true;
}

function copyLengths(batch: Batch, lengths: Uint32Array, from: number): number {
  const { bounds, size } = batch;
  for (let index = 0; index < size; index++) lengths[from + index] = (bounds[2 * index + 1] as number) - (bounds[2 * index] as number);
  return from + size;
}

function copyBodies({ batch, gap }: Section, value: Buffer, from: number): number {
  const { bounds, size, bytes } = batch;
  if (gap === 1) return from + bytes.copy(value, from, bounds[0], (bounds[2 * size - 1] as number) + 1);
  let at = from;
  for (let index = 0; index < size; index++) at += bytes.copy(value, at, bounds[2 * index], bounds[2 * index + 1]);
  return at;
}

/** Records are read into buffers of any alignment. */
function lengthsAt(value: Buffer, at: number, events: number): Uint32Array {
  const offset = value.byteOffset + at;
  if (offset % 4 === 0) return new Uint32Array(value.buffer, offset, events);
  const copy = new Uint8Array(4 * events);
  value.copy(copy, 0, at, at + 4 * events);
  return new Uint32Array(copy.buffer);
}

function fillBounds(bounds: Uint32Array, lengths: Uint32Array, from: number, size: number, start: number, gap: number): number {
  let at = start;
  for (let event = from; event < from + size; event++) {
    bounds[2 * event] = at;
    at += lengths[event] as number;
    bounds[2 * event + 1] = at;
    at += gap;
  }
  return at;
}

function encodeHeaders(batch: Batch): { kind: number; headers: Buffer } {
  if (!batch.hasOwnHeaders) {
    const shared = batch.headers(0);
    return shared.size === 0 ? { kind: NO_HEADERS, headers: NOTHING } : { kind: SHARED_HEADERS, headers: encodeSet(shared) };
  }
  const ends = Buffer.allocUnsafe(4 * batch.size);
  const sets: Buffer[] = [ends];
  let end = 0;
  for (let index = 0; index < batch.size; index++) {
    const set = encodeSet(batch.headers(index));
    sets.push(set);
    end += set.length;
    ends.writeUInt32LE(end, 4 * index);
  }
  return { kind: OWN_HEADERS, headers: Buffer.concat(sets) };
}

function encodeSet(headers: ReadonlyMap<string, string>): Buffer {
  const texts: string[] = [];
  let length = 4;
  for (const [name, text] of headers) {
    texts.push(name, text);
    length += 8 + Buffer.byteLength(name) + Buffer.byteLength(text);
  }
  const bytes = Buffer.allocUnsafe(length);
  let at = bytes.writeUInt32LE(headers.size, 0);
  for (const text of texts) {
    const written = bytes.write(text, at + 4);
    bytes.writeUInt32LE(written, at);
    at += 4 + written;
  }
  return bytes;
}

function decodeSet(bytes: Buffer): Map<string, string> {
  const headers = new Map<string, string>();
  let at = 4;
  const text = (): string => {
    const length = bytes.readUInt32LE(at);
    at += 4 + length;
    return bytes.toString('utf8', at - length, at);
  };
  for (let left = bytes.readUInt32LE(0); left > 0; left--) {
    const name = text();
    headers.set(name, text());
  }
  return headers;
}

interface SectionHeaders {
  readonly firstRow: number;
  readonly size: number;
  readonly kind: number;
  readonly bytes: Buffer;
}

function withSectionHeaders(value: Buffer, bounds: Uint32Array, events: number, sections: readonly SectionHeaders[]): Batch {
  const [first] = sections;
  if (first && first.kind !== OWN_HEADERS && sections.every(({ kind, bytes }) => kind === first.kind && bytes.equals(first.bytes))) {
    let batch = Batch.over(value, bounds, events);
    if (first.kind === SHARED_HEADERS) for (const [name, text] of decodeSet(first.bytes)) batch = batch.withHeader(name, text, false);
    return batch;
  }
  return Batch.over(value, bounds, events, new SectionRows(sections));
}

const NO_SET: ReadonlyMap<string, string> = new Map();

/** Headers that stay encoded until they are asked for. */
class SectionRows implements HeaderRows {
  readonly #sections: readonly SectionHeaders[];
  readonly #shared = new Map<SectionHeaders, ReadonlyMap<string, string>>();

  constructor(sections: readonly SectionHeaders[]) {
    this.#sections = sections;
  }

  at(row: number): ReadonlyMap<string, string> {
    const section = this.#find(row);
    if (section.kind === NO_HEADERS) return NO_SET;
    if (section.kind === SHARED_HEADERS) {
      const known = this.#shared.get(section) ?? decodeSet(section.bytes);
      this.#shared.set(section, known);
      return known;
    }
    const index = row - section.firstRow;
    const sets = 4 * section.size;
    const from = index === 0 ? 0 : section.bytes.readUInt32LE(4 * (index - 1));
    return decodeSet(section.bytes.subarray(sets + from, sets + section.bytes.readUInt32LE(4 * index)));
  }

  get(row: number, name: string): string | undefined {
    return this.at(row).get(name);
  }

  #find(row: number): SectionHeaders {
    let low = 0;
    let high = this.#sections.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#sections[middle] as SectionHeaders).firstRow <= row) low = middle;
      else high = middle - 1;
    }
    return this.#sections[low] as SectionHeaders;
  }
}
