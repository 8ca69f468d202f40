import type { Batch } from '../../core/batch.ts';
import type { Channel, Sink, Transaction } from '../../core/component.ts';
import { isAbort, RejectedError, type RejectionDetail } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import { gatherLoans } from './gathered-loans.ts';

/** Pauses between attempts of a sink that fails; Flume waits 5 s each time. */
export const SINK_RETRY = { firstMs: 250, mostMs: 5000 };

export interface SinkRunnerParts {
  readonly channel: Channel;
  readonly log: Logger;
  /** Whether full and partial batches are told apart; not all of Flume's sinks do. */
  readonly countsBatches: boolean;
  count(counter: string, amount: number): void;
  /** Sets events aside that the sink can never accept; resolves once they are safe there. */
  setAside(batch: Batch, reason: string, details?: readonly RejectionDetail[]): Promise<void>;
}

/** Moves batches from a channel to a sink: takes, writes, commits; one write in flight. */
export class SinkRunner {
  readonly #parts: SinkRunnerParts;
  #abandon: ((error: Error) => void) | undefined;
  #busySinceMs: number | undefined;

  constructor(parts: SinkRunnerParts) {
    this.#parts = parts;
  }

  /**
   * Moves one batch. Resolves `false` if there was none before `signal` aborted or `waitMs` had passed. Throws what the sink threw, after
   * the events went back.
   */
  async move(sink: Sink, signal: AbortSignal, waitMs?: number): Promise<boolean> {
    const { count } = this.#parts;
    const transaction = await this.#take(sink, signal, waitMs);
    if (!transaction) return false;
    const { batch } = transaction;
    count('EventDrainAttemptCount', batch.size);
    try {
      await this.#write(sink, transaction, signal);
    } catch (error) {
      if (!(error instanceof RejectedError)) {
        await transaction.rollback();
        if (!isAbort(error)) count('EventWriteFail', 1);
        throw error;
      }
      await this.#setRejectedAside(transaction, error);
    }
    await transaction.commit();
    count('EventDrainSuccessCount', batch.size);
    if (this.#parts.countsBatches) count(batch.size < sink.batchSize ? 'BatchUnderflowCount' : 'BatchCompleteCount', 1);
    return true;
  }

  /** `performance.now()` when the write began that has no outcome yet. */
  get busySinceMs(): number | undefined {
    return this.#busySinceMs;
  }

  /** Gives up a write that does not end: its events go back to the channel and may be written twice. For stopping and reloading. */
  giveUp(): void {
    this.#abandon?.(new DOMException('the sink did not finish its write in time', 'AbortError'));
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
    return loan && gathersBytes !== undefined ? gatherLoans(this.#parts.channel, loan, gathersBytes, signal) : loan;
  }

  #write(sink: Sink, { batch, origin, group }: Transaction, signal: AbortSignal): Promise<void> {
    this.#busySinceMs = performance.now();
    return new Promise<void>((resolve, reject) => {
      this.#abandon = reject;
      sink.write(batch, signal, origin, group).then(resolve, reject);
    }).finally(() => (this.#busySinceMs = undefined));
  }

  async #setRejectedAside(transaction: Transaction, error: RejectedError): Promise<void> {
    const events = transaction.batch.select(Uint32Array.from(error.indices));
    this.#parts.count('EventRejectedCount', events.size);
    this.#parts.log.error('sink rejected events for good; they are set aside', { events: events.size, reason: error.message });
    try {
      await this.#parts.setAside(events, error.message, error.details);
    } catch (failure) {
      await transaction.rollback();
      throw failure;
    }
  }
}
