import type { Logger } from '../core/log.ts';

const LINE_FEED = 10;
/** Bytes shown of one line. */
const LINE_BYTES = 500;
/** Lines logged in a second; further ones are counted. */
const LINES_PER_SECOND = 20;
const SECOND_MS = 1000;

/** Keeps the standard error of a command from filling its pipe, and logs it, within limits. */
export class StderrLog {
  readonly #log: Logger;
  readonly #everyLine: boolean;
  /** Up to LINE_BYTES of the line that has no end yet. */
  #line: Buffer = Buffer.alloc(0);
  #last = '';
  #number = 0;
  #logged = 0;
  #leftOut = 0;
  #secondBeganMs = -Infinity;

  constructor(log: Logger, everyLine: boolean) {
    this.#log = log;
    this.#everyLine = everyLine;
  }

  push(chunk: Buffer): void {
    let begin = 0;
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, begin)) {
      this.#keep(chunk.subarray(begin, end));
      this.#ended();
      begin = end + 1;
    }
    this.#keep(chunk.subarray(begin));
  }

  /** Says what the command complained about last, unless every line is in the log. */
  tellLast(): void {
    if (this.#line.length > 0) this.#ended();
    if (!this.#everyLine && this.#last !== '') this.#log.warn('last line that the command wrote to its standard error', { line: this.#last });
  }

  #keep(piece: Buffer): void {
    const room = LINE_BYTES - this.#line.length;
    if (room > 0 && piece.length > 0) this.#line = Buffer.concat([this.#line, piece.subarray(0, room)]);
  }

  #ended(): void {
    this.#number++;
    this.#last = this.#line.toString();
    this.#line = Buffer.alloc(0);
    if (this.#everyLine) this.#logLine();
  }

  #logLine(): void {
    const now = performance.now();
    if (now - this.#secondBeganMs >= SECOND_MS) {
      if (this.#leftOut > 0) this.#log.info('lines of standard error left out of the log', { lines: this.#leftOut });
      this.#secondBeganMs = now;
      this.#logged = 0;
      this.#leftOut = 0;
    }
    if (this.#logged >= LINES_PER_SECOND) this.#leftOut++;
    else this.#log.info('standard error of the command', { number: this.#number, line: this.#last });
    this.#logged++;
  }
}
