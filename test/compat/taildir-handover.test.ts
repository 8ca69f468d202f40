/**
 * A position file that is handed from real Flume 1.11 to Millrace and back: each goes on exactly where the other one stopped, also in
 * files that were renamed or emptied meanwhile, and in the middle of a line.
 */

import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { startAgent, until } from '../harness/agent.ts';
import { flumeAvailable, startFlume } from '../servers/flume.ts';

const FILES = ['app-a.log', 'app-b.log', 'app-c.log'];

class Handover {
  readonly folder = mkdtempSync(join(tmpdir(), 'millrace-positions-'));
  readonly logs = join(this.folder, 'logs');
  readonly out = join(this.folder, 'out');
  readonly positionFile = join(this.folder, 'positions.json');
  /** Lines that were written so far. */
  readonly written: string[] = [];
  #half: { readonly name: string; readonly text: string } | undefined;

  constructor(t: TestContext) {
    t.after(() => rmSync(this.folder, { recursive: true, force: true }));
    mkdirSync(this.logs);
    mkdirSync(this.out);
  }

  path(name: string): string {
    return join(this.logs, name);
  }

  append(name: string, count: number): void {
    const lines = Array.from({ length: count }, (_, index) => `${this.written.length + index} ${name} ${'x'.repeat((this.written.length + index) % 40)}`);
    this.written.push(...lines);
    appendFileSync(this.path(name), `${lines.join('\n')}\n`);
  }

  /** Begins a line, which nobody may send before `endHalf`. */
  appendHalf(name: string): void {
    this.#half = { name, text: `${this.written.length} half of ` };
    appendFileSync(this.path(name), this.#half.text);
  }

  endHalf(): void {
    if (!this.#half) throw new Error('no line was begun');
    this.written.push(`${this.#half.text}a line`);
    appendFileSync(this.path(this.#half.name), 'a line\n');
    this.#half = undefined;
  }

  get lines(): string[] {
    return readdirSync(this.out).flatMap((name) => readFileSync(join(this.out, name), 'utf8').split('\n').filter((line) => line !== ''));
  }

  /** Positions by file name, the newest that is written down. */
  positions(): Record<string, number> {
    const entries = JSON.parse(readFileSync(this.positionFile, 'utf8')) as { inode: number; pos: number; file: string }[];
    return Object.fromEntries(entries.map(({ pos, file }) => [file.slice(this.logs.length + 1), pos]));
  }

  /** Runs one of the two until all lines came out and all positions are written down. `meanwhile` once it runs. */
  async run(system: 'flume' | 'millrace', meanwhile: () => void = () => undefined): Promise<void> {
    const conf = `
a1.sources = r1
a1.channels = c1
a1.sinks = k1
a1.sources.r1.type = TAILDIR
a1.sources.r1.channels = c1
a1.sources.r1.filegroups = f1
a1.sources.r1.filegroups.f1 = ${this.logs}/app.*
a1.sources.r1.positionFile = ${this.positionFile}
a1.sources.r1.writePosInterval = 200
a1.channels.c1.type = memory
a1.sinks.k1.type = file_roll
a1.sinks.k1.channel = c1
a1.sinks.k1.sink.directory = ${this.out}
a1.sinks.k1.sink.rollInterval = 0
`;
    const agent = system === 'flume' ? await startFlume({ conf, agent: 'a1' }) : await startAgent({ conf, monitoring: false });
    try {
      await this.#done(system);
      meanwhile();
      await this.#done(system);
    } finally {
      await agent.stop();
    }
    assert.deepEqual(this.lines.toSorted(), this.written.toSorted(), `after ${system}`);
  }

  async #done(system: string): Promise<void> {
    await until(`all lines from ${system}`, () => (this.lines.length >= this.written.length ? true : undefined), 60_000);
    await until(`positions of ${system}`, () => {
      try {
        const positions = this.positions();
        const endOf = (name: string): number => statSync(this.path(name)).size - (this.#half?.name === name ? this.#half.text.length : 0);
        return readdirSync(this.logs).every((name) => positions[name] === endOf(name)) ? true : undefined;
      } catch {
        // It is written over in place by Flume.
        return undefined;
      }
    }, 60_000);
  }
}

test('positions from Flume to Millrace, back, and back again: no line is lost or comes twice', { skip: flumeAvailable(), timeout: 240_000 }, async (t) => {
  const rig = new Handover(t);
  for (const name of FILES) rig.append(name, 30);
  await rig.run('flume', () => {
    rig.append('app-a.log', 7);
    rig.appendHalf('app-c.log');
  });
  rig.endHalf();
  rig.append('app-a.log', 5);
  rig.append('app-new.log', 4);
  // Found by its number; Flume would read it again under its new name.
  renameSync(rig.path('app-b.log'), rig.path('app-b.log.1'));
  rig.append('app-b.log', 6);
  await rig.run('millrace', () => {
    rig.append('app-c.log', 9);
    rig.appendHalf('app-b.log');
  });
  rig.endHalf();
  for (const name of FILES) rig.append(name, 11);
  rig.append('app-newer.log', 2);
  await rig.run('flume', () => rig.append('app-b.log.1', 3));
  // Emptied between the two: shorter than what Flume has read.
  truncateSync(rig.path('app-c.log'));
  rig.append('app-c.log', 1);
  for (const name of ['app-a.log', 'app-b.log.1', 'app-new.log']) rig.append(name, 8);
  rmSync(rig.path('app-b.log'));
  await rig.run('millrace', () => rig.append('app-newer.log', 2));
});
