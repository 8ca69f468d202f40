import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Letter } from '../../../../agent/dead-letters/letter.ts';
import { noteTimes, readSegments } from '../../../../agent/dead-letters/segments.ts';
import { DeadLetters, type LossReason } from '../../../../agent/dead-letters/store.ts';
import { Batch } from '../../../../core/batch.ts';
import { batchOf } from '../fakes.ts';

async function folderOf(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'millrace-dead-letters-'));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

function storeIn(t: TestContext, folder: string | undefined, limits: { mostBytes?: number; mostAgeMs?: number } = {}) {
  const lost: [string, number, LossReason][] = [];
  const store = new DeadLetters({
    ...(folder !== undefined && { folder }),
    mostBytes: limits.mostBytes ?? 1 << 20,
    mostAgeMs: limits.mostAgeMs ?? 86_400_000,
    lost: (component, events, why) => void lost.push([component, events, why]),
    mask: (text) => text.replaceAll('hunter22', '***'),
  });
  t.after(() => store.close());
  return { store, lost };
}

async function lettersIn(folder: string): Promise<Letter[]> {
  const all: Letter[] = [];
  for await (const { letters } of readSegments(folder)) all.push(...letters);
  return all;
}

test('S26 an event set aside is there with headers, body, reason, reply, time and count', async (t) => {
  const folder = join(await folderOf(t), 'new', 'dead');
  const { store } = storeIn(t, folder);
  const binary = Buffer.from([0xff, 0x00, 0x0a]);
  const text = { body: Buffer.from('té\nxt'), headers: new Map([['__proto__', 'x'], ['a', '\u2028']]) };
  await store.write('a1.sinks.k1', Batch.of([text, { body: binary, headers: new Map() }]), 'all', [{ reason: 'no schema', reply: '{"status":400}' }]);
  const [first, second, ...more] = await lettersIn(folder);
  assert.equal(more.length, 0);
  assert.deepEqual([first?.event.body.toString(), [...(first?.event.headers ?? [])], first?.reason, first?.reply, first?.times], [
    'té\nxt',
    [...text.headers],
    'no schema',
    '{"status":400}',
    1,
  ]);
  assert.deepEqual([second?.event.body, second?.reason, second?.reply], [binary, 'all', undefined]);
  assert.ok(Math.abs(Date.parse(first?.time ?? '') - Date.now()) < 60_000);
  assert.notEqual(first?.id, second?.id);
});

test('X16 folder and files are for their owner only, and names never leave the folder', async (t) => {
  const folder = join(await folderOf(t), 'dead');
  const { store } = storeIn(t, folder);
  await store.write('a1.sinks.../../x', batchOf('x'), 'reason');
  const [name = ''] = await readdir(folder);
  assert.equal((await stat(join(folder, name))).mode & 0o777, 0o600);
  assert.equal((await stat(folder)).mode & 0o777, 0o700);
});

test('a folder that cannot be written: the events are refused, with the folder and the reason', async (t) => {
  const folder = join(await folderOf(t), 'file');
  await writeFile(folder, 'no folder');
  const { store } = storeIn(t, folder);
  await assert.rejects(store.write('a1.sinks.k1', batchOf('x', 'y'), 'reason'), /cannot set 2 events aside in .*file: .*(EEXIST|ENOTDIR)/);
});

test('X15 secrets are taken out of reasons and replies, and nothing out of the event', async (t) => {
  const folder = await folderOf(t);
  const { store } = storeIn(t, folder);
  await store.write('a1.sinks.k1', batchOf('body hunter22'), 'x', [{ reason: 'login hunter22', reply: 'you are hunter22' }]);
  const [letter] = await lettersIn(folder);
  assert.deepEqual([letter?.reason, letter?.reply, letter?.event.body.toString()], ['login ***', 'you are ***', 'body hunter22']);
});

test('what exceeds the bytes goes, the oldest first, and is counted for the component it came from', async (t) => {
  const folder = await folderOf(t);
  const { store, lost } = storeIn(t, folder, { mostBytes: 16_000 });
  for (let round = 0; round < 40; round++) await store.write(`a1.sinks.k${round % 2}`, batchOf(`${round} ${'x'.repeat(800)}`), 'reason');
  const left = await lettersIn(folder);
  const sum = lost.reduce((total, [, events]) => total + events, 0);
  assert.equal(left.length + sum, 40);
  const bytes = (await Promise.all((await readdir(folder)).map((name) => stat(join(folder, name))))).reduce((total, { size }) => total + size, 0);
  assert.ok(left.length >= 10 && bytes <= 16_000, `${left.length} letters of ${bytes} bytes are left`);
  assert.deepEqual(left.map(({ event }) => Number(event.body.toString().split(' ')[0])), Array.from({ length: left.length }, (_, index) => 40 - left.length + index));
  assert.deepEqual(new Set(lost.map(([component, , why]) => `${component} ${why}`)), new Set(['a1.sinks.k0 Capacity', 'a1.sinks.k1 Capacity']));
});

test('an event larger than everything is counted, and its neighbours are kept', async (t) => {
  const folder = await folderOf(t);
  const { store, lost } = storeIn(t, folder, { mostBytes: 2000 });
  await store.write('a1.sinks.k1', batchOf('a', 'x'.repeat(3000), 'b'), 'reason');
  assert.deepEqual((await lettersIn(folder)).map(({ event }) => event.body.toString()), ['a', 'b']);
  assert.deepEqual(lost, [['a1.sinks.k1', 1, 'Size']]);
});

test('what is too old goes at a sweep, those of other files stay', async (t) => {
  const folder = await folderOf(t);
  const { store, lost } = storeIn(t, folder);
  await store.write('a1.sinks.k1', batchOf('a', 'b'), 'reason');
  await store.close();
  const [name = ''] = await readdir(folder);
  await rename(join(folder, name), join(folder, name.replace(/-[0-9]{13}-/, `-${Date.now() - 100_000_000}-`)));
  await store.write('a1.sinks.k1', batchOf('c'), 'reason');
  await store.sweep();
  assert.deepEqual((await lettersIn(folder)).map(({ event }) => event.body.toString()), ['c']);
  assert.deepEqual(lost, [['a1.sinks.k1', 2, 'Age']]);
});

test('without a folder every event is counted as lost', async (t) => {
  const { store, lost } = storeIn(t, undefined);
  await store.write('a1.sinks.k1', batchOf('a', 'b'), 'reason');
  assert.deepEqual(lost, [['a1.sinks.k1', 2, 'Disabled']]);
});

test('a file taken away while it is open is not written to any more', async (t) => {
  const folder = await folderOf(t);
  const { store } = storeIn(t, folder);
  await store.write('a1.sinks.k1', batchOf('a'), 'reason');
  const [name = ''] = await readdir(folder);
  await rm(join(folder, name));
  await store.write('a1.sinks.k1', batchOf('b'), 'reason');
  assert.deepEqual((await lettersIn(folder)).map(({ event }) => event.body.toString()), ['b']);
});

test('an event that comes back after a replay is counted on', async (t) => {
  const folder = await folderOf(t);
  const { store } = storeIn(t, folder);
  await store.write('a1.sinks.k1', batchOf('a'), 'reason');
  await noteTimes(folder, await lettersIn(folder));
  await store.write('a1.sinks.k1', batchOf('a', 'b'), 'reason');
  assert.deepEqual((await lettersIn(folder)).map(({ times }) => times), [1, 2, 1]);
});

test('half a line at the end of a file is no letter; links are not followed', async (t) => {
  const folder = await folderOf(t);
  const { store } = storeIn(t, folder);
  await store.write('a1.sinks.k1', batchOf('a', 'b'), 'reason');
  const [name = ''] = await readdir(folder);
  const whole = await readFile(join(folder, name));
  await writeFile(join(folder, name), whole.subarray(0, whole.length - 9));
  await symlink(join(folder, name), join(folder, 'link.jsonl'));
  assert.deepEqual((await lettersIn(folder)).map(({ event }) => event.body.toString()), ['a']);
});
