import { constants } from 'node:fs';
import { copyFile, link, mkdir, open, readdir, readFile, readlink, realpath, rename, rm, stat, statfs, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { FileIdentity } from './file-system.ts';

/** A small file of fixed length that is written over in place, which takes no room on a disk that is full. */
export interface SlotFile {
  readonly path: string;
  /** All of its bytes, which may be fewer than it should have. */
  read(): Promise<Buffer>;
  /** Writes all of `bytes`. What was written is there after the end of the process, and after a power cut once `sync` has resolved. */
  write(bytes: Buffer, position: number): Promise<void>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** The file operations around a durable store: narrow, so that a test can stand in, fail each and cut the power. */
export interface StoreFiles {
  /** With what is above it, for the owner only. */
  makeDirectory(path: string): Promise<FileIdentity>;
  /** Names in a directory; none where there is no directory. */
  list(path: string): Promise<string[]>;
  /** `undefined` where there is nothing. */
  read(path: string): Promise<Buffer | undefined>;
  /** The whole file or what was there before; on the disk when it resolves. */
  replace(path: string, bytes: Buffer): Promise<void>;
  /**
   * Gives files of one directory a second name in another, which takes no room; names that are gone, or that are there already, are left
   * out. Where the file system has no second names the files are copied.
   */
  linkAll(from: string, names: readonly string[], to: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** A file, or a directory with all that is in it; nothing where there is none. */
  remove(path: string): Promise<void>;
  /** Bytes that this process may still write where `path` is. */
  freeBytes(path: string): Promise<number>;
  /** Opens or makes a file of `length` bytes. */
  openSlots(path: string, length: number): Promise<SlotFile>;
  /** Takes `bytes` of room on the disk, for worse times. */
  reserve(path: string, bytes: number): Promise<void>;
}

export const storeFiles: StoreFiles = {
  async makeDirectory(path) {
    await mkdir(path, { recursive: true, mode: 0o700 });
    const { dev, ino } = await stat(await realpath(path), { bigint: true });
    return { device: dev, inode: ino };
  },
  list: (path) => unlessMissing(readdir(path), []),
  read: (path) => unlessMissing(readFile(path), undefined),
  async replace(path, bytes) {
    const fresh = `${path}.new`;
    await withFile(fresh, constants.O_CREAT | constants.O_TRUNC | constants.O_WRONLY, async (handle) => {
      await writeAll(handle, bytes, 0);
      await handle.datasync();
    });
    await rename(fresh, path);
    await syncDirectory(dirname(path));
  },
  async linkAll(from, names, to) {
    await mkdir(to, { recursive: true, mode: 0o700 });
    for (const name of names) await linkOne(join(from, name), join(to, name));
  },
  async rename(from, to) {
    await mkdir(dirname(to), { recursive: true, mode: 0o700 });
    await rename(from, to);
    await syncDirectory(dirname(to));
  },
  remove: (path) => rm(path, { recursive: true, force: true }),
  async freeBytes(path) {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  },
  async openSlots(path, length) {
    const { O_CREAT, O_RDWR, O_NOFOLLOW } = constants;
    const handle = await open(path, O_CREAT | O_RDWR | O_NOFOLLOW, 0o600);
    try {
      const { size } = await handle.stat();
      if (size < length) {
        await writeAll(handle, Buffer.alloc(length - size), size);
        await handle.sync();
        await syncDirectory(dirname(path));
      }
      return new NodeSlotFile(path, handle);
    } catch (error) {
      await handle.close().catch(() => undefined);
      throw error;
    }
  },
  async reserve(path, bytes) {
    const { O_CREAT, O_WRONLY, O_NOFOLLOW } = constants;
    await withFile(path, O_CREAT | O_WRONLY | O_NOFOLLOW, async (handle) => {
      const piece = Buffer.alloc(1024 * 1024);
      for (let at = (await handle.stat()).size; at < bytes; at += piece.length) {
        await writeAll(handle, piece.subarray(0, Math.min(piece.length, bytes - at)), at);
      }
      await handle.sync();
    });
  },
};

/** Tells one run of a process from another with the same number, as far as the system lets us: `<boot> <start>`. */
export async function processMark(pid: number): Promise<string | undefined> {
  const text = await unlessMissing(readFile(`/proc/${pid}/stat`, 'utf8'), undefined);
  if (text === undefined) return undefined;
  const boot = await unlessMissing(readFile('/proc/sys/kernel/random/boot_id', 'utf8'), '');
  const namespace = await readlink(`/proc/${pid}/ns/pid`).catch(() => '');
  const start = text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  return `${boot.trim()} ${namespace} ${start}`;
}

class NodeSlotFile implements SlotFile {
  readonly path: string;
  readonly #handle: FileHandle;

  constructor(path: string, handle: FileHandle) {
    this.path = path;
    this.#handle = handle;
  }

  async read(): Promise<Buffer> {
    const bytes = Buffer.alloc((await this.#handle.stat()).size);
    let done = 0;
    while (done < bytes.length) {
      const { bytesRead } = await this.#handle.read(bytes, done, bytes.length - done, done);
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    return bytes.subarray(0, done);
  }

  write(bytes: Buffer, position: number): Promise<void> {
    return writeAll(this.#handle, bytes, position);
  }

  sync(): Promise<void> {
    return this.#handle.datasync();
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

async function writeAll(handle: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done);
    if (bytesWritten === 0) throw new Error(`nothing was written of ${bytes.length - done} bytes`);
    done += bytesWritten;
  }
}

async function withFile(path: string, flags: number, use: (handle: FileHandle) => Promise<void>): Promise<void> {
  const handle = await open(path, flags, 0o600);
  try {
    await use(handle);
  } finally {
    await handle.close();
  }
}

async function linkOne(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'EEXIST') return;
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EMLINK' && code !== 'ENOSYS') throw error;
    await unlessMissing(copyFile(from, to, constants.COPYFILE_EXCL), undefined);
  }
}

async function syncDirectory(path: string): Promise<void> {
  await withFile(path, constants.O_RDONLY, (handle) => handle.sync());
}

async function unlessMissing<T, M>(promise: Promise<T>, missing: M): Promise<T | M> {
  try {
    return await promise;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return missing;
    throw error;
  }
}
