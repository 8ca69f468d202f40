/**
 * What every real server of the tests looks like: fetched once into the cache, started on free ports, asked until it answers, killed
 * and started again over its data, stopped. Nothing stays behind: processes end with the test run (`daemon.ts`), folders go when the
 * server is stopped, when the run is interrupted, or, after a kill -9 of the run itself, at the next start of any server.
 *
 *     const hdfs = await startHdfs();          // a file of its own: test/servers/hdfs.ts
 *     t.after(() => hdfs.stop());
 *     await hdfs.nameNode.kill();
 *     await hdfs.nameNode.start();              // same ports, same data; resolves when it answers
 */

import { existsSync, rmSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, HopelessError, startDaemon, until, type Daemon, type DaemonOptions } from './daemon.ts';

/** One process of a system; a system of several (HDFS: NameNode and DataNode) has one of these for each. */
export interface Server {
  /** For messages: `NameNode`. */
  readonly name: string;
  /** Of the present process, or the last one. */
  readonly pid: number;
  /** What the present process has written to its console. */
  readonly lines: readonly string[];
  running(): boolean;
  /** Starts it, again after `kill` or `end`, over the same data and on the same ports; resolves when it answers. */
  start(): Promise<void>;
  /** Resolves when it answers; throws when it ended or does not in time. */
  ready(timeoutMs?: number): Promise<void>;
  /** SIGKILL to the process and its children. The data stays. */
  kill(): Promise<void>;
  /** SIGSTOP: it holds its connections and answers nothing, until `resume`. */
  suspend(): void;
  /** SIGCONT. */
  resume(): void;
  /** SIGTERM, then SIGKILL. The data stays. */
  end(): Promise<void>;
}

/** One or several servers over one folder. */
export interface System {
  /** Everything the system keeps. */
  readonly folder: string;
  /** Ends all processes and removes the folder. Safe to call again. */
  stop(): Promise<void>;
}

export interface ServerParts {
  readonly name: string;
  /** Called at each start. */
  launch(): DaemonOptions | Promise<DaemonOptions>;
  /** Whether it does its work now; may throw, which means no. */
  answers(): Promise<boolean>;
  /** Milliseconds until it has to answer after a start; 60 s unless given. */
  readonly patienceMs?: number;
}

/** A server that is not started yet. */
export function serverOf(parts: ServerParts): Server {
  let daemon: Daemon | undefined;
  const present = (): Daemon => {
    if (daemon === undefined) throw new Error(`${parts.name} was never started`);
    return daemon;
  };
  const ready = async (timeoutMs = parts.patienceMs ?? 60_000): Promise<void> => {
    const tail = (): string => present().lines.slice(-30).join('\n');
    await until(
      () => `${parts.name} answers; its last lines were:\n${tail()}`,
      async () => {
        if (!present().running()) throw new HopelessError(`${parts.name} ended; its last lines were:\n${tail()}`);
        return (await parts.answers()) || undefined;
      },
      timeoutMs,
    );
  };
  return {
    name: parts.name,
    get pid() {
      return present().pid;
    },
    get lines() {
      return daemon?.lines ?? [];
    },
    running: () => daemon?.running() ?? false,
    ready,
    async start() {
      if (daemon?.running()) throw new Error(`${parts.name} runs already`);
      daemon = startDaemon(await parts.launch());
      await ready();
    },
    async kill() {
      await present().kill();
    },
    suspend: () => void process.kill(present().pid, 'SIGSTOP'),
    resume: () => void process.kill(present().pid, 'SIGCONT'),
    async end() {
      // A suspended process does not take SIGTERM.
      if (daemon?.running()) process.kill(daemon.pid, 'SIGCONT');
      await daemon?.stop();
    },
  };
}

/** Ends the servers in the given order, all of them whatever happens, and removes the folder. */
export function systemOf(folder: string, servers: readonly Server[]): System {
  return {
    folder,
    async stop() {
      for (const server of servers) await server.end().catch(() => undefined);
      folders.delete(folder);
      await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

const PREFIX = 'millrace-server-';
const folders = new Set<string>();

/** An empty folder for a system. Removes those of runs that are gone. */
export async function systemFolder(system: string): Promise<string> {
  for (const entry of await readdir(tmpdir())) {
    const pid = new RegExp(`^${PREFIX}(\\d+)-`).exec(entry)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) await rm(join(tmpdir(), entry), { recursive: true, force: true });
  }
  if (folders.size === 0) process.once('exit', () => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true, maxRetries: 3 })));
  const folder = await mkdtemp(join(tmpdir(), `${PREFIX}${process.pid}-${system}-`));
  folders.add(folder);
  return folder;
}

/** Different ports that were free a moment ago. */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) ports.add(await freePort());
  return [...ports];
}
