import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { positions } from '../../../../agent/commands/positions.ts';
import type { CommandIo } from '../../../../agent/command-line/types.ts';

function recordingIo(): { io: CommandIo; out: string[]; err: string[] } {
  const out: string[] = [];
  const err: string[] = [];
  return { io: { out: (text) => void out.push(text), err: (text) => void err.push(text), colour: false, env: new Map(), systemProperties: new Map() }, out, err };
}

test('positions: a position file of Flume\'s as a table and as JSON, with lag and state', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-positions-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = (name: string): string => join(folder, name);
  const entry = (name: string, pos: number, inode = statSync(path(name)).ino): string => `{"inode":${inode},"pos":${pos},"file":"${path(name)}"}`;
  for (const name of ['read', 'behind', 'emptied', 'other']) writeFileSync(path(name), '0123456789\n');
  const text = `[${[entry('read', 11), entry('behind', 4), entry('emptied', 50), entry('other', 1, 1), entry('gone', 7, 2)].join(',')}]`;
  writeFileSync(path('p.json'), text);
  const table = recordingIo();
  assert.equal(await positions({ file: path('p.json'), json: false }, table.io), 0);
  assert.match(table.out.join(''), /^POSITION {2}SIZE {2}LAG {2}STATE {7}FILE\n {6}11 {4}11 {4}0 {2}read .*\/read\n {7}4 {4}11 {4}7 {2}behind/);
  assert.match(table.out.join(''), /5 files, 7 bytes to be read\n$/);
  const json = recordingIo();
  await positions({ file: path('p.json'), json: true }, json.io);
  const rows = json.out.map((line) => JSON.parse(line) as { state: string; lag: number | null });
  assert.deepEqual(rows.map(({ state, lag }) => [state, lag]), [['read', 0], ['behind', 7], ['emptied', 0], ['other file', null], ['gone', null]]);
  const damaged = recordingIo();
  writeFileSync(path('p.json'), text.slice(0, -5));
  assert.equal(await positions({ file: path('p.json'), json: true }, damaged.io), 0);
  assert.match(damaged.err.join(''), /Warning: position file is damaged/);
  const missing = recordingIo();
  assert.equal(await positions({ file: path('nowhere.json'), json: false }, missing.io), 1);
  assert.match(missing.err.join(''), /there is no position file/);
});
