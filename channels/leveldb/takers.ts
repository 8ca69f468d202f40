import type { Transaction } from '../../core/component.ts';

type Give = (transaction: Transaction | undefined) => void;

/** Takes that wait for events, in the order of the calls. */
export class Takers {
  readonly #waiting: { readonly max: number; readonly give: Give }[] = [];

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** Resolves with what it is given, or with nothing once `signal` aborts. */
  wait(max: number, signal: AbortSignal): Promise<Transaction | undefined> {
    return new Promise((resolve) => {
      const taker = {
        max,
        give: (transaction: Transaction | undefined): void => {
          signal.removeEventListener('abort', abort);
          resolve(transaction);
        },
      };
      const abort = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(taker), 1);
        resolve(undefined);
      };
      signal.addEventListener('abort', abort, { once: true });
      this.#waiting.push(taker);
    });
  }

  /** The first one, which waits no longer. */
  shift(): { readonly max: number; readonly give: Give } | undefined {
    return this.#waiting.shift();
  }

  giveUp(): void {
    for (const { give } of this.#waiting.splice(0)) give(undefined);
  }
}
