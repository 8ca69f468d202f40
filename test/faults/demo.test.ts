import assert from 'node:assert/strict';
import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { runKilledAgent } from '../../agent/demo/killed-agent.ts';
import { runMillrace } from '../harness/agent.ts';

async function folderOf(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-demo-test-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

test('C1 millrace demo kills an agent, finds nothing lost and leaves nothing behind', { timeout: 60_000 }, async (t) => {
  const folder = await folderOf(t);
  const { status, lines } = await runMillrace(['demo', '--kills', '3', '--json'], { env: { TMPDIR: folder } }, 50_000);
  const text = lines.join('\n');
  const account = JSON.parse(lines.find((line) => line.startsWith('{')) ?? 'null') as Record<string, number> | null;
  t.diagnostic(JSON.stringify(account));
  assert.equal(status, 0, text);
  assert.deepEqual([account?.['lost'], account?.['altered'], account?.['kills']], [0, 0, 3], text);
  assert.ok(Number(account?.['acknowledged']) > 0, text);
  assert.equal(lines.filter((line) => /^kill \d of 3/.test(line)).length, 3, text);
  assert.deepEqual(await readdir(folder), []);
});

/** Stands in for the launcher: an agent that answers OK to each line and forgets the others of each ten. */
function forgetful(): string {
  return `#!${process.execPath}
const { appendFileSync, mkdirSync } = require('node:fs');
const { dirname, join } = require('node:path');
const { createServer } = require('node:net');
const out = join(dirname(process.argv[process.argv.indexOf('--conf-file') + 1]), 'out');
const file = join(out, String(process.pid));
createServer((socket) => {
  let rest = '';
  socket.on('error', () => {});
  socket.setEncoding('latin1').on('data', (text) => {
    const lines = (rest + text).split('\\n');
    rest = lines.pop();
    appendFileSync(file, lines.filter((line) => parseInt(line, 10) % 10 !== 3).map((line) => line + '\\n').join(''));
    socket.write('OK\\n'.repeat(lines.length));
  });
}).listen(0, '127.0.0.1', function () {
  console.log(JSON.stringify({ component: 'a1.sources.r1', message: 'listens', facts: { address: '127.0.0.1:' + this.address().port } }));
});
`;
}

test('C1 an agent that acknowledges and forgets is caught', { timeout: 60_000 }, async (t) => {
  const folder = await folderOf(t);
  const command = join(folder, 'agent.cjs');
  await writeFile(command, forgetful());
  await chmod(command, 0o755);
  const account = await runKilledAgent(folder, { command, kills: 2, seed: 1, quietMs: 600, signal: AbortSignal.timeout(50_000), killed: () => undefined, draining: () => undefined });
  assert.ok(account.lost >= Math.floor(account.acknowledged / 10) - 1 && account.lost > 0, JSON.stringify(account));
  assert.equal(account.altered, 0);
});

test('a demo that is interrupted takes away what it began', { timeout: 30_000 }, async (t) => {
  const folder = await folderOf(t);
  const { status } = await runMillrace(['demo'], { env: { TMPDIR: folder }, under: ['timeout', '--foreground', '-s', 'INT', '1.5'] }, 20_000);
  assert.ok(status === 124 || status === 130, String(status));
  assert.deepEqual(await readdir(folder), []);
});

test('an agent that does not start is told of, with what it said', { timeout: 30_000 }, async (t) => {
  const folder = await folderOf(t);
  const command = join(folder, 'agent.sh');
  await writeFile(command, '#!/bin/sh\necho "no such thing" >&2\nexit 78\n');
  await chmod(command, 0o755);
  const run = runKilledAgent(folder, { command, kills: 1, seed: 3, signal: AbortSignal.timeout(20_000), killed: () => undefined, draining: () => undefined });
  await assert.rejects(run, /the agent ended[^]*no such thing/);
});
