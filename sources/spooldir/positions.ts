import { resolve } from 'node:path';
import type { FilePosition } from '../../core/component.ts';
import { describeError } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import type { SpoolFacts, SpoolFiles, SpoolHandle } from '../../io/spool-files.ts';
import { PositionFile, readPositionFile, type KnownPosition } from './position-file.ts';

/** Flume's name for it. */
const MAIN = '.flumespool-main.meta';
/** The same for a file that was put off: device and number of the file stand in the name. */
const PUT_OFF = /^\.flumespool-put-off-(\d+-\d+)\.meta$/;
const MOST_PUT_OFF = 1000;
/** Bytes before a position that must still be there when a file is taken up again. */
const MARK_BYTES = 4096;

export interface ReadFile {
  /** As positions name it. */
  readonly target: string;
  readonly facts: SpoolFacts;
  readonly handle: SpoolHandle;
}

/** How far files were read: one position of the file that is being read, and one for each that had to be put off. */
export class Positions {
  readonly #files: SpoolFiles;
  readonly #directory: string;
  readonly #log: Logger;
  readonly #main: PositionFile;
  /** What stood in the position file when the source started, until that file is read again. */
  #left: KnownPosition | undefined;
  #stored = false;
  /** Identities. */
  readonly #putOff = new Set<string>();
  /** Of those that were put off in this run. */
  readonly #remembered = new Map<string, KnownPosition>();

  constructor(files: SpoolFiles, directory: string, log: Logger) {
    this.#files = files;
    this.#directory = directory;
    this.#log = log;
    this.#main = new PositionFile(files, `${directory}/${MAIN}`);
  }

  /** What the last run left behind. */
  get left(): KnownPosition | undefined {
    return this.#left;
  }

  async load(): Promise<void> {
    this.#putOff.clear();
    for await (const piece of this.#files.list(this.#directory)) {
      for (const { name } of piece) {
        const key = PUT_OFF.exec(name)?.[1];
        if (key !== undefined && this.#putOff.size < MOST_PUT_OFF) this.#putOff.add(key.replace('-', ':'));
      }
    }
    try {
      this.#left = await readPositionFile(this.#files, this.#main.path);
      this.#stored = this.#left !== undefined;
      if (!this.#left) await this.#files.remove(this.#main.path);
    } catch (error) {
      const kept = `${this.#main.path}.damaged-${Date.now()}`;
      this.#log.error('position file cannot be read and is put aside: a file that was half read is read from its head', {
        file: this.#main.path,
        keptAs: kept,
        reason: describeError(error),
      });
      await this.#files.renameTo(this.#main.path, kept);
    }
  }

  /** Where to begin with a file. */
  async of(file: ReadFile): Promise<FilePosition> {
    const left = this.#left;
    if (left && samePath(left.target, file.target)) {
      this.#left = undefined;
      if (this.#fits(left, file)) {
        await this.#dropPutOff(file.facts.identity);
        return left;
      }
    }
    const { identity } = file.facts;
    if (!this.#putOff.has(identity)) return BEGIN;
    const remembered = this.#remembered.get(identity);
    const known = remembered ?? (await readPositionFile(this.#files, this.#putOffPath(identity)).catch(() => undefined));
    if (!known || !(await this.#goesOn(known, file))) {
      await this.#dropPutOff(identity);
      return BEGIN;
    }
    this.#log.info('file is taken up again where it was left', { file: file.target, at: known.offset });
    // It must not be lost when the position of the next file is written.
    await this.store(file, known);
    await this.#dropPutOff(identity);
    return known;
  }

  /** A position that cannot be written is said; reading goes on. */
  async store({ target, facts }: Pick<ReadFile, 'target' | 'facts'>, { offset, done }: FilePosition): Promise<void> {
    try {
      if (this.#left) await this.#putLeftOff(this.#left);
      await this.#main.store({ target, offset, done, identity: facts.identity, mark: undefined });
      this.#stored = true;
    } catch (error) {
      this.#log.warn('position cannot be written: what is read meanwhile would be read again after a restart', {
        file: this.#main.path,
        reason: describeError(error),
      });
    }
  }

  /** The file that was read is done. */
  async forget(): Promise<void> {
    if (!this.#stored || this.#left) return;
    this.#stored = false;
    await this.#main.remove();
  }

  /** The file that the last run left was done already, or is gone. */
  async forgetLeft(): Promise<void> {
    this.#left = undefined;
    await this.forget();
  }

  /** Another file is read before this one goes on. */
  async putOff({ target, facts, handle }: ReadFile, { offset, done }: FilePosition): Promise<void> {
    const { identity } = facts;
    if ((offset > 0 || done > 0) && this.#putOff.size < MOST_PUT_OFF) {
      const known = { target, offset, done, identity, mark: await markBefore(handle, offset).catch(() => undefined) };
      this.#putOff.add(identity);
      this.#remembered.set(identity, known);
      const file = new PositionFile(this.#files, this.#putOffPath(identity));
      try {
        await file.store(known);
      } catch (error) {
        this.#log.warn('position of a file that is put off cannot be written: after a restart it would be read from its head', {
          file: file.path,
          reason: describeError(error),
        });
      }
      await file.close();
    }
    await this.forget();
  }

  async close(): Promise<void> {
    await this.#main.close();
  }

  #fits({ identity, offset, target }: KnownPosition, { facts }: ReadFile): boolean {
    if (identity !== undefined && identity !== facts.identity) {
      this.#log.warn('another file has taken the place of one that was half read; it is read from its head', { file: target, readUpTo: offset });
      return false;
    }
    return true;
  }

  /** A file that was put off is the same one if its bytes before the position are; without them its name has to do. */
  async #goesOn({ target, offset, mark }: KnownPosition, file: ReadFile): Promise<boolean> {
    if (offset > file.facts.size) return false;
    return mark === undefined ? samePath(target, file.target) : mark === (await markBefore(file.handle, offset));
  }

  /** The file that was half read when the source started cannot be read now, and another one comes first. */
  async #putLeftOff(left: KnownPosition): Promise<void> {
    this.#left = undefined;
    const identity = left.identity ?? (await this.#files.look(left.target))?.identity;
    if (identity === undefined) return;
    this.#putOff.add(identity);
    this.#remembered.set(identity, { ...left, identity });
    await this.#files.renameTo(this.#main.path, this.#putOffPath(identity));
    this.#stored = false;
  }

  /** Its position is the main one now, or is of no use. */
  async #dropPutOff(identity: string): Promise<void> {
    this.#remembered.delete(identity);
    if (this.#putOff.delete(identity)) await this.#files.remove(this.#putOffPath(identity));
  }

  #putOffPath(identity: string): string {
    return `${this.#directory}/.flumespool-put-off-${identity.replace(':', '-')}.meta`;
  }
}

const BEGIN: FilePosition = { offset: 0, done: 0 };

export function samePath(a: string, b: string): boolean {
  return resolve(a) === resolve(b);
}

async function markBefore(handle: SpoolHandle, offset: number): Promise<string> {
  const length = Math.min(offset, MARK_BYTES);
  const bytes = await handle.read(offset - length, length);
  return `${length}:${process.getBuiltinModule('node:zlib').crc32(bytes)}`;
}
