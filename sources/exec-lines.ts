import { isUtf8 } from 'node:buffer';
import { Batch } from '../core/batch.ts';
import { encodeText, isUtf8Charset, textReader, type TextReader } from '../core/charset.ts';
import { LineScanner } from '../core/line-scanner.ts';

const LINE_FEED = 10;
const RETURN = 13;
/** Pieces of an unfinished line that are kept apart before they are joined. */
const MOST_PIECES = 256;
/** Smaller pieces are copied, so that they do not keep the chunk of 64 KB alive in which they came. */
const SMALL_BYTES = 16 * 1024;

const scanner = new LineScanner();

/**
 * Lines of a program's output, as Java reads them: ended by LF, CR or CRLF, a last one by the end of the stream. Bytes that are no UTF-8
 * become U+FFFD. Text in UTF-16 is decoded and encoded again; other character sets, in all of which line ends are the bytes they are in
 * ASCII, pass unaltered.
 */
export class OutputLines {
  readonly #charset: string;
  readonly #reader: TextReader | undefined;
  readonly #replacesBadBytes: boolean;
  readonly #maxBytes: number;
  /** Pieces of a line whose end has not come yet. */
  #rest: Buffer[] = [];
  #restBytes = 0;
  /** The last byte was a CR, so that a LF that comes next belongs to it. */
  #afterReturn = false;
  #split = 0;

  /** A line that goes on beyond `maxBytes` is cut into several. */
  constructor(charset: string, maxBytes: number) {
    this.#charset = charset;
    this.#maxBytes = maxBytes;
    this.#replacesBadBytes = isUtf8Charset(charset);
    if (/^utf-?16/i.test(charset)) this.#reader = textReader(charset, false);
  }

  /** Times that a line was cut. */
  get split(): number {
    return this.#split;
  }

  /** Bytes of the line whose end has not come yet. */
  get unfinishedBytes(): number {
    return this.#restBytes;
  }

  /** The lines that `chunk` completes, if any. */
  push(chunk: Buffer): Batch | undefined {
    let bytes = this.#reader ? Buffer.from(this.#reader.read(chunk)) : chunk;
    if (bytes.length === 0) return undefined;
    if (this.#afterReturn && bytes[0] === LINE_FEED) bytes = bytes.subarray(1);
    this.#afterReturn = false;
    const end = Math.max(bytes.lastIndexOf(LINE_FEED), bytes.lastIndexOf(RETURN)) + 1;
    if (end === 0) return this.#keep(bytes);
    this.#afterReturn = end === bytes.length && bytes[end - 1] === RETURN;
    const lines = this.#joined(bytes.subarray(0, end));
    const batch = this.#batch(lines, true);
    this.#keep(bytes.subarray(end));
    return batch;
  }

  /** The last line, where it had no end. */
  finish(): Batch | undefined {
    if (this.#restBytes === 0) return undefined;
    return this.#batch(this.#joined(Buffer.alloc(0)), false);
  }

  #keep(bytes: Buffer): Batch | undefined {
    if (bytes.length === 0) return undefined;
    this.#rest.push(bytes.length < SMALL_BYTES ? Buffer.from(bytes) : bytes);
    if (this.#rest.length >= MOST_PIECES) this.#rest = [Buffer.concat(this.#rest)];
    this.#restBytes += bytes.length;
    if (this.#restBytes <= this.#maxBytes) return undefined;
    const all = this.#joined(Buffer.alloc(0));
    const cut = characterStart(all, this.#maxBytes);
    this.#split++;
    this.#rest = [Buffer.from(all.subarray(cut))];
    this.#restBytes = all.length - cut;
    return this.#batch(all.subarray(0, cut), false);
  }

  #joined(last: Buffer): Buffer {
    const all = this.#rest.length > 0 ? Buffer.concat([...this.#rest, last]) : last;
    this.#rest = [];
    this.#restBytes = 0;
    return all;
  }

  #batch(text: Buffer, ended: boolean): Batch {
    const bytes = this.#replacesBadBytes && !isUtf8(text) ? Buffer.from(text.toString()) : text;
    const batch = ended ? linesOf(bytes) : Batch.over(bytes, Uint32Array.of(0, bytes.length), 1);
    if (!this.#reader) return batch;
    const bodies = Array.from({ length: batch.size }, (_, index) => encodeText(batch.body(index).toString(), this.#charset));
    return batch.withBodies(bodies);
  }
}

function linesOf(bytes: Buffer): Batch {
  if (bytes.indexOf(RETURN) >= 0) return linesWithReturns(bytes);
  const bounds = scanner.scan(bytes, 0);
  return Batch.over(bytes, bounds, scanner.lines);
}

function linesWithReturns(bytes: Buffer): Batch {
  const bounds: number[] = [];
  let begin = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte !== LINE_FEED && byte !== RETURN) continue;
    bounds.push(begin, at);
    if (byte === RETURN && bytes[at + 1] === LINE_FEED) at++;
    begin = at + 1;
  }
  return Batch.over(bytes, Uint32Array.from(bounds), bounds.length / 2);
}

/** The nearest place up to `at` that is not inside of a UTF-8 character. */
function characterStart(bytes: Buffer, at: number): number {
  let start = at;
  while (start > at - 3 && start > 1 && ((bytes[start] ?? 0) & 0xc0) === 0x80) start--;
  return start;
}
