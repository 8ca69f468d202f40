import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, startDaemon, until } from '../servers/daemon.ts';
import { classPath, getFlume } from '../servers/flume.ts';
import { root } from '../harness/agent.ts';
import type { Load } from './measure.ts';

/** A program under measurement: listens on a port and counts what came out at its far end. */
export interface Subject {
  readonly name: string;
  /** Its processes, the sender of a chain before the receiver. */
  readonly pids: readonly number[];
  readonly port: number;
  /** Milliseconds from the start of the process until its port answered. */
  readonly startMs: number;
  /** Events that have left the far end so far. */
  count(): Promise<number>;
  /** Instead of lines to its port, where it brings its own load. */
  send?(load: Load): Promise<void>;
  stop(): Promise<void>;
}

/** A plain Node program of `baselines/`: prints its port, and its count for every line on its standard input. */
export async function startBaseline(name: string, args: readonly string[] = []): Promise<Subject> {
  const began = performance.now();
  const daemon = startDaemon({ command: 'node', args: [join(root, 'test/bench/baselines', `${name}.ts`), ...args], input: true });
  const port = Number(/"port":(\d+)/.exec(await daemon.line(/"port":/))?.[1]);
  const startMs = performance.now() - began;
  return {
    name: `"${name}"`,
    pids: [daemon.pid],
    port,
    startMs,
    async count() {
      const from = daemon.lines.length;
      daemon.write('count\n');
      return Number(/"lines":(\d+)/.exec(await daemon.line(/"lines":/, 30_000, from))?.[1]);
    },
    stop: () => daemon.stop(),
  };
}

/** The "hop" baseline: a process that sends frames, `batch` events each, and one that takes them apart. */
export async function startHop(batch: number): Promise<Subject> {
  const receiver = await startBaseline('hop');
  const daemon = startDaemon({ command: 'node', args: [join(root, 'test/bench/baselines/hop.ts'), 'send', String(receiver.port), String(batch)], input: true });
  await daemon.line(/ready/);
  return {
    ...receiver,
    name: `"hop", ${batch} per call`,
    pids: [daemon.pid, ...receiver.pids],
    async send({ lines }) {
      daemon.write(`${lines}\n`);
      await daemon.line(/sent/);
    },
    async stop() {
      await daemon.stop();
      await receiver.stop();
    },
  };
}

/** Two agents: `edge` is what gets the lines and sends to @TO@, where `collector` listens and counts. */
export async function startChain(edge: Start, collector: Start): Promise<Subject> {
  const to = await collector();
  try {
    const from = await edge(to.port);
    return {
      name: `${from.name} → ${to.name}`,
      pids: [...from.pids, ...to.pids],
      port: from.port,
      startMs: from.startMs + to.startMs,
      count: () => to.count(),
      async stop() {
        await from.stop();
        await to.stop();
      },
    };
  } catch (error) {
    await to.stop();
    throw error;
  }
}

/** `to`: the port of the next agent. */
type Start = (to?: number) => Promise<Subject>;

/** The agent as it is installed: compiled, with the flags of its launcher. `conf` may hold @PORT@ and @FOLDER@. */
export function startMillrace(conf: string, counter: Counter): Promise<Subject> {
  const program = ['--max-semi-space-size=1', '--expose-gc', join(root, 'dist/bin/millrace.js'), 'agent'];
  return startMonitored('Millrace', conf, counter, { command: 'node', program, flags: [] });
}

/** Real Flume 1.11 with the JVM's own defaults, but for a heap of 512 MB. */
export async function startFlume(conf: string, counter: Counter): Promise<Subject> {
  const program = ['-cp', await classPath(await getFlume()), 'org.apache.flume.node.Application'];
  return startMonitored('Flume 1.11', conf, counter, { command: 'java', program, flags: ['-Xmx512m'] });
}

/** An agent that counts in its metrics. Java takes its properties in front of the program, ours takes them behind. */
async function startMonitored(
  name: string,
  conf: string,
  counter: Counter,
  { command, program, flags }: { command: string; program: readonly string[]; flags: readonly string[] },
): Promise<Subject> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-bench-'));
  const port = await freePort();
  const monitoring = await freePort();
  const file = join(folder, 'x.conf');
  await writeFile(file, fill(conf, port, folder));
  const properties = ['-Dflume.monitoring.type=http', `-Dflume.monitoring.port=${monitoring}`];
  const words = ['--name', 'a1', '--conf-file', file, '--no-reload-conf'];
  const began = performance.now();
  const args = command === 'java' ? [...flags, ...properties, ...program, ...words] : [...flags, ...program, ...properties, ...words];
  const daemon = startDaemon({ command, args });
  await listening(port, daemon);
  const startMs = performance.now() - began;
  return {
    name,
    pids: [daemon.pid],
    port,
    startMs,
    count: () => counterOf(monitoring, counter),
    async stop() {
      await daemon.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Which of Flume's metrics counts what has left the far end. */
export interface Counter {
  readonly component: string;
  readonly attribute: string;
}

async function counterOf(port: number, { component, attribute }: Counter): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${port}/metrics`, { headers: { connection: 'close' } });
  const all = (await answer.json()) as Record<string, Record<string, string>>;
  return Number(all[component]?.[attribute] ?? Number.NaN);
}

async function listening(port: number, daemon: ReturnType<typeof startDaemon>): Promise<void> {
  const { connect } = await import('node:net');
  await until(`port ${port} to answer`, () => {
    if (!daemon.running()) throw new Error(daemon.lines.join('\n'));
    return new Promise<true | undefined>((resolve) => {
      const socket = connect(port, '127.0.0.1');
      socket.once('connect', () => resolve(true)).once('error', () => resolve(undefined));
      socket.once('connect', () => socket.destroy());
    });
  });
}

function fill(conf: string, port: number, folder: string): string {
  return conf.replaceAll('@PORT@', String(port)).replaceAll('@FOLDER@', folder);
}
