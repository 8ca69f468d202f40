import { closeSync, constants, fstatSync, opendirSync, openSync, read as readAsync, readlinkSync, readSync, realpathSync, statSync, type BigIntStats } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';

/** A path; bytes where its name is not text. */
export type FilePath = string | Buffer;

/** What the system knows of a file at one moment. */
export interface FileFacts {
  readonly device: bigint;
  readonly inode: bigint;
  /** When the file was made, in nanoseconds of the epoch; 0 where the file system does not keep it. */
  readonly bornNs: bigint;
  /** When anything about it changed last, its number of names included. */
  readonly changedNs: bigint;
  readonly modifiedNs: bigint;
  readonly size: number;
  /** Names that lead to it; 0 once it was deleted. */
  readonly links: number;
  readonly owner: number;
  readonly isFile: boolean;
}

/** The part of it that a change shows in, for looks at many files. */
export interface Glance {
  readonly device: number;
  readonly inode: number;
  readonly size: number;
  readonly modifiedMs: number;
}

/** A file that is open for reading, whatever becomes of its name. */
export interface TailHandle {
  facts(): FileFacts;
  /** Reads up to `length` bytes at `position` of the file. Resolves with how many there were. */
  read(into: Buffer, offset: number, length: number, position: number): Promise<number>;
  /** The same at once, for few bytes. */
  readNow(into: Buffer, offset: number, length: number, position: number): number;
  /** Where the file lies by now, links followed; `undefined` where the system does not tell. */
  path(): string | undefined;
  close(): void;
}

/** The file operations of a source that follows files: narrow, so that a test can stand in. They throw what the system said. */
export interface TailFiles {
  /** `undefined` where there is nothing. Follows links. */
  look(path: FilePath): FileFacts | undefined;
  /** The same for less: not fit to tell files apart. */
  glance(path: FilePath): Glance | undefined;
  /** Opens for reading, and never waits for the other end of a pipe. */
  open(path: FilePath): TailHandle;
  /** Names in a directory in pieces, each name's bytes as ISO-8859-1. */
  list(directory: string): AsyncIterable<readonly string[]>;
  /** The directory with links followed; `undefined` where there is none. */
  realDirectory(directory: string): string | undefined;
}

/** Names that one piece of a listing holds at most, so that a directory of a million keeps nobody waiting. */
const NAMES_AT_ONCE = 500;

export const tailFiles: TailFiles = {
  look(path) {
    try {
      const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
      return stats && factsOf(stats);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return undefined;
      throw error;
    }
  },
  glance(path) {
    try {
      const stats = statSync(path, { throwIfNoEntry: false });
      return stats && { device: stats.dev, inode: stats.ino, size: stats.size, modifiedMs: stats.mtimeMs };
    } catch {
      // The full look says why.
      return undefined;
    }
  },
  open: (path) => new NodeHandle(openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY)),
  async *list(directory) {
    // The bytes of a name, whatever they are, in one character each.
    const entries = opendirSync(directory, { encoding: 'latin1', bufferSize: NAMES_AT_ONCE });
    try {
      for (let names: string[] = []; ; names = []) {
        for (let entry = entries.readSync(); entry; entry = names.length < NAMES_AT_ONCE ? entries.readSync() : null) names.push(entry.name);
        if (names.length === 0) return;
        yield names;
        await turn();
      }
    } finally {
      entries.closeSync();
    }
  },
  realDirectory(directory) {
    try {
      return realpathSync(directory);
    } catch {
      return undefined;
    }
  },
};

class NodeHandle implements TailHandle {
  readonly #descriptor: number;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  facts(): FileFacts {
    return factsOf(fstatSync(this.#descriptor, { bigint: true }));
  }

  read(into: Buffer, offset: number, length: number, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      readAsync(this.#descriptor, into, offset, length, position, (error, bytesRead) => (error ? reject(error) : resolve(bytesRead)));
    });
  }

  readNow(into: Buffer, offset: number, length: number, position: number): number {
    return readSync(this.#descriptor, into, offset, length, position);
  }

  path(): string | undefined {
    try {
      return readlinkSync(`/proc/self/fd/${this.#descriptor}`);
    } catch {
      return undefined;
    }
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

function factsOf(stats: BigIntStats): FileFacts {
  return {
    device: stats.dev,
    inode: stats.ino,
    bornNs: stats.birthtimeNs,
    changedNs: stats.ctimeNs,
    modifiedNs: stats.mtimeNs,
    size: Number(stats.size),
    links: Number(stats.nlink),
    owner: Number(stats.uid),
    isFile: stats.isFile(),
  };
}
