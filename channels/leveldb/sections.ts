import { Batch } from '../../core/batch.ts';
import { copyBodies, copyLengths, fillBounds, gapOf } from '../../core/body-runs.ts';
import type { Origin } from '../../core/component.ts';
import { decodeOrigin, encodeOrigin } from '../../protocols/avro-rpc/origin.ts';
import { decodeSet, encodeHeaders, OWN_HEADERS, SectionRows, SHARED_HEADERS, type EncodedHeaders, type SectionHeaders } from './header-sets.ts';

/**
 * What a record holds: one section per put, each at a multiple of 4 bytes. Numbers are little-endian.
 *
 *   section   u32 events, u32 gap, u8 kind of headers, u24 bytes of origin, u32 bytes of headers, u32 bytes of bodies with their gaps,
 *             u32 length of each body, headers (header-sets.ts), origin, bodies, zeros up to a multiple of 4
 *   origin    the numbers the events have in the store of the agent that sent them (protocols/avro-rpc/origin.ts); mostly none
 *   gap       bytes behind each body that belong to no event: 1 where lines came with their line feeds, else 0
 */
const SECTION_BYTES = 20;
const MOST_ORIGIN_BYTES = 2 ** 24 - 1;
const NO_ORIGIN = Buffer.alloc(0);

/** A batch, measured: what `writeSection` needs. */
export interface Section {
  readonly batch: Batch;
  readonly gap: 0 | 1;
  readonly headers: EncodedHeaders;
  readonly origin: Buffer;
  readonly bodyBytes: number;
  /** Bytes of the section. */
  readonly length: number;
}

/** `batch` holds an event. */
export function sectionOf(batch: Batch): Section {
  const gap = gapOf(batch);
  const headers = encodeHeaders(batch);
  const origin = encodedOrigin(batch);
  const bodyBytes = batch.byteLength + gap * batch.size;
  return { batch, gap, headers, origin, bodyBytes, length: aligned(SECTION_BYTES + 4 * batch.size + headers.bytes.length + origin.length + bodyBytes) };
}

/** Writes a section into `target` at `at`, a multiple of 4 as the offset of `target` is; answers where it ends. */
export function writeSection({ batch, gap, headers, origin, bodyBytes, length }: Section, target: Buffer, at: number): number {
  const { size } = batch;
  const numbers = new Uint32Array(target.buffer, target.byteOffset + at, SECTION_BYTES / 4 + size);
  numbers[0] = size;
  numbers[1] = gap;
  numbers[2] = headers.kind | (origin.length << 8);
  numbers[3] = headers.bytes.length;
  numbers[4] = bodyBytes;
  copyLengths(batch, numbers.subarray(SECTION_BYTES / 4));
  let end = at + SECTION_BYTES + 4 * size;
  end += headers.bytes.copy(target, end);
  end += origin.copy(target, end);
  end = copyBodies(batch, gap, target, end);
  target.fill(0, end, at + length);
  return at + length;
}

/** The events of a record's content, over its own bytes. The content is as `writeSection` wrote it: its checksum was verified. */
export function readSections(content: Buffer, events: number): Batch {
  const bounds = new Uint32Array(2 * events);
  const headers: SectionHeaders[] = [];
  let event = 0;
  for (let at = 0; event < events; ) {
    const size = content.readUInt32LE(at);
    const gap = content.readUInt32LE(at + 4);
    const headerBytes = content.readUInt32LE(at + 12);
    const kind = content.readUInt32LE(at + 8);
    const headersAt = at + SECTION_BYTES + 4 * size;
    const originAt = headersAt + headerBytes;
    const bodiesAt = originAt + (kind >>> 8);
    headers.push({ firstRow: event, size, kind: kind & 0xff, bytes: content.subarray(headersAt, originAt) });
    fillBounds(bounds, event, numbersAt(content, at + SECTION_BYTES, size), bodiesAt, gap);
    event += size;
    at = aligned(bodiesAt + content.readUInt32LE(at + 16));
  }
  return withSectionHeaders(content, bounds, events, headers);
}

/** Where the events of a record's content come from, for those sections that know. */
export function readOrigins(content: Buffer, events: number): readonly Origin[] {
  const origins: Origin[] = [];
  for (let at = 0, event = 0; event < events; ) {
    const size = content.readUInt32LE(at);
    const originBytes = content.readUInt32LE(at + 8) >>> 8;
    const originAt = at + SECTION_BYTES + 4 * size + content.readUInt32LE(at + 12);
    if (originBytes > 0) origins.push(decodeOrigin(content.subarray(originAt, originAt + originBytes), size));
    event += size;
    at = aligned(originAt + originBytes + content.readUInt32LE(at + 16));
  }
  return origins;
}

/** One with very many pieces is left out: its events could be put twice. */
function encodedOrigin(batch: Batch): Buffer {
  const { origin } = batch;
  if (!origin) return NO_ORIGIN;
  const bytes = encodeOrigin(origin);
  return bytes.length <= MOST_ORIGIN_BYTES ? bytes : NO_ORIGIN;
}

export function aligned(length: number): number {
  return (length + 3) & ~3;
}

/** Records are read into buffers of any alignment. */
function numbersAt(bytes: Buffer, at: number, count: number): Uint32Array {
  const offset = bytes.byteOffset + at;
  if (offset % 4 === 0) return new Uint32Array(bytes.buffer, offset, count);
  const copy = new Uint8Array(4 * count);
  bytes.copy(copy, 0, at, at + 4 * count);
  return new Uint32Array(copy.buffer);
}

function withSectionHeaders(bytes: Buffer, bounds: Uint32Array, events: number, sections: readonly SectionHeaders[]): Batch {
  const [first] = sections;
  const shared = first && first.kind !== OWN_HEADERS && sections.every((section) => section.kind === first.kind && section.bytes.equals(first.bytes));
  if (!first || !shared) return Batch.over(bytes, bounds, events, new SectionRows(sections));
  let batch = Batch.over(bytes, bounds, events);
  if (first.kind === SHARED_HEADERS) for (const [name, text] of decodeSet(first.bytes)) batch = batch.withHeader(name, text, false);
  return batch;
}
