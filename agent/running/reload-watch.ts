import { setTimeout as sleep } from 'node:timers/promises';

export interface ReloadWatchOptions {
  /** Between looks; negative: never look, only when asked. */
  readonly everyMs: number;
  /** Pause after which a changed configuration must look the same before it counts as written. */
  readonly settleMs: number;
  /** A text that changes when the configuration does; a source that cannot be read is part of it. */
  look(): Promise<string>;
  /** Runs to its end before the next look. */
  reload(): Promise<void>;
}

/** A configuration that never stops changing is read after this many looks all the same. */
const MOST_LOOKS = 60;

/** Calls `reload` when the configuration has changed and is not being written any more, and when asked. Requests that pile up are one. */
export class ReloadWatch {
  readonly #options: ReloadWatchOptions;
  readonly #stopping = new AbortController();
  #seen = '';
  #requested = false;
  #wake = new AbortController();
  #loop: Promise<void> | undefined;

  constructor(options: ReloadWatchOptions) {
    this.#options = options;
  }

  /** `seen`: what `look` answered when the running configuration was read. */
  start(seen: string): void {
    this.#seen = seen;
    this.#loop ??= this.#run();
  }

  /** Reload soon, changed or not. Does nothing after `stop`. */
  request(): void {
    this.#requested = true;
    this.#wake.abort();
  }

  /** Waits for a reload that is under way. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await this.#pause();
      if (signal.aborted) return;
      const requested = this.#requested;
      this.#requested = false;
      const now = await this.#options.look();
      if (!requested && now === this.#seen) continue;
      const settled = await this.#settle(now);
      if (signal.aborted) return;
      this.#seen = settled;
      await this.#options.reload();
    }
  }

  async #pause(): Promise<void> {
    if (this.#requested) return;
    this.#wake = new AbortController();
    const signal = AbortSignal.any([this.#wake.signal, this.#stopping.signal]);
    const { everyMs } = this.#options;
    await sleep(everyMs < 0 ? 2 ** 31 - 1 : everyMs, undefined, { signal }).catch(() => undefined);
  }

  async #settle(first: string): Promise<string> {
    let before = first;
    for (let looks = 0; looks < MOST_LOOKS; looks++) {
      await sleep(this.#options.settleMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
      if (this.#stopping.signal.aborted) return before;
      const now = await this.#options.look();
      if (now === before) return now;
      before = now;
    }
    return before;
  }
}
