/** Programs built from public Go modules, once, into the cache folder. A program is named by module and version, so a changed pin is built anew. */

import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { onPath, startDaemon } from './daemon.ts';
import { cacheFolder } from './maven.ts';

export interface GoProgram {
  /** Path of its main package: `github.com/versity/versitygw/cmd/versitygw`. */
  readonly path: string;
  readonly version: string;
  /** What building costs, for the message to whoever waits: `1.5 minutes`. */
  readonly cost: string;
}

/** What has to be installed before the program can be had; `false` when nothing is missing. */
export function goMissing(program: GoProgram): string | false {
  if (onPath('go') || existsSync(placeOf(program))) return false;
  return `install Go 1.26 or later (${basename(program.path)} is built from source, ${program.cost}, once)`;
}

/** The executable file, built if it is not there yet. Complete or absent. May be called by several processes at once. */
export async function getGoProgram(program: GoProgram): Promise<string> {
  const target = placeOf(program);
  if (existsSync(target)) return target;
  const work = `${target}.build-${process.pid}`;
  await mkdir(work, { recursive: true });
  try {
    const build = startDaemon({
      command: 'go',
      args: ['install', '-ldflags', '-s -w', `${program.path}@${program.version}`],
      cwd: work,
      env: { GOBIN: work, CGO_ENABLED: '0', GOFLAGS: '-buildvcs=false' },
    });
    const code = await build.ended;
    if (code !== 0) throw new Error(`building ${program.path} failed with status ${code}; its last output:\n${build.lines.slice(-30).join('\n')}`);
    await rename(join(work, basename(program.path)), target);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return target;
}

function placeOf({ path, version }: GoProgram): string {
  const mark = createHash('sha256').update(`${path}@${version}`).digest('hex').slice(0, 12);
  return join(cacheFolder(), 'go', `${basename(path)}-${mark}`);
}
