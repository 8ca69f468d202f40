import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { openRollingFile } from '../../../io/rolling-file.ts';

const LIMITS = { mostBytes: 100, mostArchiveBytes: 250 };

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-roll-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

test('the file is rolled away before it grows beyond its limit, and only so much is kept', async (t) => {
  const folder = folderFor(t);
  const path = join(folder, 'logs', 'flume.log');
  const file = openRollingFile(path, LIMITS);
  for (let i = 0; i < 10; i++) await file.write(Buffer.from(`${String(i).repeat(59)}\n`));
  file.close();
  assert.equal(readFileSync(path, 'utf8'), `${'9'.repeat(59)}\n`);
  const archive = join(folder, 'logs', 'archive');
  const kept = readdirSync(archive);
  assert.ok(kept.every((name) => /^flume\.log\.\d{8}-\d+$/.test(name)), kept.join());
  assert.ok(kept.length >= 3 && kept.length <= 5, `${kept.length} kept`);
  const contents = kept.map((name) => readFileSync(join(archive, name), 'utf8')[0]);
  assert.ok(contents.includes('8') && !contents.includes('0'), contents.join());
});

test('the file of yesterday is rolled away under its own day', async (t) => {
  const folder = folderFor(t);
  const path = join(folder, 'flume.log');
  writeFileSync(path, 'old\n');
  const yesterday = new Date(2026, 0, 2, 12);
  utimesSync(path, yesterday, yesterday);
  const file = openRollingFile(path, LIMITS);
  await file.write(Buffer.from('new\n'));
  file.close();
  assert.equal(readFileSync(path, 'utf8'), 'new\n');
  assert.deepEqual(readdirSync(join(folder, 'archive')), ['flume.log.20260102-1']);
});

test('a file that is there is continued, and not readable for all when made', async (t) => {
  const folder = folderFor(t);
  const path = join(folder, 'flume.log');
  for (const line of ['one\n', 'two\n']) {
    const file = openRollingFile(path, LIMITS);
    await file.write(Buffer.from(line));
    file.close();
  }
  assert.equal(readFileSync(path, 'utf8'), 'one\ntwo\n');
  assert.equal(statSync(path).mode & 0o007, 0);
});

test('where nothing can be rolled away the file grows on', async (t) => {
  const folder = folderFor(t);
  const path = join(folder, 'flume.log');
  writeFileSync(join(folder, 'archive'), 'in the way');
  const file = openRollingFile(path, LIMITS);
  for (let i = 0; i < 3; i++) await file.write(Buffer.alloc(60, 'x'));
  file.close();
  assert.equal(statSync(path).size, 180);
});

test('a directory in the place of the file is an error', (t) => {
  const folder = folderFor(t);
  mkdirSync(join(folder, 'flume.log'));
  assert.throws(() => openRollingFile(join(folder, 'flume.log'), LIMITS), { code: 'EISDIR' });
});
