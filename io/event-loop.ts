import { setImmediate as turn } from 'node:timers/promises';

/** Longest time that a loop of resolved promises keeps timers and sockets waiting. */
const MOST_MS = 2;

/**
 * For loops whose every `await` may be answered without waiting, and which would then keep all else from running: makes room for timers
 * and sockets now and then.
 */
export class FairLoop {
  #last = performance.now();

  /** Costs nothing but a look at the clock, most of the time. */
  async makeRoom(): Promise<void> {
    if (performance.now() - this.#last < MOST_MS) return;
    await turn();
    this.#last = performance.now();
  }
}
