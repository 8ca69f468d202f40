import { setTimeout as sleep } from 'node:timers/promises';
import { Backoff } from '../../io/backoff.ts';

const PAUSES = { firstMs: 250, mostMs: 30_000 };

/**
 * All requests to one destination go through it. Once one fails in a way that the others would share, nobody passes for a growing pause;
 * then one goes first, and the others follow if it comes through.
 */
export class Gate {
  readonly #backoff = new Backoff(PAUSES);
  /** Present while closed; resolves when somebody may try. */
  #closed: Promise<void> | undefined;
  #first = false;
  #changed: (() => void)[] = [];

  get isOpen(): boolean {
    return this.#closed === undefined;
  }

  get failures(): number {
    return this.#backoff.failures;
  }

  /** Resolves when a request may be made; throws once `signal` aborts. Every call is followed by `succeeded`, `failed` or `left`. */
  async pass(signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      const closed = this.#closed;
      if (!closed) return;
      await unlessAborted(closed, signal);
      if (this.#closed !== closed) continue;
      if (!this.#first) {
        this.#first = true;
        return;
      }
      await unlessAborted(new Promise<void>((resolve) => this.#changed.push(resolve)), signal);
    }
  }

  succeeded(): void {
    this.#backoff.succeeded();
    this.#closed = undefined;
    this.#turn();
  }

  /** `waitMs`: what the destination asks for. */
  failed(waitMs = 0): void {
    // Those that were on their way when it closed say nothing new.
    if (this.#closed && !this.#first) return;
    this.#closed = sleep(Math.max(waitMs, this.#backoff.nextMs()), undefined, { ref: false });
    this.#turn();
  }

  /** The request ended without telling anything about the destination. */
  left(): void {
    if (this.#closed) this.#turn();
  }

  #turn(): void {
    this.#first = false;
    for (const resolve of this.#changed.splice(0)) resolve();
  }
}

async function unlessAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  let abort: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
  });
  await Promise.race([promise, aborted]).finally(() => signal.removeEventListener('abort', abort));
}
