/**
 * The configuration oracle: what real Flume 1.11.0 does with configuration files. `node test/compat/oracle.ts FILES…` (or file names
 * on standard input, one per line) prints one line of JSON per agent, in the order of the files and, within one, of the agents' names.
 *
 * An agent is every name before the first dot of a key that has a value; a file without any is answered once, with `agent: null`.
 *
 * - `refuses`: an exception left `getConfiguration()`; at start the process ends ("A fatal error occurred while running").
 * - `idle`: the process stays up and runs neither a source nor a sink: the agent is invalid, or nothing of it was left, or a member
 *   of a sink group failed and the whole configuration was discarded.
 * - `degraded`: something runs, and at least one listed component does not.
 * - `ok`: every listed component runs. Components that are configured but not listed count for nothing.
 *
 * `sources`, `channels`, `sinks`, `sinkgroups` are what runs; `dropped` is what was listed and does not, with the phase (`validate`:
 * FlumeConfiguration, `load`: AbstractConfigurationProvider) and Flume's own words; a refused agent shows only those dropped before.
 * All lists are sorted by UTF-16 code units. Components are configured but never started: a port in use or a missing folder goes unseen.
 *
 * Not to be taken from here: `hbase2` (HBase 1 is on the class path, and either sink refuses the other's version), `OutOfMemoryError` (a
 * question of the heap, here 512 MB). A Kafka source that has only `zookeeperConnect` takes 30 s.
 */

import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { startDaemon, type Daemon } from '../servers/daemon.ts';
import { classPath, flumeAvailable, getFlume, smallJvm } from '../servers/flume.ts';
import { cacheFolder } from '../servers/maven.ts';

export interface OracleLine {
  readonly file: string;
  readonly agent: string | null;
  readonly verdict: 'ok' | 'degraded' | 'idle' | 'refuses';
  readonly sources: readonly string[];
  readonly channels: readonly string[];
  readonly sinks: readonly string[];
  readonly sinkgroups: readonly string[];
  readonly dropped: readonly { readonly component: string; readonly phase: 'validate' | 'load'; readonly reason: string }[];
  readonly fatal: string | null;
  readonly validated: Readonly<Record<'sources' | 'channels' | 'sinks' | 'sinkgroups', readonly string[]>>;
}

export interface Oracle {
  /** One line per agent of the file. Calls are answered one after another. */
  ask(file: string): Promise<OracleLine[]>;
  close(): Promise<void>;
}

/** Starts the oracle's JVM (one second) after fetching and compiling what is not there yet. `env` is what `${env:…}` sees. */
export async function startOracle(env: Readonly<Record<string, string>> = {}): Promise<Oracle> {
  const jars = await getFlume(true);
  const classes = await compiled(jars);
  const home = await mkdtemp(join(tmpdir(), 'millrace-oracle-'));
  const daemon = startDaemon({
    command: 'java',
    args: [...smallJvm, '-Xmx512m', `-Duser.home=${home}`, '-cp', `${classes}:${await classPath(jars)}`, 'ConfigOracle'],
    cwd: home,
    env: { HADOOP_USER_NAME: 'millrace', LC_ALL: 'C.UTF-8', ...env },
    input: true,
  });
  let last: Promise<unknown> = Promise.resolve();
  return {
    ask: (file) => {
      const answer = last.then(() => question(daemon, resolve(file), file));
      last = answer.catch(() => undefined);
      return answer;
    },
    close: async () => {
      await daemon.kill();
      await rm(home, { recursive: true, force: true });
    },
  };
}

async function question(daemon: Daemon, path: string, file: string): Promise<OracleLine[]> {
  const lines: OracleLine[] = [];
  const answered = new Promise<void>((done, fail) => {
    const stop = daemon.onLine((line) => {
      if (line.startsWith('{"file":')) {
        lines.push({ ...(JSON.parse(Buffer.from(line, 'latin1').toString()) as OracleLine), file });
      } else if (line === '{"end":true}') {
        stop();
        done();
      }
    });
    void daemon.ended.then((code) => fail(new Error(`the oracle ended with status ${code} over ${file}: ${daemon.lines.slice(-20).join('\n')}`)));
  });
  daemon.write(`${path}\n`);
  await answered;
  return lines;
}

/** The folder of the compiled program, compiled anew when its text or the jars change. */
async function compiled(jars: string): Promise<string> {
  const source = join(import.meta.dirname, 'java/ConfigOracle.java');
  const key = createHash('sha256').update(await readFile(source)).update(jars).digest('hex').slice(0, 12);
  const target = join(cacheFolder(), 'classes', key);
  if (!existsSync(target)) {
    const work = `${target}.${process.pid}`;
    await mkdir(work, { recursive: true });
    const javac = spawnSync('javac', ['-nowarn', '-d', work, '-cp', await classPath(jars), source], { encoding: 'utf8' });
    if (javac.status !== 0) {
      throw new Error(`compiling ${source} failed:\n${javac.stderr}`);
    }
    await rename(work, target).catch((error: unknown) => {
      if (!existsSync(target)) {
        throw error;
      }
    });
    await rm(work, { recursive: true, force: true });
  }
  return target;
}

if (import.meta.main) {
  const missing = flumeAvailable();
  if (missing !== false) {
    process.stderr.write(`${missing}\n`);
    process.exit(1);
  }
  const files = process.argv.length > 2 ? process.argv.slice(2) : readFileSync(0, 'utf8').split('\n').filter((name) => name !== '');
  const oracle = await startOracle();
  for (const file of files) {
    for (const line of await oracle.ask(file)) {
      process.stdout.write(`${JSON.stringify(line)}\n`);
    }
  }
  await oracle.close();
}
