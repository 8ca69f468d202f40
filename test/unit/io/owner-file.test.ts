import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { livingOwner, writeOwner } from '../../../io/owner-file.ts';
import { processMark, storeFiles } from '../../../io/store-files.ts';

test('C5 C17 an owner is a process that runs and has the mark; a file that was damaged names none', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-owner-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'owner');
  assert.equal(await livingOwner(storeFiles, path), undefined);
  await writeOwner(storeFiles, path);
  assert.equal(await livingOwner(storeFiles, path), undefined, 'this process itself');
  const child = spawn('sleep', ['60']);
  const pid = child.pid ?? 0;
  writeFileSync(path, JSON.stringify({ pid, mark: await processMark(pid) }));
  const text = readFileSync(path, 'utf8');
  assert.equal(await livingOwner(storeFiles, path), pid);
  writeFileSync(path, text.replace('mark', 'marc'));
  assert.equal(await livingOwner(storeFiles, path), undefined, 'no mark');
  child.kill('SIGKILL');
  await once(child, 'close');
  for (const left of [text, text.replace('mark', 'marc'), text.replace('pid', 'pit'), text.slice(0, 9), '']) {
    writeFileSync(path, left);
    assert.equal(await livingOwner(storeFiles, path), undefined, left);
  }
});
