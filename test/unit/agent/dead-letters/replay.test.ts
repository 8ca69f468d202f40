import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { answerReplay, replay, requestPath } from '../../../../agent/dead-letters/replay.ts';
import { readSegments, takeLetters } from '../../../../agent/dead-letters/segments.ts';
import { readDeadLetterSettings } from '../../../../agent/dead-letters/settings.ts';
import { DeadLetters } from '../../../../agent/dead-letters/store.ts';
import { MemoryChannel } from '../../../../channels/memory.ts';
import { Batch } from '../../../../core/batch.ts';
import { batchOf, drain } from '../fakes.ts';

const REQUEST = 'a'.repeat(32);

async function folderWith(t: TestContext, letters: Readonly<Record<string, readonly string[]>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-replay-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const store = new DeadLetters({ folder, mostBytes: 1 << 24, mostAgeMs: 1e9, lost: () => assert.fail('lost'), mask: (text) => text });
  for (const [component, bodies] of Object.entries(letters)) await store.write(component, batchOf(...bodies), `${component} said no`);
  await store.close();
  return folder;
}

async function bodiesIn(folder: string): Promise<string[]> {
  const all: string[] = [];
  for await (const { letters } of readSegments(folder)) all.push(...letters.map(({ event }) => event.body.toString()));
  return all;
}

function memory(capacity: number): MemoryChannel {
  return new MemoryChannel({ capacity, transactionCapacity: Math.min(capacity, 2), keepAliveMs: 5, slots: 1000 });
}

test('the letters selected go into the channel in order, and only they leave the folder', async (t) => {
  const folder = await folderWith(t, { 'a1.sinks.k1': ['1', '2', '3', '4', '5'], 'a1.sinks.k2': ['other'] });
  const channel = memory(100);
  assert.deepEqual(await replay(folder, { component: 'k1' }, channel), { taken: 5, left: 0 });
  assert.deepEqual(await drain(channel), ['1', '2', '3', '4', '5']);
  assert.deepEqual(await bodiesIn(folder), ['other']);
});

test('single letters and whole writes are named by id; agent, reason and time choose as well', async (t) => {
  const folder = await folderWith(t, { 'a1.sinks.k1': ['1', '2', '3'], 'b.sinks.k1': ['4'] });
  const ids: string[] = [];
  for await (const { letters } of readSegments(folder)) ids.push(...letters.map(({ id }) => id));
  const chosen = async (selection: object): Promise<string[]> => {
    const found: string[] = [];
    await takeLetters(folder, selection, async (letters) => {
      found.push(...letters.map(({ event }) => event.body.toString()));
      return 0;
    });
    return found;
  };
  assert.deepEqual(await chosen({ ids: [ids[1]] }), ['2']);
  assert.deepEqual(await chosen({ ids: [ids[0]?.split('-')[0]] }), ['1', '2', '3']);
  assert.deepEqual(await chosen({ agent: 'b' }), ['4']);
  assert.deepEqual(await chosen({ reason: 'b.sinks.k1 said' }), ['4']);
  assert.deepEqual(await chosen({ until: Date.now() - 60_000 }), []);
  assert.equal((await bodiesIn(folder)).length, 4);
});

test('what the channel has no room for stays, in order, and goes with the next replay', async (t) => {
  const folder = await folderWith(t, { 'a1.sinks.k1': ['1', '2', '3', '4', '5'] });
  const channel = memory(4);
  assert.deepEqual(await replay(folder, {}, channel), { taken: 4, left: 1 });
  assert.deepEqual(await bodiesIn(folder), ['5']);
  assert.deepEqual(await drain(channel), ['1', '2', '3', '4']);
  assert.deepEqual(await replay(folder, {}, channel), { taken: 1, left: 0 });
  assert.deepEqual(await bodiesIn(folder), []);
});

test('a channel that fails keeps the letters where they were', async (t) => {
  const folder = await folderWith(t, { 'a1.sinks.k1': ['1', '2'] });
  const channel = { transactionCapacity: 10, put: () => Promise.reject(new Error('disk gone')) };
  await assert.rejects(replay(folder, {}, channel), /disk gone/);
  assert.deepEqual(await bodiesIn(folder), ['1', '2']);
});

test('a crash in the middle of taking letters loses none: the file that was taken away is read again', async (t) => {
  const folder = await folderWith(t, { 'a1.sinks.k1': ['1', '2'] });
  const [name = ''] = await readdir(folder);
  // No process has the number that a 32-bit system could not give.
  await rename(join(folder, name), join(folder, `${name}.4194305.taken`));
  assert.deepEqual(await bodiesIn(folder), ['1', '2']);
  const channel = memory(10);
  await replay(folder, {}, channel);
  assert.deepEqual(await drain(channel), ['1', '2']);
  assert.deepEqual(await bodiesIn(folder), []);
});

test('lines that are no letters stay where they are', async (t) => {
  const folder = await folderWith(t, { 'a1.sinks.k1': ['1', '2'] });
  const [name = ''] = await readdir(folder);
  await writeFile(join(folder, name), `${await readFile(join(folder, name), 'utf8')}{"half`);
  await takeLetters(folder, {}, async () => 1);
  assert.match(await readFile(join(folder, name), 'utf8'), /^\{"id".*"body":"2"\}\n\{"half\n$/s);
  assert.equal((await stat(join(folder, name))).mode & 0o777, 0o600);
});

test('X14 a request is answered only where its file lies in the folder, and for a channel that there is', async (t) => {
  const folder = await folderWith(t, { 'a1.sinks.k1': ['1'] });
  const channel = memory(10);
  const channels = (name: string) => (name === 'c1' ? channel : undefined);
  assert.equal((await answerReplay(folder, REQUEST, channels)).status, 404);
  assert.equal((await answerReplay(folder, '../../etc/passwd', channels)).status, 404);
  assert.equal((await answerReplay(undefined, REQUEST, channels)).status, 404);
  await writeFile(requestPath(folder, REQUEST), JSON.stringify({ channel: 'c2', selection: {} }));
  assert.match((await answerReplay(folder, REQUEST, channels)).error ?? '', /no channel "c2"/);
  await writeFile(requestPath(folder, REQUEST), JSON.stringify({ channel: 'c1', selection: {} }));
  assert.deepEqual(await answerReplay(folder, REQUEST, channels), { status: 200, taken: 1, left: 0 });
  assert.deepEqual(await drain(channel), ['1']);
});

test('headers come back as they were', async (t) => {
  const folder = await folderWith(t, {});
  const store = new DeadLetters({ folder, mostBytes: 1 << 24, mostAgeMs: 1e9, lost: () => undefined, mask: (text) => text });
  const body = Buffer.from([0, 255, 10, 13]);
  await store.write('a1.sinks.k1', Batch.of([{ body, headers: new Map([['b', '1'], ['a', 'ü']]) }]), 'x');
  await store.close();
  const channel = memory(10);
  await replay(folder, {}, channel);
  const loan = await channel.take(10, new AbortController().signal);
  assert.deepEqual([loan?.batch.body(0), [...(loan?.batch.headers(0) ?? [])]], [body, [['b', '1'], ['a', 'ü']]]);
});

test('the folder, or none, and the limits are set by system properties; what cannot be read is said', () => {
  const read = (properties: Record<string, string>) => readDeadLetterSettings('a1', new Map(Object.entries(properties)));
  assert.match(read({}).settings.folder ?? '', /\.millrace\/dead-letters\/a1$/);
  assert.deepEqual(read({ 'millrace.dead.letters': '/x', 'millrace.dead.letters.maxBytes': '2k', 'millrace.dead.letters.maxDays': '0.5' }), {
    settings: { folder: '/x', mostBytes: 2048, mostAgeMs: 43_200_000 },
    problems: [],
  });
  assert.equal(read({ 'millrace.dead.letters': 'off' }).settings.folder, undefined);
  assert.deepEqual(read({ 'millrace.dead.letters.maxBytes': '0', 'millrace.dead.letters.maxDays': 'x' }).problems.length, 2);
});
