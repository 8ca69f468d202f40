import { setTimeout as sleep } from 'node:timers/promises';

export interface BackoffLimits {
  readonly firstMs: number;
  readonly mostMs: number;
}

/** Growing, jittered, capped pauses between attempts: doubles from `firstMs`, never above `mostMs`, each within 20 % at random. */
export class Backoff {
  readonly #limits: BackoffLimits;
  #failures = 0;

  constructor(limits: BackoffLimits) {
    this.#limits = limits;
  }

  /** Attempts that failed since the last success. */
  get failures(): number {
    return this.#failures;
  }

  succeeded(): void {
    this.#failures = 0;
  }

  /** The pause before the next attempt, in milliseconds. */
  nextMs(): number {
    const { firstMs, mostMs } = this.#limits;
    const full = Math.min(mostMs, firstMs * 2 ** Math.min(this.#failures, 30));
    this.#failures++;
    return full * (0.8 + 0.2 * Math.random());
  }

  /** Waits for the next pause; throws AbortError once `signal` aborts. */
  async pause(signal: AbortSignal): Promise<void> {
    await sleep(this.nextMs(), undefined, { signal });
  }
}
