import type { Logger } from '../../core/log.ts';
import { describeError } from '../../core/errors.ts';
import type { StoreFiles } from '../../io/store-files.ts';
import { OPENING_BYTES } from './opening.ts';

/** Below this, `minimumRequiredSpace` is raised to it, as in Flume. */
export const LEAST_REQUIRED_BYTES = 1_048_576;
const REFRESH_MS = 1000;

export interface SpaceSettings {
  readonly directory: string;
  readonly requiredBytes: number;
  /** A file that is given up when the store has to be opened on a full disk. */
  readonly reserve: string;
  readonly reserveBytes: number;
}

/** Watches the room on the disk. What this process writes is subtracted between two looks. */
export class SpaceGuard {
  readonly #files: StoreFiles;
  readonly #settings: SpaceSettings;
  readonly #log: Logger;
  readonly #roomAgain: () => void;
  #free = Infinity;
  #low = false;
  /** Room that was asked for in vain. */
  #wanted = 0;
  #looking: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(files: StoreFiles, settings: SpaceSettings, log: Logger, roomAgain: () => void) {
    this.#files = files;
    this.#settings = settings;
    this.#log = log;
    this.#roomAgain = roomAgain;
  }

  async start(): Promise<void> {
    // The reserve takes a while to write; it comes with the first look of the timer.
    await this.#look(false);
    this.#timer = setInterval(() => void this.look(), REFRESH_MS);
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
  }

  /** Why `bytes` more are not written; `undefined` where there is room. Flume's words come first. */
  refusal(bytes: number): string | undefined {
    const { directory, requiredBytes } = this.#settings;
    if (this.#free - bytes > requiredBytes) return undefined;
    return `Usable space exhausted, only ${this.#free} bytes remaining, required ${requiredBytes + bytes} bytes in ${directory}: events are taken again once there is room, or with a smaller minimumRequiredSpace`;
  }

  wrote(bytes: number): void {
    this.#free -= bytes;
  }

  /** `bytes` could not be had: nothing is written until there is so much room beyond what is required. */
  exhausted(bytes: number): void {
    this.#free = 0;
    this.#low = true;
    this.#wanted = bytes;
  }

  /** Looks now, whatever was known. */
  look(): Promise<void> {
    this.#looking ??= this.#look(true).finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #look(reserving: boolean): Promise<void> {
    const { directory, requiredBytes, reserve, reserveBytes } = this.#settings;
    try {
      this.#free = await this.#files.freeBytes(directory);
      const low = this.#free <= requiredBytes + this.#wanted;
      const facts = { directory, freeBytes: this.#free, requiredBytes };
      if (low) this.#log.warn('room on the disk is short: the channel takes no events, sinks go on', facts);
      else if (this.#low) this.#log.info('there is room on the disk again', facts);
      const changed = this.#low && !low;
      this.#low = low;
      if (low) this.#free = Math.min(this.#free, requiredBytes);
      else this.#wanted = 0;
      if (reserving && reserveBytes > 0 && this.#free > requiredBytes + reserveBytes + OPENING_BYTES) await this.#files.reserve(reserve, reserveBytes);
      if (changed) this.#roomAgain();
    } catch (error) {
      this.#log.warn('the room on the disk cannot be told', { directory, reason: describeError(error) });
    }
  }
}
