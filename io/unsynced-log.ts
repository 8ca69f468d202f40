import { closeSync, constants, ftruncateSync, openSync, writeSync } from 'node:fs';

/**
 * A small file of ours that is appended to without waiting and without syncing: what stands in it outlives this process, but not a power
 * cut. For what is also kept elsewhere, synced now and then. Throws what the system said.
 */
export class UnsyncedLog {
  readonly #descriptor: number;

  constructor(path: string) {
    const { O_APPEND, O_CREAT, O_WRONLY, O_NOFOLLOW } = constants;
    this.#descriptor = openSync(path, O_APPEND | O_CREAT | O_WRONLY | O_NOFOLLOW, 0o600);
  }

  append(text: string): void {
    writeSync(this.#descriptor, text);
  }

  /** Replaces all that stands in it. */
  reset(text: string): void {
    ftruncateSync(this.#descriptor, 0);
    if (text !== '') writeSync(this.#descriptor, text);
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}
