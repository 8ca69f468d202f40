/** Builds and sets up the library of preload.c, which lets system calls of a process fail or be its last. Linux with a C compiler. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** `w` write, `s` sync, `r` rename and link, `u` unlink, `t` truncate, `c` create. */
export type Calls = string;

/** `kill`: before the call; `torn`: in the middle of a write; `after`: once it has returned; `slow`: done two seconds later. */
export type What = 'ENOSPC' | 'EIO' | 'EROFS' | 'short' | 'kill' | 'torn' | 'after' | 'slow';

export interface CallFaults {
  /** Directory whose files are meant. */
  readonly under: string;
  readonly calls?: Calls;
  readonly what?: What;
  /** Number of the call, from 1. */
  readonly at?: number;
  /** Number of the last call that is meant; `at` unless given. */
  readonly last?: number;
  /** File that has to be there for anything to count. */
  readonly armed?: string;
  /** File that ends it once it is there. */
  readonly over?: string;
  /** What of a file cannot be read: the end of its path, and bytes. */
  readonly bad?: { readonly path: string; readonly offset: number; readonly length: number };
  /** File of 8 bytes: seconds by which the wall clock is wrong, as a little-endian number; read again at each look. */
  readonly clock?: string;
  /** File to which a line for each call that counts is written. */
  readonly log?: string;
  /** File to which every change is written, for `DiskImage`. */
  readonly journal?: string;
}

let library: string | undefined;

/** Why the library cannot be built here, or nothing. */
export function missingForPreload(): string | undefined {
  if (process.platform !== 'linux') return 'system calls are made to fail on Linux only';
  if (library !== undefined) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'millrace-preload-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const built = join(folder, 'preload.so');
  const source = fileURLToPath(new URL('preload.c', import.meta.url));
  const { error, status, stderr } = spawnSync('cc', ['-shared', '-fPIC', '-O1', '-o', built, source, '-ldl', '-lpthread'], { encoding: 'utf8' });
  if (error || status !== 0) return `there is no C compiler for glibc (install gcc and libc6-dev): ${error?.message ?? stderr}`;
  library = built;
  return undefined;
}

/** What to add to the environment of a process. Call `missingForPreload` first. */
export function preloadEnvironment(faults: CallFaults): Record<string, string> {
  if (library === undefined) throw new Error('the library is not built');
  const { under, calls = 'wsrutc', what = 'ENOSPC', at = 0, last = at } = faults;
  return {
    LD_PRELOAD: library,
    // Its calls would pass by the C library.
    UV_USE_IO_URING: '0',
    FAULT_UNDER: under,
    FAULT_CALLS: calls,
    FAULT_WHAT: what,
    FAULT_AT: String(at),
    FAULT_LAST: String(last),
    ...(faults.armed !== undefined && { FAULT_ARMED: faults.armed }),
    ...(faults.over !== undefined && { FAULT_OVER: faults.over }),
    ...(faults.bad !== undefined && { FAULT_BAD: `${faults.bad.path}:${faults.bad.offset}:${faults.bad.length}` }),
    ...(faults.clock !== undefined && { FAULT_CLOCK: faults.clock }),
    ...(faults.log !== undefined && { FAULT_LOG: faults.log }),
    ...(faults.journal !== undefined && { FAULT_JOURNAL: faults.journal }),
  };
}
