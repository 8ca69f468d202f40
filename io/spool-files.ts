import { constants, lstatSync, opendirSync, statSync, writeSync, type BigIntStats } from 'node:fs';
import { lstat, mkdir, open, readFile, rename, stat, unlink, writeFile, type FileHandle } from 'node:fs/promises';
import { setImmediate as turn } from 'node:timers/promises';
import { chunkWasRead } from './read-memory.ts';

export type SpoolKind = 'file' | 'directory' | 'pipe' | 'socket' | 'device' | 'dangling link';

/** What the system knows of a file at one moment. */
export interface SpoolFacts {
  readonly kind: SpoolKind;
  /** Which file it is, whatever its name: device and number on that device. */
  readonly identity: string;
  readonly size: number;
  readonly modifiedNs: bigint;
}

export interface SpoolEntry {
  readonly name: string;
  /** Links are not followed: a link to a directory is none. */
  readonly isDirectory: boolean;
}

/** A file that is open for reading, whatever becomes of its name. */
export interface SpoolHandle {
  facts(): Promise<SpoolFacts>;
  /** `length` bytes from `offset` on, in memory of their own; fewer only at the end of the file. */
  read(offset: number, length: number): Promise<Buffer>;
  close(): Promise<void>;
}

/** A file that only grows. */
export interface GrowingFile {
  /** Returns when it is done, or a promise where that may take long. */
  append(bytes: Buffer): void | Promise<void>;
  close(): Promise<void>;
}

/** The file operations of a source that takes files out of a directory: narrow, so that a test can stand in. They throw what the system said. */
export interface SpoolFiles {
  /** Entries of a directory in pieces, so that a large one keeps nobody waiting. */
  list(directory: string): AsyncIterable<readonly SpoolEntry[]>;
  /** Links are followed; `undefined` where there is nothing. */
  look(path: string): Promise<SpoolFacts | undefined>;
  /** The same at once: for many files one after another, within a limit of time. */
  lookNow(path: string): SpoolFacts | undefined;
  /** Whether something has that name, be it a link that leads nowhere. */
  isTaken(path: string): Promise<boolean>;
  /** Opens for reading, and never waits for the other end of a pipe. */
  open(path: string): Promise<SpoolHandle>;
  /** Gives the file another name. False, and nothing is done, where that is taken. */
  renameTo(path: string, free: string): Promise<boolean>;
  /** False where there was nothing. */
  remove(path: string): Promise<boolean>;
  /** One directory; what is above it must be there. Fine where it is there already. */
  makeDirectory(path: string): Promise<void>;
  /** With what is above it. */
  makeDirectories(path: string): Promise<void>;
  /** A new small file. False where there is something of that name. */
  create(path: string, text: string): Promise<boolean>;
  /** Bytes of a small file; `undefined` where there is none. */
  readSmall(path: string, mostBytes: number): Promise<Buffer | undefined>;
  /** The whole of `bytes` in place of what was there, in one step, open for more. */
  replace(path: string, bytes: Buffer): Promise<GrowingFile>;
}

const ENTRIES_AT_ONCE = 256;

export const spoolFiles: SpoolFiles = {
  async *list(directory) {
    const entries = opendirSync(directory, { bufferSize: ENTRIES_AT_ONCE });
    try {
      for (let piece: SpoolEntry[] = []; ; piece = []) {
        for (let left = ENTRIES_AT_ONCE; left > 0; left--) {
          const entry = entries.readSync();
          if (!entry) break;
          piece.push({ name: entry.name, isDirectory: entry.isDirectory() });
        }
        if (piece.length === 0) return;
        yield piece;
        await turn();
      }
    } finally {
      entries.closeSync();
    }
  },
  async look(path) {
    // A link that leads nowhere, or in a circle, is looked at itself.
    const stats = (await stat(path, { bigint: true }).catch(() => undefined)) ?? (await unlessMissing(lstat(path, { bigint: true })));
    return stats && factsOf(stats);
  },
  lookNow(path) {
    let stats: BigIntStats | undefined;
    try {
      stats = statSync(path, { bigint: true, throwIfNoEntry: false });
    } catch {
      // What is wrong with it shows below, unless it is only where a link leads.
    }
    stats ??= lstatSync(path, { bigint: true, throwIfNoEntry: false });
    return stats && factsOf(stats);
  },
  isTaken: async (path) => (await unlessMissing(lstat(path))) !== undefined,
  async open(path) {
    const { O_RDONLY, O_NONBLOCK, O_NOCTTY } = constants;
    return new NodeHandle(await open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY));
  },
  async renameTo(path, free) {
    if ((await unlessMissing(lstat(free))) !== undefined) return false;
    await rename(path, free);
    return true;
  },
  remove: async (path) => (await unlessMissing(unlink(path).then(() => true))) ?? false,
  async makeDirectory(path) {
    try {
      await mkdir(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || !(await stat(path)).isDirectory()) throw error;
    }
  },
  async makeDirectories(path) {
    await mkdir(path, { recursive: true });
  },
  async create(path, text) {
    try {
      await writeFile(path, text, { flag: 'wx' });
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw error;
    }
  },
  async readSmall(path, mostBytes) {
    const facts = await unlessMissing(stat(path));
    if (!facts) return undefined;
    if (facts.size > mostBytes) throw new Error(`${path} has ${facts.size} bytes; at most ${mostBytes} are read`);
    return unlessMissing(readFile(path));
  },
  async replace(path, bytes) {
    const fresh = `${path}.new`;
    const handle = await open(fresh, 'w', 0o644);
    try {
      await writeAll(handle, bytes);
      await rename(fresh, path);
    } catch (error) {
      await handle.close().catch(() => undefined);
      throw error;
    }
    return new NodeGrowingFile(handle);
  },
};

class NodeHandle implements SpoolHandle {
  readonly #handle: FileHandle;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async facts(): Promise<SpoolFacts> {
    return factsOf(await this.#handle.stat({ bigint: true }));
  }

  async read(offset: number, length: number): Promise<Buffer> {
    const bytes = Buffer.allocUnsafeSlow(length);
    let done = 0;
    while (done < length) {
      const { bytesRead } = await this.#handle.read(bytes, done, length - done, offset + done);
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    chunkWasRead(length);
    return done === length ? bytes : bytes.subarray(0, done);
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

/** A write that took this long is not waited for with the event loop again, for so many writes. */
const SLOW_MS = 5;
const ASYNC_WRITES = 1000;

/**
 * Few bytes into the memory of the system take 3 microseconds; by way of a thread they take 50, and the next batch waits for them (measured:
 * 1.4 in place of 4.0 M lines/s in batches of 100). A system that is slow at it, as one whose disks are overloaded, is given a thread.
 */
class NodeGrowingFile implements GrowingFile {
  readonly #handle: FileHandle;
  #asyncWrites = 0;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  append(bytes: Buffer): void | Promise<void> {
    if (this.#asyncWrites > 0) {
      this.#asyncWrites--;
      return writeAll(this.#handle, bytes);
    }
    const began = performance.now();
    for (let done = 0; done < bytes.length; ) done += writeSync(this.#handle.fd, bytes, done, bytes.length - done);
    if (performance.now() - began > SLOW_MS) this.#asyncWrites = ASYNC_WRITES;
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

async function writeAll(handle: FileHandle, bytes: Buffer): Promise<void> {
  for (let done = 0; done < bytes.length; ) done += (await handle.write(bytes, done, bytes.length - done)).bytesWritten;
}

function factsOf(stats: BigIntStats): SpoolFacts {
  return { kind: kindOf(stats), identity: `${stats.dev}:${stats.ino}`, size: Number(stats.size), modifiedNs: stats.mtimeNs };
}

function kindOf(stats: BigIntStats): SpoolKind {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'directory';
  if (stats.isFIFO()) return 'pipe';
  if (stats.isSocket()) return 'socket';
  return stats.isSymbolicLink() ? 'dangling link' : 'device';
}

async function unlessMissing<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}
