import { constants } from 'node:fs';
import { mkdir, open, type FileHandle } from 'node:fs/promises';
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
