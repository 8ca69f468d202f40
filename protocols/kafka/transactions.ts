import type * as Library from '@platformatic/kafka';
import type { GroupPosition } from '../../core/component.ts';
import { isAbort } from '../../core/errors.ts';
import type { Coordinators } from './coordinators.ts';
import { ERRORS } from './error-codes.ts';
import { errorCodeOf, reasonOf } from './library.ts';
import type { WriterIdentity } from './record-batch.ts';

/** The transaction cannot be finished: what of it was written is not known until the writer has begun anew. */
export class TransactionLostError extends Error {}

/** Offsets of a group that are committed with a transaction. */
export interface GroupOffsets {
  readonly group: GroupPosition['group'];
  readonly offsets: readonly (GroupPosition['offsets'][number] & { readonly metadata?: string })[];
}

/** A group without members, which only keeps positions. */
export function groupOfPositions(groupId: string): GroupOffsets['group'] {
  return { groupId, generation: -1, memberId: '', instanceId: null };
}

interface Place {
  readonly topic: string;
  readonly partition: number;
}

/**
 * Transactions, one after another, under an id that only one writer has at a time: whoever begins with it ends what its predecessor left
 * open, and fences it off. The order is `begin`, then for each transaction `include`, `commitOffsets`, `end`. What cannot be done throws
 * TransactionLostError, after which only `begin` helps.
 */
export class Transactions {
  readonly id: string;
  readonly #library: typeof Library;
  readonly #coordinators: Coordinators;
  readonly #timeoutMs: number;
  #identity: WriterIdentity | undefined;
  readonly #included = new Map<string, Place>();

  constructor(library: typeof Library, coordinators: Coordinators, id: string, timeoutMs: number) {
    this.#library = library;
    this.#coordinators = coordinators;
    this.id = id;
    this.#timeoutMs = timeoutMs;
  }

  /** Partitions of the present transaction; it has begun once there is one. */
  get included(): readonly Place[] {
    return [...this.#included.values()];
  }

  async begin(signal: AbortSignal): Promise<WriterIdentity> {
    this.#identity = undefined;
    this.#included.clear();
    const { initProducerIdV4 } = this.#library;
    const { producerId, producerEpoch } = await this.#ask('beginning transactions', signal, (connection) => initProducerIdV4.api.async(connection, this.id, this.#timeoutMs, -1n, -1));
    return (this.#identity = { producerId, producerEpoch });
  }

  /** The partitions belong to the present transaction; before anything is written to them. */
  async include(places: readonly Place[], signal: AbortSignal): Promise<void> {
    const fresh = places.filter((place) => !this.#included.has(keyOf(place)));
    if (fresh.length === 0) return;
    const { producerId, producerEpoch } = this.#writer;
    const topics = [...Map.groupBy(fresh, ({ topic }) => topic)].map(([name, list]) => ({ name, partitions: list.map(({ partition }) => partition) }));
    const transaction = { transactionalId: this.id, producerId, producerEpoch, verifyOnly: false, topics };
    await this.#ask('adding partitions', signal, (connection) => this.#library.addPartitionsToTxnV3.api.async(connection, [transaction]));
    for (const place of fresh) this.#included.set(keyOf(place), place);
  }

  /** The offsets count once the transaction is committed, and never if it is not. */
  async commitOffsets({ group, offsets }: GroupOffsets, signal: AbortSignal): Promise<void> {
    const { producerId, producerEpoch } = this.#writer;
    const { groupId, generation, memberId, instanceId } = group;
    const { addOffsetsToTxnV3, txnOffsetCommitV3 } = this.#library;
    await this.#ask('adding offsets', signal, (connection) => addOffsetsToTxnV3.api.async(connection, this.id, producerId, producerEpoch, groupId));
    const topics = [...Map.groupBy(offsets, ({ topic }) => topic)].map(([name, list]) => ({
      name,
      partitions: list.map(({ partition, offset, leaderEpoch, metadata = '' }) => ({ partitionIndex: partition, committedOffset: offset, committedLeaderEpoch: leaderEpoch, committedMetadata: metadata })),
    }));
    await this.#wrapped('writing offsets', () =>
      this.#coordinators.ask('group', groupId, (connection) => txnOffsetCommitV3.api.async(connection, this.id, groupId, producerId, producerEpoch, generation, memberId, instanceId, topics), signal),
    );
  }

  /** Resolves when the transaction counts, or, without `commit`, never will. */
  async end(commit: boolean, signal: AbortSignal): Promise<void> {
    const { producerId, producerEpoch } = this.#writer;
    this.#included.clear();
    await this.#ask(commit ? 'committing' : 'aborting', signal, (connection) => this.#library.endTxnV3.api.async(connection, this.id, producerId, producerEpoch, commit));
  }

  get #writer(): WriterIdentity {
    if (!this.#identity) throw new TransactionLostError(`the transactions ${this.id} were not begun`);
    return this.#identity;
  }

  #ask<T>(what: string, signal: AbortSignal, request: (connection: Library.Connection) => Promise<T>): Promise<T> {
    return this.#wrapped(what, () => this.#coordinators.ask('transaction', this.id, request, signal));
  }

  async #wrapped<T>(what: string, run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      this.#identity = undefined;
      if (isAbort(error)) throw error;
      throw lost(`${what} failed for the transactional id ${this.id}`, error);
    }
  }
}

/** Says whose fault it may be where another writer has taken the id. */
export function lost(what: string, error: unknown): TransactionLostError {
  const code = errorCodeOf(error);
  const fenced = code === ERRORS.producerFenced || code === ERRORS.invalidProducerEpoch;
  const hint = fenced ? '; the transaction took longer than kafka.producer.transaction.timeout.ms, or another agent writes under the same id: a copy of the same channel or configuration' : '';
  return new TransactionLostError(`${what}: ${reasonOf(error)}${hint}`, { cause: error });
}

function keyOf({ topic, partition }: Place): string {
  return `${topic}/${partition}`;
}
