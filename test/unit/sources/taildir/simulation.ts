/** A TAILDIR source over simulated files, on a clock that a test moves: hours in seconds, and each run with one seed the same. */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Source } from '../../../../core/component.ts';
import { readOptions } from '../../../../core/read-options.ts';
import type { StoreFiles } from '../../../../io/store-files.ts';
import { createTaildir } from '../../../../sources/taildir/create.ts';
import { taildirSource } from '../../../../sources/taildir/index.ts';
import { FakeSourceContext } from '../../../conformance/fakes.ts';
import { SimulatedFiles } from './simulated-files.ts';

export interface SimulationOptions {
  readonly reusesInodes: boolean;
  readonly hints: boolean;
  readonly properties?: Readonly<Record<string, string>>;
}

/** Between two looks of the clock. */
const STEP_MS = 5;

const turn = setImmediate;

/** Timers of the whole process stand still while one of these is in use: for test files that run alone. */
export class Simulation {
  readonly files: SimulatedFiles;
  readonly context = new FakeSourceContext();
  readonly #options: SimulationOptions;
  readonly #t: TestContext;
  readonly #folder = mkdtempSync(join(tmpdir(), 'millrace-simulated-'));
  readonly #stored = new Map<string, Buffer>();
  #source: Source | undefined;
  /** What was delivered by processes that were killed, up to then. */
  readonly #before: string[] = [];
  #forgotten = 0;

  constructor(t: TestContext, options: SimulationOptions) {
    this.#t = t;
    this.#options = options;
    this.files = new SimulatedFiles(options.reusesInodes, ['/logs', '/elsewhere']);
    mkdirSync(join(this.#folder, 'p'));
    t.mock.timers.enable({ apis: ['setTimeout'] });
    t.mock.method(performance, 'now', () => this.files.nowMs);
  }

  get #positionFile(): string {
    return join(this.#folder, 'p', 'positions.json');
  }

  async start(): Promise<void> {
    const properties = { filegroups: 'f1', 'filegroups.f1': '/logs/app.*', positionFile: this.#positionFile, batchSize: '100', writePosInterval: '1000', ...this.#options.properties };
    const { values } = readOptions(taildirSource, new Map(Object.entries(properties)));
    if (!values) throw new Error('the options of the simulation are wrong');
    const { files } = this;
    const watch = this.#options.hints ? (path: string, _names: number, receiver: Parameters<SimulatedFiles['watch']>[1]) => files.watch(path, receiver) : () => Promise.reject(new Error('nothing is told'));
    this.#source = createTaildir(this.context, values, { tails: files.tails, stores: this.#stores, now: () => files.nowMs, watch });
    await this.#until(this.#source.start());
  }

  async stop(): Promise<void> {
    const source = this.#source;
    this.#source = undefined;
    if (source) await this.#until(source.stop());
  }

  /** What was written down until now is what the next one finds; what this one would still do does not count. */
  async kill(): Promise<void> {
    const log = `${this.#positionFile}.millrace-log`;
    const [stored, logged] = [new Map(this.#stored), readFileSync(log)];
    this.#before.push(...this.bodies.slice(this.#before.length));
    await this.stop();
    this.#forgotten = this.context.bodies.length - this.#before.length;
    for (const [path, bytes] of stored) this.#stored.set(path, bytes);
    writeFileSync(log, logged);
  }

  async end(): Promise<void> {
    this.files.meanwhile = () => undefined;
    await this.stop();
    this.#t.mock.timers.reset();
    this.#t.mock.restoreAll();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** All that came out, but for what a killed process did after it was killed. */
  get bodies(): string[] {
    return [...this.#before, ...this.context.bodies.slice(this.#before.length + this.#forgotten)];
  }

  /** Lets time pass, and the source do all that it can. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= STEP_MS) {
      const step = Math.min(STEP_MS, left);
      this.files.nowMs += step;
      this.#t.mock.timers.tick(step);
      await this.#settle();
    }
  }

  /** Lets time pass until `condition` holds; false where it never does. */
  async passUntil(condition: () => boolean, mostMs = 60_000): Promise<boolean> {
    for (let passed = 0; passed < mostMs; passed += 50) {
      if (condition()) return true;
      await this.pass(50);
    }
    return condition();
  }

  async #settle(): Promise<void> {
    for (let round = 0; round < 3; round++) await new Promise<void>((resolve) => turn(resolve));
  }

  async #until(promise: Promise<void>): Promise<void> {
    let open = true;
    const done = promise.finally(() => (open = false));
    done.catch(() => undefined);
    while (open) await this.pass(STEP_MS);
    await done;
  }

  get #stores(): StoreFiles {
    const stored = this.#stored;
    const files: Partial<StoreFiles> = {
      makeDirectory: async () => ({ device: 1n, inode: 1n }),
      read: async (path) => stored.get(path) ?? (path.endsWith('-log') ? readFileSync(path) : undefined),
      replace: async (path, bytes) => void stored.set(path, bytes),
      rename: async (from, to) => {
        stored.set(to, stored.get(from) ?? Buffer.alloc(0));
        stored.delete(from);
      },
      remove: async (path) => void stored.delete(path),
    };
    return files as StoreFiles;
  }
}
