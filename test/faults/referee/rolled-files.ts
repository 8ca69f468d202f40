import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Account } from './account.ts';
import type { Collector } from './referee.ts';

const CHUNK_BYTES = 1024 * 1024;

/** How far a file was read, and the begin of a line that is not finished. */
interface Progress {
  offset: number;
  parts: Buffer[];
}

/** Reads the lines of the files in directories that one or more file_roll sinks write, in the order of the names and of the files. */
export class RolledFiles implements Collector {
  readonly #directories: readonly string[];
  readonly #files = new Map<string, Progress>();

  constructor(...directories: readonly string[]) {
    this.#directories = directories;
  }

  async look(account: Account): Promise<'more' | 'again'> {
    for (const directory of this.#directories) {
      const names = await readdir(directory).catch(() => []);
      for (const name of names.sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))) {
        const path = join(directory, name);
        let progress = this.#files.get(path);
        if (!progress) this.#files.set(path, (progress = { offset: 0, parts: [] }));
        const size = (await stat(path).catch(() => undefined))?.size ?? 0;
        // A sink that could write a batch only in part cuts its file back.
        if (size < progress.offset) return 'again';
        if (size > progress.offset) await readOn(path, progress, account);
      }
    }
    return 'more';
  }

  reset(): void {
    this.#files.clear();
  }

  finish(account: Account): void {
    for (const { parts } of this.#files.values()) {
      const rest = Buffer.concat(parts);
      if (rest.length > 0) account.seeTorn(rest);
    }
  }

  async stop(): Promise<void> {}
}

async function readOn(path: string, progress: Progress, account: Account): Promise<void> {
  await using file = await open(path);
  for (;;) {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES, progress.offset);
    if (bytesRead === 0) return;
    progress.offset += bytesRead;
    progress.parts = splitLines(chunk.subarray(0, bytesRead), progress.parts, (line) => account.see(line));
  }
}

/** Hands over each finished line; the parts of the unfinished one. */
export function splitLines(chunk: Buffer, before: Buffer[], each: (line: Buffer) => void): Buffer[] {
  let begin = 0;
  let parts = before;
  for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, begin)) {
    const line = chunk.subarray(begin, end);
    each(parts.length > 0 ? Buffer.concat([...parts, line]) : line);
    parts = [];
    begin = end + 1;
  }
  return begin < chunk.length ? [...parts, chunk.subarray(begin)] : parts;
}
