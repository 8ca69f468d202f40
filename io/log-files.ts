import { constants } from 'node:fs';
import { open, readdir, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';

/** A file of ours that grows at its end and is read anywhere. Writes must not overlap; reads may. */
export interface LogFile {
  readonly path: string;
  /** Bytes in it when it was opened. */
  readonly size: number;
  /** Writes all of `parts`, one behind the other, at `position`. */
  write(parts: readonly Buffer[], position: number): Promise<void>;
  /** Fills `into` from `position` on; answers how many bytes there were. */
  read(into: Buffer, position: number): Promise<number>;
  /** Resolves when what was written is on the disk. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** The file operations of a log in several files: narrow, so that a test can stand in and make each fail. */
export interface LogFiles {
  /** Names in a directory, which must be there. */
  list(directory: string): Promise<string[]>;
  /** Makes a file that was not there, for the owner only; its name is on the disk when it resolves. */
  create(path: string): Promise<LogFile>;
  open(path: string): Promise<LogFile>;
  remove(path: string): Promise<void>;
}

export const logFiles: LogFiles = {
  list: (directory) => readdir(directory),
  async create(path) {
    const { O_CREAT, O_EXCL, O_RDWR, O_NOFOLLOW } = constants;
    const file = await NodeLogFile.open(path, O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW);
    const directory = await open(dirname(path), constants.O_RDONLY);
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
    return file;
  },
  open: (path) => NodeLogFile.open(path, constants.O_RDWR | constants.O_NOFOLLOW),
  remove: (path) => rm(path, { force: true }),
};

class NodeLogFile implements LogFile {
  readonly path: string;
  readonly size: number;
  readonly #handle: FileHandle;

  private constructor(path: string, size: number, handle: FileHandle) {
    this.path = path;
    this.size = size;
    this.#handle = handle;
  }

  static async open(path: string, flags: number): Promise<NodeLogFile> {
    const handle = await open(path, flags, 0o600);
    try {
      return new NodeLogFile(path, (await handle.stat()).size, handle);
    } catch (error) {
      await handle.close().catch(() => undefined);
      throw error;
    }
  }

  async write(parts: readonly Buffer[], position: number): Promise<void> {
    let rest = parts.filter((part) => part.length > 0);
    for (let at = position; rest.length > 0; ) {
      const { bytesWritten } = await this.#handle.writev(rest, at);
      if (bytesWritten === 0) throw new Error(`nothing was written to ${this.path}`);
      at += bytesWritten;
      rest = behind(rest, bytesWritten);
    }
  }

  async read(into: Buffer, position: number): Promise<number> {
    let done = 0;
    while (done < into.length) {
      const { bytesRead } = await this.#handle.read(into, done, into.length - done, position + done);
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    return done;
  }

  sync(): Promise<void> {
    return this.#handle.datasync();
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

/** What remains of `parts` once `bytes` of them are written. */
function behind(parts: readonly Buffer[], bytes: number): Buffer[] {
  let left = bytes;
  const rest: Buffer[] = [];
  for (const part of parts) {
    if (left >= part.length) left -= part.length;
    else {
      rest.push(part.subarray(left));
      left = 0;
    }
  }
  return rest;
}
