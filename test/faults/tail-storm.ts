/**
 * Random file operations in a directory that is tailed, and the account of what has to come out: each line says which it is. A line
 * that was taken from the file system before anybody could know that it was read (emptied, deleted) may be missing, and is counted.
 */

import { copyFileSync, existsSync, mkdirSync, renameSync, rmSync, truncateSync, writeFileSync, appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A small generator of random numbers whose seed is printed. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const FILLER = 'abcdefghijklmnopqrstuvwxyz0123456789'.repeat(40);

export function stormLine(number: number): string {
  return `${number}:${FILLER.slice(0, (number * 7919) % (number % 50 === 0 ? 1400 : 120))}`;
}

export interface Account {
  readonly lost: readonly number[];
  readonly repeated: readonly number[];
  /** No line of those that were written. */
  readonly torn: readonly string[];
}

/** What came out of the first `written` lines, all of which should have come once. */
export function accountOf(bodies: readonly string[], written: number): Account {
  const seen = new Map<number, number>();
  const torn: string[] = [];
  for (const body of bodies) {
    const number = Number.parseInt(body, 10);
    if (body !== stormLine(number)) torn.push(body.slice(0, 60));
    else seen.set(number, (seen.get(number) ?? 0) + 1);
  }
  const lost = Array.from({ length: written }, (_, number) => number).filter((number) => !seen.has(number));
  return { lost, repeated: [...seen].filter(([, times]) => times > 1).map(([number]) => number), torn };
}

/** A file as the storm knows it: its lines by number, and the half of a line at its end. */
interface StormFile {
  lines: number[];
  half: number | undefined;
  /** A copy that was made then: copied once more before anybody could look at it, it could not be told from a new file. */
  copiedMs?: number;
}

export interface StormVerdict {
  readonly written: number;
  readonly lost: readonly number[];
  /** Not there, and taken away before they were seen to be read. */
  readonly takenAway: number;
  readonly duplicates: readonly number[];
  /** No line of the storm. */
  readonly torn: readonly string[];
}

/** What the storm waits for: how many different lines have come out. */
export type Seen = () => ReadonlySet<number>;

export class Storm {
  readonly #folder: string;
  readonly #elsewhere: string;
  readonly #random: () => number;
  readonly #files = new Map<string, StormFile>();
  readonly #atRisk = new Set<number>();
  readonly #halves = new Set<string>();
  #next = 0;
  #serial = 0;
  readonly counts = new Map<string, number>();
  readonly journal: string[] = [];

  constructor(folder: string, elsewhere: string, seed: number) {
    this.#folder = folder;
    this.#elsewhere = elsewhere;
    this.#random = randomFrom(seed);
    mkdirSync(folder, { recursive: true });
    mkdirSync(elsewhere, { recursive: true });
  }

  get written(): number {
    return this.#next;
  }

  get random(): () => number {
    return this.#random;
  }

  /** One operation. Some take lines away; half of these wait first until what is there has been seen, by `settled`. */
  async step(settled: () => Promise<void>): Promise<void> {
    const names = [...this.#files.keys()];
    const name = names[Math.floor(this.#random() * names.length)];
    const roll = this.#random();
    const [kind, act] = this.#choose(roll);
    const file = name === undefined ? undefined : this.#files.get(name);
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
    this.journal.push(`${this.#next} ${kind} ${name ?? ''}`);
    if (!file || name === undefined) return this.#create();
    if (COPIES.has(kind) && Date.now() - (file.copiedMs ?? 0) < COPY_MS) return this.#append(name, file);
    const takes = TAKES_AWAY.has(kind);
    if (takes && this.#random() < 0.6) {
      await settled();
      this.journal.push('  settled');
    } else if (takes) {
      for (const line of file.lines) this.#atRisk.add(line);
    }
    act.call(this, name, file);
  }

  /** An operation while nobody looks: one that takes nothing away. */
  async stepUnseen(): Promise<void> {
    const [name] = [...this.#files.keys()].slice(-1);
    const file = name === undefined ? undefined : this.#files.get(name);
    if (!file || name === undefined) return this.#create();
    const roll = this.#random();
    this.journal.push(`${this.#next} unseen ${roll.toFixed(2)} ${name}`);
    if (roll < 0.4) this.#append(name, file);
    else if (roll < 0.7) this.#rename(name, file);
    else if (roll < 0.8) this.#create();
    else if (Date.now() - (file.copiedMs ?? 0) >= COPY_MS) this.#copyTruncate(name, file);
  }

  #choose(roll: number): [string, (this: Storm, name: string, file: StormFile) => void] {
    if (roll < 0.5) return ['append', this.#append];
    if (roll < 0.58) return ['half', this.#appendHalf];
    if (roll < 0.66) return ['create', () => this.#create()];
    if (roll < 0.76) return ['rename', this.#rename];
    if (roll < 0.8) return ['rename out', this.#renameOut];
    if (roll < 0.87) return ['copytruncate', this.#copyTruncate];
    if (roll < 0.9) return ['truncate', this.#truncate];
    if (roll < 0.93) return ['refill', this.#refill];
    if (roll < 0.97) return ['replace', this.#replace];
    return ['delete', this.#delete];
  }

  #lines(count: number): number[] {
    return Array.from({ length: count }, () => this.#next++);
  }

  #count(most: number): number {
    return 1 + Math.floor(this.#random() * most);
  }

  /** Text of lines, the half one ended first. */
  #textOf(file: StormFile, lines: readonly number[]): string {
    const begun = file.half;
    file.half = undefined;
    if (begun !== undefined) file.lines.push(begun);
    file.lines.push(...lines);
    return (begun === undefined ? '' : `${restOf(begun)}\n`) + lines.map((line) => `${stormLine(line)}\n`).join('');
  }

  #create(): void {
    if (this.#files.size > 12) return;
    const name = `app-${this.#serial++}.log`;
    const file: StormFile = { lines: [], half: undefined };
    this.#files.set(name, file);
    writeFileSync(join(this.#folder, name), this.#textOf(file, this.#lines(Math.floor(this.#random() * 30))));
  }

  #append(name: string, file: StormFile): void {
    appendFileSync(join(this.#folder, name), this.#textOf(file, this.#lines(this.#count(this.#random() < 0.05 ? 5000 : 40))));
  }

  #appendHalf(name: string, file: StormFile): void {
    const text = this.#textOf(file, []);
    file.half = this.#next++;
    this.#halves.add(halfOf(file.half));
    appendFileSync(join(this.#folder, name), text + halfOf(file.half));
  }

  #rename(name: string, file: StormFile): void {
    const to = this.#random() < 0.3 ? `app-${this.#serial++}.log` : `${name.replace(/\.\d+$/, '')}.${this.#serial++}`;
    renameSync(join(this.#folder, name), join(this.#folder, to));
    this.#files.delete(name);
    this.#files.set(to, file);
    if (this.#random() < 0.6 && this.#files.size < 12) {
      const fresh: StormFile = { lines: [], half: undefined };
      this.#files.set(name, fresh);
      writeFileSync(join(this.#folder, name), this.#textOf(fresh, this.#lines(Math.floor(this.#random() * 20))));
    }
  }

  #renameOut(name: string, file: StormFile): void {
    const to = join(this.#elsewhere, String(this.#serial++));
    const path = join(this.#folder, name);
    renameSync(path, to);
    this.#files.delete(name);
    appendFileSync(to, this.#textOf(file, this.#lines(this.#count(5))));
    for (const line of file.lines.slice(-5)) this.#atRisk.add(line);
  }

  #copyTruncate(name: string, file: StormFile): void {
    const copy = `${name}.${this.#serial++}`;
    copyFileSync(join(this.#folder, name), join(this.#folder, copy));
    truncateSync(join(this.#folder, name), 0);
    this.#files.set(copy, { ...file, lines: [...file.lines], copiedMs: Date.now() });
    file.lines = [];
    file.half = undefined;
    if (this.#random() < 0.5) this.#append(name, file);
  }

  #truncate(name: string, file: StormFile): void {
    this.#forget(file);
    truncateSync(join(this.#folder, name), 0);
  }

  /** Emptied, and at once longer than before. */
  #refill(name: string, file: StormFile): void {
    const before = readFileSync(join(this.#folder, name)).length;
    this.#forget(file);
    const lines: number[] = [];
    for (let size = 0; size <= before; size += stormLine(lines.at(-1) as number).length + 1) lines.push(this.#next++);
    const text = this.#textOf(file, lines);
    truncateSync(join(this.#folder, name), 0);
    appendFileSync(join(this.#folder, name), text);
  }

  /** As an editor saves: the same text and more, put in place of the file. */
  #replace(name: string, file: StormFile): void {
    const path = join(this.#folder, name);
    const text = readFileSync(path);
    writeFileSync(join(this.#elsewhere, 'fresh'), Buffer.concat([text, Buffer.from(this.#textOf(file, this.#lines(this.#count(10))))]));
    renameSync(join(this.#elsewhere, 'fresh'), path);
    file.copiedMs = Date.now();
  }

  #delete(name: string, file: StormFile): void {
    this.#forget(file);
    rmSync(join(this.#folder, name));
    this.#files.delete(name);
  }

  #forget(file: StormFile): void {
    if (file.half !== undefined) this.#atRisk.add(file.half);
    file.lines = [];
    file.half = undefined;
  }

  /** Ends every half line, so that all can come out. */
  finish(): void {
    for (const [name, file] of this.#files) {
      if (file.half !== undefined && existsSync(join(this.#folder, name))) this.#append(name, file);
    }
  }

  /** Lines that have to come out in the end. */
  expected(): number[] {
    const open = new Set([...this.#files.values()].map(({ half }) => half));
    return Array.from({ length: this.#next }, (_, number) => number).filter((number) => !this.#atRisk.has(number) && !open.has(number));
  }

  verdict(bodies: readonly string[]): StormVerdict {
    const seen = new Set<number>();
    const duplicates: number[] = [];
    const torn: string[] = [];
    for (const body of bodies) {
      const number = Number.parseInt(body, 10);
      if (body !== stormLine(number)) {
        if (!this.#halves.has(body)) torn.push(body.slice(0, 80));
      } else if (seen.has(number)) duplicates.push(number);
      else seen.add(number);
    }
    const lost = this.expected().filter((number) => !seen.has(number));
    return { written: this.#next, lost, takenAway: [...this.#atRisk].filter((number) => !seen.has(number)).length, duplicates, torn };
  }
}

/** How long a source may take to see what a new file was made of. */
const COPY_MS = 4000;
const COPIES = new Set(['copytruncate', 'replace', 'truncate', 'refill', 'delete']);
const TAKES_AWAY = new Set(['truncate', 'refill', 'delete', 'rename out', 'replace']);

function halfOf(number: number): string {
  const line = stormLine(number);
  return line.slice(0, Math.ceil(line.length / 2));
}

function restOf(number: number): string {
  const line = stormLine(number);
  return line.slice(Math.ceil(line.length / 2));
}
