import { constants, fstatSync } from 'node:fs';
import { open, stat, unlink, type FileHandle } from 'node:fs/promises';

/** Which file it is, whatever its name: device and number on that device. */
export interface FileIdentity {
  readonly device: bigint;
  readonly inode: bigint;
}

/** A file open for writing at its end. Not for overlapping calls. */
export interface OutputFile {
  readonly path: string;
  readonly identity: FileIdentity;
  /** Whether any name leads to it still; false once it was deleted. Does not wait: the system knows of open files without looking. */
  isLinked(): boolean;
  /** Writes the beginning of `bytes` at `position`; resolves with how many that were, which may be fewer than all. */
  write(bytes: Buffer, position: number): Promise<number>;
  truncate(length: number): Promise<void>;
  /** Resolves when what was written is on the disk. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** The file operations of components that write data: narrow, so that a test can stand in and make each of them fail. */
export interface FileSystem {
  /** Makes a file that was not there; throws EEXIST where something is, a symbolic link included. */
  create(path: string, mode: number): Promise<OutputFile>;
  /** `undefined` where there is nothing. */
  identify(path: string): Promise<FileIdentity | undefined>;
  isDirectory(path: string): Promise<boolean>;
  remove(path: string): Promise<void>;
}

export const fileSystem: FileSystem = {
  async create(path, mode) {
    const { O_CREAT, O_EXCL, O_WRONLY, O_NOFOLLOW } = constants;
    const handle = await open(path, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, mode);
    try {
      const { dev, ino } = await handle.stat({ bigint: true });
      return new NodeFile(path, { device: dev, inode: ino }, handle);
    } catch (error) {
      await handle.close().catch(() => undefined);
      throw error;
    }
  },
  async identify(path) {
    try {
      const { dev, ino } = await stat(path, { bigint: true });
      return { device: dev, inode: ino };
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  },
  async isDirectory(path) {
    try {
      return (await stat(path)).isDirectory();
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
  },
  remove: (path) => unlink(path),
};

export function sameFile(a: FileIdentity | undefined, b: FileIdentity): boolean {
  return a !== undefined && a.inode === b.inode && a.device === b.device;
}

/** Writes all of `bytes`, however many calls that takes. Throws at the first that fails or makes no progress. */
export async function writeAll(file: OutputFile, bytes: Buffer, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const written = await file.write(done === 0 ? bytes : bytes.subarray(done), position + done);
    if (written <= 0) throw new Error(`nothing was written of ${bytes.length - done} bytes to ${file.path}`);
    done += written;
  }
}

function isMissing(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

class NodeFile implements OutputFile {
  readonly path: string;
  readonly identity: FileIdentity;
  readonly #handle: FileHandle;

  constructor(path: string, identity: FileIdentity, handle: FileHandle) {
    this.path = path;
    this.identity = identity;
    this.#handle = handle;
  }

  isLinked(): boolean {
    return fstatSync(this.#handle.fd).nlink > 0;
  }

  async write(bytes: Buffer, position: number): Promise<number> {
    return (await this.#handle.write(bytes, 0, bytes.length, position)).bytesWritten;
  }

  truncate(length: number): Promise<void> {
    return this.#handle.truncate(length);
  }

  sync(): Promise<void> {
    return this.#handle.datasync();
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}
