import type { SpoolFacts, SpoolFiles } from '../../io/spool-files.ts';

/** How long, and how many, files that are done are looked at again. */
const WATCH_MS = 60_000;
const MOST_WATCHED = 1000;
const EVERY_MS = 1000;

export interface DoneFile {
  /** Below the directory, under its own name. */
  readonly path: string;
  /** Where it lies now. */
  readonly now: string;
  readonly facts: SpoolFacts;
}

/**
 * Files that were completed a short while ago: somebody may still have one of them open and write into it, which nobody would see. Flume
 * does not look.
 */
export class DoneWatch {
  readonly #files: SpoolFiles;
  #watched: (DoneFile & { readonly untilMs: number })[] = [];
  #nextMs = 0;

  constructor(files: SpoolFiles) {
    this.#files = files;
  }

  add(file: DoneFile): void {
    if (this.#watched.length >= MOST_WATCHED) this.#watched.shift();
    this.#watched.push({ ...file, untilMs: performance.now() + WATCH_MS });
  }

  /** Those that have changed in size since; at most once a second. */
  changed(): readonly DoneFile[] {
    const now = performance.now();
    if (this.#watched.length === 0 || now < this.#nextMs) return [];
    this.#nextMs = now + EVERY_MS;
    const changed: DoneFile[] = [];
    this.#watched = this.#watched.filter((file) => {
      const facts = this.#look(file.now);
      if (!facts || facts.identity !== file.facts.identity) return false;
      if (facts.size === file.facts.size) return file.untilMs > now;
      changed.push(file);
      return false;
    });
    return changed;
  }

  /** What cannot be looked at is not watched any more. */
  #look(path: string): SpoolFacts | undefined {
    try {
      return this.#files.lookNow(path);
    } catch {
      return undefined;
    }
  }
}
