/**
 * `node test/bench/tail.ts [--rounds N] [--lines N] [--no-flume] [W3|W4|W4-durable …]`: a file from its head through TAILDIR, beside plain
 * Node that makes an object of each line ("events"). Every line is counted at the far end.
 */
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { writeFile } from 'node:fs/promises';
import { root } from '../harness/agent.ts';
import { freePort, startDaemon } from '../servers/daemon.ts';
import { classPath, flumeAvailable, getFlume } from '../servers/flume.ts';
import { figuresOf } from './process-figures.ts';

/** What Node takes to start, which is not counted. */
const NODE_START_SECONDS = 0.1;
const words = process.argv.slice(2);
const numberOf = (option: string, otherwise: number): number => (words.includes(option) ? Number(words[words.indexOf(option) + 1]) : otherwise);
const rounds = numberOf('--rounds', 3);
const lines = numberOf('--lines', 10_000_000);
const wanted = words.filter((word) => word.startsWith('W'));
const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-tail-'));
const input = join(folder, 'in', 'app.log');

interface Figures {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakMb: number;
}

const sinks = {
  W3: ['a1.sinks.k1.type = null', 'a1.sinks.k1.batchSize = 1000'],
  W4: ['a1.sinks.k1.type = file_roll', 'a1.sinks.k1.sink.directory = @RUN@/out', 'a1.sinks.k1.sink.rollInterval = 0', 'a1.sinks.k1.sink.batchSize = 1000'],
};
const memory = ['a1.channels.c1.type = memory', 'a1.channels.c1.capacity = 10000', 'a1.channels.c1.transactionCapacity = 1000'];
const durable = ['a1.channels.c1.type = file', 'a1.channels.c1.checkpointDir = @RUN@/checkpoint', 'a1.channels.c1.dataDirs = @RUN@/data', 'a1.channels.c1.transactionCapacity = 1000'];
const source = [
  'a1.sources = r1',
  'a1.channels = c1',
  'a1.sinks = k1',
  'a1.sources.r1.type = TAILDIR',
  'a1.sources.r1.channels = c1',
  'a1.sources.r1.filegroups = f1',
  `a1.sources.r1.filegroups.f1 = ${folder}/in/.*`,
  'a1.sources.r1.positionFile = @RUN@/positions.json',
  'a1.sources.r1.batchSize = 1000',
  'a1.sinks.k1.channel = c1',
];
const workloads = [
  { name: 'W3', what: 'TAILDIR → memory → null', conf: [...source, ...memory, ...sinks.W3], output: false },
  { name: 'W4', what: 'TAILDIR → memory → file_roll', conf: [...source, ...memory, ...sinks.W4], output: true },
  { name: 'W3-durable', what: 'TAILDIR → file channel, synced → null', conf: [...source, ...durable, ...sinks.W3], output: false },
];

try {
  makeInput();
  for (const workload of workloads.filter(({ name }) => wanted.length === 0 || wanted.includes(name))) await report(workload);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function makeInput(): void {
  mkdirSync(join(folder, 'in'));
  const descriptor = openSync(input, 'w');
  const body = 'abcdefghijklmnopqrstuvwxyz'.repeat(4).slice(0, 91);
  for (let number = 0; number < lines; ) {
    let text = '';
    for (const end = Math.min(lines, number + 10_000); number < end; number++) text += `${String(number).padStart(8, '0')}${body}\n`;
    writeSync(descriptor, text);
  }
  closeSync(descriptor);
}

async function report({ name, what, conf, output }: (typeof workloads)[number]): Promise<void> {
  const subjects: [string, () => Promise<Figures>][] = [
    [output ? '"events" written' : '"events"', () => baseline(output)],
    ['Millrace', () => agent(conf, 'node', ['--max-semi-space-size=1', '--expose-gc', join(root, 'dist/bin/millrace.js'), 'agent'])],
  ];
  if (!words.includes('--no-flume') && flumeAvailable() === false) subjects.push(['Flume 1.11', async () => agent(conf, 'java', ['-Xmx512m', '-cp', await classPath(await getFlume()), 'org.apache.flume.node.Application'])]);
  console.log(`### ${name}: ${what}\n\n${lines.toLocaleString('en')} lines of 100 B, ${rounds} rounds, subjects in turn; medians.\n`);
  console.log('| subject | lines/s | CPU s per million | peak MB | lines/s, times the first |\n|---|---:|---:|---:|---|');
  const results: Figures[][] = subjects.map(() => []);
  for (let round = 0; round < rounds; round++) for (const [index, [, run]] of subjects.entries()) results[index]?.push(await run());
  for (const [index, [subject]] of subjects.entries()) {
    const own = results[index] as Figures[];
    const ratios = own.map(({ seconds }, round) => ((results[0]?.[round]?.seconds ?? Number.NaN) / seconds).toFixed(2)).join(' ');
    const middle = (pick: (figures: Figures) => number): number => own.map(pick).toSorted((a, b) => a - b)[Math.floor(own.length / 2)] as number;
    console.log(`| ${subject} | ${Math.round(lines / middle(({ seconds }) => seconds)).toLocaleString('en')} | ${(middle(({ cpuSeconds }) => cpuSeconds) / (lines / 1e6)).toFixed(3)} | ${middle(({ peakMb }) => peakMb).toFixed(0)} | ${ratios} |`);
  }
  console.log('');
}

/** From the start of the process on, less the time that its start takes, which is not counted for the agent either. */
async function baseline(output: boolean): Promise<Figures> {
  const run = mkdtempSync(join(folder, 'run-'));
  const began = performance.now();
  const daemon = startDaemon({ command: 'node', args: [join(root, 'test/bench/baselines/file-events.ts'), input, ...(output ? [join(run, 'out.txt')] : [])] });
  await daemon.line(/"lines":/, 120_000);
  const seconds = (performance.now() - began) / 1000 - NODE_START_SECONDS;
  const { cpuSeconds, peakMb } = figuresOf(daemon.pid);
  await daemon.stop();
  rmSync(run, { recursive: true, force: true });
  return { seconds, cpuSeconds, peakMb };
}

/** From the first line that has left the channel to the last. */
async function agent(conf: readonly string[], command: string, program: readonly string[]): Promise<Figures> {
  const run = mkdtempSync(join(folder, 'run-'));
  mkdirSync(join(run, 'out'));
  const port = await freePort();
  const file = join(run, 'x.conf');
  await writeFile(file, `${conf.join('\n').replaceAll('@RUN@', run)}\n`);
  const properties = ['-Dflume.monitoring.type=http', `-Dflume.monitoring.port=${port}`];
  const ending = ['--name', 'a1', '--conf-file', file, '--no-reload-conf'];
  const daemon = startDaemon({ command, args: command === 'java' ? [...properties, ...program, ...ending] : [...program, ...properties, ...ending] });
  let began = 0;
  try {
    for (let last = 0, lastMs = performance.now(); ; await sleep(10)) {
      const count = await taken(port);
      if (began === 0 && count > 0) began = performance.now() - 10;
      if (count === lines) break;
      if (count > lines) throw new Error(`${count} of ${lines} lines came out`);
      if (count !== last) [last, lastMs] = [count, performance.now()];
      if (performance.now() - lastMs > 30_000) throw new Error(`stands at ${count}\n${daemon.lines.slice(-20).join('\n')}`);
    }
    const seconds = (performance.now() - began) / 1000;
    const { cpuSeconds, peakMb } = figuresOf(daemon.pid);
    return { seconds, cpuSeconds, peakMb };
  } finally {
    await daemon.stop();
    rmSync(run, { recursive: true, force: true });
  }
}

async function taken(port: number): Promise<number> {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/metrics`, { headers: { connection: 'close' } });
    const all = (await answer.json()) as Record<string, Record<string, string>>;
    return Number(all['CHANNEL.c1']?.['EventTakeSuccessCount'] ?? 0);
  } catch {
    return 0;
  }
}
