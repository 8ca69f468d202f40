/**
 * `node test/bench/tail-many.ts [--files N] [--others N] [--seconds N] [--no-hints]`: thousands of files that are followed, ten of them written to
 * ten times a second, in a directory that may hold any number of other names. What the agent costs while nothing happens and with
 * those ten, what it takes of memory, and how long a line takes until it stands in the output, which is looked at each 2 ms.
 */
import { appendFileSync, closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { root } from '../harness/agent.ts';
import { startDaemon, until, type Daemon } from '../servers/daemon.ts';
import { figuresOf } from './process-figures.ts';

const words = process.argv.slice(2);
const numberOf = (option: string, otherwise: number): number => (words.includes(option) ? Number(words[words.indexOf(option) + 1]) : otherwise);
const files = numberOf('--files', 10_000);
const others = numberOf('--others', 0);
const seconds = numberOf('--seconds', 20);
const hints = !words.includes('--no-hints');
const ACTIVE = 10;
const SAMPLES = 25;
const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-many-'));
const pathOf = (index: number): string => join(folder, 'in', `app-${index}.log`);

/** Follows the output: when each line came. */
class Output {
  readonly #descriptor: number;
  #position = 0;
  #rest = '';
  readonly seen = new Map<string, number>();

  constructor(path: string) {
    this.#descriptor = openSync(path, 'r');
  }

  look(): void {
    const buffer = Buffer.alloc(1024 * 1024);
    const read = readSync(this.#descriptor, buffer, 0, buffer.length, this.#position);
    this.#position += read;
    const lines = (this.#rest + buffer.toString('latin1', 0, read)).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.seen.set(line, performance.now());
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  /** Resolves with the milliseconds until the line is there. */
  async line(text: string, sinceMs: number): Promise<number> {
    for (const end = performance.now() + 30_000; ; await sleep(2)) {
      this.look();
      const came = this.seen.get(text);
      if (came !== undefined) return came - sinceMs;
      if (performance.now() > end) throw new Error(`never came: ${text}`);
    }
  }
}

try {
  makeFiles();
  await measure();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function makeFiles(): void {
  mkdirSync(join(folder, 'in'));
  mkdirSync(join(folder, 'out'));
  for (let index = 0; index < files; index++) writeFileSync(pathOf(index), `first of ${index}\n`);
  for (let index = 0; index < others; index++) closeSync(openSync(join(folder, 'in', `other-${index}.dat`), 'w'));
}

async function measure(): Promise<void> {
  const conf = join(folder, 'x.conf');
  writeFileSync(conf, `
a1.sources = r1
a1.channels = c1
a1.sinks = k1
a1.sources.r1.type = TAILDIR
a1.sources.r1.channels = c1
a1.sources.r1.filegroups = f1
a1.sources.r1.filegroups.f1 = ${folder}/in/app.*
a1.sources.r1.positionFile = ${folder}/positions.json
a1.sources.r1.watch = ${hints}
a1.channels.c1.type = memory
a1.sinks.k1.type = file_roll
a1.sinks.k1.channel = c1
a1.sinks.k1.sink.directory = ${folder}/out
a1.sinks.k1.sink.rollInterval = 0
`);
  const began = performance.now();
  const daemon = startDaemon({ command: 'node', args: ['--max-semi-space-size=1', '--expose-gc', join(root, 'dist/bin/millrace.js'), 'agent', '--name', 'a1', '--conf-file', conf, '--no-reload-conf'] });
  try {
    const name = await until('an output', () => readdirSync(join(folder, 'out'))[0], 60_000);
    const output = new Output(join(folder, 'out', name));
    await until('all first lines', () => {
      output.look();
      return output.seen.size >= files ? true : undefined;
    }, 120_000);
    console.log(`${files.toLocaleString('en')} files${others > 0 ? ` among ${others.toLocaleString('en')} other names` : ''}, ${hints ? 'told of changes' : 'told of nothing'}; read ${((performance.now() - began) / 1000).toFixed(1)} s after the start of the process`);
    await sleep(3000);
    console.log(`idle: ${await shareOf(daemon, () => sleep(1000 * seconds))} of a core`);
    report('in a file that was quiet', await quietFiles(output));
    report('in a new file', await newFiles(output));
    const active: number[] = [];
    console.log(`${ACTIVE} files with ten lines a second each: ${await shareOf(daemon, () => busyFiles(output, active))} of a core`);
    report('in a file that is busy', active);
    console.log(`memory: ${figuresOf(daemon.pid).peakMb.toFixed(0)} MB at most`);
    output.close();
  } finally {
    await daemon.stop();
  }
}

async function shareOf(daemon: Daemon, during: () => Promise<void>): Promise<string> {
  const [before, began] = [figuresOf(daemon.pid).cpuSeconds, performance.now()];
  await during();
  return `${(((figuresOf(daemon.pid).cpuSeconds - before) * 100_000) / (performance.now() - began)).toFixed(1)} %`;
}

function report(where: string, all: readonly number[]): void {
  const sorted = all.toSorted((a, b) => a - b);
  const at = (share: number): string => (sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] as number).toFixed(0);
  console.log(`a line ${where}: ${at(0.5)} ms (median of ${all.length}; ${at(0)} to ${at(1)})`);
}

async function quietFiles(output: Output): Promise<number[]> {
  const all: number[] = [];
  for (let sample = 0; sample < SAMPLES; sample++) {
    await sleep(Math.random() * 300);
    const text = `quiet ${sample}`;
    const began = performance.now();
    appendFileSync(pathOf(Math.min(files - 1, ACTIVE + Math.floor(Math.random() * (files - ACTIVE)))), `${text}\n`);
    all.push(await output.line(text, began));
  }
  return all;
}

async function newFiles(output: Output): Promise<number[]> {
  const all: number[] = [];
  for (let sample = 0; sample < 5; sample++) {
    await sleep(Math.random() * 300);
    const text = `new ${sample}`;
    const began = performance.now();
    writeFileSync(pathOf(files + sample), `${text}\n`);
    all.push(await output.line(text, began));
  }
  return all;
}

async function busyFiles(output: Output, all: number[]): Promise<void> {
  const written = new Map<string, number>();
  const end = performance.now() + 1000 * seconds;
  for (let round = 0; performance.now() < end; round++) {
    for (let file = 0; file < ACTIVE; file++) {
      const text = `busy ${file} ${round}`;
      written.set(text, performance.now());
      appendFileSync(pathOf(file), `${text}\n`);
      for (let pause = 0; pause < 5; pause++) {
        await sleep(2);
        output.look();
      }
    }
  }
  await output.line([...written.keys()].at(-1) as string, 0);
  for (const [text, began] of written) all.push((output.seen.get(text) ?? Number.NaN) - began);
}
