import type { Duplex } from 'node:stream';
import type { Batch } from '../../core/batch.ts';
import type { ByteWindow } from '../../core/byte-window.ts';
import type { SourceContext } from '../../core/component.ts';
import { describeError, isAbort } from '../../core/errors.ts';
import type { TurnBudget } from '../../core/turn-budget.ts';
import { chunkWasRead } from '../../io/read-memory.ts';
import { readAgain, stopReading } from '../../io/tcp-server.ts';
import { frameHead, FrameReader } from '../../protocols/avro-rpc/frames.ts';
import { errorAnswer, ServerSession, STATUS, statusAnswer, type EventsRequest, type KnownProtocols } from '../../protocols/avro-rpc/server-session.ts';
import type { FrameBudget } from './frame-budget.ts';

/** Calls of one connection that wait to be stored before no more are read, but for those that came in the same piece. */
const MOST_CALLS = 64;
/** What an event costs besides its bytes while it waits. */
const EVENT_BYTES = 32;
/** Bytes of answers that the client has not read before no more calls are read. */
const ANSWER_BYTES = 64 * 1024;
/** What a connection may hold of an unfinished message before the shared budget counts it. */
const FREE_BYTES = 64 * 1024;
/** How long a connection that is to close may take over its last answers. */
const LINGER_MS = 250;

export interface ConnectionSettings {
  readonly peer: string;
  /** Set in every event, whatever the client says. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly messageBytes: number;
  /** A client that stops inside a message for this long is closed. */
  readonly stallMs: number;
  readonly known: KnownProtocols;
  /** Shared by all connections: events that wait to be stored. */
  readonly window: ByteWindow;
  /** Shared too: messages that are not whole. */
  readonly budget: FrameBudget;
  readonly turn: TurnBudget;
}

/** One client of the avro source: calls in, an answer for each out, in order. */
export class AvroConnection {
  /** Resolves when the connection is closed and every call has its outcome. */
  readonly closed: Promise<void>;
  readonly #stream: Duplex;
  readonly #context: SourceContext;
  readonly #settings: ConnectionSettings;
  readonly #frames: FrameReader;
  readonly #session: ServerSession;
  #outcome: Promise<void> = Promise.resolve();
  #calls = 0;
  #closing = false;
  /** An agent of ours sends again, over another connection, what was not stored: what it has sent behind that must not come before it. */
  #refusesBlocks = false;
  /** Reading waits for a call of ours, the window's or the budget's. */
  #held = false;
  #stall: NodeJS.Timeout | undefined;
  #stallSince = 0;

  constructor(stream: Duplex, context: SourceContext, settings: ConnectionSettings) {
    this.#stream = stream;
    this.#context = context;
    this.#settings = settings;
    this.#session = new ServerSession(settings.known, context.batchLimit);
    this.#frames = new FrameReader({ messageBytes: settings.messageBytes }, (serial, message) => this.#received(serial, message));
    stream.on('data', (chunk: Buffer) => this.#read(chunk));
    stream.on('end', () => this.#ended());
    stream.on('drain', () => this.#readOn());
    stream.on('error', (error) => this.#broken(error));
    // A client may have gone while its address was looked up.
    this.closed = new Promise<void>((resolve) => (stream.closed ? resolve() : stream.once('close', () => resolve()))).then(() => {
      clearTimeout(this.#stall);
      settings.window.forget(this.#readOn);
      settings.budget.leave(this);
      return this.#outcome;
    });
  }

  /** Takes no more calls, answers those it has taken, closes. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#stream.pause();
    await this.#outcome;
    this.#hangUp();
    await this.closed;
  }

  readonly #readOn = (): void => {
    if (this.#closing || this.#stream.destroyed || !this.#mayRead) return;
    if (!this.#held) return;
    this.#held = false;
    readAgain(this.#stream as never);
  };

  get #mayRead(): boolean {
    return this.#calls < MOST_CALLS && this.#stream.writableLength <= ANSWER_BYTES;
  }

  #read(chunk: Buffer): void {
    if (this.#closing) return;
    const { window, budget, turn } = this.#settings;
    if (!this.#mayRead) return this.#putBack(chunk);
    if (window.isFull) return this.#putBack(chunk, () => window.whenRoom(this.#readOn));
    if (this.#frames.heldBytes > FREE_BYTES && !budget.allows(this)) return this.#putBack(chunk, () => budget.whenRoom(this, this.#readOn));
    if (turn.isSpent) return this.#putBack(chunk, () => setImmediate(this.#readOn));
    try {
      this.#frames.read(chunk);
    } catch (error) {
      return this.#refuse(error);
    }
    budget.holds(this, Math.max(0, this.#frames.heldBytes - FREE_BYTES));
    this.#watchStall();
    if (!this.#mayRead) this.#hold();
  }

  #putBack(chunk: Buffer, wait?: () => void): void {
    this.#hold();
    this.#stream.unshift(chunk);
    wait?.();
  }

  #hold(): void {
    this.#held = true;
    stopReading(this.#stream as never);
  }

  /** One timer, not one for every chunk. */
  #watchStall(): void {
    this.#stallSince = performance.now();
    if (this.#stall || !this.#frames.isInside) return;
    const { stallMs } = this.#settings;
    const look = (): void => {
      this.#stall = undefined;
      if (!this.#frames.isInside || this.#stream.destroyed) return;
      const left = this.#held ? stallMs : this.#stallSince + stallMs - performance.now();
      if (left > 0) {
        this.#stall = setTimeout(look, left);
        this.#stall.unref();
        return;
      }
      this.#refuse(new Error(`nothing came for ${stallMs / 1000} s inside of a message`));
    };
    this.#stall = setTimeout(look, stallMs);
    this.#stall.unref();
  }

  #received(serial: number, message: Buffer): void {
    if (this.#closing) return;
    chunkWasRead(message.length);
    const request = this.#session.receive(message);
    if (request.kind === 'refused') {
      this.#context.count('AppendBatchReceivedCount', 1);
      this.#tellFailure(request.reason);
      return this.#then(() => this.#answer(serial, request.answer));
    }
    if (request.kind === 'answer') {
      const { answer } = request;
      return this.#then(() => this.#answer(serial, answer));
    }
    const { batch, single, handshake } = request;
    this.#count(single, 'Received', batch.size);
    if (request.isBlock && this.#refusesBlocks) return this.#then(() => this.#answer(serial, statusAnswer(handshake, STATUS.failed)));
    this.#deliver(request, (status) => this.#answer(serial, statusAnswer(handshake, status)), (text) => this.#answer(serial, errorAnswer(handshake, text)));
  }

  #deliver(request: EventsRequest, answer: (status: 0 | 1) => void, fail: (text: string) => void): void {
    const { batch, single } = request;
    if (batch.size === 0) {
      this.#count(single, 'Accepted', 0);
      return this.#then(() => answer(STATUS.ok));
    }
    const cost = batch.bytes.length + EVENT_BYTES * batch.size;
    this.#settings.window.take(cost);
    this.#calls++;
    const delivered = this.#store(this.#settings.headers.reduce((told, [name, value]) => told.withHeader(name, value, false), batch));
    if (request.isBlock) delivered.catch(() => (this.#refusesBlocks = true));
    const before = this.#outcome;
    const settled = delivered.then(
      () => before.then(() => {
        this.#count(single, 'Accepted', batch.size);
        answer(STATUS.ok);
      }),
      (error: unknown) => before.then(() => {
        if (!isAbort(error)) this.#tellFailure(describeError(error), batch.size);
        if (isAbort(error)) fail('the agent is stopping');
        else answer(STATUS.failed);
      }),
    );
    this.#outcome = settled.then(() => {
      this.#calls--;
      this.#settings.window.giveBack(cost);
      this.#readOn();
    });
  }

  /** More events than a transaction holds are stored in pieces, at once: only agents of ours send so many, and repeat what was not stored. */
  async #store(batch: Batch): Promise<void> {
    const { batchLimit } = this.#context;
    if (batch.size <= batchLimit) return this.#context.deliver(batch);
    const pieces: Promise<void>[] = [];
    for (let from = 0; from < batch.size; from += batchLimit) {
      pieces.push(this.#context.deliver(batch.slice(from, Math.min(from + batchLimit, batch.size))));
    }
    for (const piece of await Promise.allSettled(pieces)) if (piece.status === 'rejected') throw piece.reason;
  }

  #then(action: () => void): void {
    this.#outcome = this.#outcome.then(action);
  }

  #count(single: boolean, what: 'Received' | 'Accepted', events: number): void {
    this.#context.count(`Append${single ? '' : 'Batch'}${what}Count`, 1);
    this.#context.count(`Event${what}Count`, events);
  }

  #tellFailure(reason: string, events?: number): void {
    this.#context.count('ChannelWriteFail', 1);
    this.#context.log.warn('events were not stored; the client was told', { peer: this.#settings.peer, ...(events !== undefined && { events }), reason });
  }

  #answer(serial: number, message: Buffer): void {
    if (this.#stream.destroyed || !this.#stream.writable) return;
    this.#stream.write(Buffer.concat([frameHead(serial, message.length), message]));
    if (!this.#mayRead) this.#hold();
  }

  /** The client does not keep to the protocol, or not in time. */
  #refuse(error: unknown): void {
    this.#closing = true;
    this.#context.count('EventReadFail', 1);
    this.#context.log.warn('connection closed', { peer: this.#settings.peer, reason: describeError(error) });
    this.#settings.budget.leave(this);
    this.#outcome.then(
      () => this.#hangUp(),
      () => this.#stream.destroy(),
    );
  }

  #ended(): void {
    if (this.#frames.isInside && !this.#closing) {
      this.#context.log.warn('the client closed the connection inside of a message', { peer: this.#settings.peer, bytes: this.#frames.heldBytes });
    }
    this.#outcome.then(
      () => this.#stream.end(),
      () => this.#stream.destroy(),
    );
  }

  #broken(error: Error): void {
    this.#context.count('ConnectionBrokenCount', 1);
    this.#context.log.debug('connection failed', { peer: this.#settings.peer, reason: error.message });
  }

  /** Sends what is to be sent and closes, with some patience for the client's own end. */
  #hangUp(): void {
    this.#stream.end();
    this.#stream.resume();
    const timer = setTimeout(() => this.#stream.destroy(), LINGER_MS);
    this.#stream.once('close', () => clearTimeout(timer));
  }
}
