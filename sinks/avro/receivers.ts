import { describeError } from '../../core/errors.ts';
import { Exclusion } from '../groups/exclusion.ts';
import { TurnOrder } from '../groups/turn-order.ts';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Which receivers a batch is offered to, and in which order, until one has stored it. */
export interface Receivers<T> {
  send(attempt: (receiver: T) => Promise<void>): Promise<void>;
}

export function oneReceiver<T>(receiver: T): Receivers<T> {
  return { send: (attempt) => attempt(receiver) };
}

/** Stays with the receiver that works; after a failure the next one in the ring is tried, not the first. */
export class FailoverReceivers<T> implements Receivers<T> {
  readonly #receivers: readonly T[];
  readonly #attempts: number;
  #at = 0;

  constructor(receivers: readonly T[], attempts: number) {
    this.#receivers = receivers;
    this.#attempts = attempts;
  }

  async send(attempt: (receiver: T) => Promise<void>): Promise<void> {
    const failures: unknown[] = [];
    while (failures.length < this.#attempts) {
      try {
        return await attempt(this.#receivers[this.#at] as T);
      } catch (error) {
        failures.push(error);
        this.#at = (this.#at + 1) % this.#receivers.length;
      }
    }
    throw allFailed(failures);
  }
}

/** Each batch goes to another one; the others stand in for one that fails. `now` is a clock in milliseconds that never goes back. */
export class BalancedReceivers<T> implements Receivers<T> {
  readonly #receivers: readonly { readonly receiver: T; readonly exclusion: Exclusion }[];
  readonly #turns: TurnOrder;
  readonly #backoff: boolean;
  readonly #now: () => number;

  constructor(receivers: readonly T[], options: { random: boolean; backoff: boolean; maxBackoffMs: number }, now = (): number => performance.now()) {
    this.#receivers = receivers.map((receiver) => ({ receiver, exclusion: new Exclusion(options.maxBackoffMs) }));
    this.#turns = new TurnOrder(options.random);
    this.#backoff = options.backoff;
    this.#now = now;
  }

  async send(attempt: (receiver: T) => Promise<void>): Promise<void> {
    const now = this.#now();
    const usable = this.#backoff ? this.#receivers.filter(({ exclusion }) => exclusion.isOver(now)) : this.#receivers;
    const failures: unknown[] = [];
    for (const { receiver, exclusion } of this.#turns.order(usable)) {
      try {
        return await attempt(receiver);
      } catch (error) {
        failures.push(error);
        exclusion.failed(this.#now());
      }
    }
    throw allFailed(failures);
  }
}

function allFailed(failures: readonly unknown[]): Error {
  if (failures.length === 0) return new Error('every receiver has failed and is left out for a while');
  return new Error(`no receiver stored the events: ${failures.map(describeError).join('; ')}`);
}
