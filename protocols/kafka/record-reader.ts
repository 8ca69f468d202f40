import { FetchedRecords, NONE, type Section } from './fetched-records.ts';
import { RecordBatchError } from './record-batches.ts';
import { Varints } from './varints.ts';

/** Where records come from and go to: a partition at an offset. */
export interface PlaceOfRecords {
  readonly topic: string;
  readonly partition: number;
  readonly leaderEpoch: number;
}

/** Records of one record batch, uncompressed. */
export interface OpenBatch extends PlaceOfRecords {
  readonly records: Buffer;
  readonly count: number;
  readonly baseOffset: number;
  /** Offset behind the batch, also where its last records were compacted away. */
  readonly endOffset: number;
  readonly baseMs: number;
  /** The time of all records, where the broker set it. */
  readonly appendedMs: number | undefined;
  /** Records before this offset were asked for by nobody. */
  readonly from: number;
}

const FIRST_ROWS = 1024;

/** Gathers records of several batches, walking over their bytes, into memory of their own. Its tables are used again. */
export class RecordReader {
  readonly #withHeaders: boolean;
  #bounds = new Uint32Array(2 * FIRST_ROWS);
  #offsets = new Float64Array(FIRST_ROWS);
  #timesMs = new Float64Array(FIRST_ROWS);
  #extraBounds = new Uint32Array(4 * FIRST_ROWS);
  #extras = Buffer.allocUnsafeSlow(4096);
  #extrasLength = 0;
  #hasExtras = false;
  #rows = 0;
  #pieces: Buffer[] = [];
  #length = 0;
  #sections: Section[] = [];
  #batch: OpenBatch | undefined;
  #at = 0;
  #left = 0;
  #reached = 0;

  /** Headers of records are kept only where somebody will ask for them. */
  constructor(withHeaders: boolean) {
    this.#withHeaders = withHeaders;
  }

  get rows(): number {
    return this.#rows;
  }

  /** Bytes of what is gathered. */
  get byteLength(): number {
    return this.#length;
  }

  /** Offset behind what was gathered of the batch that is open, or was last. */
  get reached(): number {
    return this.#reached;
  }

  /** Whether all records of the batch that was opened last are gathered. */
  get isDone(): boolean {
    return this.#batch === undefined;
  }

  open(batch: OpenBatch): void {
    this.#batch = batch;
    this.#at = 0;
    this.#left = batch.count;
    this.#reached = batch.from;
  }

  /** Notes that there is nothing to hand out before `endOffset`. */
  pass(place: PlaceOfRecords, endOffset: number): void {
    this.#section(place).endOffset = endOffset;
  }

  /** Gathers until there are `most` rows or the batch is done. Throws for bytes that are no records; the batch is left where it stood. */
  gather(most: number): void {
    const batch = this.#batch;
    if (!batch || this.#rows >= most) return;
    const [begin, firstRow] = [this.#at, this.#rows];
    this.#reserve(firstRow + Math.min(most, this.#left));
    const { at, left, row } = this.#walk(batch, most);
    if (left === 0 && at !== batch.records.length) throw new RecordBatchError(`has ${batch.records.length - at} bytes behind the last of its ${batch.count} records`);
    const section = this.#section(batch);
    section.endRow = row;
    section.endOffset = left > 0 ? (this.#offsets[row - 1] as number) + 1 : batch.endOffset;
    this.#reached = section.endOffset;
    this.#pieces.push(batch.records.subarray(begin, at));
    this.#length += at - begin;
    this.#at = at;
    this.#left = left;
    this.#rows = row;
    if (left === 0) this.#batch = undefined;
  }

  /** What was gathered; nothing of it is kept here. */
  take(): FetchedRecords {
    const rows = this.#rows;
    const bytes = this.#pieces.length === 1 ? Buffer.from(this.#pieces[0] as Buffer) : Buffer.concat(this.#pieces, this.#length);
    const extras = this.#hasExtras ? { bytes: Buffer.from(this.#extras.subarray(0, this.#extrasLength)), bounds: this.#extraBounds.slice(0, 4 * rows) } : undefined;
    const records = new FetchedRecords(bytes, this.#bounds.slice(0, 2 * rows), {
      offsets: this.#offsets.slice(0, rows),
      timesMs: this.#timesMs.slice(0, rows),
      extras,
      sections: this.#sections,
    });
    this.#forget();
    return records;
  }

  /** Gives up the batch that is open; what was gathered stays. */
  abandon(): void {
    this.#batch = undefined;
  }

  #forget(): void {
    this.#rows = 0;
    this.#pieces = [];
    this.#length = 0;
    this.#sections = [];
    this.#extrasLength = 0;
    this.#hasExtras = false;
  }

  #section({ topic, partition, leaderEpoch }: PlaceOfRecords): Section {
    const last = this.#sections.at(-1);
    if (last?.partition === partition && last.topic === topic) {
      last.leaderEpoch = leaderEpoch;
      return last;
    }
    const section = { topic, partition, leaderEpoch, firstRow: this.#rows, endRow: this.#rows, endOffset: 0 };
    this.#sections.push(section);
    return section;
  }

  #reserve(rows: number): void {
    if (rows <= this.#offsets.length) return;
    const room = Math.max(rows, 2 * this.#offsets.length);
    const grown = <T extends Uint32Array | Float64Array>(from: T, to: T): T => {
      to.set(from);
      return to;
    };
    this.#bounds = grown(this.#bounds, new Uint32Array(2 * room));
    this.#offsets = grown(this.#offsets, new Float64Array(room));
    this.#timesMs = grown(this.#timesMs, new Float64Array(room));
    this.#extraBounds = grown(this.#extraBounds, new Uint32Array(4 * room));
  }

  /** The hot path: one pass over the bytes of the records, with nothing but local counters. */
  #walk(batch: OpenBatch, most: number): { readonly at: number; readonly left: number; readonly row: number } {
    const { records: bytes, baseOffset, baseMs, appendedMs, from } = batch;
    const [bounds, offsets, timesMs] = [this.#bounds, this.#offsets, this.#timesMs];
    const shift = this.#length - this.#at;
    const cursor = new Varints(bytes, this.#at);
    let row = this.#rows;
    let left = this.#left;
    while (left > 0 && row < most) {
      const length = cursor.next();
      const end = cursor.at + length;
      if (length < 6 || end > bytes.length) throw new RecordBatchError(`says that record ${batch.count - left} of ${batch.count} has ${length} bytes`);
      // Attributes of a record are not used by Kafka.
      cursor.at++;
      const timeMs = baseMs + cursor.next();
      const offset = baseOffset + cursor.next();
      const keyLength = cursor.next();
      const keyAt = cursor.at;
      if (keyLength > 0) cursor.at += keyLength;
      const valueLength = cursor.next();
      const valueAt = cursor.at;
      if (valueLength > 0) cursor.at += valueLength;
      const valueEnd = cursor.at;
      const headers = valueEnd < end ? cursor.next() : -1;
      if (headers < 0 || cursor.at > end || (headers === 0 && cursor.at !== end)) throw new RecordBatchError(`has parts of record ${batch.count - left} of ${batch.count} that do not make up the record`);
      const headersAt = cursor.at;
      for (let parts = 2 * headers; parts > 0; parts--) {
        const size = cursor.next();
        if (size > 0) cursor.at += size;
        if (cursor.at > end) break;
      }
      if (cursor.at !== end) throw new RecordBatchError(`has headers of record ${batch.count - left} of ${batch.count} that do not make up the rest of it`);
      left--;
      if (offset < from) continue;
      bounds[2 * row] = valueAt + shift;
      bounds[2 * row + 1] = valueEnd + shift;
      offsets[row] = offset;
      timesMs[row] = appendedMs ?? timeMs;
      if (keyLength >= 0 || (headers > 0 && this.#withHeaders) || this.#hasExtras) this.#keepExtras(row, bytes, keyAt, keyLength, headersAt, end);
      row++;
    }
    return { at: cursor.at, left, row };
  }

  /** What is written for a row that a failed walk leaves behind is written again by the next. */
  #keepExtras(row: number, bytes: Buffer, keyAt: number, keyLength: number, headersAt: number, end: number): void {
    if (!this.#hasExtras) {
      this.#hasExtras = true;
      for (let before = 0; before < row; before++) this.#setExtras(4 * before, NONE, 0, 0);
    }
    const headersLength = this.#withHeaders ? end - headersAt : 0;
    const begin = this.#extrasLength;
    const needed = begin + Math.max(0, keyLength) + headersLength;
    if (needed > this.#extras.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#extras.length));
      this.#extras.copy(grown, 0, 0, begin);
      this.#extras = grown;
    }
    if (keyLength > 0) this.#extrasLength += bytes.copy(this.#extras, begin, keyAt, keyAt + keyLength);
    const headersBegin = this.#extrasLength;
    if (headersLength > 0) this.#extrasLength += bytes.copy(this.#extras, headersBegin, headersAt, end);
    this.#setExtras(4 * row, keyLength < 0 ? NONE : begin, headersBegin, this.#extrasLength);
  }

  #setExtras(at: number, keyAt: number, headersAt: number, end: number): void {
    const bounds = this.#extraBounds;
    bounds[at] = keyAt;
    bounds[at + 1] = headersAt;
    bounds[at + 2] = headersAt;
    bounds[at + 3] = end;
  }
}
