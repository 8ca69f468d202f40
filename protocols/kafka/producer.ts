import { setTimeout as sleep } from 'node:timers/promises';
import type * as Library from '@platformatic/kafka';
import { checksumOf, errorCodeOf, explained, kafkaLibrary, reasonOf, type ClientOptions } from './library.ts';
import { ERRORS, retriable } from './error-codes.ts';
import { produce, type PieceAnswer } from './produce-request.ts';
import { Coordinators } from './coordinators.ts';
import { lost, TransactionLostError, Transactions } from './transactions.ts';
import { NOBODY, seal, type Compression, type WriterIdentity } from './record-batch.ts';

export interface ProducerSettings {
  readonly client: ClientOptions;
  readonly acks: -1 | 0 | 1;
  readonly idempotent: boolean;
  readonly compression: Compression;
  /** How long a piece is offered before `send` gives up. */
  readonly deliveryTimeoutMs: number;
  readonly retryBackoffMs: number;
  /** Of a transaction, after which the brokers abort it. */
  readonly transactionTimeoutMs: number;
}

/** A record batch for one partition, as `RecordBatchWriter` made it. */
export interface Piece {
  readonly topic: string;
  readonly partition: number;
  readonly bytes: Buffer;
  readonly count: number;
}

/** What a broker will never take: single records by their place in the piece, or, without `records`, all of it for its size. */
export interface Refusal {
  readonly piece: Piece;
  readonly reason: string;
  readonly tooLarge: boolean;
  readonly records?: readonly number[];
}

/** Has record batches stored by the brokers that lead their partitions; finds these, and asks again, until they are stored. */
export class KafkaProducer {
  readonly #settings: ProducerSettings;
  #library: typeof Library | undefined;
  #client: Library.Producer | undefined;
  #identity: WriterIdentity | undefined;
  #transactions: Transactions | undefined;
  /** Number of the next record for each partition, by `topic/partition`. */
  readonly #sequences = new Map<string, number>();
  #produceVersion = 0;

  constructor(settings: ProducerSettings) {
    this.#settings = settings;
  }

  async start(): Promise<void> {
    this.#library = await kafkaLibrary();
    this.#client = new this.#library.Producer({ ...this.#settings.client, retries: 2, retryDelay: 200 });
  }

  async stop(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await client?.close(true);
  }

  /** How many partitions a topic has; a topic that is not there is created, if the brokers do that. */
  async partitions(topic: string): Promise<number> {
    return (await this.#topic(topic, false)).partitionsCount;
  }

  /** Brokers that groups and transactions are asked of. */
  coordinators(): Coordinators {
    return new Coordinators(this.#loaded, this.#connected, this.#settings.deliveryTimeoutMs);
  }

  /** Throws where the brokers are not those of the given cluster. */
  async checkCluster(id: string): Promise<void> {
    const own = this.#connected.currentMetadata?.id ?? (await this.#connected.metadata({ topics: [] })).id;
    if (own !== id) throw new Error(`a transaction is within one cluster of brokers, and the events come from the cluster ${id} and go to ${own}`);
  }

  /** From now on all that is sent is part of transactions under this id; none of an earlier writer is open any more. */
  async beginTransactions(coordinators: Coordinators, id: string, signal: AbortSignal): Promise<Transactions> {
    const transactions = new Transactions(this.#loaded, coordinators, id, this.#settings.transactionTimeoutMs);
    this.#transactions = transactions;
    this.#sequences.clear();
    this.#identity = await transactions.begin(signal);
    return transactions;
  }

  get compress(): (records: Buffer) => Buffer | Promise<Buffer> {
    const algorithm = this.#loaded.compressionsAlgorithms[this.#settings.compression];
    return 'compress' in algorithm ? (records) => algorithm.compress(records) : (records) => algorithm.compressSync(records);
  }

  /**
   * Resolves when the brokers have each piece or have refused it for good. No two pieces are for the same partition. Throws where the
   * time is up or no repetition would help; what of the pieces was stored then is not known.
   */
  async send(pieces: readonly Piece[], signal: AbortSignal): Promise<readonly Refusal[]> {
    const deadline = performance.now() + this.#settings.deliveryTimeoutMs;
    const refusals: Refusal[] = [];
    let left = pieces;
    try {
      for (;;) {
        const { again, cause } = await this.#attempt(left, refusals, signal);
        if (again.length === 0) return refusals;
        left = again;
        signal.throwIfAborted();
        if (performance.now() > deadline) throw new Error(`Kafka did not take ${again.length} of ${pieces.length} record batches in time`, { cause });
        await sleep(this.#settings.retryBackoffMs, undefined, { signal });
        await Promise.allSettled([...new Set(again.map(({ topic }) => topic))].map((topic) => this.#topic(topic, true)));
      }
    } catch (error) {
      // Batches of other records must not be taken for repetitions of these.
      this.#identity = undefined;
      throw explained(error);
    }
  }

  get #loaded(): typeof Library {
    if (!this.#library) throw new Error('the Kafka producer was not started');
    return this.#library;
  }

  get #connected(): Library.Producer {
    if (!this.#client) throw new Error('the Kafka producer was stopped');
    return this.#client;
  }

  /** One request to each broker. */
  async #attempt(pieces: readonly Piece[], refusals: Refusal[], signal: AbortSignal): Promise<{ again: Piece[]; cause: unknown }> {
    const again: Piece[] = [];
    let cause: unknown;
    const failed = (list: readonly Piece[], error: unknown): void => {
      if (!mayHelpToRepeat(error)) throw error;
      again.push(...list);
      cause = error;
    };
    try {
      await this.#prepare();
      await this.#transactions?.include(pieces, signal);
    } catch (error) {
      failed(pieces, error);
      return { again, cause };
    }
    const byLeader = await this.#byLeader(pieces, failed);
    await Promise.all(
      [...byLeader].map(async ([broker, list]) => {
        let answers: readonly PieceAnswer[];
        try {
          answers = await this.#request(broker, list);
        } catch (error) {
          failed(list, error);
          return;
        }
        for (const [index, piece] of list.entries()) {
          const error = this.#settle(piece, answers[index] as PieceAnswer, refusals);
          if (error !== undefined) failed([piece], error);
        }
      }),
    );
    return { again, cause };
  }

  async #prepare(): Promise<void> {
    if (this.#produceVersion === 0) this.#produceVersion = await this.#chooseVersion();
    if (this.#identity) return;
    if (this.#transactions) throw new TransactionLostError(`the transaction of ${this.#transactions.id} was given up`);
    const { idempotent } = this.#settings;
    this.#sequences.clear();
    this.#identity = idempotent ? await this.#connected.initIdempotentProducer({ producerId: -1n, producerEpoch: -1 }) : NOBODY;
  }

  async #chooseVersion(): Promise<number> {
    const range = (await this.#connected.listApis()).find(({ apiKey }) => apiKey === 0);
    return Math.max(3, Math.min(8, range?.maxVersion ?? 3));
  }

  async #topic(topic: string, forceUpdate: boolean): Promise<Library.ClusterTopicMetadata> {
    const metadata = await this.#connected.metadata({ topics: [topic], autocreateTopics: true, forceUpdate }).catch((error: unknown) => Promise.reject(explained(error)));
    const found = metadata.topics.get(topic);
    if (!found || found.partitionsCount === 0) throw new Error(`the topic ${topic} has no partitions`);
    return found;
  }

  async #byLeader(pieces: readonly Piece[], failed: (list: readonly Piece[], error: unknown) => void): Promise<Map<Library.Broker, Piece[]>> {
    const byLeader = new Map<Library.Broker, Piece[]>();
    for (const piece of pieces) {
      const { topic, partition } = piece;
      try {
        const { partitions } = await this.#topic(topic, false);
        const broker = this.#connected.currentMetadata?.brokers.get(partitions[partition]?.leader ?? -1);
        if (!broker) throw new Error(`partition ${partition} of ${topic} has no leader`);
        const list = byLeader.get(broker);
        if (list) list.push(piece);
        else byLeader.set(broker, [piece]);
      } catch (error) {
        failed([piece], error);
      }
    }
    return byLeader;
  }

  async #request(broker: Library.Broker, pieces: readonly Piece[]): Promise<readonly PieceAnswer[]> {
    const crc32c = checksumOf(this.#loaded);
    const identity = this.#identity ?? NOBODY;
    for (const piece of pieces) {
      const sequence = identity === NOBODY ? -1 : (this.#sequences.get(placeOf(piece)) ?? 0);
      seal(piece.bytes, identity, sequence, crc32c, this.#transactions !== undefined);
    }
    const connection = await this.#connected.connections.get(broker);
    const { acks, client } = this.#settings;
    try {
      return await produce(this.#loaded, connection, { version: this.#produceVersion, acks, timeoutMs: client.requestTimeout ?? 30_000, transactionalId: this.#transactions?.id ?? null }, pieces);
    } catch (error) {
      // After a request that was not answered in time the library no longer reads this connection.
      if (errorCodeOf(error) === undefined) connection.socket.destroy();
      throw error;
    }
  }

  /** Answers the error after which the piece is to be sent again. */
  #settle(piece: Piece, { code, message, records }: PieceAnswer, refusals: Refusal[]): Error | undefined {
    if (code === ERRORS.none || code === ERRORS.duplicateSequence) {
      this.#sequences.set(placeOf(piece), ((this.#sequences.get(placeOf(piece)) ?? 0) + piece.count) % 2 ** 31);
      return undefined;
    }
    const name = this.#loaded.protocolErrorsCodesById[code] ?? `error ${code}`;
    const reason = `Kafka answered ${name}${message === null ? '' : ` (${message})`} for partition ${piece.partition} of ${piece.topic}`;
    const tooLarge = code === ERRORS.messageTooLarge || code === ERRORS.recordListTooLarge;
    if (tooLarge || records.length > 0 || code === ERRORS.invalidTimestamp || code === ERRORS.invalidRecord) {
      refusals.push({ piece, reason, tooLarge, ...(records.length > 0 && { records }) });
      return undefined;
    }
    const error = Object.assign(new Error(reason), { apiCode: code });
    if (this.#transactions && (!retriable(code) || LOST.has(code))) throw lost(`writing under the transactional id ${this.#transactions.id}`, error);
    if (code === ERRORS.outOfOrderSequence || code === ERRORS.unknownProducerId || code === ERRORS.invalidProducerEpoch) this.#identity = undefined;
    return error;
  }
}

/** What ends a transaction and only another number for an idempotent writer. */
const LOST: ReadonlySet<number> = new Set([ERRORS.outOfOrderSequence, ERRORS.invalidProducerEpoch, ERRORS.unknownProducerId, ERRORS.producerFenced]);


function placeOf({ topic, partition }: Piece): string {
  return `${topic}/${partition}`;
}

/** Errors that no broker sent are those of the network and of leaders that are not found. */
function mayHelpToRepeat(error: unknown): boolean {
  if (error instanceof TransactionLostError) return false;
  const code = errorCodeOf(error);
  return code === undefined ? !/SASL|authentication/i.test(reasonOf(error)) : retriable(code);
}
