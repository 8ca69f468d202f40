import { closeSync, mkdirSync, openSync, readdirSync, renameSync, statSync, unlinkSync, write, writeSync, fstatSync } from 'node:fs';
import { dirname, join, basename } from 'node:path';
import type { OutputTarget } from './output.ts';

export interface RollingFileLimits {
  readonly mostBytes: number;
  /** Of the files rolled away, together; the oldest are deleted beyond it. */
  readonly mostArchiveBytes: number;
}

/**
 * A file that is rolled away into `archive/` beside it, as `flume.log.20261121-1`, when it has reached `mostBytes` and when a day has
 * passed. The directory is made if it is not there. Throws what the system said if the file cannot be opened.
 */
export function openRollingFile(path: string, limits: RollingFileLimits): OutputTarget {
  return new RollingFile(path, limits);
}

class RollingFile implements OutputTarget {
  readonly #path: string;
  readonly #limits: RollingFileLimits;
  #descriptor = -1;
  #size = 0;
  #day = '';

  constructor(path: string, limits: RollingFileLimits) {
    this.#path = path;
    this.#limits = limits;
    mkdirSync(dirname(path), { recursive: true });
    this.#open();
  }

  write(bytes: Buffer): Promise<number> {
    this.#rollIfDue(bytes.length);
    return new Promise((resolve, reject) => {
      write(this.#descriptor, bytes, 0, bytes.length, null, (error, written) => {
        if (error) return reject(error);
        this.#size += written;
        resolve(written);
      });
    });
  }

  writeNow(bytes: Buffer): number {
    return writeSync(this.#descriptor, bytes);
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #open(): void {
    // 0640: event data and host names may stand in the log.
    this.#descriptor = openSync(this.#path, 'a', 0o640);
    const { size, mtime } = fstatSync(this.#descriptor);
    this.#size = size;
    this.#day = dayOf(size > 0 ? mtime : new Date());
  }

  #rollIfDue(more: number): void {
    const today = dayOf(new Date());
    if (this.#size === 0) this.#day = today;
    if (today === this.#day && this.#size + more <= this.#limits.mostBytes) return;
    if (this.#size === 0) return;
    const before = this.#descriptor;
    try {
      const archive = join(dirname(this.#path), 'archive');
      mkdirSync(archive, { recursive: true });
      renameSync(this.#path, nextName(archive, `${basename(this.#path)}.${this.#day}`));
      removeOldest(archive, `${basename(this.#path)}.`, this.#limits.mostArchiveBytes);
    } catch {
      // The line matters more than the roll: the file grows on, and the next line tries again.
      return;
    }
    this.#open();
    closeSync(before);
  }
}

function dayOf(date: Date): string {
  return `${date.getFullYear()}${String(date.getMonth() + 1).padStart(2, '0')}${String(date.getDate()).padStart(2, '0')}`;
}

function nextName(archive: string, start: string): string {
  const numbers = readdirSync(archive)
    .filter((name) => name.startsWith(`${start}-`))
    .map((name) => Number(name.slice(start.length + 1)) || 0);
  return join(archive, `${start}-${Math.max(0, ...numbers) + 1}`);
}

function removeOldest(archive: string, start: string, mostBytes: number): void {
  const files = readdirSync(archive)
    .filter((name) => name.startsWith(start))
    .map((name) => ({ path: join(archive, name), ...pick(join(archive, name)) }))
    .sort((a, b) => b.changedMs - a.changedMs);
  let total = 0;
  for (const { path, size } of files) {
    total += size;
    if (total > mostBytes) unlinkSync(path);
  }
}

function pick(path: string): { size: number; changedMs: number } {
  const { size, mtimeMs } = statSync(path);
  return { size, changedMs: mtimeMs };
}
