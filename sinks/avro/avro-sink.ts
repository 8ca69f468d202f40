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

/** Bodies of one call to an agent of ours. */
const GATHER_BYTES = 1024 * 1024;

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

  /** The connection that is open, or a new one where there is none that can be used, or it is as old as it may get. */
  connection(): AvroClientConnection {
    const old = this.#connection;
    if (old?.isUsable && !(this.#resetMs > 0 && old.ageMs >= this.#resetMs)) return old;
    old?.close();
    return (this.#connection = this.#open());
  }

  close(): void {
    this.#connection?.close();
    this.#connection = undefined;
  }
}

/** Sends batches to avro sources, one call at a time, as Flume's avro sink does. */
export class AvroSink implements Sink {
  readonly batchSize: number;
  readonly #context: Context;
  readonly #settings: AvroSinkSettings;
  readonly #receivers: readonly Receiver[];
  readonly #arranged: Receivers<Receiver>;
  #tls: TlsStores | undefined;
  #gathers = false;

  constructor(context: Context, settings: AvroSinkSettings) {
    this.#context = context;
    this.#settings = settings;
    this.batchSize = settings.batchSize;
    this.#receivers = settings.addresses.map((address) => new Receiver(() => this.#connectTo(address), settings.resetMs));
    this.#arranged = settings.arrange(this.#receivers);
  }

  get gathersBytes(): number | undefined {
    return this.#gathers ? GATHER_BYTES : undefined;
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
    const abort = (): void => this.#receivers.forEach((receiver) => receiver.close());
    signal.addEventListener('abort', abort, { once: true });
    try {
      await this.#arranged.send((receiver) => {
        signal.throwIfAborted();
        return this.#send(receiver.connection(), batch, origin);
      });
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  /** An agent of ours stores no event twice that has a number: what was gathered goes in one call. */
  async #send(connection: AvroClientConnection, batch: Batch, origin: Origin | undefined): Promise<void> {
    this.#gathers = origin !== undefined && connection.receiverIsOurs;
    const most = this.#gathers ? batch.size : this.batchSize;
    if (batch.size <= most) return connection.append(batch, origin);
    for (let from = 0; from < batch.size; from += most) {
      const to = Math.min(from + most, batch.size);
      await connection.append(batch.slice(from, to), origin && sliceOrigin(origin, from, to));
    }
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
