import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { root } from '../harness/agent.ts';
import { figuresOf } from './process-figures.ts';
import type { Subject } from './subjects.ts';

export interface Load {
  readonly lines: number;
  readonly connections: number;
  readonly lineBytes: number;
  /** The sender waits for an OK to each line. */
  readonly acks: boolean;
}

export interface Measured {
  readonly subject: string;
  readonly lines: number;
  readonly seconds: number;
  readonly linesPerSecond: number;
  /** Of all processes together. */
  readonly cpuPerMillion: number;
  /** Of each process. */
  readonly cpuParts: readonly number[];
  readonly peaksMb: readonly number[];
  readonly startMs: number;
  readonly idleMb: number;
}

/** Sends the load and waits until every line has left the far end. Throws if one is missing after `patienceMs` without progress. */
export async function measure(subject: Subject, load: Load, patienceMs = 30_000): Promise<Measured> {
  const send = subject.send ?? (await readySender(subject.port, load)).send;
  await sleep(300);
  const before = subject.pids.map(figuresOf);
  const began = performance.now();
  await Promise.all([send(load), untilCounted(subject, load.lines, patienceMs)]);
  const seconds = (performance.now() - began) / 1000;
  const after = subject.pids.map(figuresOf);
  const cpuParts = after.map(({ cpuSeconds }, index) => (cpuSeconds - (before[index]?.cpuSeconds ?? 0)) / (load.lines / 1e6));
  return {
    subject: subject.name,
    lines: load.lines,
    seconds,
    linesPerSecond: load.lines / seconds,
    cpuPerMillion: sum(cpuParts),
    cpuParts,
    peaksMb: after.map(({ peakMb }) => peakMb),
    startMs: subject.startMs,
    idleMb: sum(before.map(({ rssMb }) => rssMb)),
  };
}

async function untilCounted(subject: Subject, lines: number, patienceMs: number): Promise<void> {
  let last = -1;
  let lastChange = performance.now();
  for (;;) {
    const count = await subject.count();
    if (count === lines) return;
    if (count > lines) throw new Error(`${subject.name} counted ${count} of ${lines} lines: some came twice`);
    if (count !== last) {
      last = count;
      lastChange = performance.now();
    } else if (performance.now() - lastChange > patienceMs) {
      throw new Error(`${subject.name} stands at ${count} of ${lines} lines`);
    }
    await sleep(25);
  }
}

/** A sender that has made its lines and waits, so that its own start is not measured. */
async function readySender(port: number, load: Load): Promise<{ send(): Promise<void> }> {
  const args = [port, load.lines, load.connections, load.lineBytes].map(String);
  const sender = spawn('node', [join(root, 'test/bench/sender.ts'), ...args, '--wait', ...(load.acks ? ['--acks'] : [])], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(sender, 'close');
  await once(sender.stdout, 'data');
  return {
    async send() {
      sender.stdin.end('go\n');
      const [code] = (await ended) as [number | null];
      if (code !== 0) throw new Error(`the sender ended with ${code}`);
    },
  };
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
