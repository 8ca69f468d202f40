import type { Batch } from '../../core/batch.ts';
import { ChannelFullError } from '../../core/errors.ts';

/** Node's timers take no more. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export interface Put {
  readonly batch: Batch;
  readonly stored: () => void;
  readonly failed: (error: Error) => void;
}

/** Puts for which there is no room yet, in the order of the calls. Once one fails, those behind it fail as well. */
export class WaitingPuts {
  readonly #keepAliveMs: number;
  readonly #fullText: () => string;
  #puts: Put[] = [];
  /** Per put, what ends its waiting. */
  readonly #ended = new Map<Put, () => void>();

  constructor(keepAliveMs: number, fullText: () => string) {
    this.#keepAliveMs = Math.min(keepAliveMs, LONGEST_TIMER_MS);
    this.#fullText = fullText;
  }

  get first(): Put | undefined {
    return this.#puts[0];
  }

  wait(batch: Batch, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = (): void => this.#failFrom(put, abortReason(signal));
      if (signal.aborted) return reject(abortReason(signal));
      const timer = setTimeout(() => this.#failFrom(put, new ChannelFullError(this.#fullText())), this.#keepAliveMs);
      const put: Put = {
        batch,
        stored: resolve,
        failed: (error) => {
          this.#ended.get(put)?.();
          reject(error);
        },
      };
      this.#ended.set(put, () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', abort);
        this.#ended.delete(put);
      });
      signal.addEventListener('abort', abort, { once: true });
      this.#puts.push(put);
    });
  }

  /** The first one has room now, and no longer waits for it. */
  shift(): void {
    const put = this.#puts.shift();
    if (put) this.#ended.get(put)?.();
  }

  failAll(error: Error): void {
    for (const put of this.#puts.splice(0)) put.failed(error);
  }

  #failFrom(put: Put, error: Error): void {
    const at = this.#puts.indexOf(put);
    if (at < 0) return;
    for (const failed of this.#puts.splice(at)) failed.failed(error);
  }
}

export function abortReason(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error('stopped', { cause: signal.reason });
}
