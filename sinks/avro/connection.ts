import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { Batch } from '../../core/batch.ts';
import type { Origin } from '../../core/component.ts';
import { DeflatedStream } from '../../io/deflated-stream.ts';
import { tlsReason } from '../../io/tls/layers.ts';
import type { TlsStores } from '../../io/tls/tls-stores.ts';
import { AvroWriter } from '../../protocols/avro-writer.ts';
import { ClientSession } from '../../protocols/avro-rpc/client-session.ts';
import { frameHead, FrameReader } from '../../protocols/avro-rpc/frames.ts';

/** Answers are a few bytes; errors bring a text, and a handshake the receiver's protocol. */
const MOST_ANSWER_BYTES = 1024 * 1024;
/** A call begins with so much memory of its own; the bodies are seldom in it. */
const WRITER_BYTES = 8 * 1024;

export interface ConnectionOptions {
  readonly host: string;
  readonly port: number;
  /** For connecting and the first answer. */
  readonly connectMs: number;
  /** For every answer after the first. */
  readonly requestMs: number;
  readonly tls: { readonly stores: TlsStores; readonly verify: 'all' | 'chain' | 'nothing' } | undefined;
  readonly deflateLevel: number | undefined;
  count(what: 'Created' | 'Closed' | 'Failed'): void;
}

interface Call {
  readonly batch: Batch;
  readonly origin: Origin | undefined;
  /** Its memory is used again once the call was answered. */
  readonly writer: AvroWriter;
  serial: number;
  readonly stored: () => void;
  readonly failed: (error: Error) => void;
}

/** One connection to a receiver. Calls are answered in their order; once anything fails it is closed, and every call fails. */
export class AvroClientConnection {
  readonly #options: ConnectionOptions;
  readonly #session: ClientSession;
  readonly #frames: FrameReader;
  readonly #openedMs = performance.now();
  /** Not answered yet, in their order. */
  readonly #calls: Call[] = [];
  readonly #writers: AvroWriter[] = [];
  #stream: Duplex | undefined;
  #opening: Promise<Duplex> | undefined;
  #serial = 0;
  #isOpen = false;
  #answered = false;
  #failure: Error | undefined;
  /** Runs while something may be awaited; looks at the time only when it ends. */
  #patience: NodeJS.Timeout | undefined;
  /** When the first of the calls began to be awaited. */
  #waitingSince = 0;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#session = new ClientSession();
    this.#frames = new FrameReader({ messageBytes: MOST_ANSWER_BYTES }, (serial, message) => this.#received(serial, message));
  }

  get isUsable(): boolean {
    return this.#failure === undefined;
  }

  get ageMs(): number {
    return performance.now() - this.#openedMs;
  }

  /** Whether the receiver is an agent of ours; not known before its first answer. */
  get receiverIsOurs(): boolean {
    return this.#session.receiverIsOurs;
  }

  get address(): string {
    return `${this.#options.host}:${this.#options.port}`;
  }

  /** Nothing is under way. */
  get isIdle(): boolean {
    return this.#calls.length === 0;
  }

  /** Connects without sending anything. */
  async open(): Promise<void> {
    const { connectMs } = this.#options;
    const timer = setTimeout(() => this.close(new Error(`no connection within ${connectMs / 1000} s`)), connectMs);
    try {
      await this.#connected();
    } catch (error) {
      this.close(error as Error);
      throw this.#named();
    } finally {
      clearTimeout(timer);
    }
  }

  /** Resolves when the receiver has stored the batch. The first call of a connection is to be awaited before the next is made. */
  append(batch: Batch, origin?: Origin): Promise<void> {
    if (this.#failure) return Promise.reject(this.#named());
    return new Promise((stored, failed) => {
      const call = { batch, origin, writer: this.#writers.pop() ?? new AvroWriter(WRITER_BYTES), serial: 0, stored, failed };
      if (this.#calls.push(call) === 1) this.#waitingSince = performance.now();
      this.#watch();
      if (this.#isOpen) this.#send(call);
      else this.#connected().then(() => this.#send(call), (error: Error) => this.close(error));
    });
  }

  close(reason: Error = new Error('the connection was closed')): void {
    if (!this.#failure) this.#options.count(this.#isOpen ? 'Closed' : 'Failed');
    this.#failure ??= reason;
    clearTimeout(this.#patience);
    this.#stream?.destroy();
    for (const { failed } of this.#calls.splice(0)) failed(this.#named());
  }

  /** Each call has the whole time-out from when the one before it was answered, or from its own beginning. */
  #watch(): void {
    if (this.#patience) return;
    const look = (): void => {
      this.#patience = undefined;
      if (this.#calls.length === 0) return;
      const limitMs = this.#limitMs;
      const leftMs = this.#waitingSince + limitMs - performance.now();
      if (leftMs <= 0) return this.close(new Error(`no answer within ${limitMs / 1000} s; whether the receiver has stored the events is not known`));
      this.#patience = setTimeout(look, leftMs);
    };
    this.#patience = setTimeout(look, this.#limitMs);
  }

  get #limitMs(): number {
    return this.#answered ? this.#options.requestMs : this.#options.connectMs;
  }

  #send(call: Call): void {
    const stream = this.#stream;
    if (!stream || this.#failure) return;
    try {
      const pieces = this.#session.request(call.writer, call.batch, call.origin);
      call.serial = ++this.#serial;
      stream.cork();
      stream.write(frameHead(call.serial, pieces.reduce((sum, { length }) => sum + length, 0)));
      for (const piece of pieces) stream.write(piece);
      stream.uncork();
    } catch (error) {
      this.close(error as Error);
    }
  }

  #connected(): Promise<Duplex> {
    return (this.#opening ??= this.#connect());
  }

  async #connect(): Promise<Duplex> {
    const { host, port, tls, deflateLevel } = this.#options;
    const socket = connect({ host, port, noDelay: true, keepAlive: true });
    this.#stream = socket;
    socket.on('error', (error) => this.#lost(error));
    socket.on('close', () => this.#lost());
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('close', () => reject(this.#failure ?? new Error('closed')));
    });
    // Flume since 1.10: TLS inside of the compressed stream.
    const plain = deflateLevel === undefined ? socket : new DeflatedStream(socket, deflateLevel);
    const stream = tls ? await this.#secured(plain, tls) : plain;
    if (stream !== socket) stream.on('error', (error) => this.#lost(tls?.stores.explain(error) ?? error));
    stream.on('data', (chunk: Buffer) => this.#read(chunk));
    stream.on('end', () => this.#lost());
    this.#stream = stream;
    if (this.#failure) throw this.#failure;
    this.#isOpen = true;
    this.#options.count('Created');
    return stream;
  }

  async #secured(inner: Duplex, { stores, verify }: NonNullable<ConnectionOptions['tls']>): Promise<TLSSocket> {
    const { host } = this.#options;
    const secureContext = await stores.context();
    if (this.#failure) throw this.#failure;
    const { connect: connectTls } = process.getBuiltinModule('node:tls');
    const isName = process.getBuiltinModule('node:net').isIP(host) === 0;
    return new Promise((resolve, reject) => {
      const socket = connectTls({
        socket: inner,
        secureContext,
        ...(isName && { servername: host }),
        host,
        rejectUnauthorized: verify !== 'nothing',
        ...(verify !== 'all' && { checkServerIdentity: () => undefined }),
      });
      // Before it is judged: what is refused cannot be looked at any more. (Asking for the X509Certificate makes Node find no names in it.)
      let shown: Buffer | undefined;
      socket.prependOnceListener('secure', () => (shown = socket.getPeerCertificate().raw));
      socket.once('secureConnect', () => resolve(socket));
      socket.once('error', (error) => reject(new Error(tlsReason(stores.explain(error, shown)))));
      socket.once('close', () => reject(this.#failure ?? new Error('the receiver hung up during the TLS handshake')));
    });
  }

  #lost(error: Error = new Error('the receiver closed the connection')): void {
    const unwanted = this.#options.tls && this.#isOpen && !this.#answered;
    this.close(unwanted ? new Error(`${error.message}, right after the TLS handshake: if it asks for certificates, its log says what it has against ours`) : error);
  }

  #read(chunk: Buffer): void {
    try {
      this.#frames.read(chunk);
    } catch (error) {
      this.close(error as Error);
    }
  }

  #received(serial: number, message: Buffer): void {
    const [call] = this.#calls;
    if (call?.serial !== serial) return this.close(new Error(`the receiver answered to call ${serial}, which was not made`));
    const answer = this.#session.receive(message);
    if (answer.kind === 'refused') return this.close(new Error(answer.reason));
    if (answer.kind === 'again') return this.#send(call);
    if (!this.#answered) {
      // From now on another limit holds.
      this.#answered = true;
      clearTimeout(this.#patience);
      this.#patience = undefined;
    }
    this.#calls.shift();
    this.#waitingSince = performance.now();
    this.#writers.push(call.writer);
    call.stored();
  }

  #named(): Error {
    const reason = this.#failure as Error;
    return new Error(`${this.address}: ${reason.message}`, { cause: reason.cause });
  }
}
