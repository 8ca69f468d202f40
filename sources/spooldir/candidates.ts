import type { JavaRegex } from '../../core/java-regex.ts';
import { describeError } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import type { SpoolFiles } from '../../io/spool-files.ts';
import { setImmediate as turn } from 'node:timers/promises';

/** Files that are remembered between two looks at the directory, in their order; more of them are found again by the next look. */
const MOST_QUEUED = 50_000;
/** Time within which files are looked at one after another before everything else gets a turn. */
const TURN_MS = 4;
/** Directories whose time of change is remembered, so that those that did not change are not listed again. */
const MOST_DIRECTORIES = 1000;
/** A directory that changed within this time before it was listed may have changed again without a trace. */
const UNSURE_MS = 2000;
/** Directories are listed after this time, changed or not. */
const LIST_EVERY_MS = 60_000;
/** How much longer than a look itself its result is good for. */
const FRESH_FACTOR = 10;
/** Pause after a look at a directory that is large, as a multiple of its time, and at most. */
const REST = { fromMs: 50, factor: 4, mostMs: 5000 };

export type ConsumeOrder = 'oldest' | 'youngest' | 'random';

export interface CandidateRules {
  /** As in the configuration, in Java's spelling. */
  readonly spoolDir: string;
  readonly order: ConsumeOrder;
  readonly recursive: boolean;
  /** Names that end so are never read. */
  readonly suffixes: readonly string[];
  readonly include: JavaRegex;
  readonly ignore: JavaRegex;
  /** Milliseconds that a look is good for, at least. */
  readonly freshMs: number;
  /** Files, by their path below `spoolDir`, that are left alone for now. */
  readonly leftAlone: (path: string) => boolean;
  /** Whether a marker says that the file is done. Absent: names say it. */
  readonly isMarked?: (path: string) => boolean;
}

/** A file that waits, by its path below the directory. */
export interface Candidate {
  readonly path: string;
  readonly name: string;
  readonly modifiedMs: number;
}

/**
 * Files of the directory in the order in which they are to be read. The directory is looked through in pieces, and again when what was
 * found is used up or no longer fresh; at most 50,000 files are remembered.
 */
export class Candidates {
  readonly #rules: CandidateRules;
  readonly #files: SpoolFiles;
  readonly #log: Logger;
  /** Read from its end. */
  #queue: Candidate[] = [];
  #freshUntilMs = -Infinity;
  #restUntilMs = -Infinity;
  #listedMs = -Infinity;
  /** Time of change of each directory that was listed; `undefined`: too many, or not sure. */
  #seen: Map<string, bigint> | undefined;

  constructor(rules: CandidateRules, files: SpoolFiles, log: Logger) {
    this.#rules = rules;
    this.#files = files;
    this.#log = log;
  }

  /** The next file; `undefined`: none waits. */
  async next(signal: AbortSignal): Promise<Candidate | undefined> {
    const now = performance.now();
    const used = this.#queue.length === 0;
    if (used ? now >= this.#restUntilMs : this.#rules.order !== 'random' && now > this.#freshUntilMs) {
      if (!used || now - this.#listedMs > LIST_EVERY_MS || this.#hasChanged()) await this.#look(signal);
    }
    for (let found = this.#queue.pop(); found; found = this.#queue.pop()) if (!this.#rules.leftAlone(found.path)) return found;
    return undefined;
  }

  /** The next look is not spared: a file that was left alone may be read again. */
  lookAgain(): void {
    this.#seen = undefined;
  }

  #hasChanged(): boolean {
    if (!this.#seen) return true;
    for (const [directory, modifiedNs] of this.#seen) {
      if (modifiedNsOf(this.#files, directory) !== modifiedNs) return true;
    }
    return false;
  }

  async #look(signal: AbortSignal): Promise<void> {
    const began = performance.now();
    const look = new Look(this.#rules, this.#files, this.#log, signal);
    await look.directory('');
    signal.throwIfAborted();
    this.#queue = look.queue();
    this.#listedMs = performance.now();
    this.#seen = look.seen;
    const tookMs = this.#listedMs - began;
    this.#freshUntilMs = this.#listedMs + Math.max(this.#rules.freshMs, FRESH_FACTOR * tookMs);
    const rests = tookMs > REST.fromMs && !look.isCut;
    this.#restUntilMs = rests ? this.#listedMs + Math.min(REST.mostMs, REST.factor * tookMs) : -Infinity;
  }
}

/** `undefined` where it cannot be told. */
function modifiedNsOf(files: SpoolFiles, path: string): bigint | undefined {
  try {
    return files.lookNow(path)?.modifiedNs;
  } catch {
    return undefined;
  }
}

/** Whether a file of that name, at that path below the directory, is one to read. */
export function mayBeRead({ suffixes, include, ignore, isMarked }: CandidateRules, name: string, path: string): boolean {
  if (name.startsWith('.') || suffixes.some((suffix) => name.endsWith(suffix))) return false;
  return include.matches(name) && !ignore.matches(name) && isMarked?.(path) !== true;
}

/** One look through the directory. */
class Look {
  seen: Map<string, bigint> | undefined = new Map();
  readonly #rules: CandidateRules;
  readonly #files: SpoolFiles;
  readonly #log: Logger;
  readonly #signal: AbortSignal;
  readonly #wallMs = Date.now();
  /** There are more files than are remembered. */
  isCut = false;
  /** In listing order where the order is `random`; else a heap with the one that would be read last on top. */
  readonly #kept: Candidate[] = [];
  #turnMs = performance.now();

  constructor(rules: CandidateRules, files: SpoolFiles, log: Logger, signal: AbortSignal) {
    this.#rules = rules;
    this.#files = files;
    this.#log = log;
    this.#signal = signal;
  }

  /** A directory that cannot be listed is said; what was found is used. */
  async directory(below: string): Promise<void> {
    const path = below === '' ? this.#rules.spoolDir : `${this.#rules.spoolDir}/${below}`;
    try {
      this.#remember(path);
      for await (const piece of this.#files.list(path)) {
        for (const { name, isDirectory } of piece) {
          if (this.#signal.aborted || this.#isFull) return this.#cut();
          const inside = below === '' ? name : `${below}/${name}`;
          if (isDirectory) {
            if (this.#rules.recursive && !name.startsWith('.') && !this.#rules.ignore.matches(name)) await this.directory(inside);
          } else if (!this.#rules.leftAlone(inside) && mayBeRead(this.#rules, name, inside)) {
            this.#add(inside, name);
          }
          if (performance.now() - this.#turnMs > TURN_MS) await this.#giveTurn();
        }
      }
    } catch (error) {
      this.seen = undefined;
      this.#log.warn('directory cannot be listed', { directory: path, reason: describeError(error) });
    }
  }

  /** In the order of reading, the first at the end. */
  queue(): Candidate[] {
    if (this.#rules.order === 'random') return this.#kept.reverse();
    return this.#kept.sort((a, b) => this.#compare(b, a));
  }

  get #isFull(): boolean {
    return this.#rules.order === 'random' && this.#kept.length >= MOST_QUEUED;
  }

  /** What is left out is found by the next look. */
  #cut(): void {
    this.isCut = true;
    this.seen = undefined;
  }

  async #giveTurn(): Promise<void> {
    await turn();
    this.#turnMs = performance.now();
  }

  #remember(path: string): void {
    const { seen } = this;
    if (!seen) return;
    const modifiedNs = modifiedNsOf(this.#files, path);
    const unsure = modifiedNs === undefined || this.#wallMs - Number(modifiedNs / 1_000_000n) < UNSURE_MS;
    if (unsure || seen.size >= MOST_DIRECTORIES) this.seen = undefined;
    else seen.set(path, modifiedNs);
  }

  #add(path: string, name: string): void {
    if (this.#rules.order === 'random') return void this.#kept.push({ path, name, modifiedMs: 0 });
    const modifiedNs = this.#modifiedNs(`${this.#rules.spoolDir}/${path}`);
    if (modifiedNs === undefined) return;
    const candidate = { path, name, modifiedMs: Number(modifiedNs / 1_000_000n) };
    const kept = this.#kept;
    if (kept.length < MOST_QUEUED) return this.#rise(kept.push(candidate) - 1);
    this.#cut();
    if (this.#compare(candidate, kept[0] as Candidate) >= 0) return;
    kept[0] = candidate;
    this.#sink();
  }

  #modifiedNs(path: string): bigint | undefined {
    try {
      return this.#files.lookNow(path)?.modifiedNs;
    } catch (error) {
      this.seen = undefined;
      this.#log.warn('file cannot be looked at', { file: path, reason: describeError(error) });
      return undefined;
    }
  }

  /** Below 0: `a` is read before `b`. Ties go by name, as in Flume. */
  #compare(a: Candidate, b: Candidate): number {
    const byTime = this.#rules.order === 'youngest' ? b.modifiedMs - a.modifiedMs : a.modifiedMs - b.modifiedMs;
    if (byTime !== 0) return byTime;
    if (a.name !== b.name) return a.name < b.name ? -1 : 1;
    return a.path < b.path ? -1 : a.path > b.path ? 1 : 0;
  }

  #rise(from: number): void {
    const kept = this.#kept;
    for (let at = from; at > 0; ) {
      const above = (at - 1) >> 1;
      if (this.#compare(kept[at] as Candidate, kept[above] as Candidate) <= 0) return;
      this.#swap(at, above);
      at = above;
    }
  }

  #sink(): void {
    const kept = this.#kept;
    for (let at = 0; ; ) {
      let last = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < kept.length && this.#compare(kept[child] as Candidate, kept[last] as Candidate) > 0) last = child;
      }
      if (last === at) return;
      this.#swap(at, last);
      at = last;
    }
  }

  #swap(a: number, b: number): void {
    const kept = this.#kept;
    const held = kept[a] as Candidate;
    kept[a] = kept[b] as Candidate;
    kept[b] = held;
  }
}
