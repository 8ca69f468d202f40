/**
 * Time, in milliseconds, that many readers share within one turn of the event loop. One read seldom takes long; a hundred that are ready
 * at once may, and everything else would wait for them.
 */
export class TurnBudget {
  readonly #limitMs: number;
  #sinceMs: number | undefined;

  constructor(limitMs: number) {
    this.#limitMs = limitMs;
  }

  /** Asked before each read; the first time in a turn begins it. Whoever finds it spent goes on in a `setImmediate`. */
  get isSpent(): boolean {
    if (this.#sinceMs !== undefined) return performance.now() - this.#sinceMs > this.#limitMs;
    this.#sinceMs = performance.now();
    setImmediate(() => (this.#sinceMs = undefined));
    return false;
  }
}
