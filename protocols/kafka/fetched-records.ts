import { Varints } from './varints.ts';

/** Where a consumer stands in a partition: everything before `offset` is behind it. */
export interface Position {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly leaderEpoch: number;
}

/** Records of one partition that stand in sequence. */
export interface Section {
  readonly topic: string;
  readonly partition: number;
  readonly firstRow: number;
  /** Row behind the last; the same as `firstRow` where nothing but marks of transactions was there. */
  endRow: number;
  /** Offset to go on at behind the last row. */
  endOffset: number;
  leaderEpoch: number;
}

/** What a record has beside its value. Copies; nothing keeps what the records came in. */
export interface RecordFacts {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** Milliseconds; -1 where the record has no time. */
  readonly timeMs: number;
  readonly key: Buffer | undefined;
  /** Value of the last header with that name; only where headers were asked for when the records were read. */
  header(name: string): Buffer | undefined;
}

/** Keys and headers of a set of records: at 4i begin and end of the key of row i, then of its headers. NONE: there is no key. */
export interface Extras {
  readonly bytes: Buffer;
  readonly bounds: Uint32Array;
}

export const NONE = 0xffff_ffff;

interface Rows {
  readonly offsets: Float64Array;
  readonly timesMs: Float64Array;
  readonly extras: Extras | undefined;
  readonly sections: readonly Section[];
}

/** Records in the order in which they were read, that of each partition, without an object for each. */
export class FetchedRecords {
  /** Values lie in here, records' frames between them. */
  readonly bytes: Buffer;
  /** Begin and end of the value of record i at 2i and 2i+1; a record without a value has an empty one. */
  readonly bounds: Uint32Array;
  readonly size: number;
  readonly #rows: Rows;
  readonly #from: number;

  constructor(bytes: Buffer, bounds: Uint32Array, rows: Rows, from = 0) {
    this.bytes = bytes;
    this.bounds = bounds;
    this.size = bounds.length / 2;
    this.#rows = rows;
    this.#from = from;
  }

  slice(from: number, to: number): FetchedRecords {
    return new FetchedRecords(this.bytes, this.bounds.subarray(2 * from, 2 * to), this.#rows, this.#from + from);
  }

  /** Bytes of all values. */
  get byteLength(): number {
    let sum = 0;
    for (let index = 0; index < this.bounds.length; index += 2) sum += (this.bounds[index + 1] as number) - (this.bounds[index] as number);
    return sum;
  }

  /** Where to go on behind the last record, in each partition, by `topic/partition`. */
  positions(): Map<string, Position> {
    const [from, to] = [this.#from, this.#from + this.size];
    const positions = new Map<string, Position>();
    for (const { topic, partition, firstRow, endRow, endOffset, leaderEpoch } of this.#rows.sections) {
      if (firstRow > to || endRow < from || (firstRow === to && endRow > to) || (endRow === from && firstRow < from)) continue;
      const offset = endRow <= to ? endOffset : (this.#rows.offsets[to - 1] as number) + 1;
      positions.set(`${topic}/${partition}`, { topic, partition, offset: BigInt(offset), leaderEpoch });
    }
    return positions;
  }

  facts(index: number): RecordFacts {
    const row = this.#from + index;
    const { offsets, timesMs, extras } = this.#rows;
    const { topic, partition } = this.#section(row);
    const [keyAt = NONE, keyEnd = 0, headersAt = 0, headersEnd = 0] = extras ? extras.bounds.subarray(4 * row, 4 * row + 4) : [];
    const key = keyAt === NONE ? undefined : extras?.bytes.subarray(keyAt, keyEnd);
    const header = (name: string): Buffer | undefined => (extras ? headerOf(extras.bytes.subarray(headersAt, headersEnd), name) : undefined);
    return { topic, partition, offset: offsets[row] as number, timeMs: timesMs[row] as number, key, header };
  }

  /** Only good for asking facts: lets go of the values. */
  withoutValues(): FetchedRecords {
    return new FetchedRecords(NO_BYTES, NO_BOUNDS, this.#rows, this.#from);
  }

  #section(row: number): Section {
    const { sections } = this.#rows;
    let low = 0;
    let high = sections.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sections[middle] as Section).endRow <= row) low = middle + 1;
      else high = middle;
    }
    return sections[low] as Section;
  }
}

const NO_BYTES = Buffer.alloc(0);
const NO_BOUNDS = new Uint32Array(0);

/** `headers`: (name value)*, each with its length in front; checked when the records were read. */
function headerOf(headers: Buffer, name: string): Buffer | undefined {
  let found: Buffer | undefined;
  const cursor = new Varints(headers, 0);
  const sized = (): Buffer | undefined => {
    const length = cursor.next();
    if (length < 0) return undefined;
    cursor.at += length;
    return headers.subarray(cursor.at - length, cursor.at);
  };
  while (cursor.at < headers.length) {
    const [entry, value] = [sized(), sized()];
    if (entry?.toString() === name) found = value;
  }
  return found;
}
