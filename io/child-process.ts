import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

export { environmentFor } from './child-environment.ts';

const LOOK_EVERY_MS = 20;
const LOOKS_PER_SEARCH = 5;
/** Longest wait for processes to be gone that were killed. */
const KILLED_MS = 500;
const PIPES_MS = 300;

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A running program, which leads a process group of its own. */
export interface Child {
  readonly pid: number;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly exited: Promise<Exit>;
  /**
   * Ends the whole group: asks it to terminate, kills what is left after `graceMs`, closes the pipes. Resolves `false` if processes are
   * left even so. Further calls wait for the first. To be called while the group can still be this one: until shortly after the program ended.
   */
  end(graceMs: number): Promise<boolean>;
}

/** Starts a program without a shell and without input; throws the system's error (`ENOENT` …) where that cannot be done. */
export async function startChild(argv: readonly string[], environment: Readonly<Record<string, string>>): Promise<Child> {
  const [file, ...args] = argv;
  if (file === undefined) throw new Error('no command to start');
  const child = process.getBuiltinModule('node:child_process').spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true, env: { ...environment } });
  const exited = new Promise<Exit>((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
  await once(child, 'spawn');
  child.on('error', () => undefined);
  const { stdout, stderr } = child;
  const pid = child.pid as number;
  let ending: Promise<boolean> | undefined;
  return { pid, stdout, stderr, exited, end: (graceMs) => (ending ??= endGroup(pid, graceMs, [stdout, stderr])) };
}

async function endGroup(pid: number, graceMs: number, pipes: readonly Readable[]): Promise<boolean> {
  signalGroup(pid, 'SIGTERM');
  let gone = await groupGone(pid, graceMs);
  if (!gone) {
    signalGroup(pid, 'SIGKILL');
    gone = await groupGone(pid, KILLED_MS);
  }
  await closed(pipes, PIPES_MS);
  return gone;
}

/** What is still in the pipes may be read for `withinMs`; a process that left the group must not keep them open for longer. */
async function closed(pipes: readonly Readable[], withinMs: number): Promise<void> {
  const until = performance.now() + withinMs;
  while (pipes.some((pipe) => !pipe.closed && !pipe.isPaused()) && performance.now() < until) await sleep(LOOK_EVERY_MS);
  for (const pipe of pipes) pipe.destroy();
}

async function groupGone(pid: number, withinMs: number): Promise<boolean> {
  const until = performance.now() + withinMs;
  for (let looks = 1; signalGroup(pid, 0); looks++) {
    // A parent that never collects its dead children (in many containers the first process) keeps the group's number in use.
    if (looks % LOOKS_PER_SEARCH === 0 && (await onlyZombies(pid))) return true;
    if (performance.now() >= until) return false;
    await sleep(LOOK_EVERY_MS);
  }
  return true;
}

/** Whether every process of the group has ended already; `false` where the system does not tell. */
async function onlyZombies(group: number): Promise<boolean> {
  const names = await readdir('/proc').catch(() => []);
  const stats = names.filter((name) => /^[0-9]+$/.test(name)).map((name) => readFile(`/proc/${name}/stat`, 'latin1').catch(() => ''));
  // Behind the name in parentheses, which may hold anything: state, parent, group.
  const members = (await Promise.all(stats)).map((stat) => stat.slice(stat.lastIndexOf(')') + 2).split(' ')).filter((fields) => fields[2] === String(group));
  return members.length > 0 && members.every(([state]) => state === 'Z' || state === 'X');
}

/** Whether there was anybody to signal. */
function signalGroup(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-pid, signal);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
