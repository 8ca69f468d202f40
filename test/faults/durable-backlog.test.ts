import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { fileChannel } from '../../channels/leveldb/index.ts';
import { Batch } from '../../core/batch.ts';
import type { Channel } from '../../core/component.ts';
import { ChannelFullError } from '../../core/errors.ts';
import { randomOf } from '../compat/random.ts';
import { batchOf, create, FakeContext, never } from '../conformance/fakes.ts';
import { runMillrace, startAgent } from '../harness/agent.ts';
import { DURABLE, netcatConf, NOWHERE } from '../harness/conf.ts';
import { churning } from './durable-small.ts';
import { lastFirst } from './last-first.ts';
import { exchange, lineOf, linesIn } from './numbered-lines.ts';
import { long, peakMb } from './watch.ts';

const worker = fileURLToPath(new URL('durable-churn.ts', import.meta.url));
const SEED = Number(process.env['MILLRACE_SEED'] ?? Math.trunc(Math.random() * 2 ** 31));
const MB = 1024 * 1024;

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-backlog-'));
  lastFirst(t, () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function drain(channel: Channel, most = Infinity): Promise<string[]> {
  const found: string[] = [];
  while (channel.status().size > 0 && found.length < most) {
    const loan = await channel.take(Math.min(1000, most - found.length), AbortSignal.timeout(20_000));
    if (!loan) throw new Error(`${channel.status().size} events are held and none is lent`);
    for (const { body } of loan.batch) found.push(body.toString('latin1').split(' ')[0] ?? '');
    await loan.commit();
  }
  return found;
}

/** Runs the worker until `afterMs` after it has noted something, and kills it. */
async function churnAndKill(t: TestContext, directory: string, from: number, capacity: number, afterMs: number): Promise<void> {
  const noted = (): number => statSync(join(directory, 'notes'), { throwIfNoEntry: false })?.size ?? 0;
  const before = noted();
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', worker, directory, String(from), String(capacity)], { stdio: ['ignore', 'inherit', 'inherit'] });
  lastFirst(t, () => child.kill('SIGKILL'));
  const ended = once(child, 'exit');
  for (let looks = 0; noted() === before && looks < 2000; looks++) await sleep(10);
  await sleep(afterMs);
  assert.equal(child.exitCode, null, 'the worker ended by itself');
  child.kill('SIGKILL');
  await ended;
}

function notesOf(directory: string): Readonly<Record<'a' | 'l' | 'c', string[]>> {
  const notes = { a: [] as string[], l: [] as string[], c: [] as string[] };
  for (const line of readFileSync(join(directory, 'notes'), 'latin1').split('\n').slice(0, -1)) notes[line[0] as 'a' | 'l' | 'c'].push(line.slice(2));
  return notes;
}

test(`C25 killed while files are begun, used up and written over all the time: nothing lost, nothing that was committed comes again (seed ${SEED})`, { timeout: 600_000 }, async (t) => {
  const directory = folderOf(t);
  const random = randomOf(SEED);
  const rounds = long ? 500 : 5;
  for (let round = 0; round < rounds; round++) await churnAndKill(t, directory, round * 10_000_000, 100_000, random.below(300));
  const { channel, context } = churning(directory, 100_000);
  await channel.start();
  const rest = await drain(channel);
  await channel.stop();
  const { a, l, c } = notesOf(directory);
  const seen = new Set([...l, ...rest]);
  const committed = new Set(c);
  assert.deepEqual(a.filter((number) => !seen.has(number)), [], 'lost');
  assert.equal(context.counted('EventLostCount'), 0);
  assert.equal(c.length, committed.size, 'committed twice');
  assert.deepEqual(rest.filter((number) => committed.has(number)), [], 'revived');
  const twice = l.length + rest.length - seen.size;
  assert.ok(twice <= rounds * 2 * 50, `${twice} duplicates`);
  t.diagnostic(`${rounds} kills, ${a.length} acknowledged, ${c.length} committed, ${rest.length} left at the end, ${twice} lent twice; ${readdirSync(join(directory, 'data', 'millrace-records')).length} files of 64 KB`);
});

test(`C29 killed while nearly full: the level after the start is what is there, and all of the room can be used again (seed ${SEED})`, { timeout: 600_000 }, async (t) => {
  const directory = folderOf(t);
  const random = randomOf(SEED);
  const capacity = 1000;
  const rounds = long ? 200 : 4;
  for (let round = 0; round < rounds; round++) {
    await churnAndKill(t, directory, round * 10_000_000, capacity, random.below(200));
    const { channel } = churning(directory, capacity);
    await channel.start();
    const { size } = channel.status();
    assert.ok(size <= capacity, `${size} events in a channel of ${capacity}`);
    assert.equal((await drain(channel)).length, size);
    assert.equal(channel.status().byteLength, 0);
    for (let first = 0; first < capacity; first += 100) await channel.put(batchOf(...Array.from({ length: 100 }, (_, index) => `${first + index}`)), never);
    await assert.rejects(channel.put(batchOf('one more'), never), ChannelFullError);
    assert.equal((await drain(channel)).length, capacity);
    await channel.stop();
  }
});

test('C16 left-over files with names that are used next: no stall, and what is in them does not come again', { timeout: 60_000 }, async (t) => {
  const directory = folderOf(t);
  const records = join(directory, 'data', 'millrace-records');
  const first = churning(directory, 100_000);
  await first.channel.start();
  const put = async (channel: Channel, from: number, to: number): Promise<void> => {
    for (let number = from; number < to; number += 100) await channel.put(batchOf(...Array.from({ length: 100 }, (_, index) => `${number + index} ${'y'.repeat(200)}`)), never);
  };
  await put(first.channel, 0, 2000);
  const old = readdirSync(records).sort();
  const kept = folderOf(t);
  for (const name of old) copyFileSync(join(records, name), join(kept, name));
  assert.equal((await drain(first.channel)).length, 2000);
  await first.channel.stop();
  // As a crash, or somebody's backup, may leave them: used-up files, whole and cut, under the numbers that come next.
  const highest = Math.max(...readdirSync(records).map((name) => Number.parseInt(name, 10)));
  for (const [index, name] of old.slice(0, 3).entries()) copyFileSync(join(kept, name), join(records, `${String(highest + 1 + index).padStart(6, '0')}.records`));
  await writeFile(join(records, `${String(highest + 5).padStart(6, '0')}.records`), readFileSync(join(kept, old[0] as string)).subarray(0, 10_000));
  const second = churning(directory, 100_000);
  await second.channel.start();
  assert.equal(second.channel.status().size, 0);
  await put(second.channel, 10_000, 14_000);
  assert.deepEqual(await drain(second.channel), Array.from({ length: 4000 }, (_, index) => String(10_000 + index)));
  assert.equal(second.context.counted('EventLostCount'), 0);
  await second.channel.stop();
});

function conf(more: Readonly<Record<string, string>>, sink = 'type = file_roll\nsink.directory = @FOLDER@/out'): string {
  const settings = Object.entries(more).map(([name, value]) => `\n${name} = ${value}`);
  return netcatConf({ channel: `${DURABLE}${settings.join('')}`, sink });
}

test('C27 C22 settings changed over a store that holds events: they are delivered, or the start is refused and nothing is touched', { timeout: 120_000 }, async (t) => {
  const folder = folderOf(t);
  await mkdir(join(folder, 'out'));
  const lines = Array.from({ length: 2000 }, (_, number) => lineOf(number));
  const first = await startAgent({ conf: conf({}, NOWHERE), folder });
  lastFirst(t, () => first.kill());
  assert.equal(await exchange(await first.port('r1'), `${lines.join('\n')}\n`), 'OK\n'.repeat(2000));
  await first.stop();
  // Not possible: said before anything is opened, whichever way round.
  const path = join(folder, 'refused.conf');
  for (const [settings, sentence] of [
    [{ capacity: '100', transactionCapacity: '101' }, /transactionCapacity.*101 is above the capacity of 100/],
    [{ 'encryption.keyProvider': 'JCEKSFILE', 'encryption.activeKey': 'k', 'encryption.cipherProvider': 'AESCTRNOPADDING', 'encryption.keyProvider.keyStoreFile': '/nonexistent', 'encryption.keyProvider.keyStorePasswordFile': '/nonexistent', 'encryption.keyProvider.keys': 'k' }, /M\d+/],
  ] as const) {
    await writeFile(path, conf(settings, NOWHERE).replaceAll('@FOLDER@', folder));
    const { status, lines: said } = await runMillrace(['agent', '-n', 'a1', '-f', path]);
    assert.equal(status, 78);
    assert.match(said.join('\n'), sentence);
  }
  // Smaller than what it holds: no room for more, and what is there drains.
  const small = await startAgent({ conf: conf({ capacity: '500', transactionCapacity: '10', 'keep-alive': '0', fsyncPerTransaction: 'false', fsyncInterval: '1' }, `${NOWHERE}\nsink.batchSize = 10`), folder });
  lastFirst(t, () => small.kill());
  assert.notEqual(await exchange(await small.port('r1'), 'one more\n'), 'OK\n');
  assert.equal(await small.counter('CHANNEL.c1', 'ChannelSize'), 2000);
  await small.stop();
  const last = await startAgent({ conf: conf({ capacity: '400', transactionCapacity: '10', maxFileSize: '1000000', checkpointInterval: '1000' }, 'type = file_roll\nsink.directory = @FOLDER@/out\nsink.batchSize = 10'), folder });
  lastFirst(t, () => last.stop());
  await last.counter('SINK.k1', 'EventDrainSuccessCount', (count) => count === 2000);
  assert.deepEqual(await linesIn(join(folder, 'out')), lines);
  assert.equal(await exchange(await last.port('r1'), 'one more\n'), 'OK\n');
});

test(`C26 ${long ? '2 GB' : '64 MB'} of backlog, killed and started again: the first event comes soon, memory stays small, all of it comes in order`, { timeout: 600_000 }, async (t) => {
  const folder = folderOf(t);
  mkdirSync(join(folder, 'out'));
  const megabytes = long ? 2048 : 64;
  const properties = { checkpointDir: join(folder, 'checkpoint'), dataDirs: join(folder, 'data'), minimumRequiredSpace: '0', capacity: '100000000' };
  const channel = await create(fileChannel, properties, new FakeContext());
  await channel.start();
  let events = 0;
  for (let bytes = 0; bytes < megabytes * MB; bytes += MB) {
    await channel.put(Batch.of(Array.from({ length: 4096 }, () => ({ body: Buffer.from(String(events++).padEnd(256, '.')), headers: new Map() }))), never);
  }
  await channel.stop();
  const waiting = await startAgent({ conf: conf({ capacity: '100000000' }, NOWHERE), folder });
  lastFirst(t, () => waiting.kill());
  await waiting.counter('CHANNEL.c1', 'ChannelSize', (count) => count === events);
  await waiting.kill();
  const began = performance.now();
  const agent = await startAgent({ conf: conf({ capacity: '100000000' }, 'type = null\nbatchSize = 10000'), folder });
  lastFirst(t, () => agent.stop());
  await agent.counter('SINK.k1', 'EventDrainSuccessCount', (count) => count > 0, 60_000);
  const firstMs = performance.now() - began;
  await agent.counter('SINK.k1', 'EventDrainSuccessCount', (count) => count >= events, 500_000);
  const seconds = (performance.now() - began) / 1000;
  t.diagnostic(`${events} events, ${megabytes} MB: first delivery seen ${Math.round(firstMs)} ms after the start of the process, all after ${seconds.toFixed(1)} s, ${Math.round(peakMb(agent.pid))} MB at the peak`);
  assert.ok(firstMs < 30_000);
  assert.ok(peakMb(agent.pid) < 256, `${peakMb(agent.pid)} MB`);
  assert.equal(await agent.counter('CHANNEL.c1', 'ChannelSize'), 0);
});
