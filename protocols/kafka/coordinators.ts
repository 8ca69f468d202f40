import { setTimeout as sleep } from 'node:timers/promises';
import type * as Library from '@platformatic/kafka';
import { isAbort } from '../../core/errors.ts';
import { ERRORS } from './error-codes.ts';
import { errorCodeOf } from './library.ts';

/** What a coordinator answers while it, or what it looks after, is not ready yet; of a topic that was just made. */
const NOT_READY: ReadonlySet<number> = new Set([
  ERRORS.unknownTopicOrPartition, ERRORS.coordinatorLoading, ERRORS.coordinatorNotAvailable, ERRORS.notCoordinator,
  ERRORS.concurrentTransactions, ERRORS.operationNotAttempted, ERRORS.unstableOffsets,
]);
const LONG_PAUSE_MS = 100;
/** The transaction before is being finished: that takes milliseconds. */
const SHORT_PAUSE_MS = 5;

const KINDS = { group: 0, transaction: 1 } as const;

/** Asks the brokers that coordinate groups and transactions: finds them, and asks again until they are ready. Needs Kafka 3.0. */
export class Coordinators {
  readonly #library: typeof Library;
  readonly #client: Library.Base;
  readonly #patienceMs: number;
  readonly #found = new Map<string, Library.Broker>();
  #turn = 0;

  constructor(library: typeof Library, client: Library.Base, patienceMs: number) {
    this.#library = library;
    this.#client = client;
    this.#patienceMs = patienceMs;
  }

  /** The answer to a request about the group, or the transactional id, `name`. Throws what a repetition would not help, and once the time is up. */
  async ask<T>(kind: keyof typeof KINDS, name: string, request: (connection: Library.Connection) => Promise<T>, signal: AbortSignal): Promise<T> {
    const deadline = performance.now() + this.#patienceMs;
    const key = `${kind} ${name}`;
    for (;;) {
      signal.throwIfAborted();
      try {
        return await this.#once(kind, name, key, request);
      } catch (error) {
        const code = errorCodeOf(error);
        if (isAbort(error) || (code !== undefined && !NOT_READY.has(code)) || performance.now() > deadline) throw error;
        const stays = code === ERRORS.concurrentTransactions || code === ERRORS.unstableOffsets;
        if (!stays) this.#found.delete(key);
        await sleep(stays ? SHORT_PAUSE_MS : LONG_PAUSE_MS, undefined, { signal });
      }
    }
  }

  async #once<T>(kind: keyof typeof KINDS, name: string, key: string, request: (connection: Library.Connection) => Promise<T>): Promise<T> {
    let broker = this.#found.get(key);
    if (!broker) this.#found.set(key, (broker = await this.#find(kind, name)));
    return this.#on(broker, request);
  }

  async #find(kind: keyof typeof KINDS, name: string): Promise<Library.Broker> {
    const { brokers } = await this.#client.metadata({ topics: [], forceUpdate: true });
    const any = [...brokers.values()][this.#turn++ % Math.max(1, brokers.size)];
    if (!any) throw new Error('no broker is known');
    const { coordinators } = await this.#on(any, (connection) => this.#library.findCoordinatorV4.api.async(connection, KINDS[kind], [name]));
    const [found] = coordinators;
    if (!found) throw new Error(`no broker coordinates the ${kind} ${name}`);
    return found;
  }

  async #on<T>(broker: Library.Broker, request: (connection: Library.Connection) => Promise<T>): Promise<T> {
    const connection = await this.#client.connections.get(broker);
    try {
      return await request(connection);
    } catch (error) {
      // After a request that was not answered in time the library no longer reads this connection.
      if (errorCodeOf(error) === undefined) connection.socket.destroy();
      throw error;
    }
  }
}
