import { setTimeout as sleep } from 'node:timers/promises';
import { describeError } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import { Backoff } from '../../io/backoff.ts';
import { StoreError, type FileStore } from './file-store.ts';
import { laterName } from './in-use-file.ts';
import type { Head, OpenList } from './open-list.ts';

export interface FinisherSettings {
  /** Attempts to rename a file, and between two of them milliseconds. */
  readonly tries: number;
  readonly retryMs: number;
  /** Files at a time. */
  readonly atOnce: number;
  /** Ending of final names. */
  readonly suffix: string;
}

/** A file nobody writes to any more, as far as this sink goes. */
export interface Finished {
  readonly id: number;
  readonly path: string;
  readonly finalPath: string;
  readonly head: Head;
  /** So much of it is good, and what stands behind was never accepted; `undefined`: leave it as long as it is. */
  readonly goodLength: number | undefined;
}

/** A lease of a writer that died is kept for a minute; a file that was to be made may appear as late. */
const LEASE = { firstMs: 500, mostMs: 10_000 };
const APPEARS_LATE_MS = 75_000;
const WAITING_PER_TURN = 4;
const USED_UP = 'file keeps its in-use name: attempts are used up (hdfs.closeTries); all its events are in it';
/** Compared, before a file that may be somebody else's is removed. */
export const HEAD_BYTES = 4096;

/**
 * Brings files to their end beside the writing: cuts off what was never accepted, once the file system allows it, and gives them their
 * final names, trying again as long as it takes or is allowed. What is not done when the agent stops, the next start goes on with.
 */
export class Finisher {
  readonly #store: FileStore;
  readonly #list: OpenList | undefined;
  readonly #log: Logger;
  readonly #settings: FinisherSettings;
  readonly #stopping = new AbortController();
  readonly #tasks = new Set<Promise<void>>();
  #free: number;
  readonly #waiting: (() => void)[] = [];
  /** Of `room`. */
  readonly #held: (() => void)[] = [];

  constructor(store: FileStore, list: OpenList | undefined, log: Logger, settings: FinisherSettings) {
    this.#store = store;
    this.#list = list;
    this.#log = log;
    this.#settings = settings;
    this.#free = settings.atOnce;
  }

  /**
   * Resolves when few files wait for their turn, so that nobody makes files faster than they can be finished. Those that failed and
   * wait to be tried again do not count.
   */
  async room(): Promise<void> {
    while (this.#isCrowded && !this.#stopping.signal.aborted) await new Promise<void>((resolve) => this.#held.push(resolve));
  }

  get #isCrowded(): boolean {
    return this.#waiting.length > WAITING_PER_TURN * this.#settings.atOnce;
  }

  finish(file: Finished): void {
    const task = this.#finish(file).catch((error: unknown) => {
      if (!this.#stopping.signal.aborted) this.#log.error('file could not be finished', { path: file.path, reason: describeError(error) });
    });
    this.#tasks.add(task);
    void task.then(() => this.#tasks.delete(task));
  }

  /** Each file gets one more attempt, at once. Resolves when all have ended. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const resolve of this.#held.splice(0)) resolve();
    await Promise.all(this.#tasks);
  }

  async #finish(file: Finished): Promise<void> {
    if (file.goodLength === 0) await this.#discard(file);
    else if (!(await this.#cutBack(file)) || !(await this.#rename(file))) return;
    await this.#list?.closed([file.id]).catch(() => undefined);
  }

  /** Resolves `false` if the agent stops first. */
  async #cutBack({ path, goodLength }: Finished): Promise<boolean> {
    if (goodLength === undefined) return true;
    const backoff = new Backoff(LEASE);
    for (;;) {
      try {
        if (await this.#inTurn(() => this.#store.cut(path, goodLength))) {
          return true;
        }
      } catch (error) {
        if (error instanceof StoreError && error.outcome === 'gone') return true;
        if (await this.#isShorter(path, goodLength)) return true;
        this.#log.warn('what was not accepted of a file cannot be cut off yet; tried again', { path, length: goodLength, reason: describeError(error) });
      }
      if (!(await this.#pause(backoff.nextMs()))) return false;
    }
  }

  /**
   * Resolves `false` if the agent stops first. A write that was given up, and lay in a DataNode that stood still, may begin after the cut; it
   * asks for the file by the name it had, and so not after the renaming. Then what it brought is cut off as well.
   */
  async #rename(file: Finished): Promise<boolean> {
    // Where the file was renamed by an earlier run, that of the final name may be somebody else's.
    const late = file.goodLength !== undefined && (await this.#store.length(file.path).catch(() => undefined)) !== undefined;
    const path = await this.#giveFinalName(file);
    return !late || path === undefined || path === file.path || this.#cutBack({ ...file, path });
  }

  /** A file system that lost what it had accepted: nothing can be cut off, and it is to be said. */
  async #isShorter(path: string, goodLength: number): Promise<boolean> {
    const length = await this.#store.length(path).catch(() => undefined);
    // While a writer has it, the length is that of the blocks before the last one.
    if (length === undefined || length >= goodLength || !(await this.#store.cut(path, length).catch(() => false))) return false;
    this.#log.error('a file is shorter than what the file system had accepted: events are lost there', { path, accepted: goodLength, length });
    return true;
  }

  /** Nothing of it was accepted. It may not be there, may come yet, or may be another's of the same name. */
  async #discard(file: Finished): Promise<void> {
    const backoff = new Backoff(LEASE);
    const until = performance.now() + APPEARS_LATE_MS;
    for (;;) {
      try {
        const found = await this.#inTurn(() => this.#discardOnce(file));
        if (found || performance.now() > until) return;
      } catch (error) {
        this.#log.warn('a file that was never accepted cannot be removed yet; tried again', { path: file.path, reason: describeError(error) });
      }
      if (!(await this.#pause(backoff.nextMs()))) throw new Error('stopped');
    }
  }

  async #discardOnce({ path, head }: Finished): Promise<boolean> {
    const length = await this.#store.length(path);
    if (length === undefined) return false;
    const whole = Math.min(head.size, HEAD_BYTES);
    if (length >= whole && whole > 0) {
      const bytes = await this.#store.head(path, whole);
      if (process.getBuiltinModule('node:zlib').crc32(bytes) !== head.crc) {
        this.#log.warn('a file of the same name is not ours; it is left alone', { path });
        return true;
      }
    }
    await this.#store.remove(path);
    return true;
  }

  /** Resolves with the name it then has; `undefined` where that is not known, or is to stay as it is. */
  async #giveFinalName(file: Finished): Promise<string | undefined> {
    let target = file.finalPath;
    if (target === file.path) return target;
    for (let tries = 1; ; tries++) {
      try {
        while (!(await this.#inTurn(() => this.#store.rename(file.path, target)))) {
          this.#log.warn('the final name of a file is taken; it gets another one', { path: file.path, taken: target });
          target = laterName(file.finalPath, this.#settings.suffix, Date.now());
        }
        this.#log.debug('file closed', { path: target });
        return target;
      } catch (error) {
        const facts = { path: file.path, finalName: target, attempt: tries, reason: describeError(error) };
        const lasting = error instanceof StoreError && error.outcome === 'gone' ? 'file is not there any more' : tries >= this.#settings.tries ? USED_UP : undefined;
        if (lasting !== undefined) {
          this.#log.error(lasting, facts);
          return undefined;
        }
        if (this.#stopping.signal.aborted) throw error;
        this.#log.warn('file cannot be renamed yet; all its events are in it, and it is tried again', facts);
        await this.#pause(this.#settings.retryMs);
      }
    }
  }

  /** Resolves `false` at once when the agent stops. */
  async #pause(ms: number): Promise<boolean> {
    return sleep(Math.min(ms, 2 ** 31 - 1), true, { signal: this.#stopping.signal }).catch(() => false);
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free++;
      if (!this.#isCrowded) for (const resolve of this.#held.splice(0)) resolve();
    }
  }
}
