import type { Batch } from '../../core/batch.ts';
import { TooLargeError } from '../../core/errors.ts';
import { chunkWasRead } from '../../io/read-memory.ts';
import { finishRecord, RECORD_HEADER_BYTES, type RecordCodec, type RecordOrigin } from './record.ts';
import type { Piece } from './ready-events.ts';
import { readSections, sectionOf, writeSection } from './sections.ts';
import type { Put } from './waiting-puts.ts';

/** One write, and one sync, gathers up to this much. */
const GROUP_EVENTS = 20_000;
const GROUP_BYTES = 2 * 1024 * 1024;
/** One record holds up to this much, or one put: what a damaged one takes with it, and what a reader has to hold. */
const RECORD_BYTES = 128 * 1024;
/** Memory of which a part may well be kept alive. */
const SMALL_BYTES = 16 * 1024;
/** A larger batch would not fit into the numbers of a record. */
const MOST_PUT_BYTES = 256 * 1024 * 1024;

/** The end of the events, in numbers and in bytes of bodies. */
export interface Tail {
  readonly event: number;
  readonly byte: number;
}

interface GatheredRecord {
  readonly at: number;
  end: number;
  puts: number;
  events: number;
  bytes: number;
}

/** Puts that go into one write: each is encoded when it comes, into memory that is used again. */
export class Group {
  readonly puts: Put[] = [];
  readonly #codec: RecordCodec;
  #target: Buffer = Buffer.alloc(0);
  #end = 0;
  #events = 0;
  #bytes = 0;
  #records: GatheredRecord[] = [];

  constructor(codec: RecordCodec) {
    this.#codec = codec;
  }

  get isEmpty(): boolean {
    return this.puts.length === 0;
  }

  get events(): number {
    return this.#events;
  }

  /** Body bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Bytes of the records. */
  get length(): number {
    return this.#end;
  }

  /** Takes a put, unless the group is full with it; the first one always fits. */
  add(put: Put): boolean {
    const { batch } = put;
    if (this.puts.length > 0 && (this.#events + batch.size > GROUP_EVENTS || this.#end + batch.byteLength > GROUP_BYTES)) return false;
    const section = sectionOf(batch);
    let record = this.#records.at(-1);
    if (!record || record.end - record.at + section.length > RECORD_BYTES) record = this.#beginRecord(section.length);
    else this.#makeRoom(section.length + 8);
    record.end = writeSection(section, this.#target, record.end);
    record.puts++;
    record.events += batch.size;
    record.bytes += batch.byteLength;
    this.#end = record.end;
    this.#events += batch.size;
    this.#bytes += batch.byteLength;
    this.puts.push(put);
    return true;
  }

  /** The records behind `from`, finished, to be written at `position` of a segment; `noteRecord` is told of each. */
  finish(origin: RecordOrigin, from: Tail, synced: number, noteRecord: (first: number, at: number) => void): Buffer {
    this.#closeRecord();
    let { event, byte } = from;
    for (const { at, end, events, bytes } of this.#records) {
      const facts = { first: event, events, firstByte: byte, bytes, synced, length: end - at };
      finishRecord(this.#target, at, origin, facts, this.#codec);
      noteRecord(event, at);
      event += events;
      byte += bytes;
    }
    return this.#target.subarray(0, this.#end);
  }

  /** What is lent from memory, from event number `first` on. To be called before `finish`, which may encrypt. */
  pieces(first: number): Piece[] {
    const pieces: Piece[] = [];
    let from = first;
    let put = 0;
    for (const record of this.#records) {
      const only = record.puts === 1 ? this.puts[put]?.batch : undefined;
      pieces.push({ from, batch: only && !holdsMuchMore(only) ? only : this.#copy(record) });
      from += record.events;
      put += record.puts;
    }
    return pieces;
  }

  /** Empties it; the memory stays for the next group, unless one large put made it larger than most need. */
  clear(): void {
    this.puts.length = 0;
    this.#records = [];
    this.#end = 0;
    this.#events = 0;
    this.#bytes = 0;
    if (this.#target.length > 2 * GROUP_BYTES) this.#target = Buffer.alloc(0);
  }

  /** Many small puts as one batch, over memory of its own. */
  #copy({ at, end, events }: GatheredRecord): Batch {
    const content = Buffer.from(this.#target.subarray(at + RECORD_HEADER_BYTES + this.#codec.extraBytes, end));
    chunkWasRead(content.length);
    return readSections(content, events);
  }

  #beginRecord(contentBytes: number): GatheredRecord {
    this.#closeRecord();
    const at = this.#end;
    const end = at + RECORD_HEADER_BYTES + this.#codec.extraBytes;
    this.#makeRoom(end - at + contentBytes + 8);
    const record = { at, end, puts: 0, events: 0, bytes: 0 };
    this.#records.push(record);
    return record;
  }

  /** Records begin at multiples of 8. */
  #closeRecord(): void {
    const record = this.#records.at(-1);
    if (!record) return;
    const end = (record.end + 7) & ~7;
    this.#target.fill(0, record.end, end);
    record.end = end;
    this.#end = end;
  }

  #makeRoom(bytes: number): void {
    const needed = this.#end + bytes;
    if (needed <= this.#target.length) return;
    // Small at first, for channels over which little goes.
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, Math.min(2 * this.#target.length, GROUP_BYTES + RECORD_BYTES), 64 * 1024));
    this.#target.copy(grown, 0, 0, this.#end);
    this.#target = grown;
  }
}

/** Few events over much memory, which would stay as long as they do. */
function holdsMuchMore({ bytes, bounds, size }: Batch): boolean {
  const { byteLength } = bytes.buffer;
  return byteLength > SMALL_BYTES && byteLength > 2 * ((bounds[2 * size - 1] as number) - (bounds[0] as number));
}

/** For a batch that would not fit into the empty channel. */
export function tooLargeError(batch: Batch, limits: { readonly capacity: number; readonly transactionCapacity: number }): TooLargeError | undefined {
  const most = Math.min(limits.transactionCapacity, limits.capacity);
  if (batch.size > most) {
    const option = most === limits.capacity ? 'capacity' : 'transactionCapacity';
    return new TooLargeError(`${batch.size} events are more than one transaction holds: the channel takes up to ${most} at a time (${option})`);
  }
  if (batch.byteLength <= MOST_PUT_BYTES) return undefined;
  return new TooLargeError(`${batch.size} events of ${batch.byteLength} bytes are more than one transaction holds: the channel takes up to ${MOST_PUT_BYTES} bytes at a time`);
}
