/**
 * The outside referee of these tests: numbered lines whose text follows from the number, sent to a netcat source, noted when they are
 * answered with OK, and compared at the end with what stands in the files of a file_roll sink.
 */

import { readdir, readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../harness/agent.ts';

/** Lines sent and not answered at a time. */
const MOST_UNANSWERED = 10_000;
const TICK_MS = 5;
/** Pause after an answer other than OK. */
const REFUSED_MS = 50;
const MOST_REFUSALS = 100;
const FILLER = 'abcdefghijklmnopqrstuvwxyz0123456789'.repeat(8);

/** Text of a number: between 2 and some 210 characters, so that lines begin and end anywhere in a buffer. */
export function lineOf(number: number): string {
  return `${number}:${FILLER.slice(0, (number * 7919) % 199)}`;
}

/** Sends the lines of 0, 1, 2 … and sends again, over a new connection, those that were not answered when one was closed. */
export class LineSender {
  readonly #port: number;
  readonly #perSecond: number;
  readonly #acked = new Set<number>();
  #again: number[] = [];
  #unanswered: number[] = [];
  #answered = 0;
  #next = 0;
  #stopping = false;
  #givenUp = false;
  #refusedMs = -Infinity;
  #done: Promise<void> | undefined;
  /** Connections that were opened. */
  connections = 0;
  /** Answers other than OK, the first of them. */
  readonly refusals: string[] = [];

  constructor(port: number, perSecond: number) {
    this.#port = port;
    this.#perSecond = perSecond;
  }

  /** Numbers that were answered with OK: the agent has taken them over. */
  get acked(): ReadonlySet<number> {
    return this.#acked;
  }

  start(): this {
    this.#done = this.#run();
    return this;
  }

  /** Makes no new numbers; resolves once every line was answered. */
  async stop(timeoutMs = 30_000): Promise<void> {
    this.#stopping = true;
    await Promise.race([this.#done, sleep(timeoutMs, undefined, { ref: false }).then(() => Promise.reject(new Error(`the sender got no answers in ${timeoutMs} ms; unanswered: ${this.#unanswered.length - this.#answered}`)))]);
  }

  /** Ends at once, whatever was not answered. */
  giveUp(): void {
    this.#stopping = true;
    this.#givenUp = true;
  }

  async #run(): Promise<void> {
    const began = performance.now();
    while (!this.#finished()) {
      const socket = connect(this.#port, '127.0.0.1').setNoDelay(true);
      socket.on('error', () => undefined);
      const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
      const open = await Promise.race([new Promise<boolean>((resolve) => socket.once('connect', () => resolve(true))), closed.then(() => false)]);
      if (open) {
        this.connections++;
        await Promise.race([this.#feed(socket, began), closed]);
      } else {
        await sleep(TICK_MS);
      }
      socket.destroy();
      await closed;
      this.#again = [...this.#unanswered.slice(this.#answered), ...this.#again];
      this.#unanswered = [];
      this.#answered = 0;
    }
  }

  async #feed(socket: Socket, began: number): Promise<void> {
    let rest = '';
    socket.setEncoding('utf8').on('data', (text: string) => {
      const answers = (rest + text).split('\n');
      rest = answers.pop() ?? '';
      for (const answer of answers) this.#answer(answer);
    });
    while (!socket.closed && !this.#finished()) {
      if (performance.now() - this.#refusedMs < REFUSED_MS) {
        await sleep(TICK_MS);
        continue;
      }
      const due = this.#stopping ? 0 : Math.floor(((performance.now() - began) * this.#perSecond) / 1000) - this.#next;
      let text = '';
      for (let room = MOST_UNANSWERED - this.#unanswered.length + this.#answered, made = 0; room > 0; room--) {
        const number = this.#again.shift() ?? (made++ < due ? this.#next++ : undefined);
        if (number === undefined) break;
        this.#unanswered.push(number);
        text += `${lineOf(number)}\n`;
      }
      if (text !== '') socket.write(text);
      await sleep(TICK_MS);
    }
  }

  #answer(answer: string): void {
    const number = this.#unanswered[this.#answered++];
    if (number === undefined) this.refusals.push(`an answer too many: ${answer}`);
    else if (answer === 'OK') this.#acked.add(number);
    else {
      if (this.refusals.length < MOST_REFUSALS) this.refusals.push(answer);
      this.#again.push(number);
      this.#refusedMs = performance.now();
    }
  }

  #finished(): boolean {
    return this.#givenUp || (this.#stopping && this.#again.length === 0 && this.#answered === this.#unanswered.length);
  }
}

export interface Verdict {
  /** Numbers answered with OK that are in no file. */
  readonly lost: number;
  /** Lines beyond the first of their number. */
  readonly duplicates: number;
  /** Lines that no number has. */
  readonly foreign: readonly string[];
  readonly distinct: number;
}

/** All lines of the files of a folder, in the order of the names and of the files. */
export async function linesIn(folder: string): Promise<string[]> {
  const names = (await readdir(folder)).sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  const lines: string[] = [];
  for (const name of names) {
    const text = await readFile(join(folder, name), 'latin1');
    if (text !== '') lines.push(...(text.endsWith('\n') ? text.slice(0, -1) : text).split('\n'));
  }
  return lines;
}

export function judge(acked: ReadonlySet<number>, lines: readonly string[]): Verdict {
  const seen = new Set<number>();
  const foreign: string[] = [];
  let duplicates = 0;
  for (const line of lines) {
    const number = Number.parseInt(line, 10);
    if (line !== lineOf(number)) foreign.push(line);
    else if (seen.has(number)) duplicates++;
    else seen.add(number);
  }
  const lost = [...acked].filter((number) => !seen.has(number)).length;
  return { lost, duplicates, foreign, distinct: seen.size };
}

/** Waits until the files of the folder hold every number that was answered, or for `timeoutMs`; the last verdict. */
export async function verdict(acked: ReadonlySet<number>, folder: string, timeoutMs = 15_000): Promise<Verdict> {
  let last = judge(acked, await linesIn(folder));
  await until('all numbers to be in the files', async () => {
    last = judge(acked, await linesIn(folder));
    return last.lost === 0 ? last : undefined;
  }, timeoutMs).catch(() => undefined);
  return last;
}

/** One exchange with a netcat source: sends the lines, ends, resolves with all that was answered. */
export async function exchange(port: number, text: string | Buffer): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let answer = '';
  socket.on('error', () => undefined);
  socket.setEncoding('latin1').on('data', (part: string) => (answer += part));
  socket.end(text);
  await new Promise<void>((resolve) => socket.once('close', () => resolve()));
  return answer;
}
