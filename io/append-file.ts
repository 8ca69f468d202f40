import { constants } from 'node:fs';
import { mkdir, open, stat, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * A file of ours that only grows, opened at the first write with its directory made: 0600 in 0700. A symbolic link in its place is
 * refused. Appends follow one another; each is synced, and cut off again if it could not be written whole.
 */
export class AppendFile {
  readonly path: string;
  #handle: FileHandle | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(path: string) {
    this.path = path;
  }

  append(bytes: Buffer): Promise<void> {
    const written = this.#last.then(() => this.#append(bytes));
    this.#last = written.catch(() => undefined);
    return written;
  }

  /** False once the file was removed, or has another name. */
  async isInPlace(): Promise<boolean> {
    const there = await stat(this.path).catch(() => undefined);
    const ours = await this.#handle?.stat();
    return there !== undefined && ours !== undefined && there.ino === ours.ino && there.dev === ours.dev;
  }

  async close(): Promise<void> {
    await this.#last;
    await this.#handle?.close();
    this.#handle = undefined;
  }

  async #append(bytes: Buffer): Promise<void> {
    const handle = (this.#handle ??= await openForAppending(this.path));
    const { size } = await handle.stat();
    try {
      let done = 0;
      while (done < bytes.length) done += (await handle.write(bytes, done)).bytesWritten;
      await handle.datasync();
      if (size === 0) await syncDirectory(dirname(this.path));
    } catch (error) {
      await handle.truncate(size).catch(() => undefined);
      throw error;
    }
  }
}

async function openForAppending(path: string): Promise<FileHandle> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const { O_APPEND, O_CREAT, O_WRONLY, O_NOFOLLOW } = constants;
  return open(path, O_APPEND | O_CREAT | O_WRONLY | O_NOFOLLOW, 0o600);
}

/** Without it a power cut could take the name of a new file away, bytes and all. */
async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
