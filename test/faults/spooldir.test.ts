/** The spooling source as a running agent, with the durable channel and files in which every line is counted (scenarios T34 to T36). */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startAgent, until, type RunningAgent } from '../harness/agent.ts';

const BATCH = 100;
const LONG = process.env['MILLRACE_LONG'] !== undefined;

class Spool {
  readonly folder = mkdtempSync(join(tmpdir(), 'millrace-spool-faults-'));
  readonly path = join(this.folder, 'spool');
  readonly #out = join(this.folder, 'out');

  constructor(t: TestContext) {
    t.after(() => rmSync(this.folder, { recursive: true, force: true }));
    mkdirSync(this.path);
    mkdirSync(this.#out);
  }

  put(name: string, text: string): void {
    const hidden = join(this.path, `.${name}`);
    writeFileSync(hidden, text);
    renameSync(hidden, join(this.path, name));
  }

  start(more: readonly string[] = []): Promise<RunningAgent> {
    const conf = [
      'a1.sources = r1',
      'a1.channels = c1',
      'a1.sinks = k1',
      'a1.sources.r1.type = spooldir',
      `a1.sources.r1.spoolDir = ${this.path}`,
      'a1.sources.r1.channels = c1',
      `a1.sources.r1.batchSize = ${BATCH}`,
      'a1.sources.r1.pollDelay = 50',
      'a1.channels.c1.type = file',
      'a1.channels.c1.checkpointDir = @FOLDER@/checkpoint',
      'a1.channels.c1.dataDirs = @FOLDER@/data',
      'a1.sinks.k1.type = file_roll',
      'a1.sinks.k1.channel = c1',
      `a1.sinks.k1.sink.directory = ${this.#out}`,
      'a1.sinks.k1.sink.rollInterval = 0',
      ...more,
      '',
    ];
    return startAgent({ conf: conf.join('\n'), folder: this.folder });
  }

  /** Names in the spool directory, but for the trackers and files that are being put. */
  names(): string[] {
    return readdirSync(this.path).filter((name) => !name.startsWith('.')).sort();
  }

  /** How often each line came out. */
  received(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const name of readdirSync(this.#out)) {
      for (const line of readFileSync(join(this.#out, name), 'utf8').split('\n').slice(0, -1)) counts.set(line, (counts.get(line) ?? 0) + 1);
    }
    return counts;
  }
}

function linesOf(name: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${name} line ${index} ${'x'.repeat((index * 7919) % 150)}`);
}

/** Every line at least once; returns how many came again. */
function repeated(received: ReadonlyMap<string, number>, expected: readonly string[]): number {
  assert.deepEqual(expected.filter((line) => !received.has(line)).slice(0, 3), [], 'lost');
  assert.equal(received.size, expected.length, 'invented or altered');
  return [...received.values()].reduce((sum, count) => sum + count - 1, 0);
}

test('T35 killed again and again between hand-off and new name: nothing is lost, and at most a batch comes again for each kill', async (t) => {
  const spool = new Spool(t);
  const seed = Number(process.env['MILLRACE_SEED'] ?? Date.now() % 100_000);
  t.diagnostic(`seed ${seed}`);
  let state = seed;
  const random = (): number => (state = (state * 48_271 + 11) % 2_147_483_647) / 2_147_483_647;
  const expected: string[] = [];
  const kills = LONG ? 200 : 6;
  let files = 0;
  for (let kill = 0; kill < kills; kill++) {
    // Enough to be read while the kill comes, small files among them.
    while (spool.names().filter((name) => !name.endsWith('.COMPLETED')).length < 4) {
      const lines = linesOf(`f${files}`, files % 3 === 2 ? 5 : 10_000);
      expected.push(...lines);
      spool.put(`f${String(files++).padStart(5, '0')}`, `${lines.join('\n')}\n`);
    }
    const agent = await spool.start();
    await agent.ready();
    await sleep(random() * 500);
    await agent.kill();
  }
  const agent = await spool.start();
  await until('all files are completed', () => spool.names().every((name) => name.endsWith('.COMPLETED')) || undefined, 60_000);
  await until('every line is out', () => spool.received().size >= expected.length || undefined, 60_000);
  await agent.stop();
  // A batch of the source and one of the sink, which has its own.
  const again = repeated(spool.received(), expected);
  t.diagnostic(`${kills} kills, ${expected.length} lines, ${again} repeated`);
  assert.ok(again <= 2 * BATCH * kills, `${again} lines came again`);
  assert.deepEqual(readdirSync(join(spool.path, '.flumespool')), []);
});

test('T34 a file that somebody goes on writing to is set aside with one error; the others go on, and nothing is lost or repeated', async (t) => {
  const spool = new Spool(t);
  const agent = await spool.start();
  t.after(() => agent.stop());
  await agent.ready();
  const growing = linesOf('growing', 1000);
  spool.put('growing', `${growing.join('\n')}\n`);
  const path = join(spool.path, 'growing');
  await until('the file is completed', () => existsSync(`${path}.COMPLETED`) || undefined);
  // As a writer that has the file open: its bytes go to the same file, whatever its name.
  appendFileSync(`${path}.COMPLETED`, 'late 1\n');
  await until('the file is set aside', () => existsSync(`${path}.SETASIDE`) || undefined);
  appendFileSync(`${path}.SETASIDE`, 'late 2\n');
  const other = linesOf('other', 1000);
  spool.put('other', `${other.join('\n')}\n`);
  await until('the other file is out', () => spool.received().size === 2000 || undefined);
  assert.equal(repeated(spool.received(), [...growing, ...other]), 0);
  const errors = agent.lines.filter((line) => line.includes('ERROR'));
  assert.equal(errors.length, 1, errors.join('\n'));
  assert.match(errors[0] ?? '', /file set aside: it changed after it was completed .*growing.*it had \d+ bytes/);
  // Its own name back: the rest is read, over a restart too.
  await agent.stop();
  renameSync(`${path}.SETASIDE`, path);
  const again = await spool.start();
  t.after(() => again.stop());
  await until('the rest is out', () => spool.received().size === 2002 || undefined);
  assert.equal(repeated(spool.received(), [...growing, ...other, 'late 1', 'late 2']), 0);
});

test('T36 odd inhabitants: each is told of, none is overwritten, none keeps the others waiting', async (t) => {
  const spool = new Spool(t);
  mkdirSync(join(spool.path, 'directory'));
  writeFileSync(join(spool.path, 'directory', 'inside'), 'not looked at\n');
  spawnSync('mkfifo', [join(spool.path, 'aa-fifo')]);
  symlinkSync('/nowhere/at/all', join(spool.path, 'ab-dangling'));
  symlinkSync('directory', join(spool.path, 'ac-to-directory'));
  writeFileSync(join(spool.path, 'ad-done.COMPLETED'), 'first\n');
  writeFileSync(join(spool.path, 'ad-done'), 'second\n');
  writeFileSync(join(spool.path, 'ae-empty'), '');
  const agent = await spool.start();
  t.after(() => agent.stop());
  await agent.ready();
  spool.put('zz-file', 'one\ntwo\n');
  await until('the file is out', () => spool.received().size === 3 || undefined);
  await until('the file is completed', () => existsSync(join(spool.path, 'zz-file.COMPLETED')) || undefined);
  assert.deepEqual([...spool.received().keys()].toSorted(), ['', 'one', 'two']);
  assert.deepEqual(spool.names(), ['aa-fifo', 'ab-dangling', 'ac-to-directory', 'ad-done.COMPLETED', 'ad-done.SETASIDE', 'ae-empty.COMPLETED', 'directory', 'zz-file.COMPLETED']);
  assert.equal(readFileSync(join(spool.path, 'ad-done.COMPLETED'), 'utf8'), 'first\n');
  for (const name of ['aa-fifo', 'ab-dangling', 'ac-to-directory', 'ad-done']) {
    assert.equal(agent.lines.filter((line) => /WARN|ERROR/.test(line) && line.includes(`/${name}`)).length, 1, name);
  }
});

test('a million names: the agent stays small, answers, and reads what it is to read', { skip: !LONG && 'MILLRACE_LONG=1' }, async (t) => {
  const spool = new Spool(t);
  for (let number = 0; number < 1_000_000; number++) writeFileSync(join(spool.path, `file-${number}${number % 100 === 0 ? '' : '.COMPLETED'}`), '');
  const agent = await spool.start(['a1.sinks.k1.type = null']);
  t.after(() => agent.stop());
  await agent.ready();
  let longestMs = 0;
  while (spool.names().some((name) => !name.endsWith('.COMPLETED'))) {
    const began = performance.now();
    await agent.metrics();
    longestMs = Math.max(longestMs, performance.now() - began);
    await sleep(500);
  }
  const peak = Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${agent.pid}/status`, 'utf8'))?.[1]) / 1024;
  t.diagnostic(`peak ${peak.toFixed(0)} MB, longest answer ${longestMs.toFixed(0)} ms`);
  assert.ok(longestMs < 1000);
});
