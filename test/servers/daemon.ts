/**
 * A server process of a test: its own session, its lines kept, stopped by its pid, and gone when the test run is gone – by the exit
 * hook below when it ends or is interrupted, by the kernel (`setpriv --pdeathsig`) when it is killed.
 */

import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { delimiter, join } from 'node:path';

export interface DaemonOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Keep standard input open for `write`. */
  readonly input?: boolean;
}

export interface Daemon {
  readonly pid: number;
  /** Lines of standard output and standard error as they came, decoded as ISO-8859-1 so that every byte can be seen. */
  readonly lines: readonly string[];
  /** Resolves with the exit status (`null` after a signal) once the process has ended and all its output was read. */
  readonly ended: Promise<number | null>;
  running(): boolean;
  write(text: string): void;
  /** Calls the listener for each line from now on until the returned function is called. */
  onLine(listener: (line: string) => void): () => void;
  /** The first line from `from` on that matches. Rejects when the process ends or the time is up, and shows its last lines. */
  line(pattern: RegExp, timeoutMs?: number, from?: number): Promise<string>;
  /** SIGTERM to the process, SIGKILL to its session if it is still there after `patienceMs`. Safe to call again. */
  stop(patienceMs?: number): Promise<void>;
  /** SIGKILL to the whole session, as a power cut would. */
  kill(): Promise<void>;
}

const living = new Set<number>();
let hooked = false;

export function startDaemon(options: DaemonOptions): Daemon {
  hookExit();
  const bound = onPath('setpriv') ? ['setpriv', '--pdeathsig', 'KILL', options.command] : [options.command];
  const [program = options.command, ...before] = bound;
  const child = spawn(program, [...before, ...options.args], {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    detached: true,
    stdio: [options.input === true ? 'pipe' : 'ignore', 'pipe', 'pipe'],
  });
  const pid = child.pid;
  if (pid === undefined) {
    child.once('error', () => {});
    throw new Error(`starting ${options.command} failed: is it installed?`);
  }
  living.add(pid);
  return daemonOf(child, pid);
}

/** Whether a program can be found on the PATH. */
export function onPath(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => existsSync(join(folder, program)));
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done, fail) => {
    server.once('error', fail);
    server.listen(0, '127.0.0.1', done);
  });
  const address = server.address();
  await new Promise((done) => server.close(done));
  if (address === null || typeof address === 'string') {
    throw new Error('looking for a free port on 127.0.0.1 gave no number');
  }
  return address.port;
}

/** Thrown by a condition that can no longer come true: `until` does not ask again. */
export class HopelessError extends Error {}

/** Awaits a condition by asking again and again; the failure says `what` was awaited and has the last error of the probe as its cause. */
export async function until<T>(what: string | (() => string), probe: () => Promise<T | undefined> | T | undefined, timeoutMs = 20_000): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  let last: unknown;
  for (;;) {
    try {
      const value = await probe();
      if (value !== undefined && value !== false) {
        return value;
      }
    } catch (error) {
      if (error instanceof HopelessError) {
        throw error;
      }
      last = error;
    }
    if (Date.now() > deadline) {
      throw new Error(`waited ${timeoutMs} ms in vain: ${typeof what === 'string' ? what : what()}`, { cause: last });
    }
    await new Promise((done) => setTimeout(done, 15));
  }
}

function daemonOf(child: ChildProcess, pid: number): Daemon {
  const lines: string[] = [];
  const listeners = new Set<(line: string) => void>();
  for (const stream of [child.stdout, child.stderr]) {
    let rest = '';
    stream?.setEncoding('latin1');
    stream?.on('data', (text: string) => {
      const parts = (rest + text).split('\n');
      rest = parts.pop() ?? '';
      for (const line of parts) {
        lines.push(line);
        listeners.forEach((listener) => listener(line));
      }
    });
  }
  let running = true;
  const ended = new Promise<number | null>((done) => {
    child.once('close', (code) => {
      running = false;
      living.delete(pid);
      done(code);
    });
  });
  const tail = () => lines.slice(-40).join('\n');
  const line = (pattern: RegExp, timeoutMs = 30_000, from = 0) =>
    until(() => `a line like ${pattern}; the last lines were:\n${tail()}`, () => {
      const found = lines.slice(from).find((candidate) => pattern.test(candidate));
      if (found === undefined && !running) {
        throw new HopelessError(`the process ended without a line like ${pattern}; its last lines were:\n${tail()}`);
      }
      return found;
    }, timeoutMs);
  const kill = async () => {
    signalSession(pid, 'SIGKILL');
    await ended;
  };
  const stop = async (patienceMs = 10_000) => {
    if (running) {
      child.kill('SIGTERM');
      const patience = setTimeout(() => signalSession(pid, 'SIGKILL'), patienceMs);
      await ended;
      clearTimeout(patience);
    }
    signalSession(pid, 'SIGKILL');
  };
  return {
    pid,
    lines,
    ended,
    running: () => running,
    write: (text) => void child.stdin?.write(text),
    onLine: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    line,
    stop,
    kill,
  };
}

function signalSession(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // The session has no process left: that is what was asked for.
  }
}

function hookExit(): void {
  if (hooked) {
    return;
  }
  hooked = true;
  process.on('exit', () => living.forEach((pid) => signalSession(pid, 'SIGKILL')));
  for (const [signal, status] of [['SIGINT', 130], ['SIGTERM', 143], ['SIGHUP', 129]] as const) {
    process.once(signal, () => process.exit(status));
  }
}
