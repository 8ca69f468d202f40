import type { Batch } from '../../core/batch.ts';
import type { Context, Description, Origin, Sink } from '../../core/component.ts';
import { describeError } from '../../core/errors.ts';
import { sliceOrigin } from '../../core/event-numbers.ts';
import type { TlsLists } from '../../io/tls/tls-names.ts';
import { TlsStores } from '../../io/tls/tls-stores.ts';
import { AvroClientConnection } from './connection.ts';
import type { Address, Receivers } from './receivers.ts';

export interface AvroSinkSettings extends TlsLists {
  readonly batchSize: number;
  readonly connectMs: number;
  readonly requestMs: number;
  /** 0: never. */
  readonly resetMs: number;
  readonly deflateLevel: number | undefined;
  /** What is looked at of the receiver's certificate: its chain and name, only the chain, or nothing; absent: no TLS. */
  readonly verify: 'all' | 'chain' | 'nothing' | undefined;
  readonly truststore: StoreOptions | undefined;
  readonly keystore: StoreOptions | undefined;
  readonly addresses: readonly Address[];
  /** Arranges the receivers as `client.type` says. */
  arrange(receivers: readonly Receiver[]): Receivers<Receiver>;
}

/** A call to an agent of ours has so many bytes of bodies at least, where so many wait: more are not worth the copies of joining them. */
const GATHER_BYTES = 24 * 1024;
/** Calls of numbered events to an agent of ours that may be unanswered, and bytes of their bodies beyond which no more are made. */
const MOST_CALLS = 64;
const UNANSWERED_BYTES = 2 * 1024 * 1024;

interface StoreOptions {
  readonly path: string;
  readonly password: string | undefined;
}

/** One receiver and the connection to it, if one is open. */
export class Receiver {
  readonly #open: () => AvroClientConnection;
  readonly #resetMs: number;
  #connection: AvroClientConnection | undefined;

  constructor(open: () => AvroClientConnection, resetMs: number) {
    this.#open = open;
    this.#resetMs = resetMs;
  }

  /** The connection that is open, or a new one where there is none that can be used, or it is as old as it may get and idle. */
  connection(): AvroClientConnection {
    const old = this.#connection;
    if (old?.isUsable && !(old.isIdle && this.#isOld(old))) return old;
    old?.close();
    return (this.#connection = this.#open());
  }

  /** Whether several calls may be under way: the receiver is known to be an agent of ours, and the connection may go on for a while. */
  get takesMany(): boolean {
    const open = this.#connection;
    return open !== undefined && open.isUsable && open.receiverIsOurs && !this.#isOld(open);
  }

  close(): void {
    this.#connection?.close();
    this.#connection = undefined;
  }

  #isOld({ ageMs }: AvroClientConnection): boolean {
    return this.#resetMs > 0 && ageMs >= this.#resetMs;
  }
}

/**
 * Sends batches to avro sources, one call at a time, as Flume's avro sink does; to one agent of ours several at a time, of events with
 * numbers: that agent stores none of them twice, however many calls were under way when the connection broke.
 */
export class AvroSink implements Sink {
  readonly batchSize: number;
  readonly releasesBatches = true;
  readonly takesFleetingNumbers = true;
  readonly #context: Context;
  readonly #settings: AvroSinkSettings;
  readonly #receivers: readonly Receiver[];
  readonly #arranged: Receivers<Receiver>;
  #tls: TlsStores | undefined;
  #signal: AbortSignal | undefined;
  #unansweredBytes = 0;
  /** Where the last events went, if they had numbers. */
  #numberedTo: AvroClientConnection | undefined;

  constructor(context: Context, settings: AvroSinkSettings) {
    this.#context = context;
    this.#settings = settings;
    this.batchSize = settings.batchSize;
    this.#receivers = settings.addresses.map((address) => new Receiver(() => this.#connectTo(address), settings.resetMs));
    this.#arranged = settings.arrange(this.#receivers);
  }

  get gathersBytes(): number | undefined {
    return this.#numberedTo?.receiverIsOurs ? GATHER_BYTES : undefined;
  }

  get mostWrites(): number {
    const [only] = this.#receivers;
    const takesMany = this.#numberedTo && this.#receivers.length === 1 && only?.takesMany && this.#unansweredBytes < UNANSWERED_BYTES;
    return takesMany ? MOST_CALLS : 1;
  }

  /** A receiver that is not there yet does not keep the sink from starting. */
  async start(): Promise<void> {
    const { verify, truststore, keystore } = this.#settings;
    if (verify) this.#tls = await TlsStores.forClient({ keystore, truststore, lists: this.#settings, log: this.#context.log });
    if (verify === 'nothing') this.#context.log.warn('any certificate of the receiver is taken: whoever answers at its address gets the events (trust-all-certs)');
    if (verify === 'chain') this.#context.log.warn('the receiver is not asked to show a certificate for its name (verify-host-name = false)');
    const [first] = this.#receivers;
    first?.connection().open().catch((error: unknown) => {
      this.#context.log.warn('the receiver cannot be reached yet', { reason: describeError(error) });
    });
  }

  async stop(): Promise<void> {
    this.#tls?.close();
    for (const receiver of this.#receivers) receiver.close();
  }

  async write(batch: Batch, signal: AbortSignal, origin?: Origin): Promise<void> {
    if (batch.size === 0) return;
    this.#closeOn(signal);
    this.#unansweredBytes += batch.byteLength;
    try {
      await this.#arranged.send((receiver) => {
        signal.throwIfAborted();
        return this.#send(receiver.connection(), batch, origin);
      });
    } finally {
      this.#unansweredBytes -= batch.byteLength;
    }
  }

  /** An agent of ours stores no event twice that has a number: what was gathered goes in one call. */
  async #send(connection: AvroClientConnection, batch: Batch, origin: Origin | undefined): Promise<void> {
    this.#numberedTo = origin && connection;
    const most = origin && connection.receiverIsOurs ? batch.size : this.batchSize;
    if (batch.size <= most) return connection.append(batch, origin);
    for (let from = 0; from < batch.size; from += most) {
      const to = Math.min(from + most, batch.size);
      await connection.append(batch.slice(from, to), origin && sliceOrigin(origin, from, to));
    }
  }

  /** Every write of a running sink has the same signal. */
  #closeOn(signal: AbortSignal): void {
    if (signal === this.#signal) return;
    this.#signal = signal;
    signal.addEventListener('abort', () => this.#receivers.forEach((receiver) => receiver.close()), { once: true });
  }

  describe(): Description {
    const { addresses, verify, deflateLevel } = this.#settings;
    const to = addresses.map(({ host, port }) => `${host}:${port}`).join(', ');
    return { summary: `to ${to}${verify ? ', TLS' : ''}${deflateLevel === undefined ? '' : ', compressed'}` };
  }

  #connectTo({ host, port }: Address): AvroClientConnection {
    const { connectMs, requestMs, deflateLevel, verify } = this.#settings;
    const stores = this.#tls;
    return new AvroClientConnection({
      host,
      port,
      connectMs,
      requestMs,
      deflateLevel,
      tls: verify && stores ? { stores, verify } : undefined,
      count: (what) => this.#context.count(`Connection${what}Count`, 1),
    });
  }
}
