import { dirname } from 'node:path';
import { describeError } from '../../core/errors.ts';
import type { SpoolFacts, SpoolFiles } from '../../io/spool-files.ts';

export interface EndRules {
  /** As in the configuration, in Java's spelling. */
  readonly spoolDir: string;
  readonly trackerDir: string;
  readonly doneSuffix: string;
  readonly asideSuffix: string;
  /** What becomes of a file that is done. */
  readonly done: 'rename' | 'mark' | 'delete';
}

/**
 * How it went. `done`: under which name the file lies now, if it lies anywhere. `changed`, `taken`: nothing was done, and the file is to be
 * set aside. `gone`: the name leads to nothing, or to another file. `failed`: try again later.
 */
export type EndResult =
  | { readonly end: 'done'; readonly path: string | undefined }
  | { readonly end: 'changed' | 'taken' | 'gone' }
  | { readonly end: 'failed'; readonly reason: string };

/** Numbers that are tried for the name of a file that is set aside. */
const MOST_NUMBERS = 10_000;

/** Gives files that are done, or that are set aside, their names and marks. Nothing is ever overwritten. */
export class FileEnds {
  readonly #files: SpoolFiles;
  readonly #rules: EndRules;

  constructor(files: SpoolFiles, rules: EndRules) {
    this.#files = files;
    this.#rules = rules;
  }

  /** Whether a marker says that the file is done or set aside. */
  isMarked(path: string): boolean {
    const { trackerDir, doneSuffix, asideSuffix } = this.#rules;
    return [doneSuffix, asideSuffix].some((suffix) => this.#files.lookNow(`${trackerDir}/${path}${suffix}`) !== undefined);
  }

  /** Whether a file of the name that this one will get is there already. */
  async isTaken(path: string): Promise<boolean> {
    return this.#rules.done === 'rename' && this.#files.isTaken(this.#donePath(path));
  }

  /** `facts`: of the file when it was opened. */
  async complete(path: string, facts: SpoolFacts): Promise<EndResult> {
    const full = `${this.#rules.spoolDir}/${path}`;
    try {
      const now = await this.#files.look(full);
      if (!now || now.identity !== facts.identity) return { end: 'gone' };
      if (now.size !== facts.size || now.modifiedNs !== facts.modifiedNs) return { end: 'changed' };
      if (this.#rules.done === 'delete') {
        await this.#files.remove(full);
        return { end: 'done', path: undefined };
      }
      if (this.#rules.done === 'mark') return (await this.#mark(path, this.#rules.doneSuffix, '')) ? { end: 'done', path: full } : { end: 'taken' };
      const renamed = await this.#files.renameTo(full, this.#donePath(path));
      return renamed ? { end: 'done', path: this.#donePath(path) } : { end: 'taken' };
    } catch (error) {
      return { end: 'failed', reason: describeError(error) };
    }
  }

  /** Resolves with the new name of the file, or the name of its marker. `from`: where it lies, if no longer under its own name. */
  async setAside(path: string, reason: string, from = `${this.#rules.spoolDir}/${path}`): Promise<string> {
    const { trackerDir, spoolDir, asideSuffix, done } = this.#rules;
    if (done === 'mark') {
      await this.#mark(path, asideSuffix, `${reason}\n`);
      return `${trackerDir}/${path}${asideSuffix}`;
    }
    for (let number = 0; number < MOST_NUMBERS; number++) {
      const free = `${spoolDir}/${path}${number === 0 ? '' : `.${number}`}${asideSuffix}`;
      if (await this.#files.renameTo(from, free)) return free;
    }
    throw new Error(`every name from ${path}${asideSuffix} on is taken`);
  }

  #donePath(path: string): string {
    return `${this.#rules.spoolDir}/${path}${this.#rules.doneSuffix}`;
  }

  async #mark(path: string, suffix: string, text: string): Promise<boolean> {
    const marker = `${this.#rules.trackerDir}/${path}${suffix}`;
    if (path.includes('/')) await this.#files.makeDirectories(dirname(marker));
    return this.#files.create(marker, text);
  }
}
