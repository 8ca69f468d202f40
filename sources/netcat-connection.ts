import { isUtf8 } from 'node:buffer';
import type { Socket } from 'node:net';
import { Batch } from '../core/batch.ts';
import { encodeText, isUtf8Charset, textReader, type TextReader } from '../core/charset.ts';
import type { SourceContext } from '../core/component.ts';
import { describeError, isAbort } from '../core/errors.ts';
import { LineScanner } from '../core/line-scanner.ts';

/** Bytes of lines that wait to be stored before no more are read. */
const WINDOW_BYTES = 512 * 1024;
/** Bytes of answers that the client has not read before no more lines are read. */
const ANSWER_BYTES = 64 * 1024;
/** A client that has not read its answers for this long is closed. */
const ANSWER_TIMEOUT_MS = 30_000;
const MOST_BYTES_PER_UNIT = 3;

export interface ConnectionSettings {
  /** In UTF-16 units, line feed included. */
  readonly maxLineLength: number;
  readonly acknowledge: boolean;
  readonly encoding: string;
}

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
  readonly #ok: Buffer;
  /** Bytes behind the last line feed. */
  #rest: Buffer = Buffer.alloc(0);
  /** Inside a line that is too long: what comes up to the next line feed is skipped. */
  #skipping = false;
  #pendingBytes = 0;
  /** Settles when all that was read so far has its outcome. */
  #outcome: Promise<void> = Promise.resolve();
  #answerTimer: NodeJS.Timeout | undefined;

  constructor(socket: Socket, context: SourceContext, settings: ConnectionSettings) {
    this.#socket = socket;
    this.#context = context;
    this.#settings = settings;
    this.#reader = isUtf8Charset(settings.encoding) ? undefined : textReader(settings.encoding, true);
    this.#ok = encodeText('OK\n', settings.encoding);
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('end', () => this.#ended());
    socket.on('drain', () => this.#flowAgain());
    socket.on('error', (error) => context.log.debug('connection failed', { peer: this.#peer, reason: error.message }));
    this.closed = new Promise<void>((resolve) => socket.once('close', () => resolve())).then(() => {
      clearTimeout(this.#answerTimer);
      return this.#outcome;
    });
  }

  /** Reads no more, answers what was read, closes. */
  async close(): Promise<void> {
    this.#socket.pause();
    await this.#outcome.catch(() => undefined);
    this.#socket.destroySoon();
    if (this.#socket.writableLength > 0) this.#socket.destroy();
    await this.closed.catch(() => undefined);
  }

  get #peer(): string {
    return `${this.#socket.remoteAddress}:${this.#socket.remotePort}`;
  }

  #read(chunk: Buffer): void {
    const bytes = this.#reader ? this.#decode(chunk) : chunk;
    if (!bytes) return;
    let all = this.#rest.length > 0 ? Buffer.concat([this.#rest, bytes]) : bytes;
    if (this.#skipping) {
      const end = all.indexOf(10);
      if (end < 0) return;
      this.#skipping = false;
      all = all.subarray(end + 1);
    }
    const bounds = scanner.scan(all, 0);
    const { lines, longest, next } = scanner;
    this.#rest = next === 0 ? all : Buffer.from(all.subarray(next));
    if (lines > 0) this.#take(all, bounds, lines, longest, next);
    if (this.#tooLong(this.#rest)) this.#skipRest();
    if (this.#pendingBytes > WINDOW_BYTES) this.#socket.pause();
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
    const { byteLength } = batch;
    this.#pendingBytes += byteLength;
    const before = this.#outcome;
    const settled = delivered.then(
      () => before.then(() => this.#stored(batch)),
      (error: unknown) => before.then(() => this.#refused(batch, error)),
    );
    this.#outcome = settled.then(() => {
      this.#pendingBytes -= byteLength;
      if (this.#socket.isPaused()) this.#flowAgain();
    });
  }

  #stored(batch: Batch): void {
    this.#context.count('EventAcceptedCount', batch.size);
    if (this.#settings.acknowledge) this.#answer(Buffer.alloc(this.#ok.length * batch.size, this.#ok));
  }

  #refused(batch: Batch, error: unknown): void {
    this.#context.count('ChannelWriteFail', 1);
    if (!isAbort(error)) {
      this.#context.log.warn('lines were not stored; the client was told', { peer: this.#peer, lines: batch.size, reason: describeError(error) });
    }
    const text = encodeText(`FAILED: ${describeError(error)}\n`, this.#settings.encoding);
    this.#answer(Buffer.alloc(text.length * batch.size, text));
  }

  #fail(fault: string): void {
    this.#context.count('EventReadFail', 1);
    this.#context.log.warn('line refused', { peer: this.#peer, reason: fault });
    this.#outcome = this.#outcome.then(() => this.#answer(encodeText(`FAILED: ${fault}\n`, this.#settings.encoding)));
  }

  #answer(bytes: Buffer): void {
    if (this.#socket.destroyed || !this.#socket.writable) return;
    this.#socket.write(bytes);
    if (this.#socket.writableLength <= ANSWER_BYTES || this.#answerTimer) return;
    this.#socket.pause();
    this.#answerTimer = setTimeout(() => {
      this.#context.log.warn('client does not read its answers; connection closed', { peer: this.#peer });
      this.#socket.destroy();
    }, ANSWER_TIMEOUT_MS);
  }

  #flowAgain(): void {
    if (this.#socket.writableLength <= ANSWER_BYTES) {
      clearTimeout(this.#answerTimer);
      this.#answerTimer = undefined;
      if (this.#pendingBytes <= WINDOW_BYTES / 2) this.#socket.resume();
    }
  }

  #ended(): void {
    if (this.#rest.length > 0 || this.#skipping) {
      this.#context.count('EventIncompleteCount', 1);
      this.#context.log.warn('line without an end dropped: the client closed the connection', {
        peer: this.#peer,
        bytes: this.#rest.length,
      });
    }
    this.#outcome.then(
      () => this.#socket.end(),
      () => this.#socket.destroy(),
    );
  }

  #decode(chunk: Buffer): Buffer | undefined {
    try {
      return Buffer.from((this.#reader as TextReader).read(chunk));
    } catch {
      this.#fail(this.#badBytesText());
      this.#socket.pause();
      this.#outcome.then(
        () => this.#socket.end(),
        () => this.#socket.destroy(),
      );
      return undefined;
    }
  }

  #skipRest(): void {
    this.#rest = Buffer.alloc(0);
    this.#skipping = true;
    this.#fail(this.#tooLongText());
  }

  /** Whether the text, which has no line feed, leaves no room for one. Counts UTF-16 units only where the bytes leave a doubt. */
  #tooLong(text: Buffer): boolean {
    const most = this.#settings.maxLineLength;
    if (text.length < most) return false;
    return text.length > most * MOST_BYTES_PER_UNIT || text.toString().length >= most;
  }

  #tooLongText(): string {
    return `Event exceeds the maximum length (${this.#settings.maxLineLength} chars, including newline)`;
  }

  #badBytesText(): string {
    return `line is not ${this.#settings.encoding.toUpperCase()} text`;
  }
}
