const FIRST_MS = 1000;
const MOST_FAILURES = 16;
/** What was left alone for this much longer than its exclusion starts again with the shortest one. */
const FORGIVEN_MS = 3_600_000;

/**
 * How long something that fails is left out: min(longest, 1000 × 2^n) milliseconds for the n-th failure in a row, as Flume's load balancers
 * do it. Success does not shorten the next exclusion, only a long time without failures does. Times are of a clock that never goes back.
 */
export class Exclusion {
  readonly #longestMs: number;
  #failures = 0;
  #lastFailureMs = -Infinity;
  #restoreMs = -Infinity;

  constructor(longestMs: number) {
    this.#longestMs = longestMs;
  }

  isOver(nowMs: number): boolean {
    return this.#restoreMs < nowMs;
  }

  failed(nowMs: number): void {
    const forgivenMs = this.#lengthMs() + FORGIVEN_MS;
    this.#failures = nowMs - this.#lastFailureMs < forgivenMs ? Math.min(this.#failures + 1, MOST_FAILURES) : 1;
    this.#lastFailureMs = nowMs;
    this.#restoreMs = nowMs + this.#lengthMs();
  }

  #lengthMs(): number {
    return Math.min(this.#longestMs, FIRST_MS * 2 ** this.#failures);
  }
}
