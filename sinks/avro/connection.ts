import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { Batch } from '../../core/batch.ts';
import type { Origin } from '../../core/component.ts';
import { DeflatedStream } from '../../io/deflated-stream.ts';
import { tlsReason } from '../../io/tls/layers.ts';
import type { TlsStores } from '../../io/tls/tls-stores.ts';
import { ClientSession, type Answer } from '../../protocols/avro-rpc/client-session.ts';
import { frameHead, FrameReader } from '../../protocols/avro-rpc/frames.ts';

/** Answers are a few bytes; errors bring a text, and a handshake the receiver's protocol. */
const MOST_ANSWER_BYTES = 1024 * 1024;

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

/** One connection to a receiver: one call at a time. Once anything fails it is closed, and every call throws. */
export class AvroClientConnection {
  readonly #options: ConnectionOptions;
  readonly #session: ClientSession;
  readonly #frames: FrameReader;
  readonly #openedMs = performance.now();
  #stream: Duplex | undefined;
  #opening: Promise<Duplex> | undefined;
  #serial = 0;
  #isOpen = false;
  #answered = false;
  #failure: Error | undefined;
  #waiting: { readonly resolve: (message: Buffer) => void; readonly reject: (error: Error) => void } | undefined;

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

  /** Connects without sending anything. */
  async open(): Promise<void> {
    const { connectMs } = this.#options;
    await this.#within(connectMs, `no connection within ${connectMs / 1000} s`, () => this.#connected());
  }

  /** Resolves when the receiver has stored the batch. */
  async append(batch: Batch, origin?: Origin): Promise<void> {
    const answer = await this.#call(batch, origin);
    const last = answer.kind === 'again' ? await this.#call(batch, origin) : answer;
    if (last.kind === 'stored') return;
    const failure = new Error(last.kind === 'refused' ? last.reason : 'the receiver asks for the same request again and again');
    this.close(failure);
    throw this.#named(failure);
  }

  close(reason: Error = new Error('the connection was closed')): void {
    if (!this.#failure) this.#options.count(this.#isOpen ? 'Closed' : 'Failed');
    this.#failure ??= reason;
    this.#stream?.destroy();
    this.#waiting?.reject(this.#failure);
    this.#waiting = undefined;
  }

  #call(batch: Batch, origin: Origin | undefined): Promise<Answer> {
    const { connectMs, requestMs } = this.#options;
    const limit = this.#answered ? requestMs : connectMs;
    const text = `no answer within ${limit / 1000} s; whether the receiver has stored the events is not known`;
    return this.#within(limit, text, async () => {
      const stream = await this.#connected();
      const message = this.#session.request(batch, origin);
      const answer = new Promise<Buffer>((resolve, reject) => (this.#waiting = { resolve, reject }));
      stream.cork();
      stream.write(frameHead(++this.#serial, message.length));
      stream.write(message);
      stream.uncork();
      const read = this.#session.receive(await answer);
      this.#answered = read.kind !== 'again';
      return read;
    });
  }

  async #within<T>(limitMs: number, text: string, action: () => Promise<T>): Promise<T> {
    if (this.#failure) throw this.#named(this.#failure);
    const timer = setTimeout(() => this.close(new Error(text)), limitMs);
    try {
      return await action();
    } catch (error) {
      this.close(error as Error);
      throw this.#named(this.#failure ?? (error as Error));
    } finally {
      clearTimeout(timer);
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
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting && serial === this.#serial) waiting.resolve(message);
    else this.close(new Error(`the receiver answered to call ${serial}, which was not made`));
  }

  #named(error: Error): Error {
    return new Error(`${this.address}: ${error.message}`, { cause: error.cause });
  }
}
