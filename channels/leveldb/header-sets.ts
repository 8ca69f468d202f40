import type { Batch, HeaderRows } from '../../core/batch.ts';

/**
 * Headers of the events of one section, as they lie in a record; numbers are little-endian.
 *
 *   kind 0   none
 *   kind 1   one set for all events
 *   kind 2   u32 end of each event's set, counted from behind the last end; then the sets
 *   set      u32 headers, then for each: u32 length, name, u32 length, value, in UTF-8
 */
export const NO_HEADERS = 0;
export const SHARED_HEADERS = 1;
export const OWN_HEADERS = 2;

export interface EncodedHeaders {
  readonly kind: number;
  readonly bytes: Buffer;
}

/** Of the events from `firstRow` on, `size` of them. */
export interface SectionHeaders extends EncodedHeaders {
  readonly firstRow: number;
  readonly size: number;
}

const NOTHING: EncodedHeaders = { kind: NO_HEADERS, bytes: Buffer.alloc(0) };
const NO_SET: ReadonlyMap<string, string> = new Map();

export function encodeHeaders(batch: Batch): EncodedHeaders {
  if (!batch.hasOwnHeaders) {
    const shared = batch.headers(0);
    return shared.size === 0 ? NOTHING : { kind: SHARED_HEADERS, bytes: encodeSet(shared) };
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
  return { kind: OWN_HEADERS, bytes: Buffer.concat(sets) };
}

export function decodeSet(bytes: Buffer): Map<string, string> {
  const headers = new Map<string, string>();
  let at = 4;
  const text = (): string => {
    const length = bytes.readUInt32LE(at);
    at += 4 + length;
    return bytes.toString('utf8', at - length, at);
  };
  for (let left = bytes.readUInt32LE(0); left > 0; left--) headers.set(text(), text());
  return headers;
}

/** Headers that stay encoded until they are asked for. */
export class SectionRows implements HeaderRows {
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
