import type { Transaction } from '../../core/component.ts';
import { RejectedError } from '../../core/errors.ts';

interface Write {
  readonly transaction: Transaction;
  /** What the sink threw; `undefined` once it has the events. */
  readonly outcome: Promise<unknown>;
}

export interface FlightParts {
  /** Of the batches, once they are written. */
  readonly released: boolean;
  /** The sink has the events, or threw `error`: throws where they are to go back to the channel. */
  accept(transaction: Transaction, error: unknown): Promise<void>;
  /** The channel has been told. */
  moved(transaction: Transaction): Promise<void>;
}

/**
 * Writes of one sink that are under way together. They are finished in their order, whatever the order of their outcomes; where one fails, all
 * that began after it are given back with it, so that the channel lends the events again in the order in which they came.
 */
export class Flight {
  readonly #parts: FlightParts;
  readonly #writes: Write[] = [];
  /** Made when somebody asks: one for each batch would be dear. */
  #breaking: AbortController | undefined;
  #isBroken = false;
  #failure: unknown;
  #settling: Promise<void> | undefined;
  #wake: () => void = () => undefined;

  constructor(parts: FlightParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#writes.length;
  }

  /** Aborts once a write has failed: no other is to begin. */
  get broken(): AbortSignal {
    this.#breaking ??= new AbortController();
    if (this.#isBroken) this.#breaking.abort();
    return this.#breaking.signal;
  }

  begin(transaction: Transaction, written: Promise<void>): void {
    const outcome = written.then(
      () => undefined,
      (error: unknown) => {
        // Not only when its turn has come: those before it may take a while yet.
        if (!(error instanceof RejectedError)) this.#break();
        return error ?? new Error('the sink failed');
      },
    );
    this.#writes.push({ transaction, outcome });
    this.#settling ??= this.#settle();
  }

  /** Resolves when a write has been finished, or has failed. */
  change(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve));
  }

  /** Resolves when every write has its outcome; throws what the first of those threw that failed, with the events given back. */
  async end(): Promise<void> {
    await this.#settling;
    if (!this.#isBroken) return;
    const outcomes = await Promise.all(this.#writes.map(({ outcome }) => outcome));
    for (let index = this.#writes.length - 1; index >= 0; index--) {
      const { transaction } = this.#writes[index] as Write;
      // One that the sink has all the same is not to come twice.
      if (outcomes[index] === undefined) await transaction.commit();
      else await transaction.rollback();
    }
    throw this.#failure;
  }

  #break(): void {
    this.#isBroken = true;
    this.#breaking?.abort();
    this.#wake();
  }

  async #settle(): Promise<void> {
    const { accept, moved } = this.#parts;
    for (let write = this.#writes[0]; write; write = this.#writes[0]) {
      const { transaction } = write;
      try {
        await accept(transaction, await write.outcome);
        // Whatever comes of it, this ends the loan.
        this.#writes.shift();
        await transaction.commit(this.#parts.released);
      } catch (error) {
        this.#failure = error;
        this.#break();
        return;
      }
      this.#wake();
      await moved(transaction);
    }
    this.#settling = undefined;
  }
}
