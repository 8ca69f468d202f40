import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync, readdirSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../harness/agent.ts';
import { Rig, SINK_BATCH } from './durable-agent.ts';
import { gateSink, openGate } from './gate.ts';
import { CLEAN, harmOf, reportOf } from './referee/referee.ts';
import { Ballast, mountSmall } from './small-disk.ts';
import { missingForPreload, preloadEnvironment } from './system-calls/preload.ts';
import { long, watchHealth } from './watch.ts';

const MB = 1024 * 1024;
const REQUIRED = 40 * MB;
const EVER = 1_000_000_000;
const YEAR_S = 365 * 86_400;

function withoutPreload(t: TestContext): boolean {
  const reason = missingForPreload();
  if (reason !== undefined) t.skip(reason);
  return reason !== undefined;
}

/** All came through, and no event twice beyond what a fault allows. */
async function conclude(t: TestContext, { referee }: Rig, mostDuplicates: number): Promise<void> {
  const conclusion = await referee.conclude();
  t.diagnostic(reportOf(conclusion));
  assert.deepEqual(harmOf(conclusion), CLEAN);
  assert.ok(conclusion.duplicates <= mostDuplicates, `${conclusion.duplicates} duplicates`);
}

function told(rig: Rig, pattern: RegExp): string[] {
  return (rig.agent?.lines ?? []).filter((line) => pattern.test(line));
}

test('C10 another process eats the disk: puts stop while the required space is left, and go on by themselves', { timeout: 120_000 }, async (t) => {
  const rig = new Rig(t, { channel: `a1.channels.c1.minimumRequiredSpace = ${REQUIRED}\na1.channels.c1.keep-alive = 0\n`, sink: gateSink('hangs', SINK_BATCH, '@FOLDER@/out/out.txt') });
  const reason = mountSmall('ext4', 256, rig.store, rig.atEnd);
  if (reason !== undefined) return t.skip(reason);
  await rig.start();
  const [sender] = rig.send(1, 2000);
  await rig.until('events', () => rig.acknowledged > 1000);
  const other = new Ballast(rig.store, 'of-another-process');
  const { bavail, bsize } = statfsSync(rig.store);
  other.take(bavail * bsize - REQUIRED + MB);
  rig.referee.fault('another process left less than the required space');
  await rig.until('a refusal', () => (sender?.refusals.length ?? 0) > 0);
  const free = statfsSync(rig.store);
  assert.ok(free.bavail * free.bsize > REQUIRED - 20 * MB, 'the channel went on far below the limit');
  const before = rig.acknowledged;
  await rig.until('a warning', () => told(rig, /WARN/).some((line) => line.includes(rig.store) && line.includes(String(REQUIRED))));
  await sleep(1000);
  assert.equal(rig.acknowledged, before, 'events were acknowledged below the limit');
  // Sinks are not held up by it.
  await openGate({ folder: rig.folder });
  await rig.until('what is stored to come out', () => existsSync(join(rig.out, 'out.txt')));
  other.drop();
  rig.referee.fault('the space is there again');
  await rig.until('more events', () => rig.acknowledged > before + 1000);
  await conclude(t, rig, 0);
});

test('C11 the file system is read-only for a while: nothing is acknowledged meanwhile, and it goes on by itself', { timeout: 180_000 }, async (t) => {
  if (withoutPreload(t)) return;
  const rig = new Rig(t);
  const [armed, over] = [join(rig.folder, 'read-only'), join(rig.folder, 'writable')];
  await rig.start(preloadEnvironment({ under: rig.store, what: 'EROFS', at: 1, last: EVER, armed, over }));
  rig.send(4, 500);
  await rig.until('events', () => rig.acknowledged > 500);
  writeFileSync(armed, '');
  rig.referee.fault('every change of the store fails with EROFS');
  await sleep(1000);
  const before = rig.acknowledged;
  await sleep(long ? 60_000 : 2000);
  assert.equal(rig.acknowledged, before, 'events were acknowledged by a store that cannot be written');
  assert.ok(told(rig, /WARN|ERROR/).some((line) => line.includes(rig.store) && /EROFS|[Rr]ead-only/.test(line)), 'the log does not say what and where');
  assert.ok(told(rig, /EROFS|[Rr]ead-only/).length < (long ? 60 : 20), 'the log is flooded');
  writeFileSync(over, '');
  rig.referee.fault('it can be written again');
  await rig.until('more events', () => rig.acknowledged > before + 500, 60_000);
  await conclude(t, rig, SINK_BATCH);
});

test('C11 a real file system that turned read-only after an error: all is there once it is mounted again', { timeout: 120_000 }, async (t) => {
  const rig = new Rig(t);
  const reason = mountSmall('ext4', 256, rig.store, rig.atEnd);
  if (reason !== undefined) return t.skip(reason);
  await rig.start();
  rig.send(4, 500);
  await rig.until('events', () => rig.acknowledged > 500);
  const aborted = spawnSync('mount', ['-o', 'remount,abort', rig.store], { encoding: 'utf8' });
  if (aborted.status !== 0) return t.skip(`this kernel does not let a test break a file system: ${aborted.stderr}`);
  rig.referee.fault('the journal was aborted; ext4 is read-only');
  await sleep(1000);
  const before = rig.acknowledged;
  await sleep(2000);
  assert.equal(rig.acknowledged, before);
  assert.ok(rig.agent?.running(), 'the process ended');
  await rig.kill();
  // The kernel may still hold the broken one for a moment, and then mounts read-only what it is asked to mount again.
  for (let attempt = 0; attempt === 0 || (attempt < 10 && !isWritable(rig.store)); attempt++) {
    if (attempt > 0) await sleep(500);
    for (const [program, ...args] of [['umount', rig.store], ['e2fsck', '-fy', `${rig.store}.image`], ['mount', '-o', 'loop', `${rig.store}.image`, rig.store]] as const) {
      const { status, stderr, stdout } = spawnSync(program, args, { encoding: 'utf8' });
      assert.ok((status ?? 9) <= 1, `${program}: ${stdout}${stderr}`);
    }
  }
  await rig.start();
  await rig.until('more events', () => rig.acknowledged > before + 500, 60_000);
  // The account of what was delivered and not synced when the journal ended is gone, as after a power cut: that comes again.
  await conclude(t, rig, Infinity);
});

test('C13 one block of a file of events cannot be read: its events are told with their numbers, the rest is delivered', { timeout: 120_000 }, async (t) => {
  if (withoutPreload(t)) return;
  const rig = new Rig(t, { sink: gateSink('hangs', SINK_BATCH, '@FOLDER@/out/out.txt'), lengths: 'numbered-short' });
  await rig.start();
  const [sender] = rig.send(1, Infinity);
  await rig.until('10,000 events', () => rig.acknowledged > 10_000);
  await sender?.finish();
  const acknowledged = rig.acknowledged;
  await rig.kill();
  const [name = ''] = readdirSync(join(rig.store, 'data', 'millrace-records')).sort();
  const bad = { path: name, offset: 300_000, length: 4096 };
  rig.referee.fault(`bytes ${bad.offset} to ${bad.offset + bad.length - 1} of ${name} cannot be read`);
  await rig.start(preloadEnvironment({ under: rig.store, at: EVER, bad }), true);
  await openGate({ folder: rig.folder });
  const count = (): number => (existsSync(join(rig.out, 'out.txt')) ? readFileSync(join(rig.out, 'out.txt'), 'latin1').split('\n').length - 1 : 0);
  await rig.until('the loss to be told', async () => (await rig.reported()) > 0);
  const lost = await rig.reported();
  await rig.until(`all but ${lost} events`, () => count() >= acknowledged - lost);
  await sleep(300);
  assert.equal(count(), acknowledged - lost);
  const [line = ''] = told(rig, / ERROR .*stored events are damaged or missing/);
  assert.ok(line.includes(`events=${lost} `) && /which="?events \d+ to \d+/.test(line), line);
  // A sender of this rig has 1,000 events unanswered at most: that many are in a record, and a block may have parts of two.
  assert.ok(lost > 0 && lost <= 2000, `${lost} of ${acknowledged} are lost by one block`);
  t.diagnostic(`${acknowledged} acknowledged, ${lost} told as lost, ${count()} delivered`);
});

test('C19 the wall clock jumps back an hour, on a year, and back: order, time-outs and files are as ever', { timeout: 120_000 }, async (t) => {
  if (withoutPreload(t)) return;
  const rig = new Rig(t);
  const clock = join(rig.folder, 'clock');
  const set = (seconds: number): void => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(seconds));
    writeFileSync(clock, bytes, { flag: existsSync(clock) ? 'r+' : 'w' });
    rig.referee.fault(`the clock is ${seconds} s wrong`);
  };
  set(0);
  await rig.start(preloadEnvironment({ under: rig.store, at: EVER, clock }));
  rig.send(4, 1000);
  await rig.until('events', () => rig.acknowledged > 500);
  for (const seconds of [-3600, YEAR_S, 0]) {
    set(seconds);
    const before = rig.acknowledged;
    await rig.until(`events with the clock ${seconds} s wrong`, () => rig.acknowledged > before + 2000);
  }
  await rig.kill();
  rig.referee.fault('kill -9');
  set(YEAR_S);
  const agent = await rig.start(preloadEnvironment({ under: rig.store, at: EVER, clock }));
  const port = await agent.port('r1');
  const nextYear = String(new Date(Date.now() + YEAR_S * 1000).getFullYear());
  assert.ok(port > 0 && agent.lines.some((line) => line.startsWith(nextYear)), 'the agent did not notice the clock: nothing was tried');
  set(0);
  const before = rig.acknowledged;
  await rig.until('events after the restart', () => rig.acknowledged > before + 1000);
  assert.equal(told(rig, / ERROR /).length, 0, agent.lines.join('\n'));
  await conclude(t, rig, SINK_BATCH);
});

test('C30 each sync takes two seconds and 50 clients send: syncs are shared, the agent answers meanwhile, nothing comes twice', { timeout: 120_000 }, async (t) => {
  if (withoutPreload(t)) return;
  const rig = new Rig(t);
  const [log, armed, over] = [join(rig.folder, 'syncs'), join(rig.folder, 'slow'), join(rig.folder, 'fast')];
  const agent = await rig.start(preloadEnvironment({ under: rig.store, calls: 's', what: 'slow', at: 1, last: EVER, armed, over, log }), true);
  await agent.ready();
  writeFileSync(armed, '');
  rig.referee.fault('each sync takes 2 s');
  const health = watchHealth(agent);
  const senders = rig.send(50, 20);
  const began = performance.now();
  await rig.until('an answer for each client', () => senders.every(({ acknowledged }) => acknowledged > 5), 60_000);
  const seconds = (performance.now() - began) / 1000;
  const slowest = await health.stop();
  const syncs = readFileSync(log, 'utf8').trimEnd().split('\n').length;
  writeFileSync(over, '');
  t.diagnostic(`${rig.acknowledged} events of 50 clients acknowledged with ${syncs} syncs in ${seconds.toFixed(1)} s; /health p99 ${slowest.toFixed(0)} ms`);
  // One sync each would take 2 s × events; several files are synced, each by one call at a time.
  assert.ok(syncs <= (seconds / 2) * 4 + 4, `${syncs} syncs in ${seconds} s`);
  assert.ok(rig.acknowledged > 50 * 5);
  assert.ok(slowest < 1000, `/health took ${slowest} ms`);
  assert.equal(senders.reduce((sum, { refusals }) => sum + refusals.length, 0), 0);
  await conclude(t, rig, 0);
  await until('the agent to run on', () => rig.agent?.running());
});

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
