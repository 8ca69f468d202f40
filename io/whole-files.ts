import { constants } from 'node:fs';
import { mkdir, open, rename, stat, unlink, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Files by their paths, opened for each call: for a component that has thousands of them. What is written is with the system when a
 * call resolves, not on the disk. A symbolic link in the place of a file is not followed. Errors are the system's own.
 */
export const wholeFiles = {
  /** Makes the folders above as well. Throws EEXIST where something is. */
  async create(path: string, bytes: Buffer, mode: number): Promise<void> {
    await mkdir(dirname(path), { recursive: true });
    const { O_CREAT, O_EXCL, O_WRONLY, O_NOFOLLOW } = constants;
    await using(path, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, mode, (handle) => writeAt(handle, bytes, 0));
  },
  /** Writes at `position`, which is where the file ends. */
  async append(path: string, position: number, bytes: Buffer): Promise<void> {
    await using(path, constants.O_WRONLY | constants.O_NOFOLLOW, 0, (handle) => writeAt(handle, bytes, position));
  },
  /** `undefined` where there is nothing. */
  async length(path: string): Promise<number | undefined> {
    try {
      return (await stat(path)).size;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  },
  head: (path: string, most: number): Promise<Buffer> =>
    using(path, constants.O_RDONLY | constants.O_NOFOLLOW, 0, async (handle) => {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(most), 0, most, 0);
      return buffer.subarray(0, bytesRead);
    }),
  async cut(path: string, length: number): Promise<void> {
    await using(path, constants.O_WRONLY | constants.O_NOFOLLOW, 0, (handle) => handle.truncate(length));
  },
  rename: (from: string, to: string): Promise<void> => rename(from, to),
  async remove(path: string): Promise<void> {
    await unlink(path).catch((error: unknown) => {
      if (!isMissing(error)) throw error;
    });
  },
};

function isMissing(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

async function using<T>(path: string, flags: number, mode: number, work: (handle: FileHandle) => Promise<T>): Promise<T> {
  const handle = await open(path, flags, mode);
  try {
    return await work(handle);
  } finally {
    await handle.close();
  }
}

async function writeAt(handle: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done);
    if (bytesWritten === 0) throw new Error(`nothing was written of ${bytes.length - done} bytes`);
    done += bytesWritten;
  }
}
