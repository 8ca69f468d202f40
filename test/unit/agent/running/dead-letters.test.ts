import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { DeadLetters } from '../../../../agent/running/dead-letters.ts';
import { Batch } from '../../../../core/batch.ts';
import { batchOf } from '../fakes.ts';

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'millrace-dead-letters-'));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

test('S26 an event set aside stands in the file of its component with headers, body and reason', async (t) => {
  const directory = join(await folder(t), 'new', 'dead');
  const letters = new DeadLetters(directory);
  const binary = Buffer.from([0xff, 0x00, 0x0a]);
  await letters.write('a1.sinks.k1', Batch.of([{ body: Buffer.from('té\nxt'), headers: new Map([['__proto__', 'x']]) }]), 'no schema');
  await letters.write('a1.sinks.k1', Batch.of([{ body: binary, headers: new Map() }]), 'too large');
  await letters.close();
  const lines = (await readFile(join(directory, 'a1.sinks.k1.jsonl'), 'utf8')).trimEnd().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.equal(lines.length, 2);
  assert.deepEqual([lines[0]?.['body'], lines[0]?.['headers'], lines[0]?.['reason']], ['té\nxt', [['__proto__', 'x']], 'no schema']);
  assert.deepEqual(Buffer.from(String(lines[1]?.['bodyBase64']), 'base64'), binary);
});

test('X16 the file is for its owner only, and a link in its place is refused', async (t) => {
  const directory = await folder(t);
  const letters = new DeadLetters(join(directory, 'dead'));
  await letters.write('a1.sinks.k1', batchOf('x'), 'reason');
  assert.equal((await stat(join(directory, 'dead', 'a1.sinks.k1.jsonl'))).mode & 0o777, 0o600);
  assert.equal((await stat(join(directory, 'dead'))).mode & 0o777, 0o700);
  const target = join(directory, 'victim');
  await writeFile(target, 'keep');
  await symlink(target, join(directory, 'dead', 'a1.sinks.k2.jsonl'));
  await assert.rejects(letters.write('a1.sinks.k2', batchOf('x'), 'reason'), /cannot set 1 events aside/);
  assert.equal(await readFile(target, 'utf8'), 'keep');
  await letters.close();
});

test('a component name never leaves the directory', async (t) => {
  const directory = await folder(t);
  const letters = new DeadLetters(directory);
  await letters.write('a1.sinks.../../x', batchOf('x'), 'reason');
  await letters.close();
  assert.ok((await stat(join(directory, 'a1.sinks..._.._x.jsonl'))).isFile());
});
