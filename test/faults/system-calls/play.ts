/** Plays one fault of system calls on worker.ts, opens what it leaves, and says what is wrong with it. */

import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fileChannel } from '../../../channels/leveldb/index.ts';
import { batchOf, create, FakeContext, never } from '../../conformance/fakes.ts';
import { Bodies } from '../referee/bodies.ts';
import { preloadEnvironment, type CallFaults } from './preload.ts';

export type Mode = 'once' | 'load' | 'fill' | 'left';

export interface Played {
  /** What the process said, each as the word and its numbers. */
  readonly notes: readonly { readonly what: string; readonly numbers: readonly number[]; readonly text: string }[];
  readonly status: number | null;
  readonly stderr: string;
  /** Calls that counted. */
  readonly calls: readonly string[];
}

const worker = fileURLToPath(new URL('worker.ts', import.meta.url));
const edges = new Bodies('numbered-edges');

/** The worker over a store. Its own numbers begin with `from`. */
export async function play(directory: string, mode: Mode, from: number, faults: Omit<CallFaults, 'under'>): Promise<Played> {
  const log = `${directory}.calls`;
  rmSync(log, { force: true });
  const env = { ...process.env, ...preloadEnvironment({ under: directory, log, ...faults }) };
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', worker, directory, mode, String(from)], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const patience = setTimeout(() => child.kill('SIGKILL'), 60_000);
  const [status] = (await once(child, 'close')) as [number | null];
  clearTimeout(patience);
  const calls = existsSync(log) ? readFileSync(log, 'utf8').trimEnd().split('\n') : [];
  rmSync(log, { force: true });
  return { notes: stdout.split('\n').slice(0, -1).map(noteOf), status, stderr, calls };
}

function noteOf(line: string): Played['notes'][number] {
  const [, what = '', text = ''] = /^([a-z]+(?: [a-z]+)*) ?(.*)$/.exec(line) ?? [];
  return { what, text, numbers: /^[\d ]+$/.test(text) ? text.trim().split(' ').map(Number) : [] };
}

/** Opens the store in this process, takes all there is, and puts once more. `before`: numbers that were in it when the worker began. */
export async function judge(directory: string, { notes }: Played, before: readonly number[]): Promise<string[]> {
  const faults: string[] = [];
  const context = new FakeContext();
  const drained = await drain(directory, context, faults);
  if (context.counted('EventLostCount') > 0) faults.push(`${context.counted('EventLostCount')} events are reported as lost`);
  faults.push(...notes.filter(({ what }) => what === 'altered').map(({ text }) => `altered: ${text}`));
  const numbersOf = (what: string): number[] => notes.filter((note) => note.what === what).flatMap(({ numbers }) => numbers);
  const committed = numbersOf('committed');
  const committing = new Set(numbersOf('committing'));
  const acknowledged = new Set([...before, ...rangesOf(notes, 'acknowledged')]);
  const out = new Set([...committed, ...drained]);
  const lost = [...acknowledged].filter((number) => !out.has(number) && !committing.has(number));
  if (lost.length > 0) faults.push(`lost ${lost.length}: ${lost.slice(0, 5).join()}`);
  const twice = committed.length + drained.length - out.size;
  if (twice > 0) faults.push(`${twice} came again after their commit`);
  const known = new Set([...before, ...rangesOf(notes, 'put')]);
  const invented = [...out].filter((number) => !known.has(number));
  if (invented.length > 0) faults.push(`invented ${invented.slice(0, 5).join()}`);
  for (const { what, numbers } of notes) {
    if (what !== 'put') continue;
    const there = rangeOf(numbers).filter((number) => out.has(number) || committing.has(number)).length;
    if (there !== 0 && there !== numbers[1]) faults.push(`of the put ${numbers.join(' ')} there are ${there} events`);
  }
  return faults;
}

function rangesOf(notes: Played['notes'], what: string): number[] {
  return notes.filter((note) => note.what === what).flatMap(({ numbers }) => rangeOf(numbers));
}

function rangeOf([first = 0, size = 0]: readonly number[]): number[] {
  return Array.from({ length: size }, (_, index) => first + index);
}

/** Numbers of all that comes out, in order; then the channel has to take and give one more event. */
export async function drain(directory: string, context: FakeContext, faults: string[], bodies = edges): Promise<number[]> {
  const channel = await create(fileChannel, { checkpointDir: join(directory, 'checkpoint'), dataDirs: join(directory, 'data'), minimumRequiredSpace: '0' }, context);
  const numbers: number[] = [];
  await channel.start();
  try {
    while (channel.status().size > 0) {
      const loan = await channel.take(1000, AbortSignal.timeout(3000));
      if (!loan) break;
      for (const { body } of loan.batch) {
        const reading = bodies.read(body);
        if (reading.kind === 'whole') numbers.push(reading.number);
        else faults.push(`${reading.kind}: ${body.toString('latin1', 0, 60)}`);
      }
      await loan.commit();
    }
    if (channel.status().size > 0) faults.push(`stalled with ${channel.status().size} events`);
    if (numbers.some((number, index) => index > 0 && number <= (numbers[index - 1] as number))) faults.push('out of order, or twice');
    await channel.put(batchOf('one more'), never);
    const last = await channel.take(1, AbortSignal.timeout(3000));
    if (last?.batch.body(0).toString() !== 'one more') faults.push('what is put afterwards does not come out');
    await last?.commit();
  } finally {
    await channel.stop();
  }
  return numbers;
}

/** A folder in which each play gets a store of its own: none yet, or a copy of one. */
export class Stores {
  readonly #folder: string;
  #count = 0;

  constructor(within = tmpdir()) {
    this.#folder = mkdtempSync(join(within, 'millrace-stores-'));
  }

  make(template?: string): string {
    const directory = join(this.#folder, String(this.#count++));
    mkdirSync(directory);
    if (template !== undefined) cpSync(template, directory, { recursive: true });
    return directory;
  }

  drop(directory: string): void {
    rmSync(directory, { recursive: true, force: true });
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Each once, two at a time. */
export async function inPairs<T>(items: readonly T[], act: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  const lane = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await act(item);
  };
  await Promise.all([lane(), lane()]);
}

