/**
 * A spool directory that real Flume 1.11 has half read goes on with Millrace where Flume's position file says, and the other way round.
 * Each is held up in the middle of a file by a channel that nobody empties.
 */

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { startAgent, until } from '../harness/agent.ts';
import { flumeAvailable, startFlume } from '../servers/flume.ts';
import { readContainer } from './avro-container.ts';

type System = 'flume' | 'millrace';

const LINES = Array.from({ length: 10 }, (_, index) => `line ${index}`);
const skip = flumeAvailable();

class Handover {
  readonly folder = mkdtempSync(join(tmpdir(), 'millrace-handover-'));
  readonly spool = join(this.folder, 'spool');
  readonly out = join(this.folder, 'out');

  constructor(t: TestContext, file: string) {
    t.after(() => rmSync(this.folder, { recursive: true, force: true }));
    mkdirSync(this.spool);
    mkdirSync(this.out);
    writeFileSync(join(this.spool, '.file'), file);
    renameSync(join(this.spool, '.file'), join(this.spool, 'file'));
  }

  /** Runs one of the two until `done`; with a sink or without. */
  async run(system: System, sink: boolean, done: () => boolean | undefined): Promise<void> {
    const conf = [
      'a1.sources = r1',
      'a1.channels = c1',
      ...(sink ? ['a1.sinks = k1', 'a1.sinks.k1.type = file_roll', 'a1.sinks.k1.channel = c1', `a1.sinks.k1.sink.directory = ${this.out}`, 'a1.sinks.k1.sink.rollInterval = 0', 'a1.sinks.k1.sink.batchSize = 2'] : []),
      'a1.sources.r1.type = spooldir',
      `a1.sources.r1.spoolDir = ${this.spool}/`,
      'a1.sources.r1.batchSize = 2',
      'a1.sources.r1.channels = c1',
      'a1.channels.c1.type = memory',
      `a1.channels.c1.capacity = ${sink ? 100 : 4}`,
      'a1.channels.c1.transactionCapacity = 2',
      'a1.channels.c1.keep-alive = 0',
      '',
    ].join('\n');
    const agent = system === 'flume' ? await startFlume({ conf, agent: 'a1' }) : await startAgent({ conf, monitoring: false });
    try {
      await until(`what ${system} does`, () => (done() ? true : undefined), 30_000);
    } finally {
      await agent.stop(3000);
    }
  }

  position(): ReturnType<typeof readContainer> {
    try {
      return readContainer(readFileSync(join(this.spool, '.flumespool/.flumespool-main.meta')));
    } catch {
      return undefined;
    }
  }

  completed(): boolean {
    return readdirSync(this.spool).includes('file.COMPLETED');
  }

  text(): string {
    return readdirSync(this.out).map((name) => readFileSync(join(this.out, name), 'latin1')).join('');
  }
}

for (const [first, second] of [['flume', 'millrace'], ['millrace', 'flume']] as const) {
  test(`a file that ${first} has half read goes on with ${second}`, { skip }, async (t) => {
    const handover = new Handover(t, `${LINES.join('\n')}\n`);
    const lastOffset = Buffer.byteLength(LINES.slice(0, 4).join('\n')) + 1;
    await handover.run(first, false, () => handover.position()?.records.at(-1) === 2 * lastOffset);
    await handover.run(second, true, () => handover.completed() && handover.text().includes('line 9'));
    assert.equal(handover.text(), LINES.slice(4).map((line) => `${line}\n`).join(''));
    assert.equal(handover.position(), undefined);
  });
}
