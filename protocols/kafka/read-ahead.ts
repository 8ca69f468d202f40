import type * as Library from '@platformatic/kafka';
import { AbortedTransactions } from './aborted-transactions.ts';
import type { PartitionAnswer } from './fetch-request.ts';
import type { FetchedRecords } from './fetched-records.ts';
import type { PartitionLog } from './partition-log.ts';
import { batchAt, RecordBatchError, recordsOf } from './record-batches.ts';
import { RecordReader } from './record-reader.ts';

export interface ReadAheadSettings {
  /** Headers of records will be asked for. */
  readonly withHeaders: boolean;
  /** What transactions took back is passed over. */
  readonly committedOnly: boolean;
  /** Most bytes of an answer. */
  readonly maxBytes: number;
  readonly maxBytesPerPartition: number;
}

/** Uncompressed a record batch may have so many times what is read of a partition at once, at least of 1 MB. */
const EXPANSION = 64;
const MOST_SPARE = 2;
/** What stands around the record batches in an answer, as a rule. */
const ANSWER_FRAME_BYTES = 64 * 1024;
/** So many bytes are handed out together, give or take a record batch. */
const HANDED_BYTES = 1024 * 1024;

/** The bytes of an answer, and how many of its parts are to be read yet. */
interface Answer {
  readonly bytes: Buffer;
  parts: number;
}

/** What an answer holds of one partition. */
interface Part {
  readonly log: PartitionLog;
  readonly answer: Answer;
  readonly end: number;
  readonly aborted: AbortedTransactions | undefined;
  readonly size: number;
  at: number;
}

/** What was fetched and not handed out yet: opens record batch after record batch, and gives the memory of answers to others once they were read. */
export class ReadAhead {
  readonly #library: typeof Library;
  readonly #settings: ReadAheadSettings;
  readonly #reader: RecordReader;
  #parts: Part[] = [];
  #byteLength = 0;
  /** Memory of answers that were read, for others: fresh memory is dear. */
  readonly #spare: Buffer[] = [];

  constructor(library: typeof Library, settings: ReadAheadSettings) {
    this.#library = library;
    this.#settings = settings;
    this.#reader = new RecordReader(settings.withHeaders);
  }

  get isEmpty(): boolean {
    return this.#parts.length === 0;
  }

  /** Of the answers' parts, as they are before they are uncompressed. */
  get byteLength(): number {
    return this.#byteLength;
  }

  clear(): void {
    this.#parts = [];
    this.#byteLength = 0;
    this.#reader.abandon();
  }

  /** Memory for an answer, which comes back with `add`. */
  memory(length: number): Buffer {
    const at = this.#spare.findIndex(({ buffer }) => buffer.byteLength >= length);
    const [found] = at < 0 ? [] : this.#spare.splice(at, 1);
    return found ? Buffer.from(found.buffer) : Buffer.allocUnsafeSlow(Math.max(length, this.#settings.maxBytes + ANSWER_FRAME_BYTES));
  }

  /** Keeps what an answer has of these partitions, or its memory where that is nothing. */
  add(bytes: Buffer, found: readonly { readonly log: PartitionLog; readonly part: PartitionAnswer }[]): void {
    const answer = { bytes, parts: found.length };
    for (const { log, part } of found) {
      const size = part.end - part.begin;
      this.#parts.push({ log, answer, at: part.begin, end: part.end, size, aborted: this.#settings.committedOnly ? new AbortedTransactions(part.aborted) : undefined });
      this.#byteLength += size;
    }
    if (answer.parts === 0) this.#keepMemory(bytes);
  }

  /**
   * The next records, at most `most`; none, and how far the partitions reach then, where nothing but marks of transactions is left. `damaged` is
   * told of partitions that cannot be read on from an offset, of which nothing is kept.
   */
  next(most: number, damaged: (log: PartitionLog, offset: number, error: RecordBatchError) => void): FetchedRecords {
    const reader = this.#reader;
    for (let part = this.#parts[0]; part && reader.rows < most && reader.byteLength < HANDED_BYTES; part = this.#parts[0]) {
      try {
        if (!reader.isDone) reader.gather(most);
        else if (!this.#openNext(part)) this.#drop(part);
      } catch (error) {
        if (!(error instanceof RecordBatchError)) throw error;
        const { log } = part;
        const offset = reader.isDone ? log.opened : reader.reached;
        reader.abandon();
        for (const other of this.#parts.filter((each) => each.log === log)) this.#drop(other);
        damaged(log, offset, error);
      }
    }
    return reader.take();
  }

  /** Opens the next record batch that counts; `false` where the part has no more. */
  #openNext(part: Part): boolean {
    const { log, end, aborted } = part;
    const { bytes } = part.answer;
    const { topic, partition } = log;
    for (;;) {
      const head = batchAt(this.#library, bytes, part.at, end);
      if (!head) return false;
      const takenBack = aborted?.includes(bytes, head) ?? false;
      const counts = !takenBack && !head.isControl && head.endOffset > log.opened;
      if (counts) {
        const records = recordsOf(this.#library, bytes, head, EXPANSION * Math.max(1024 * 1024, this.#settings.maxBytesPerPartition));
        this.#reader.open({ ...head, topic, partition, records, appendedMs: head.timeIsOfAppending ? head.latestMs : undefined, from: log.opened });
      } else if (head.endOffset > log.opened) {
        this.#reader.pass({ topic, partition, leaderEpoch: head.leaderEpoch }, head.endOffset);
      }
      part.at = head.end;
      log.opened = Math.max(log.opened, head.endOffset);
      if (counts) return true;
    }
  }

  #drop(part: Part): void {
    this.#parts = this.#parts.filter((other) => other !== part);
    this.#byteLength -= part.size;
    // Records are copied out of it before anything else can be asked for.
    if (--part.answer.parts === 0) this.#keepMemory(part.answer.bytes);
  }

  #keepMemory(bytes: Buffer): void {
    if (this.#spare.length < MOST_SPARE) this.#spare.push(bytes);
  }
}
