/** File systems of their own, small enough to fill up. They need root. */

import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, ftruncateSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

export type Kind = 'tmpfs' | 'ext4';

const MB = 1024 * 1024;

/** Mounts one at a directory that is there, until what it leaves in `atEnd` is called. The reason where that is not possible, which names what is missing. */
export function mountSmall(kind: Kind, megabytes: number, directory: string, atEnd: (() => void)[]): string | undefined {
  if (process.getuid?.() !== 0) return 'mounting a small file system needs root';
  const image = `${directory}.image`;
  if (kind === 'ext4') {
    const file = openSync(image, 'w');
    ftruncateSync(file, megabytes * MB);
    closeSync(file);
    const made = spawnSync('mkfs.ext4', ['-q', '-F', '-m', '0', image], { encoding: 'utf8' });
    if (made.error || made.status !== 0) return `mkfs.ext4 does not work (install e2fsprogs): ${made.error?.message ?? made.stderr}`;
  }
  const args = kind === 'tmpfs' ? ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', directory] : ['-o', 'loop', image, directory];
  const { status, stderr, error } = spawnSync('mount', args, { encoding: 'utf8' });
  atEnd.push(() => {
    if (status === 0) spawnSync('umount', ['-l', directory]);
    rmSync(image, { force: true });
  });
  return status === 0 ? undefined : `a ${kind} cannot be mounted here: ${error?.message ?? stderr}`;
}

/** A file that takes up room. */
export class Ballast {
  readonly #path: string;

  constructor(directory: string, name: string) {
    this.#path = join(directory, name);
  }

  /** Takes `bytes`, or all there is. */
  take(bytes = Infinity): void {
    const file = openSync(this.#path, 'a');
    try {
      for (let left = bytes; left > 0; ) left -= writeSync(file, Buffer.alloc(Math.min(left, 64 * 1024)));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      if (!existsSync(this.#path)) throw error;
    } finally {
      closeSync(file);
    }
  }

  drop(): void {
    rmSync(this.#path, { force: true });
  }
}
