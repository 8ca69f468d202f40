import { isUtf8 } from 'node:buffer';
import type { Socket } from 'node:net';
import { Batch } from '../core/batch.ts';
import { encodeText, isUtf8Charset, textReader, type TextReader } from '../core/charset.ts';
import type { ByteWindow } from '../core/byte-window.ts';
import type { SourceContext } from '../core/component.ts';
import { describeError, isAbort } from '../core/errors.ts';
import { LineScanner } from '../core/line-scanner.ts';
import type { TurnBudget } from '../core/turn-budget.ts';
import { chunkWasRead } from '../io/read-memory.ts';
import { readAgain, stopReading } from '../io/tcp-server.ts';

/**
 * Bytes of lines of one connection that wait to be stored before no more are read from it. A durable channel syncs them in two groups by turns, so
 * this is what two syncs carry: with a quarter of it, it was the disk's latency that set the rate of one connection (1.3 to 1.5 times as fast now).
 */
const WINDOW_BYTES = 2 * 1024 * 1024;
/** Bytes of answers that the client has not read before no more lines are read. */
const ANSWER_BYTES = 64 * 1024;
/** A client that has not read its answers for this long is closed. */
const ANSWER_TIMEOUT_MS = 30_000;
const MOST_BYTES_PER_UNIT = 3;
/** Pieces of an unfinished line that are kept apart. */
const MOST_PIECES = 64;
/** What a line costs besides its bytes while it waits, so that empty lines count too. */
const LINE_BYTES = 16;
/** How long what a client still sends is read and thrown away, so that it gets its last answers and no reset in their place. */
const LINGER_MS = 250;

export interface ConnectionSettings {
  /** In UTF-16 units, line feed included. */
  readonly maxLineLength: number;
  readonly acknowledge: boolean;
  readonly encoding: string;
  /** Shared by all connections of the source: bounds what they hold together while a channel takes nothing. */
  readonly window: ByteWindow;
  /** Shared too: bounds how long they keep everything else waiting. */
  readonly turn: TurnBudget;
}

const LINE_FEED = 10;
/** The answer to as many lines as come together, made once. */
const MOST_OKS = 4096;
const OKS = Buffer.from('OK\n'.repeat(MOST_OKS));

const scanner = new LineScanner();

/** One client of the netcat source: lines in, an answer for each out, in order. */
export class NetcatConnection {
  /** Resolves when the socket is closed and every line it brought has its outcome; throws a fault of the program. */
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #context: SourceContext;
  readonly #settings: ConnectionSettings;
  /** Absent for UTF-8, whose bytes pass as they are. */
  readonly #reader: TextReader | undefined;
  /** Pieces of the line whose end has not come yet, and how long it is. */
  #rest: Buffer[] = [];
  #restBytes = 0;
  #restUnits = 0;
  /** Inside a line that is too long: what comes up to the next line feed is skipped. */
  #skipping = false;
  #pendingBytes = 0;
  /** Settles when all that was read so far has its outcome. */
  #outcome: Promise<void> = Promise.resolve();
  #answered = false;
  #answerTimer: NodeJS.Timeout | undefined;
  /** No more lines are taken, whatever the client sends. */
  #closing = false;

  constructor(socket: Socket, context: SourceContext, settings: ConnectionSettings) {
    this.#socket = socket;
    this.#context = context;
    this.#settings = settings;
    this.#reader = isUtf8Charset(settings.encoding) ? undefined : textReader(settings.encoding, true);
    socket.on('data', (chunk: Buffer) => {
      chunkWasRead(chunk.length);
      this.#read(chunk);
    });
    socket.on('end', () => this.#ended());
    socket.on('drain', () => this.#flowAgain());
    socket.on('error', (error) => this.#broken(error));
    this.closed = new Promise<void>((resolve) => socket.once('close', () => resolve())).then(() => {
      clearTimeout(this.#answerTimer);
      settings.window.forget(this.#readOn);
      settings.window.forget(this.#hold);
      return this.#outcome;
    });
    if (settings.window.isFull) this.#hold();
    else settings.window.whenFull(this.#hold);
  }

  /** Takes no more lines, answers those it has taken, closes. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#socket.pause();
    await this.#outcome.catch(() => undefined);
    this.#hangUp();
    await this.closed.catch(() => undefined);
  }

  get #peer(): string {
    return `${this.#socket.remoteAddress}:${this.#socket.remotePort}`;
  }

  #read(chunk: Buffer): void {
    if (this.#closing) return;
    if (this.#settings.window.isFull || this.#settings.turn.isSpent) return this.#putBack(chunk);
    let bytes = this.#reader ? this.#decode(chunk) : chunk;
    if (!bytes) return;
    if (this.#skipping) {
      const end = bytes.indexOf(LINE_FEED);
      if (end < 0) return;
      this.#skipping = false;
      bytes = bytes.subarray(end + 1);
    }
    if (bytes.indexOf(LINE_FEED) >= 0) bytes = this.#readLines(bytes);
    if (bytes.length > 0) this.#keep(bytes);
    if (this.#pendingBytes > WINDOW_BYTES) this.#socket.pause();
  }

  /** What came stays with the socket, which reads no more, until the connections have room, or time, for it together. */
  #putBack(chunk: Buffer): void {
    const { window } = this.#settings;
    stopReading(this.#socket);
    this.#socket.unshift(chunk);
    window.whenRoom(this.#readOn);
    if (window.isFull) return;
    // The time of this turn is used up: whoever reads on would bring a piece that has to wait as well.
    window.holdAll();
    setImmediate(() => window.giveBack(0));
  }

  /** Takes at once what the socket holds, so that the window knows of it; then reads on if this has left room. */
  readonly #readOn = (): void => {
    if (!this.#mayRead || this.#socket.destroyed) return;
    // Hands what there is to #read.
    this.#socket.read();
    if (!this.#mayRead) return;
    // What was put back has left its call.
    if (this.#socket.readableLength > 0) return;
    if (this.#settings.window.isFull) this.#hold();
    else this.#resume();
  };

  /** Reads nothing more until the connections have room together. */
  readonly #hold = (): void => {
    if (this.#closing || this.#socket.destroyed) return;
    stopReading(this.#socket);
    this.#settings.window.whenRoom(this.#readOn);
  };

  #resume(): void {
    this.#settings.window.whenFull(this.#hold);
    readAgain(this.#socket);
  }

  get #mayRead(): boolean {
    return !this.#closing && this.#pendingBytes <= WINDOW_BYTES / 2 && this.#socket.writableLength <= ANSWER_BYTES;
  }

  /** Takes the lines that `bytes` completes; answers what stands behind the last of them. */
  #readLines(bytes: Buffer): Buffer {
    const all = this.#rest.length > 0 ? Buffer.concat([...this.#rest, bytes]) : bytes;
    this.#forgetRest();
    const bounds = scanner.scan(all, 0);
    const { lines, longest, next } = scanner;
    this.#take(all, bounds, lines, longest, next);
    return all.subarray(next);
  }

  /** Keeps the beginning of a line, without the chunk it came in. */
  #keep(bytes: Buffer): void {
    this.#restBytes += bytes.length;
    this.#restUnits += utf16Units(bytes);
    const most = this.#settings.maxLineLength;
    if (this.#restUnits < most && this.#restBytes <= most * MOST_BYTES_PER_UNIT) {
      this.#rest.push(Buffer.from(bytes));
      if (this.#rest.length >= MOST_PIECES) this.#rest = [Buffer.concat(this.#rest)];
      return;
    }
    this.#forgetRest();
    this.#skipping = true;
    this.#fail(this.#tooLongText());
  }

  #forgetRest(): void {
    this.#rest = [];
    this.#restBytes = 0;
    this.#restUnits = 0;
  }

  #take(bytes: Buffer, bounds: Uint32Array, lines: number, longest: number, length: number): void {
    this.#context.count('EventReceivedCount', lines);
    const sound = longest < this.#settings.maxLineLength && (this.#reader || isUtf8(bytes.subarray(0, length)));
    const batch = Batch.over(bytes, bounds, lines);
    if (sound) this.#deliver(batch);
    else this.#deliverSound(batch);
  }

  /** Some lines are too long or no UTF-8: they are answered with FAILED and left out, the others go on. */
  #deliverSound(batch: Batch): void {
    let from = 0;
    for (let index = 0; index < batch.size; index++) {
      const body = batch.body(index);
      const fault = this.#tooLong(body) ? this.#tooLongText() : isUtf8(body) ? undefined : this.#badBytesText();
      if (!fault) continue;
      if (index > from) this.#deliver(batch.slice(from, index));
      from = index + 1;
      this.#fail(fault);
    }
    if (from < batch.size) this.#deliver(batch.slice(from, batch.size));
  }

  #deliver(batch: Batch): void {
    if (!this.#settings.acknowledge) return this.#await(batch, this.#context.deliver(batch, { wait: true }));
    const { batchLimit } = this.#context;
    for (let from = 0; from < batch.size; from += batchLimit) {
      const piece = batch.slice(from, Math.min(batch.size, from + batchLimit));
      this.#await(piece, this.#context.deliver(piece));
    }
  }

  #await(batch: Batch, delivered: Promise<void>): void {
    const cost = batch.byteLength + LINE_BYTES * batch.size;
    this.#pendingBytes += cost;
    this.#settings.window.take(cost);
    const before = this.#outcome;
    const settled = delivered.then(
      () => before.then(() => this.#stored(batch)),
      (error: unknown) => before.then(() => this.#refused(batch, error)),
    );
    this.#outcome = settled.then(() => {
      this.#pendingBytes -= cost;
      this.#settings.window.giveBack(cost);
      if (this.#socket.isPaused()) this.#flowAgain();
    });
  }

  #stored(batch: Batch): void {
    this.#context.count('EventAcceptedCount', batch.size);
    if (this.#settings.acknowledge) this.#answer('OK', batch.size);
  }

  #refused(batch: Batch, error: unknown): void {
    this.#context.count('ChannelWriteFail', 1);
    if (!isAbort(error)) {
      this.#context.log.warn('lines were not stored; the client was told', { peer: this.#peer, lines: batch.size, reason: describeError(error) });
    }
    this.#answer(`FAILED: ${describeError(error)}`, batch.size);
  }

  #fail(fault: string): void {
    this.#context.count('EventReadFail', 1);
    this.#context.log.warn('line refused', { peer: this.#peer, reason: fault });
    this.#outcome = this.#outcome.then(() => this.#answer(`FAILED: ${fault}`, 1));
  }

  /** Answers `lines` lines alike. What the first answer begins with in some character sets, a byte order mark, no later one has. */
  #answer(text: string, lines: number): void {
    if (this.#socket.destroyed || !this.#socket.writable) return;
    this.#socket.write(this.#encoded(text, lines));
    this.#answered = true;
    if (this.#socket.writableLength <= ANSWER_BYTES || this.#answerTimer) return;
    this.#socket.pause();
    this.#answerTimer = setTimeout(() => {
      this.#context.log.warn('client does not read its answers; connection closed', { peer: this.#peer });
      this.#socket.destroy();
    }, ANSWER_TIMEOUT_MS);
  }

  #encoded(text: string, lines: number): Buffer | string {
    const isUtf8 = this.#reader === undefined;
    if (isUtf8 && text === 'OK' && lines <= MOST_OKS) return OKS.subarray(0, lines * (OKS.length / MOST_OKS));
    const answers = `${text}\n`.repeat(lines);
    return isUtf8 ? answers : encodeText(answers, this.#settings.encoding, this.#answered);
  }

  #flowAgain(): void {
    if (this.#socket.writableLength > ANSWER_BYTES) return;
    clearTimeout(this.#answerTimer);
    this.#answerTimer = undefined;
    if (!this.#mayRead) return;
    if (this.#settings.window.isFull) this.#settings.window.whenRoom(this.#readOn);
    else this.#readOn();
  }

  #ended(): void {
    this.#tellIncomplete('the client closed the connection');
    this.#outcome.then(
      () => this.#socket.end(),
      () => this.#socket.destroy(),
    );
  }

  #broken(error: Error): void {
    this.#context.count('ConnectionBrokenCount', 1);
    this.#context.log.debug('connection failed', { peer: this.#peer, reason: error.message });
    this.#tellIncomplete(error.message);
  }

  #tellIncomplete(reason: string): void {
    const bytes = this.#restBytes || (this.#endsInsideCharacter() ? 1 : 0);
    if (bytes === 0 || this.#closing) return;
    this.#forgetRest();
    this.#context.count('EventIncompleteCount', 1);
    this.#context.log.warn('line without an end dropped', { peer: this.#peer, bytes, reason });
  }

  #decode(chunk: Buffer): Buffer | undefined {
    try {
      return Buffer.from((this.#reader as TextReader).read(chunk));
    } catch {
      this.#closing = true;
      this.#fail(`${this.#badBytesText()}; connection closed`);
      this.#outcome.then(
        () => this.#hangUp(),
        () => this.#socket.destroy(),
      );
      return undefined;
    }
  }

  #endsInsideCharacter(): boolean {
    try {
      this.#reader?.read(Buffer.alloc(0), true);
      return false;
    } catch {
      return true;
    }
  }

  /** Sends what is to be sent and closes, with some patience for the client's own end. */
  #hangUp(): void {
    this.#socket.end();
    readAgain(this.#socket);
    const timer = setTimeout(() => this.#socket.destroy(), LINGER_MS);
    this.#socket.once('close', () => clearTimeout(timer));
  }

  /** Whether the text, which has no line feed, leaves no room for one. Counts UTF-16 units only where the bytes leave a doubt. */
  #tooLong(text: Buffer): boolean {
    const most = this.#settings.maxLineLength;
    if (text.length < most) return false;
    return text.length > most * MOST_BYTES_PER_UNIT || utf16Units(text) >= most;
  }

  #tooLongText(): string {
    return `Event exceeds the maximum length (${this.#settings.maxLineLength} chars, including newline)`;
  }

  #badBytesText(): string {
    return `line is not ${this.#settings.encoding.toUpperCase()} text`;
  }
}

/** UTF-16 units of UTF-8 text: one for each character, two where it takes four bytes. */
function utf16Units(text: Buffer): number {
  let units = 0;
  for (let index = 0; index < text.length; index++) {
    const byte = text[index] as number;
    if ((byte & 0xc0) !== 0x80) units += byte >= 0xf0 ? 2 : 1;
  }
  return units;
}
