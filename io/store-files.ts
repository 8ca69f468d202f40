import { constants, fstatSync, writeSync } from 'node:fs';
import { copyFile, link, mkdir, open, readdir, readFile, readlink, realpath, rename, rm, stat, statfs, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { FileIdentity } from './file-system.ts';

/** A file that is read and written at given places. */
export interface StoreFile {
  readonly path: string;
  /** Its length, and how many names it has. */
  facts(): Promise<{ readonly length: number; readonly names: number }>;
  /** Up to `length` bytes from `position` on, fewer at the end of the file; in `memory` where that is given and large enough, otherwise in fresh memory. */
  read(position: number, length: number, memory?: Buffer): Promise<Buffer>;
  /** Writes all of `bytes`. What was written is there after the end of the process, and after a power cut once `sync` has resolved. */
  write(bytes: Buffer, position: number): Promise<void>;
  truncate(length: number): Promise<void>;
  /** Whether a name leads to it still: false once it was deleted. Does not wait. Absent: not known. */
  isLinked?(): boolean;
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
  /** Opens or makes a small file of `length` bytes that is written over in place, which takes no room on a disk that is full. */
  openSlots(path: string, length: number): Promise<StoreFile>;
  /** Opens a file that is there. */
  open(path: string, how: 'read' | 'write'): Promise<StoreFile>;
  /** Makes a file of `length` zeros, so that writing over them changes no more than its bytes. Leaves nothing behind where it fails. */
  create(path: string, length: number): Promise<StoreFile>;
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
      return new QuickFile(path, handle);
    } catch (error) {
      await handle.close().catch(() => undefined);
      // What a write throws does not say where.
      if (error instanceof Error && !error.message.includes(path)) error.message += ` '${path}'`;
      throw error;
    }
  },
  async open(path, how) {
    const flags = (how === 'read' ? constants.O_RDONLY : constants.O_RDWR) | constants.O_NOFOLLOW;
    return new NodeStoreFile(path, await open(path, flags));
  },
  async create(path, length) {
    const { O_CREAT, O_EXCL, O_RDWR, O_NOFOLLOW } = constants;
    const handle = await open(path, O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW, 0o600);
    try {
      await writeZeros(handle, 0, length);
      await handle.sync();
      await syncDirectory(dirname(path));
      return new NodeStoreFile(path, handle);
    } catch (error) {
      await handle.close().catch(() => undefined);
      await rm(path, { force: true }).catch(() => undefined);
      throw error;
    }
  },
  async reserve(path, bytes) {
    const { O_CREAT, O_WRONLY, O_NOFOLLOW } = constants;
    await withFile(path, O_CREAT | O_WRONLY | O_NOFOLLOW, async (handle) => {
      await writeZeros(handle, (await handle.stat()).size, bytes);
      await handle.sync();
    });
  },
};

/**
 * Tells one run of a process from another with the same number, as far as the system lets us: `<boot> <start>`. `undefined` for one that has
 * ended, also where nobody has fetched it yet, as in containers whose first process never does.
 */
export async function processMark(pid: number): Promise<string | undefined> {
  const text = await unlessMissing(readFile(`/proc/${pid}/stat`, 'utf8'), undefined);
  if (text === undefined) return undefined;
  const boot = await unlessMissing(readFile('/proc/sys/kernel/random/boot_id', 'utf8'), '');
  const namespace = await readlink(`/proc/${pid}/ns/pid`).catch(() => '');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
  const start = fields[19] ?? '';
  return `${boot.trim()} ${namespace} ${start}`;
}

class NodeStoreFile implements StoreFile {
  readonly path: string;
  readonly #handle: FileHandle;

  constructor(path: string, handle: FileHandle) {
    this.path = path;
    this.#handle = handle;
  }

  async facts(): Promise<{ length: number; names: number }> {
    const { size, nlink } = await this.#handle.stat();
    return { length: size, names: nlink };
  }

  async read(position: number, length: number, memory?: Buffer): Promise<Buffer> {
    const bytes = memory && memory.length >= length ? memory : Buffer.allocUnsafeSlow(length);
    let done = 0;
    while (done < length) {
      const { bytesRead } = await this.#handle.read(bytes, done, length - done, position + done);
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    return bytes.subarray(0, done);
  }

  write(bytes: Buffer, position: number): Promise<void> {
    return writeAll(this.#handle, bytes, position);
  }

  isLinked(): boolean {
    return fstatSync(this.#handle.fd).nlink > 0;
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

/** A write that took this long is not waited for with the event loop again, for so many writes. */
const SLOW_MS = 5;
const WRITES_BY_THREAD = 1000;

/**
 * Few bytes into the memory of the system take some microseconds; by way of a thread they take 60 of CPU, and whoever commits waits for them.
 * A system that is slow at it, as one whose disks are overloaded, is given a thread.
 */
class QuickFile extends NodeStoreFile {
  readonly #descriptor: number;
  #byThread = 0;

  constructor(path: string, handle: FileHandle) {
    super(path, handle);
    this.#descriptor = handle.fd;
  }

  override async write(bytes: Buffer, position: number): Promise<void> {
    if (this.#byThread > 0) {
      this.#byThread--;
      return super.write(bytes, position);
    }
    const began = performance.now();
    for (let done = 0; done < bytes.length; ) done += writeSync(this.#descriptor, bytes, done, bytes.length - done, position + done);
    if (performance.now() - began > SLOW_MS) this.#byThread = WRITES_BY_THREAD;
  }
}

async function writeAll(handle: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done);
    if (bytesWritten === 0) throw new Error(`nothing was written of ${bytes.length - done} bytes`);
    done += bytesWritten;
  }
}

async function writeZeros(handle: FileHandle, from: number, to: number): Promise<void> {
  const piece = Buffer.alloc(Math.min(1024 * 1024, Math.max(0, to - from)));
  for (let at = from; at < to; at += piece.length) await writeAll(handle, piece.subarray(0, Math.min(piece.length, to - at)), at);
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
