/** Looking at a running agent from outside: its memory, its descriptors, its children, how soon it answers. */

import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunningAgent } from '../harness/agent.ts';

/** Whether the longer versions of the scenarios were asked for. */
export const long = process.env['MILLRACE_LONG'] === '1';

/** The most memory that the process ever had, in MB; the kernel keeps the mark. */
export function peakMb(pid: number): number {
  return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) / 1024;
}

export function residentMb(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) / 1024;
}

export function descriptorsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** Processes whose parent, or whose session, it is, dead ones that nobody has fetched included. */
export function processesOf(pid: number): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== pid)
    .map(Number)
    .filter((other) => {
      try {
        const stat = readFileSync(`/proc/${other}/stat`, 'latin1');
        const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        return Number(fields[1]) === pid || Number(fields[3]) === pid;
      } catch {
        return false;
      }
    });
}

export interface HealthWatch {
  /** Answers had so far. */
  readonly answers: number;
  /** Ends the watch; the longest time that one answer took, but for the slowest hundredth, in milliseconds. Throws the first failure. */
  stop(): Promise<number>;
}

/** Asks `/health` again and again, ten times a second unless told otherwise. */
export function watchHealth(agent: RunningAgent, everyMs = 100): HealthWatch {
  let running = true;
  const times: number[] = [];
  const done = (async () => {
    while (running) {
      const began = performance.now();
      const { statusCode } = await agent.health();
      if (statusCode !== 200) throw new Error(`/health answered ${statusCode}`);
      times.push(performance.now() - began);
      await sleep(everyMs);
    }
  })();
  done.catch(() => undefined);
  return {
    get answers() {
      return times.length;
    },
    async stop() {
      running = false;
      await done;
      return times.sort((a, b) => a - b)[Math.ceil(times.length * 0.99) - 1] ?? Number.NaN;
    },
  };
}
