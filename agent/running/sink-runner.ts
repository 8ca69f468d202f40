import type { Batch } from '../../core/batch.ts';
import type { Channel, Sink, Transaction } from '../../core/component.ts';
import { isAbort, RejectedError, type RejectionDetail } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import { SpareMemory } from '../../io/spare-memory.ts';
import { Flight } from './flight.ts';
import { gatherLoans } from './gathered-loans.ts';

/** Pauses between attempts of a sink that fails; Flume waits 5 s each time. */
export const SINK_RETRY = { firstMs: 250, mostMs: 5000 };

interface OpenWrite {
  readonly sinceMs: number;
  readonly abandon: (error: Error) => void;
}

export interface SinkRunnerParts {
  readonly channel: Channel;
  readonly log: Logger;
  /** Whether full and partial batches are told apart; not all of Flume's sinks do. */
  readonly countsBatches: boolean;
  count(counter: string, amount: number): void;
  /** Sets events aside that the sink can never accept; resolves once they are safe there. */
  setAside(batch: Batch, reason: string, details?: readonly RejectionDetail[]): Promise<void>;
}

/** Moves batches from a channel to a sink: takes, writes, commits; one write in flight, or as many as the sink wants. */
export class SinkRunner {
  readonly #parts: SinkRunnerParts;
  readonly #copies = new SpareMemory();
  /** Under way, the oldest first. */
  readonly #writes = new Set<OpenWrite>();

  constructor(parts: SinkRunnerParts) {
    this.#parts = parts;
  }

  /**
   * Moves one batch. Resolves `false` if there was none before `signal` aborted or `waitMs` had passed. Throws what the sink threw, after the
   * events went back. With `moved` it goes on for as long as writes are under way, where the sink wants several, and tells of each batch.
   */
  async move(sink: Sink, signal: AbortSignal, waitMs?: number, moved?: () => Promise<void>): Promise<boolean> {
    const transaction = await this.#take(sink, signal, waitMs);
    if (!transaction) return false;
    const goesOn = moved !== undefined && (sink.mostWrites ?? 1) > 1;
    const flight = new Flight({
      released: sink.releasesBatches === true,
      accept: (loan, error) => this.#accept(loan, error),
      moved: async ({ batch }) => {
        this.#countMoved(sink, batch);
        if (goesOn) await moved();
      },
    });
    this.#begin(flight, sink, transaction, signal);
    let failure: unknown;
    if (goesOn) failure = await this.#moveMore(flight, sink, signal).catch((error: unknown) => error);
    await flight.end();
    if (failure !== undefined) throw failure;
    return true;
  }

  /** `performance.now()` when the oldest write began that has no outcome yet. */
  get busySinceMs(): number | undefined {
    const [oldest] = this.#writes;
    return oldest?.sinceMs;
  }

  /** Gives up writes that do not end: their events go back to the channel and may be written twice. For stopping and reloading. */
  giveUp(): void {
    for (const { abandon } of this.#writes) abandon(new DOMException('the sink did not finish its write in time', 'AbortError'));
  }

  async #moveMore(flight: Flight, sink: Sink, signal: AbortSignal): Promise<void> {
    const either = AbortSignal.any([signal, flight.broken]);
    while (flight.size > 0) {
      const transaction = await this.#take(sink, either, undefined);
      if (!transaction) return;
      while (flight.size >= (sink.mostWrites ?? 1) && !either.aborted) await flight.change();
      // What comes behind a write that has failed, or is about to, must not be written before it.
      if (either.aborted) return transaction.rollback();
      this.#begin(flight, sink, transaction, signal);
    }
  }

  #begin(flight: Flight, sink: Sink, transaction: Transaction, signal: AbortSignal): void {
    this.#parts.count('EventDrainAttemptCount', transaction.batch.size);
    flight.begin(transaction, this.#write(sink, transaction, signal));
  }

  /** What the sink can never accept is set aside; any other error goes on. */
  async #accept({ batch }: Transaction, error: unknown): Promise<void> {
    if (error === undefined) return;
    if (error instanceof RejectedError) return this.#setRejectedAside(batch, error);
    if (!isAbort(error)) this.#parts.count('EventWriteFail', 1);
    throw error;
  }

  #countMoved(sink: Sink, { size }: Batch): void {
    const { count, countsBatches } = this.#parts;
    count('EventDrainSuccessCount', size);
    if (countsBatches) count(size < sink.batchSize ? 'BatchUnderflowCount' : 'BatchCompleteCount', 1);
  }

  async #take(sink: Sink, signal: AbortSignal, waitMs: number | undefined): Promise<Transaction | undefined> {
    try {
      if (waitMs === undefined) return await this.#gathered(sink, await this.#parts.channel.take(sink.batchSize, signal), signal);
      const either = AbortSignal.any([signal, AbortSignal.timeout(waitMs)]);
      const transaction = await this.#parts.channel.take(sink.batchSize, either);
      if (!transaction && this.#parts.countsBatches) this.#parts.count('BatchEmptyCount', 1);
      return await this.#gathered(sink, transaction, signal);
    } catch (error) {
      this.#parts.count('ChannelReadFail', 1);
      throw error;
    }
  }

  async #gathered({ gathersBytes }: Sink, loan: Transaction | undefined, signal: AbortSignal): Promise<Transaction | undefined> {
    return loan && gathersBytes !== undefined ? gatherLoans(this.#parts.channel, loan, gathersBytes, signal, this.#copies) : loan;
  }

  async #write(sink: Sink, { batch, origin, group }: Transaction, signal: AbortSignal): Promise<void> {
    const { promise: abandoned, reject: abandon } = Promise.withResolvers<never>();
    const write = { sinceMs: performance.now(), abandon };
    this.#writes.add(write);
    try {
      const told = origin?.fleeting && !sink.takesFleetingNumbers ? undefined : origin;
      await Promise.race([sink.write(batch, signal, told, group), abandoned]);
    } finally {
      this.#writes.delete(write);
    }
  }

  async #setRejectedAside(batch: Batch, error: RejectedError): Promise<void> {
    const events = batch.select(Uint32Array.from(error.indices));
    this.#parts.count('EventRejectedCount', events.size);
    this.#parts.log.error('sink rejected events for good; they are set aside', { events: events.size, reason: error.message });
    await this.#parts.setAside(events, error.message, error.details);
  }
}
