import { Batch } from '../../core/batch.ts';
import type { SourceContext } from '../../core/component.ts';
import { chunkWasRead } from '../../io/read-memory.ts';
import type { FileFacts, TailHandle } from '../../io/tail-files.ts';
import type { Deliveries } from './deliveries.ts';
import { findLines, lineEnd, wholeCharacters, withOffsets, type LineRules, type Lines } from './lines.ts';
import { advanced, checksum, HEAD_BYTES, overlapOf, sameHead, sameOverlap, stillThere } from './marks.ts';
import type { TailFile } from './tail-file.ts';

/** Bytes of one read: enough to hide what a read costs. */
export const CHUNK_BYTES = 256 * 1024;
/** Fewer than this are read at once: what was just appended is in memory, and asking another thread costs more. */
const NOW_BYTES = 64 * 1024;
/** What one file brings before another one has its turn. */
const TURN_BYTES = 2 * 1024 * 1024;
const LINE_FEED = 10;

export interface ReaderRules extends LineRules {
  /** Events of one transaction. */
  readonly batchSize: number;
  /** Events of one file before another one has its turn. */
  readonly mostEvents: number;
  readonly byteOffsetHeader: boolean;
  /** Lines have numbers, by which a channel knows those again that are read anew after a crash. */
  readonly numbered: boolean;
  /** Name of the header for the path. */
  readonly fileHeader: string | undefined;
}

/** Makes a batch of lines of a file, the first byte of which stands at `base`. */
export type BatchMaker = (file: TailFile, bytes: Buffer, lines: Lines, base: number) => Batch;

/**
 * `more`: there is more to read at once. `end`: everything that could be read was. `held`: complete lines wait for those that may belong
 * to them. `shrunk`: the file is shorter than what was read of it. `changed`: the bytes in front of the position are others than before.
 */
export type Outcome = 'more' | 'end' | 'held' | 'shrunk' | 'changed';

interface Piece {
  /** Those read again in front of the position, then new ones. */
  readonly bytes: Buffer;
  /** More were asked for than there were. */
  readonly atEnd: boolean;
}

/** Reads files from their positions on and sends what is complete. Keeps nothing of an unfinished line: it is read again. */
export class Reader {
  readonly #context: SourceContext;
  readonly rules: ReaderRules;
  readonly #deliveries: Deliveries;

  constructor(context: SourceContext, rules: ReaderRules, deliveries: Deliveries) {
    this.#context = context;
    this.rules = rules;
    this.#deliveries = deliveries;
  }

  /** Reads on until the end, or until it is another file's turn. `closed`: what is complete waits for nothing that may belong to it. */
  async readOn(file: TailFile, handle: TailHandle, closed: boolean): Promise<Outcome> {
    const facts = handle.facts();
    if (facts.size < file.read.position) return 'shrunk';
    if (facts.size === file.read.position) {
      if (!stillThere(file.read, handle)) return 'changed';
      remember(file, facts);
      return 'end';
    }
    if (this.#isLineStillOpen(file, handle, facts.size)) {
      remember(file, facts);
      return 'end';
    }
    const outcome = await this.#readPieces(file, handle, facts, closed);
    if (outcome === 'end' || outcome === 'held') remember(file, facts);
    return outcome;
  }

  /** Sends what stands behind the last line feed as an event: nobody will end that line any more. */
  sendRest(file: TailFile, handle: TailHandle): boolean {
    const position = file.read.position;
    const bytes = this.#readNow(handle, position, Math.min(handle.facts().size - position, this.rules.maxLineBytes));
    const overlap = overlapOf(position);
    if (bytes.length <= overlap || !sameOverlap(file.read, bytes)) return false;
    const lines: Lines = { bounds: Uint32Array.of(overlap, bytes.length), count: file.discarding ? 0 : 1, end: bytes.length, tooLong: 0 };
    this.#context.count('EventIncompleteCount', lines.count);
    this.#send(file, bytes, lines);
    return true;
  }

  /** Whether a size smaller than what was read may be a mistake: the file begins as it did, or even has what lies beyond that size. */
  mayBeMistaken(file: TailFile, handle: TailHandle, size: number): boolean {
    return stillThere(file.read, handle) || (size >= HEAD_BYTES && sameHead(file.read, handle));
  }

  async #readPieces(file: TailFile, handle: TailHandle, facts: FileFacts, closed: boolean): Promise<Outcome> {
    let left = this.rules.mostEvents;
    let bytesLeft = TURN_BYTES;
    let want = CHUNK_BYTES;
    let next: Promise<Piece> | undefined;
    for (;;) {
      const { position } = file.read;
      const available = facts.size - position;
      if (available <= 0 && !next) return 'end';
      if (!next && (left <= 0 || bytesLeft <= 0 || this.#deliveries.isFull)) return 'more';
      const { bytes, atEnd } = await (next ?? this.#fetch(handle, position, Math.min(want, available)));
      next = undefined;
      const overlap = overlapOf(position);
      if (bytes.length < overlap || !sameOverlap(file.read, bytes)) return 'changed';
      if (position > HEAD_BYTES && !sameHead(file.read, handle)) return 'changed';
      if (bytes.length === overlap) return 'end';
      if (this.#skip(file, bytes, overlap)) continue;
      const last = bytes.lastIndexOf(LINE_FEED);
      const following = position + last + 1 - overlap;
      // While these lines are searched and sent, the next ones are read.
      if (last >= overlap && !this.rules.firstLine && left === Infinity && !atEnd && facts.size - following > NOW_BYTES && bytesLeft > bytes.length && !this.#deliveries.isFull) {
        next = this.#fetch(handle, following, Math.min(CHUNK_BYTES, facts.size - following));
        next.catch(() => undefined);
      }
      const lines = last < overlap ? NO_LINES : findLines(last + 1 === bytes.length ? bytes : bytes.subarray(0, last + 1), overlap, left, this.rules, closed);
      if (lines.end > overlap) {
        bytesLeft -= lines.end - overlap;
        left -= lines.count;
        want = CHUNK_BYTES;
        this.#send(file, bytes, lines);
        continue;
      }
      const longer = this.#unfinished(file, bytes, overlap, last >= overlap, available);
      if (typeof longer !== 'number') return longer;
      want = longer;
    }
  }

  /** No event is complete. Answers how many bytes to read in place of these, or how things stand. 0: go on behind what was sent. */
  #unfinished(file: TailFile, bytes: Buffer, overlap: number, hasLines: boolean, available: number): number | Outcome {
    const { maxLineBytes, longLines } = this.rules;
    const length = bytes.length - overlap;
    if (length < maxLineBytes) {
      if (length < available) return Math.min(Math.max(CHUNK_BYTES, 2 * length), maxLineBytes);
      file.searchedTo = hasLines ? file.read.position : file.read.position + length;
      return hasLines ? 'held' : 'end';
    }
    this.#context.count('LineTooLongCount', 1);
    const whole = longLines === 'skip' ? 0 : wholeCharacters(bytes.subarray(overlap, overlap + maxLineBytes));
    if (longLines !== 'split') file.discarding = true;
    const lines: Lines = { bounds: Uint32Array.of(overlap, overlap + whole), count: whole > 0 ? 1 : 0, end: overlap + (whole || maxLineBytes), tooLong: 0 };
    this.#send(file, bytes, lines);
    return maxLineBytes;
  }

  /** Moves over what is no part of any event: zeros in front of a file that began anew, the rest of a line that is too long. */
  #skip(file: TailFile, bytes: Buffer, overlap: number): boolean {
    let end = overlap;
    if (file.skipsZeros) {
      while (end < bytes.length && bytes[end] === 0) end++;
      if (end > overlap) this.#context.count('FileHoleBytes', end - overlap);
      if (end < bytes.length) file.skipsZeros = false;
    } else if (file.discarding) {
      const found = lineEnd(bytes, overlap);
      end = found ?? bytes.length;
      if (found !== undefined) file.discarding = false;
    }
    if (end === overlap) return false;
    this.#send(file, bytes, { bounds: new Uint32Array(0), count: 0, end, tooLong: 0 });
    return true;
  }

  /** A long line whose end had not come: only what was added is searched for it. */
  #isLineStillOpen(file: TailFile, handle: TailHandle, size: number): boolean {
    const { position } = file.read;
    if (file.searchedTo - position < CHUNK_BYTES || size <= file.searchedTo || size - position >= this.rules.maxLineBytes) return false;
    if (!stillThere(file.read, handle)) return false;
    const bytes = Buffer.allocUnsafe(Math.min(size - file.searchedTo, CHUNK_BYTES));
    const read = handle.readNow(bytes, 0, bytes.length, file.searchedTo);
    if (bytes.subarray(0, read).includes(LINE_FEED)) return false;
    file.searchedTo += read;
    return file.searchedTo >= size;
  }

  /** In transactions of at most `batchSize`, each with the position behind it. */
  #send(file: TailFile, bytes: Buffer, lines: Lines): void {
    const base = file.read.position - overlapOf(file.read.position);
    if (lines.tooLong > 0) this.#context.count('LineTooLongCount', lines.tooLong);
    const { bounds, count, end } = lines;
    const batch = count === 0 ? undefined : this.#numbered(file, this.batch(file, bytes, lines, base), bytes, lines, base);
    const { batchSize } = this.rules;
    for (let from = 0; from < count || from === 0; from += batchSize) {
      const to = Math.min(count, from + batchSize);
      file.read = advanced(file.read, bytes, base, to < count ? (bounds[2 * to] as number) : end);
      this.#deliveries.send(file, batch?.slice(from, to), file.read);
    }
    file.searchedTo = file.read.position;
  }

  /** A line's number is the place where it ends: a line that was longer when it was read again has another. */
  #numbered(file: TailFile, batch: Batch, bytes: Buffer, { bounds, count }: Lines, base: number): Batch {
    if (!this.rules.numbered) return batch;
    if (file.content === undefined) {
      file.content = `tail-${process.getBuiltinModule('node:crypto').randomUUID()}`;
      const head = bytes.subarray(0, HEAD_BYTES);
      file.begins = base === 0 ? { length: head.length, sum: checksum(head) } : undefined;
      this.#deliveries.named(file);
    }
    const spans = Array.from({ length: count }, (_, index) => {
      const end = base + (bounds[2 * index + 1] as number);
      return [end, end + 1] as const;
    });
    return Batch.numbered(batch, { store: file.content, spans, settled: file.stored.position });
  }

  /** Gives lines the headers that their file has. */
  readonly batch: BatchMaker = (file, bytes, { bounds, count }, base) => {
    const { byteOffsetHeader, fileHeader } = this.rules;
    let batch = byteOffsetHeader ? withOffsets(bytes, bounds, count, base) : Batch.over(bytes, bounds, count);
    for (const [key, value] of file.headers) batch = batch.withHeader(key, value, false);
    return fileHeader === undefined ? batch : batch.withHeader(fileHeader, file.shownPath, false);
  };

  #fetch(handle: TailHandle, position: number, want: number): Promise<Piece> {
    if (want < NOW_BYTES) {
      const bytes = this.#readNow(handle, position, want);
      return Promise.resolve({ bytes, atEnd: bytes.length < overlapOf(position) + want });
    }
    const overlap = overlapOf(position);
    const buffer = Buffer.allocUnsafeSlow(overlap + want);
    return handle.read(buffer, 0, buffer.length, position - overlap).then((read) => {
      chunkWasRead(buffer.length);
      return { bytes: read === buffer.length ? buffer : buffer.subarray(0, read), atEnd: read < buffer.length };
    });
  }

  #readNow(handle: TailHandle, position: number, want: number): Buffer {
    const overlap = overlapOf(position);
    const buffer = Buffer.allocUnsafe(overlap + Math.max(0, want));
    let done = 0;
    for (let read = -1; done < buffer.length && read !== 0; done += read) read = handle.readNow(buffer, done, buffer.length - done, position - overlap + done);
    return buffer.subarray(0, done);
  }
}

const NO_LINES: Lines = { bounds: new Uint32Array(0), count: 0, end: 0, tooLong: 0 };

function remember(file: TailFile, facts: FileFacts): void {
  file.lastSize = facts.size;
  file.lastModifiedNs = facts.modifiedNs;
}
