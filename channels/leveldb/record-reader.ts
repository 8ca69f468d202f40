import type { Batch } from '../../core/batch.ts';
import { dataKey, decodeRow, eventOfKey, indexKey } from './keys.ts';
import { decodeRecord, faultOf } from './record.ts';
import { isDamage, type Entry, type Store } from './store.ts';

/** Events that are not there any more, or not as they were written. */
export interface Gap {
  readonly from: number;
  readonly to: number;
  readonly bytes: number;
  /** What was found in their place; none where there was nothing. */
  readonly faults: readonly Fault[];
}

export interface Fault {
  readonly first: number;
  readonly sentence: string;
  /** The damaged record, where it could be read. */
  readonly value?: Buffer;
}

export interface ReadRecord {
  readonly first: number;
  readonly batch: Batch;
  readonly bytes: number;
  /** Bytes of the record. */
  readonly length: number;
}

export interface Page {
  readonly records: readonly ReadRecord[];
  readonly gaps: readonly Gap[];
}

/** Where a store ends. */
export interface Tail {
  readonly event: number;
  readonly byte: number;
}

/**
 * Reads the records of a store in order, each with its checksum verified, and tells exactly which events are missing between them. What
 * cannot be read is passed over.
 */
export class RecordReader {
  readonly #store: Store;
  #seek: number;
  #expected: number;
  #expectedByte: number;
  #faults: Fault[] = [];
  /** Passes over what a scan cannot read. Otherwise the error is thrown: a table that LevelDB cannot open hides sound ones from scans. */
  tolerant = false;

  /** `expected` is the first event that has to come; the record that holds it begins at `seek`. */
  constructor(store: Store, seek: number, expected: number, expectedByte: number) {
    this.#store = store;
    this.#seek = seek;
    this.#expected = expected;
    this.#expectedByte = expectedByte;
  }

  /** Where the next record has to begin: behind the last one that was read, or the last gap. */
  get position(): Tail {
    return { event: this.#expected, byte: this.#expectedByte };
  }

  /** What follows up to `tail` is known without reading. */
  moveTo(tail: Tail): void {
    this.#seek = tail.event;
    this.#expected = tail.event;
    this.#expectedByte = tail.byte;
    this.#faults = [];
  }

  /** The next records, about `mostBytes` of them, all below `tail`. At the tail: nothing. */
  async read(tail: Tail, mostBytes: number): Promise<Page> {
    const records: ReadRecord[] = [];
    const gaps: Gap[] = [];
    if (this.#expected >= tail.event) return { records, gaps };
    let unreadable: Error | undefined;
    const found = async (entries: () => Promise<readonly Entry[]>): Promise<boolean> => {
      try {
        for (const [key, value] of await entries()) this.#accept(key, value, tail.event, records, gaps);
      } catch (error) {
        if (!this.tolerant || !isDamage(error)) throw error;
        unreadable = error as Error;
      }
      return records.length > 0;
    };
    const lt = dataKey(tail.event);
    if (await found(() => this.#store.scan({ gte: dataKey(this.#seek), lt, limit: 1000, mostBytes }))) return { records, gaps };
    // One damaged key can hide those behind it from a scan: the index names them.
    if (await found(() => this.#nextNamed(tail.event))) return { records, gaps };
    if (unreadable && (await this.#probe(tail.event, found))) return { records, gaps };
    if (unreadable) this.#fault({ first: this.#seek, sentence: unreadable.message });
    this.#gapTo(tail.event, tail.byte, gaps);
    this.#seek = tail.event;
    return { records, gaps };
  }

  #accept(key: Buffer, value: Buffer, tail: number, records: ReadRecord[], gaps: Gap[]): void {
    const first = eventOfKey(key);
    if (first === undefined || first < this.#seek || first >= tail) return;
    const sentence = faultOf(value, first);
    // The key of a damaged record may itself be wrong, so it decides nothing.
    if (sentence !== undefined) return this.#fault({ first, sentence: `the record of event ${first} ${sentence}`, value });
    const { batch, facts } = decodeRecord(value);
    const end = first + facts.events;
    this.#seek = end;
    if (end <= this.#expected) return;
    if (first > this.#expected) this.#gapTo(first, facts.firstByte, gaps);
    records.push({ first, batch, bytes: facts.bytes, length: value.length });
    this.#expected = end;
    this.#expectedByte = facts.firstByte + facts.bytes;
    this.#faults = [];
  }

  #fault(fault: Fault): void {
    if (!this.#faults.some(({ first }) => first === fault.first)) this.#faults.push(fault);
  }

  #gapTo(event: number, byte: number, gaps: Gap[]): void {
    gaps.push({ from: this.#expected, to: event, bytes: Math.max(0, byte - this.#expectedByte), faults: this.#faults });
    this.#expected = event;
    this.#expectedByte = byte;
    this.#faults = [];
  }

  /** The first record without fault among those that the index names, each looked up by itself. */
  async #nextNamed(tail: number): Promise<Entry[]> {
    const rows = await this.#store.scan({ gte: indexKey(this.#seek), lt: indexKey(tail), limit: 1000 });
    for (const row of rows) {
      const first = decodeRow(...row)?.first;
      if (first === undefined) continue;
      try {
        const value = await this.#store.get(dataKey(first));
        if (value && faultOf(value, first) === undefined) return [[dataKey(first), value]];
      } catch (error) {
        if (!isDamage(error)) throw error;
        this.#fault({ first, sentence: `the record of event ${first} cannot be read: ${(error as Error).message}` });
      }
    }
    return [];
  }

  /** Nothing names what comes next: looks further and further on. */
  async #probe(tail: number, found: (entries: () => Promise<readonly Entry[]>) => Promise<boolean>): Promise<boolean> {
    const lt = dataKey(tail);
    for (let step = 1; this.#seek + step < tail; step *= 2) {
      const gte = dataKey(this.#seek + step);
      if (await found(() => this.#store.scan({ gte, lt, limit: 1 }))) return true;
    }
    return false;
  }
}
