import type { StoreFile } from '../../io/store-files.ts';
import type { PageMemory } from './page-memory.ts';
import { readPatiently } from './patient-read.ts';
import { faultOf, headerAt, MOST_HEADER_BYTES, RECORD_HEADER_BYTES, type RecordHeader } from './record.ts';
import { RECORDS_AT } from './segment.ts';

export const PAGE_BYTES = 512 * 1024;

export interface FoundRecord {
  readonly kind: 'record';
  readonly position: number;
  readonly header: RecordHeader;
  readonly bytes: Buffer;
}

/** Bytes that are no record as it was written. */
export interface FoundDamage {
  readonly kind: 'damage';
  readonly position: number;
  readonly length: number;
  /** Where the header is sound: which events were there. */
  readonly header?: RecordHeader;
  readonly sentence: string;
}

export type Found = FoundRecord | FoundDamage;

export interface ScanOptions {
  readonly identity: Buffer;
  /** Records of other generations are left-overs; `undefined` takes those of any. */
  readonly generation: number | undefined;
  readonly from?: number;
  /** For pages, which whoever takes the records gives back; fresh memory where it is left out. */
  readonly memory?: PageMemory | undefined;
}

/**
 * Walks through a segment: every record with its checksums verified, and what lies between them. After damage it looks for the next sound
 * header at each multiple of 8, so that a length that lies leads nowhere.
 */
export class SegmentScan {
  readonly #file: StoreFile;
  readonly #options: ScanOptions;
  #position: number;
  /** Where the damage began that the scan is in. */
  #damagedFrom: number | undefined;

  constructor(file: StoreFile, options: ScanOptions) {
    this.#file = file;
    this.#options = options;
    this.#position = options.from ?? RECORDS_AT;
  }

  /** What follows next, up to byte `limit`; `undefined` at the limit or the end of the file. Damage that reaches it is told last. */
  async next(limit: number): Promise<Found[] | undefined> {
    for (;;) {
      const from = this.#position;
      const wanted = Math.min(PAGE_BYTES, limit - from);
      const page = wanted < RECORD_HEADER_BYTES ? undefined : await readPatiently(this.#file, from, wanted, this.#options.memory?.take(wanted));
      if (!page || page.length < RECORD_HEADER_BYTES) return this.#endOfDamage(from + (page?.length ?? Math.max(0, wanted)));
      const found = await this.#parse(page, from, limit);
      if (found.length > 0) return found;
      if (this.#position === from) return this.#endOfDamage(from + page.length);
    }
  }

  async #parse(page: Buffer, from: number, limit: number): Promise<Found[]> {
    const found: Found[] = [];
    let at = 0;
    // Extra bytes of a header may be cut off by the end of a full page.
    const headerBytes = page.length === PAGE_BYTES ? MOST_HEADER_BYTES : RECORD_HEADER_BYTES;
    while (at + headerBytes <= page.length) {
      const header = this.#headerAt(page, at);
      if (!header) {
        this.#damagedFrom ??= from + at;
        at = this.#nextCandidate(page, at + 8, headerBytes);
        continue;
      }
      let bytes = page.subarray(at, at + header.length);
      if (bytes.length < header.length && from + at + header.length <= limit) {
        // Begins in this page and ends in another: the next page begins with it, or it gets a page of its own.
        if (found.length > 0) break;
        bytes = await readPatiently(this.#file, from + at, header.length);
      }
      this.#closeDamage(from + at, found);
      const sentence = faultOf(bytes, header);
      const position = from + at;
      if (sentence === undefined) found.push({ kind: 'record', position, header, bytes });
      else found.push({ kind: 'damage', position, length: header.length, header, sentence: `the record of event ${header.first} ${sentence}` });
      at += header.length;
    }
    this.#position = from + at;
    return found;
  }

  #headerAt(page: Buffer, at: number): RecordHeader | undefined {
    const { identity, generation } = this.#options;
    const header = headerAt(page, at, identity);
    return header && (generation === undefined || header.generation === generation) ? header : undefined;
  }

  /** The next place, a multiple of 8 from the begin of the segment, where a header may begin; behind what of the page is looked at if there is none. */
  #nextCandidate(page: Buffer, from: number, headerBytes: number): number {
    const { identity } = this.#options;
    for (let at = page.indexOf(identity, from); at >= 0; at = page.indexOf(identity, at + 1)) if (at % 8 === 0) return at;
    return Math.max(from, (page.length - headerBytes + 8) & ~7);
  }

  #closeDamage(position: number, found: Found[]): void {
    const begin = this.#damagedFrom;
    this.#damagedFrom = undefined;
    if (begin === undefined) return;
    found.push({ kind: 'damage', position: begin, length: position - begin, sentence: `no record begins at byte ${begin}, where one was expected` });
  }

  #endOfDamage(position: number): Found[] | undefined {
    const found: Found[] = [];
    this.#closeDamage(Math.max(position, this.#damagedFrom ?? 0), found);
    this.#position = Math.max(this.#position, position);
    return found.length > 0 ? found : undefined;
  }
}
