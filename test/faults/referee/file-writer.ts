import { closeSync, openSync, renameSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Ledger } from './ledger.ts';
import type { Way } from './referee.ts';

const TICK_MS = 5;

export interface FileWriterOptions {
  /** Events for each `write`. */
  readonly atOnce?: number;
}

/** Appends a line for each event to a file that the agent tails. What stands in the file counts as acknowledged: it must come out. */
export class FileWriter implements Way {
  readonly #path: string;
  readonly #atOnce: number;
  #descriptor: number;
  #stopped = false;
  readonly connections = 0;
  readonly refusals: string[] = [];

  constructor(path: string, { atOnce = 1000 }: FileWriterOptions = {}) {
    this.#path = path;
    this.#atOnce = atOnce;
    this.#descriptor = openSync(path, 'a');
  }

  async run(ledger: Ledger): Promise<void> {
    while (!this.#stopped && !ledger.isDone) if (!this.write(ledger)) await sleep(TICK_MS);
    this.stop();
  }

  /** Renames the file as logrotate does, and goes on in a new one. */
  rotate(to: string): void {
    renameSync(this.#path, to);
    if (this.#stopped) return;
    closeSync(this.#descriptor);
    this.#descriptor = openSync(this.#path, 'a');
  }

  stop(): void {
    if (!this.#stopped) closeSync(this.#descriptor);
    this.#stopped = true;
  }

  /** Writes what is due, at most `atOnce` events. False if it was nothing. */
  write(ledger: Ledger): boolean {
    const numbers: number[] = [];
    for (let number = ledger.take(); number !== undefined; number = ledger.take()) {
      numbers.push(number);
      if (numbers.length === this.#atOnce) break;
    }
    if (numbers.length === 0) return false;
    const lines = Buffer.concat(numbers.flatMap((number) => [ledger.bodies.bodyOf(ledger.index, number), LINE_FEED]));
    for (let at = 0; at < lines.length; ) at += writeSync(this.#descriptor, lines, at);
    for (const number of numbers) ledger.acknowledge(number);
    return true;
  }
}

const LINE_FEED = Buffer.from('\n');
