import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { test, type TestContext } from 'node:test';
import { pathLineage } from '../../../io/path-lineage.ts';

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'lineage-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const same = (a: string, b: string): boolean => pathLineage(a)[0] === pathLineage(b)[0];

test('one directory has one identity, however it is spelled', (t) => {
  const folder = folderOf(t);
  mkdirSync(join(folder, 'real', 'sub'), { recursive: true });
  symlinkSync('real', join(folder, 'link'));
  symlinkSync(join(folder, 'link'), join(folder, 'second'));
  const paths = ['real/sub', 'real//sub/', 'real/./sub', 'real/sub/../sub', 'link/sub', 'second/sub'].map((path) => `${folder}/${path}`);
  for (const path of [...paths, relative(process.cwd(), join(folder, 'real/sub'))]) assert.ok(same(path, join(folder, 'real', 'sub')), path);
  assert.ok(!same(join(folder, 'real'), join(folder, 'real', 'sub')));
});

test('what is not there yet is told by where it would be', (t) => {
  const folder = folderOf(t);
  mkdirSync(join(folder, 'real'));
  symlinkSync('real', join(folder, 'link'));
  symlinkSync('real/later', join(folder, 'dangling'));
  assert.ok(same(join(folder, 'link', 'a', 'b'), join(folder, 'real', 'a', 'b')));
  assert.ok(same(join(folder, 'dangling', 'b'), join(folder, 'real', 'later', 'b')));
  assert.ok(!same(join(folder, 'real', 'a'), join(folder, 'real', 'b')));
  assert.ok(pathLineage(join(folder, 'link', 'a', 'b')).includes(pathLineage(join(folder, 'real'))[0] ?? 'none'));
  assert.ok(pathLineage(join(folder, 'link', 'a', 'b')).includes(pathLineage(join(folder, 'real', 'a'))[0] ?? 'none'));
});

test('links in a ring end', (t) => {
  const folder = folderOf(t);
  symlinkSync('b', join(folder, 'a'));
  symlinkSync('a', join(folder, 'b'));
  assert.ok(pathLineage(join(folder, 'a', 'c')).length > 1);
});
