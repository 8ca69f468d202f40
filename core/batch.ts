import type { Origin } from './component.ts';
import type { Event } from './event.ts';
import { EventNumbers } from './event-numbers.ts';

/**
 * Headers of single events, one row per event. `at` may decode; it is asked only when somebody wants the headers.
 * Rows are those of the batch the headers were made for: slices and selections keep asking for the old rows.
 */
export interface HeaderRows {
  at(row: number): ReadonlyMap<string, string>;
  get(row: number, name: string): string | undefined;
  /** The row as an Avro map of strings, where it came so. */
  encoded?(row: number): Buffer | undefined;
}

/** A header set for all events of a batch. `wins` is false when an event's own header of that name is kept. */
interface CommonHeader {
  readonly value: string;
  readonly wins: boolean;
}

const NO_BYTES = Buffer.alloc(0);
const NO_BOUNDS = new Uint32Array(0);
const NO_HEADERS: ReadonlyMap<string, CommonHeader> = new Map();

/**
 * Events in order, over the bytes they came in. Never changes once it was put into a channel: what seems to change it returns a new
 * batch over the same bytes. Headers that all events share are kept once (`common`); those of single events stand beside them (`own`)
 * and stay encoded, if they came so, until somebody asks.
 */
export class Batch implements Iterable<Event> {
  /** The bytes that `bounds` points into; shared with other batches. */
  readonly bytes: Buffer;
  /** Begin and end of event i at 2i and 2i+1, in bytes of `bytes`. */
  readonly bounds: Uint32Array;
  readonly size: number;
  readonly #common: ReadonlyMap<string, CommonHeader>;
  readonly #own: HeaderRows | undefined;
  /** The events' numbers in the store of another agent, by row. */
  readonly #numbers: EventNumbers | undefined;
  /** Row of event i in `own` and `numbers`: `rows[i]`, or `firstRow + i` where the rows are in sequence. */
  readonly #rows: Uint32Array | undefined;
  readonly #firstRow: number;
  #byteLength = -1;

  private constructor(
    bytes: Buffer,
    bounds: Uint32Array,
    size: number,
    common: ReadonlyMap<string, CommonHeader> = NO_HEADERS,
    own?: HeaderRows,
    rows?: Uint32Array,
    firstRow = 0,
    numbers?: EventNumbers,
  ) {
    this.bytes = bytes;
    this.bounds = bounds;
    this.size = size;
    this.#common = common;
    this.#own = own;
    this.#rows = rows;
    this.#firstRow = firstRow;
    this.#numbers = numbers;
  }

  /** `bounds` holds begin and end of event i at 2i and 2i+1; `own` the headers of event i in row i. Neither is copied. */
  static over(bytes: Buffer, bounds: Uint32Array, size: number, own?: HeaderRows): Batch {
    return new Batch(bytes, bounds, size, NO_HEADERS, own);
  }

  /** Copies the bodies into one piece of memory. For plug-ins and for code where speed does not matter. */
  static of(events: Iterable<Event>): Batch {
    const list = [...events];
    const bounds = new Uint32Array(list.length * 2);
    let length = 0;
    for (const [index, event] of list.entries()) {
      bounds[2 * index] = length;
      length += event.body.length;
      bounds[2 * index + 1] = length;
    }
    const own = list.some((event) => event.headers.size > 0) ? headerRows(list.map((event) => event.headers)) : undefined;
    return Batch.over(
      Buffer.concat(
        list.map((event) => event.body),
        length,
      ),
      bounds,
      list.length,
      own,
    );
  }

  /**
   * The events of all, in order, with their bodies copied side by side: for many small batches that are to be lent as one, and for
   * few events that would keep much larger bytes alive. `allocate` gives the memory for them.
   */
  static concat(batches: readonly Batch[], allocate: (bytes: number) => Buffer = Buffer.allocUnsafeSlow): Batch {
    const [first] = batches;
    let size = 0;
    let room = 0;
    for (const batch of batches) {
      size += batch.size;
      room += batch.byteLength + batch.size;
    }
    const bytes = allocate(room);
    const bounds = new Uint32Array(size * 2);
    let event = 0;
    let at = 0;
    for (const batch of batches) {
      at = copyRuns(batch, bytes, at, bounds, event);
      event += batch.size;
    }
    if (!first || batches.every((batch) => !batch.#own && sameCommon(batch.#common, first.#common))) {
      return new Batch(bytes, bounds, size, first ? first.#common : NO_HEADERS);
    }
    const rows = batches.map((batch) => batch.withoutBodies());
    return Batch.over(bytes, bounds, size, new JoinedRows(rows));
  }

  /** A batch that was just read, with the numbers its events have in the store they come from: whoever keeps them can tell repeated ones. */
  static numbered(batch: Batch, origin: Origin): Batch {
    if (batch.#rows || batch.#firstRow > 0) throw new RangeError('a part of a batch is not numbered by itself');
    return new Batch(batch.bytes, batch.bounds, batch.size, batch.#common, batch.#own, batch.#rows, batch.#firstRow, new EventNumbers(origin));
  }

  /** Where the events come from, if that is known; `spans` are those of this batch, in its order. */
  get origin(): Origin | undefined {
    const numbers = this.#numbers;
    if (!numbers) return undefined;
    const { store, settled } = numbers;
    if (!this.#rows) return { store, spans: numbers.spans(this.#firstRow, this.size), settled };
    const spans: [number, number][] = [];
    for (let index = 0; index < this.size; index++) {
      const number = numbers.at(this.#row(index));
      const last = spans.at(-1);
      if (last?.[1] === number) last[1] = number + 1;
      else spans.push([number, number + 1]);
    }
    return { store, spans, settled };
  }

  /** Bytes of all bodies; what capacities in bytes count. */
  get byteLength(): number {
    if (this.#byteLength < 0) {
      const { bounds, size } = this;
      let sum = 0;
      for (let index = 0; index < 2 * size; index += 2) sum += (bounds[index + 1] as number) - (bounds[index] as number);
      this.#byteLength = sum;
    }
    return this.#byteLength;
  }

  /** False: every event of this batch has the same headers, and `headers(0)` tells them all. */
  get hasOwnHeaders(): boolean {
    return this.#own !== undefined;
  }

  /** A view, not a copy. */
  body(index: number): Buffer {
    return this.bytes.subarray(this.bounds[2 * index], this.bounds[2 * index + 1]);
  }

  header(index: number, name: string): string | undefined {
    const common = this.#common.get(name);
    if (common?.wins) return common.value;
    return this.#own?.get(this.#row(index), name) ?? common?.value;
  }

  /** In the order in which they were set, which decides how Flume prints them (`core/java-values.ts`, hash order). */
  headers(index: number): ReadonlyMap<string, string> {
    const headers = new Map(this.#own?.at(this.#row(index)));
    for (const [name, { value, wins }] of this.#common) if (wins || !headers.has(name)) headers.set(name, value);
    return headers;
  }

  /** The headers as an Avro map of strings, where they came so and none was set for all events since. A view. */
  encodedHeaders(index: number): Buffer | undefined {
    return this.#common.size === 0 ? this.#own?.encoded?.(this.#row(index)) : undefined;
  }

  slice(from: number, to: number): Batch {
    if (from === 0 && to === this.size) return this;
    return new Batch(
      this.bytes,
      this.bounds.subarray(2 * from, 2 * to),
      to - from,
      this.#common,
      this.#own,
      this.#rows?.subarray(from, to),
      this.#firstRow + from,
      this.#numbers,
    );
  }

  /** The events at `indices`, in that order. */
  select(indices: Uint32Array): Batch {
    const size = indices.length;
    const bounds = new Uint32Array(2 * size);
    for (let at = 0; at < size; at++) {
      const index = indices[at] as number;
      bounds[2 * at] = this.bounds[2 * index] as number;
      bounds[2 * at + 1] = this.bounds[2 * index + 1] as number;
    }
    const rows = this.#own || this.#numbers ? indices.map((index) => this.#row(index)) : undefined;
    return new Batch(this.bytes, bounds, size, this.#common, this.#own, rows, 0, this.#numbers);
  }

  /** The same header for all: costs the same for 1 event and for 10,000. `keepExisting` leaves an event's present value alone. */
  withHeader(name: string, value: string, keepExisting: boolean): Batch {
    if (keepExisting && this.#common.has(name)) return this;
    const common = new Map(this.#common);
    common.set(name, { value, wins: !keepExisting || !this.#own });
    return this.#with(common, this.#own, this.#rows, this.#firstRow);
  }

  /** Removes every header whose name `matches`. */
  withoutHeaders(matches: (name: string) => boolean): Batch {
    const common = new Map([...this.#common].filter(([name]) => !matches(name)));
    const own = this.#own && new FilteredRows(this.#own, matches);
    return this.#with(common, own, this.#rows, this.#firstRow);
  }

  /** Gives event i the headers `headers[i]`, and no others. */
  withHeaders(headers: readonly ReadonlyMap<string, string>[]): Batch {
    const rows = headerRows(headers);
    if (!this.#numbers) return this.#with(NO_HEADERS, rows, undefined, 0);
    // The rows stay those of the numbers.
    const byRow = new Map(Array.from({ length: this.size }, (_, index) => [this.#row(index), index]));
    const moved: HeaderRows = { at: (row) => rows.at(byRow.get(row) as number), get: (row, name) => rows.get(byRow.get(row) as number, name) };
    return this.#with(NO_HEADERS, moved, this.#rows, this.#firstRow);
  }

  /** Gives event i the body `bodies[i]`, and keeps the headers. */
  withBodies(bodies: readonly Uint8Array[]): Batch {
    const bounds = new Uint32Array(2 * bodies.length);
    let length = 0;
    for (const [index, body] of bodies.entries()) {
      bounds[2 * index] = length;
      length += body.length;
      bounds[2 * index + 1] = length;
    }
    return new Batch(Buffer.concat(bodies, length), bounds, this.size, this.#common, this.#own, this.#rows, this.#firstRow, this.#numbers);
  }

  /** Only good for asking headers: lets go of the bytes. For rows of headers that are made from a batch's own. */
  withoutBodies(): Batch {
    return new Batch(NO_BYTES, NO_BOUNDS, this.size, this.#common, this.#own, this.#rows, this.#firstRow);
  }

  *[Symbol.iterator](): Iterator<Event> {
    const shared = this.#own ? undefined : this.headers(0);
    for (let index = 0; index < this.size; index++) {
      yield { body: this.body(index), headers: shared ?? this.headers(index) };
    }
  }

  #row(index: number): number {
    return this.#rows ? (this.#rows[index] as number) : this.#firstRow + index;
  }

  #with(
    common: ReadonlyMap<string, CommonHeader>,
    own: HeaderRows | undefined,
    rows: Uint32Array | undefined,
    firstRow: number,
  ): Batch {
    const batch = new Batch(this.bytes, this.bounds, this.size, common, own, rows, firstRow, this.#numbers);
    batch.#byteLength = this.#byteLength;
    return batch;
  }
}

/**
 * Copies the bodies of a batch to `at` and sets their bounds from event number `event` on; answers where the next bytes go. Events that
 * lie one byte apart, as lines do, are copied together with what stands between and behind them, so that they can be written as they lie.
 */
function copyRuns(batch: Batch, into: Buffer, from: number, bounds: Uint32Array, event: number): number {
  const source = batch.bounds;
  const entries = 2 * batch.size;
  let at = from;
  for (let index = 0; index < entries; ) {
    const begin = source[index] as number;
    let next = index + 2;
    while (next < entries && source[next] === (source[next - 1] as number) + 1) next += 2;
    const end = source[next - 1] as number;
    const shift = at - begin;
    for (; index < next; index++) bounds[2 * event + index] = (source[index] as number) + shift;
    at += batch.bytes.copy(into, at, begin, Math.min(end + 1, batch.bytes.length));
  }
  return at;
}

/** Header rows over maps that are already there. */
export function headerRows(maps: readonly ReadonlyMap<string, string>[]): HeaderRows {
  return {
    at: (row) => maps[row] as ReadonlyMap<string, string>,
    get: (row, name) => maps[row]?.get(name),
  };
}

/** The rows of several batches, one after another; asks the batch that the row came from. */
class JoinedRows implements HeaderRows {
  readonly #batches: readonly Batch[];
  /** Number of the batch's first row, for each batch. */
  readonly #starts: readonly number[];

  constructor(batches: readonly Batch[]) {
    let start = 0;
    this.#starts = batches.map((batch) => {
      start += batch.size;
      return start - batch.size;
    });
    this.#batches = batches;
  }

  at(row: number): ReadonlyMap<string, string> {
    const [batch, index] = this.#find(row);
    return batch.headers(index);
  }

  get(row: number, name: string): string | undefined {
    const [batch, index] = this.#find(row);
    return batch.header(index, name);
  }

  encoded(row: number): Buffer | undefined {
    const [batch, index] = this.#find(row);
    return batch.encodedHeaders(index);
  }

  #find(row: number): [Batch, number] {
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#starts[middle] as number) <= row) low = middle;
      else high = middle - 1;
    }
    return [this.#batches[low] as Batch, row - (this.#starts[low] as number)];
  }
}

class FilteredRows implements HeaderRows {
  readonly #rows: HeaderRows;
  readonly #removes: (name: string) => boolean;

  constructor(rows: HeaderRows, removes: (name: string) => boolean) {
    this.#rows = rows;
    this.#removes = removes;
  }

  at(row: number): ReadonlyMap<string, string> {
    return new Map([...this.#rows.at(row)].filter(([name]) => !this.#removes(name)));
  }

  get(row: number, name: string): string | undefined {
    return this.#removes(name) ? undefined : this.#rows.get(row, name);
  }
}

function sameCommon(a: ReadonlyMap<string, CommonHeader>, b: ReadonlyMap<string, CommonHeader>): boolean {
  if (a === b) return true;
  if (a.size !== b.size) return false;
  for (const [name, header] of a) if (b.get(name)?.value !== header.value) return false;
  return true;
}
