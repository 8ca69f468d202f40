import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import type { CommandIo } from '../../../../agent/command-line/types.ts';
import { runVerb } from '../../../../agent/command-line/verbs.ts';

const START = Date.parse('2026-11-21T10:00:00Z');

function statusAt(second: number, delivered: number, state = 'running'): object {
  return {
    agent: 'web', version: '0.1.0', pid: 4711, now: START + 60_000 + second * 1000, since: START, memory: 61_000_000,
    components: [
      { kind: 'source', name: 'r1', type: 'netcat', state: 'running', counters: { EventAcceptedCount: delivered + 2500 } },
      { kind: 'channel', name: 'c1', type: 'file', state: 'running', counters: {}, channel: { size: 2500, capacity: 10_000, byteLength: 250_000 } },
      { kind: 'sink', name: 'k1', type: 'hdfs', state, counters: { EventDrainSuccessCount: delivered }, ...(state !== 'running' && { reason: 'no namenode\nat all' }) },
    ],
    recent: state === 'running' ? [] : ['10:00:01 WARN  web.sinks.k1  sink failed\u001b[2J'],
  };
}

/** Serves the answers one after the other, the last one for ever. */
async function agentThatSays(t: TestContext, ...answers: object[]): Promise<string> {
  const server = createServer((_request, response) => void response.end(JSON.stringify(answers.length > 1 ? answers.shift() : answers[0])));
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return `--port=${(server.address() as AddressInfo).port}`;
}

async function run(words: readonly string[], colour = false): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ['', ''];
  const io: CommandIo = { out: (text) => void (out += text), err: (text) => void (err += text), colour, env: new Map(), systemProperties: new Map() };
  return { code: await runVerb(['status', ...words], io), out, err };
}

test('status: state, rates between two looks, backlog; 0 where all of it runs', async (t) => {
  const port = await agentThatSays(t, statusAt(0, 1000), statusAt(2, 5000));
  const { code, out } = await run([port, '--seconds=0.01']);
  assert.equal(code, 0, out);
  assert.match(out, /^● web - Millrace 0\.1\.0\n {5}Active: running since 2026-11-21T10:00:00\.000Z; 1 min ago\n {4}Process: 4711, 61\.0 MB of memory\n/);
  assert.match(out, /Events: 2,000\/s in, 2,000\/s out, 2,500 waiting \(250 KB\)\n/);
  assert.match(out, / {2}channel {2}c1 {2}file {4}running {6}0\/s {2}2,500 of 10,000 \(25\.0 %\) waiting\n/);
  assert.match(out, /\nNo warnings and errors\.\n$/);
  assert.equal(out.includes('\u001b'), false);
});

test('status: 1 and the reason where a part does not run; nothing from outside reaches the terminal as it is', async (t) => {
  const port = await agentThatSays(t, statusAt(0, 1000, 'failed'));
  const { code, out } = await run([port, '--seconds=0'], true);
  assert.equal(code, 1);
  assert.match(out, /running without 1 of 3 components/);
  assert.match(out, /failed.*1,000 events; no namenode\n/);
  assert.match(out, /Last warnings and errors:\n {2}10:00:01 WARN {2}web\.sinks\.k1 {2}sink failed\\u001b\[2J\n$/);
  assert.ok(out.includes('\u001b[31m●'));
});

test('status: 3 where no agent answers, JSON on demand, 64 for a port that is none', async (t) => {
  const gone = await run(['--port=1']);
  assert.equal(gone.code, 3);
  assert.match(gone.err, /no agent answers at 127\.0\.0\.1:1: .*flume\.monitoring\.type=http/);
  const port = await agentThatSays(t, statusAt(0, 0), statusAt(1, 10));
  const { out } = await run([port, '--json', '--seconds=0.01']);
  assert.deepEqual((JSON.parse(out) as { rates: object }).rates, { 'source r1': 10, 'channel c1': 0, 'sink k1': 10 });
  assert.equal((await run(['--port=99999'])).code, 64);
});
