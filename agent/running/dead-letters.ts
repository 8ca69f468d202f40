import { setInterval } from 'node:timers';
import type { Batch } from '../../core/batch.ts';
import type { RejectionDetail } from '../../core/errors.ts';
import type { DeadLetterParts, DeadLetters } from '../dead-letters/store.ts';
import type { ReplayAnswer, ReplayChannel } from '../dead-letters/replay.ts';

const SWEEP_MS = 3_600_000;

/** The dead letters of a running agent. What does the work is loaded with the first event that nobody accepts. */
export class AgentDeadLetters {
  readonly #parts: DeadLetterParts;
  #store: Promise<DeadLetters> | undefined;
  #sweeper: NodeJS.Timeout | undefined;
  #lastReplay: Promise<unknown> = Promise.resolve();

  constructor(parts: DeadLetterParts) {
    this.#parts = parts;
  }

  /** For people: the folder, or that there is none. */
  get place(): string {
    return this.#parts.folder ?? 'are dropped and counted (millrace.dead.letters=off)';
  }

  /** From now on letters that are too old go, even if none are written. */
  start(): void {
    this.#sweeper ??= setInterval(() => void this.#loaded().then((store) => store.sweep()), SWEEP_MS).unref();
  }

  /** See DeadLetters.write. */
  async write(component: string, batch: Batch, reason: string, details?: readonly RejectionDetail[]): Promise<void> {
    await (await this.#loaded()).write(component, batch, reason, details);
  }

  /** Sends letters on to a channel, as a file in the folder asks for; one replay after another. */
  replay(request: string, channels: (name: string) => ReplayChannel | undefined): Promise<ReplayAnswer> {
    const done = this.#lastReplay.then(async () => {
      const { answerReplay } = await import('../dead-letters/replay.ts');
      return answerReplay(this.#parts.folder, request, channels);
    });
    this.#lastReplay = done.catch(() => undefined);
    return done;
  }

  async close(): Promise<void> {
    clearInterval(this.#sweeper);
    await (await this.#store)?.close();
  }

  #loaded(): Promise<DeadLetters> {
    this.#store ??= import('../dead-letters/store.ts').then((module) => new module.DeadLetters(this.#parts));
    return this.#store;
  }
}
