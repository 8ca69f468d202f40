import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync, appendFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { readOptions } from '../../../../core/read-options.ts';
import { storeFiles } from '../../../../io/store-files.ts';
import { tailFiles } from '../../../../io/tail-files.ts';
import { createTaildir, type Surroundings } from '../../../../sources/taildir/create.ts';
import { taildirSource } from '../../../../sources/taildir/index.ts';
import type { Source } from '../../../../core/component.ts';
import { eventually, FakeSourceContext } from '../../../conformance/fakes.ts';

/** A TAILDIR source over a folder of its own, started and stopped as often as a test likes. What it delivers is in `context`. */
export class TailRig {
  readonly folder = mkdtempSync(join(tmpdir(), 'millrace-tail-'));
  readonly logs = join(this.folder, 'logs');
  readonly positionFile = join(this.folder, 'positions', 'taildir_position.json');
  context = new FakeSourceContext();
  readonly #properties: Record<string, string>;
  readonly #surroundings: Partial<Surroundings>;
  source: Source | undefined;

  constructor(t: TestContext, properties: Readonly<Record<string, string>> = {}, surroundings: Partial<Surroundings> = {}) {
    this.#properties = { filegroups: 'f1', 'filegroups.f1': `${this.logs}/.*`, positionFile: this.positionFile, batchSize: '1000', ...properties };
    this.#surroundings = surroundings;
    mkdirSync(this.logs);
    t.after(async () => {
      await this.source?.stop();
      rmSync(this.folder, { recursive: true, force: true });
    });
  }

  path(name: string): string {
    return join(this.logs, name);
  }

  write(name: string, text: string | Buffer): void {
    writeFileSync(this.path(name), text);
  }

  append(name: string, text: string | Buffer): void {
    appendFileSync(this.path(name), text);
  }

  /** Starts a new source over the same folder. `further` replaces properties from now on. */
  async start(further: Readonly<Record<string, string>> = {}): Promise<void> {
    Object.assign(this.#properties, further);
    const { values, problems } = readOptions(taildirSource, new Map(Object.entries(this.#properties).map(([key, value]) => [key, value.replaceAll('@LOGS@', this.logs)])));
    if (!values) throw new Error(problems.map(({ key, sentence }) => `${key} ${sentence}`).join('; '));
    this.source = createTaildir(this.context, values, { tails: tailFiles, stores: storeFiles, ...this.#surroundings });
    await this.source.start();
  }

  async stop(): Promise<void> {
    await this.source?.stop();
    this.source = undefined;
  }

  async restart(further: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.stop();
    await this.start(further);
  }

  get bodies(): string[] {
    return this.context.bodies;
  }

  /** Waits until as many events have come, and a moment longer for those that should not. */
  async events(count: number, withinMs = 10_000): Promise<string[]> {
    await eventually(() => this.bodies.length >= count, `${count} events (there are ${this.bodies.length}: ${JSON.stringify(this.bodies.slice(-20)).slice(0, 600)}; ${JSON.stringify(this.context.log.lines.slice(-10))})`, withinMs).catch((error: unknown) => {
      throw new Error(`${count} events expected, there are ${this.bodies.length}: ${JSON.stringify(this.bodies.slice(-20)).slice(0, 600)}; ${JSON.stringify(this.context.log.lines.slice(-10))}`, { cause: error });
    });
    await sleep(SETTLE_MS);
    return this.bodies;
  }

  /** The position file, as Flume reads it. */
  positions(): { readonly inode: number; readonly pos: number; readonly file: string }[] {
    return JSON.parse(readFileSync(this.positionFile, 'utf8')) as { inode: number; pos: number; file: string }[];
  }

  headers(): Record<string, string>[] {
    return this.context.delivered.flatMap((batch) => Array.from(batch, (event) => Object.fromEntries(event.headers)));
  }
}

/** Some ticks of the source. */
const SETTLE_MS = 350;
