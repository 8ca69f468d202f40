/** Pauses before a file that could not be read is tried again, and before one that is none is looked at again. */
const FIRST_MS = 1000;
const MOST_MS = 60_000;
const LONG_MS = 10 * 60_000;
const MOST_FILES = 100_000;

/** Files that are left alone for a time, so that they do not stand in front of the others. */
export class PutOffFiles {
  readonly #files = new Map<string, { readonly untilMs: number; readonly pauseMs: number }>();
  #firstDueMs = Infinity;

  has(path: string): boolean {
    const file = this.#files.get(path);
    return file !== undefined && performance.now() < file.untilMs;
  }

  /** Longer each time. */
  forAWhile(path: string): void {
    const before = this.#files.get(path)?.pauseMs;
    this.#put(path, before === undefined ? FIRST_MS : Math.min(MOST_MS, 2 * before));
  }

  forLong(path: string): void {
    this.#put(path, LONG_MS);
  }

  forget(path: string): void {
    this.#files.delete(path);
  }

  /** Whether the time of one is up; asked again, the answer is about others. */
  someAreDue(): boolean {
    const now = performance.now();
    if (now < this.#firstDueMs) return false;
    this.#firstDueMs = Infinity;
    for (const { untilMs } of this.#files.values()) if (untilMs > now) this.#firstDueMs = Math.min(this.#firstDueMs, untilMs);
    return true;
  }

  #put(path: string, pauseMs: number): void {
    const untilMs = performance.now() + pauseMs;
    this.#files.delete(path);
    if (this.#files.size >= MOST_FILES) for (const [oldest] of this.#files) {
      this.#files.delete(oldest);
      break;
    }
    this.#files.set(path, { untilMs, pauseMs });
    this.#firstDueMs = Math.min(this.#firstDueMs, untilMs);
  }
}
