import type { Batch } from '../../core/batch.ts';
import type { Origin } from '../../core/component.ts';
import type { StoreFile } from '../../io/store-files.ts';
import type { EventLog } from './event-log.ts';
import type { Tail } from './group.ts';
import type { IndexRow } from './keys.ts';
import type { PageMemory } from './page-memory.ts';
import { alteredText, eventsOf, headerAt, MOST_HEADER_BYTES, originsOf } from './record.ts';
import { SegmentScan, type Found } from './segment-scan.ts';
import { RECORDS_AT, type Segment } from './segment.ts';

/** Events that are not there any more, or not as they were written. */
export interface Gap {
  readonly from: number;
  readonly to: number;
  readonly bytes: number;
  /** What was found in their place; none where there was nothing. */
  readonly faults: readonly Fault[];
}

export interface Fault {
  readonly sentence: string;
  readonly segment: Segment;
}

export interface ReadRecord {
  readonly first: number;
  readonly batch: Batch;
  /** Milliseconds since 1970. */
  readonly written: number;
  /** Bytes of the record. */
  readonly length: number;
  origins(): readonly Origin[];
}

export interface Page {
  readonly records: readonly ReadRecord[];
  readonly gaps: readonly Gap[];
}

interface Open {
  readonly segment: Segment;
  readonly file: StoreFile;
  readonly scan: SegmentScan;
}

/**
 * Reads the events of a log in order, each record with its checksums verified, and tells exactly which events are missing between them.
 * What cannot be read is passed over.
 */
export class LogReader {
  readonly #log: EventLog;
  readonly #memory: PageMemory | undefined;
  #expected: number;
  #expectedByte: number;
  /** Where the record with the next event may lie. */
  #hint: IndexRow | undefined;
  #open: Open | undefined;
  /** Read to its end, as it was then. */
  #finished: { readonly segment: Segment; readonly limit: number } | undefined;
  #faults: Fault[] = [];

  /** `at` is the first event that has to come. */
  constructor(log: EventLog, at: Tail, hint?: IndexRow, memory?: PageMemory) {
    this.#log = log;
    this.#memory = memory;
    this.#expected = at.event;
    this.#expectedByte = at.byte;
    this.#hint = hint;
  }

  /** Where the next record has to begin: behind the last one that was read, or the last gap. */
  get position(): Tail {
    return { event: this.#expected, byte: this.#expectedByte };
  }

  /** What follows up to `tail`, the end of the log, is known without reading. */
  moveTo(tail: Tail): void {
    this.#expected = tail.event;
    this.#expectedByte = tail.byte;
    this.#faults = [];
    this.#finished = undefined;
    const { readable } = this.#log;
    this.#hint = readable && { first: tail.event, generation: readable.segment.generation, position: readable.position };
    void this.close();
  }

  /** The next records, about half a megabyte of them, all below `tail`. At the tail: nothing. */
  async read(tail: Tail): Promise<Page> {
    const records: ReadRecord[] = [];
    const gaps: Gap[] = [];
    const { readable } = this.#log;
    while (records.length === 0 && this.#expected < tail.event) {
      const { segment, next } = this.#log.around(this.#expected);
      const to = next ? { event: next.first, byte: next.firstByte } : tail;
      const limit = segment === readable?.segment ? (readable?.position ?? 0) : Infinity;
      if (!segment || (segment === this.#finished?.segment && limit === this.#finished.limit)) {
        this.#gapTo(to.event < tail.event ? to : tail, gaps);
        continue;
      }
      const found = await this.#next(segment, limit);
      if (found) for (const item of found) this.#accept(item, segment, Math.min(to.event, tail.event), records, gaps);
      else this.#finished = { segment, limit };
    }
    return { records, gaps };
  }

  async close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    await open?.file.close().catch(() => undefined);
  }

  async #next(segment: Segment, limit: number): Promise<Found[] | undefined> {
    try {
      if (this.#open?.segment !== segment) {
        await this.close();
        this.#open = await this.#begin(segment);
      }
      return await this.#open.scan.next(limit);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      this.#faults.push({ segment, sentence: `${this.#log.pathOf(segment)} is missing` });
      return undefined;
    }
  }

  async #begin(segment: Segment): Promise<Open> {
    const file = await this.#log.parts.files.open(this.#log.pathOf(segment), 'read');
    try {
      const from = await this.#beginIn(segment, file);
      return { segment, file, scan: new SegmentScan(file, { identity: this.#log.identity, generation: segment.generation, from, memory: this.#memory }) };
    } catch (error) {
      await file.close().catch(() => undefined);
      throw error;
    }
  }

  /** The hint is believed where a record lies there, or where the log ends. */
  async #beginIn(segment: Segment, file: StoreFile): Promise<number> {
    const hint = this.#hint;
    this.#hint = undefined;
    if (hint?.generation !== segment.generation || hint.first > this.#expected) return RECORDS_AT;
    const bytes = await file.read(hint.position, MOST_HEADER_BYTES).catch(() => Buffer.alloc(0));
    const header = headerAt(bytes, 0, this.#log.identity);
    return header?.generation === segment.generation && header.first === hint.first ? hint.position : RECORDS_AT;
  }

  #accept(item: Found, segment: Segment, below: number, records: ReadRecord[], gaps: Gap[]): void {
    if (item.kind === 'damage') {
      const { sentence, position } = item;
      this.#faults.push({ segment, sentence: `${this.#log.pathOf(segment)}, byte ${position}: ${sentence}` });
      return;
    }
    const { header, bytes } = item;
    const end = header.first + header.events;
    // Behind the begin of the next segment lies only what was refused to its source.
    if (header.first >= below || end <= this.#expected) return;
    const { codec } = this.#log.parts;
    const batch = eventsOf(bytes, header, codec);
    if (!batch) {
      this.#faults.push({ segment, sentence: `${this.#log.pathOf(segment)}, byte ${item.position}: ${alteredText(header)}` });
      return;
    }
    if (header.first > this.#expected) this.#gapTo({ event: header.first, byte: header.firstByte }, gaps);
    const { first, written, length } = header;
    records.push({ first, batch, written, length, origins: () => originsOf(bytes, header, codec) });
    this.#expected = end;
    this.#expectedByte = header.firstByte + header.bytes;
    this.#faults = [];
  }

  #gapTo({ event, byte }: Tail, gaps: Gap[]): void {
    gaps.push({ from: this.#expected, to: event, bytes: Math.max(0, byte - this.#expectedByte), faults: this.#faults });
    this.#expected = event;
    this.#expectedByte = byte;
    this.#faults = [];
  }
}
