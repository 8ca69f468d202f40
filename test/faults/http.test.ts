/** The http source as a running agent: slow, malformed and vanishing clients (scenarios N1, N2, N9, N13). */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startAgent, until, type RunningAgent } from '../harness/agent.ts';

async function started(t: TestContext): Promise<{ agent: RunningAgent; port: number }> {
  const conf = [
    'a1.sources = r1',
    'a1.channels = c1',
    'a1.sinks = k1',
    'a1.sources.r1.type = http',
    'a1.sources.r1.bind = 127.0.0.1',
    'a1.sources.r1.port = 0',
    'a1.sources.r1.channels = c1',
    'a1.channels.c1.type = memory',
    'a1.sinks.k1.type = null',
    'a1.sinks.k1.channel = c1',
    '',
  ].join('\n');
  const agent = await startAgent({ conf });
  t.after(() => agent.stop());
  await agent.ready();
  return { agent, port: await agent.port('r1') };
}

/** One request; resolves with the status and the milliseconds it took. */
function post(port: number, body: string): Promise<{ status: number | undefined; ms: number }> {
  const began = performance.now();
  return new Promise((resolve, reject) => {
    const made = request({ host: '127.0.0.1', port, method: 'POST', headers: { 'content-type': 'application/json', connection: 'close' } }, (response) => {
      response.resume().on('end', () => resolve({ status: response.statusCode, ms: performance.now() - began }));
    });
    made.on('error', reject).end(body);
  });
}

function open(port: number, text: string): Socket {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.resume().write(text);
  return socket;
}

const rss = (agent: RunningAgent): number => Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${agent.pid}/status`, 'utf8'))?.[1]) / 1024;

test('N1 N2 a thousand clients that send their headers byte by byte, and bodies that never come, harm nobody and are closed', async (t) => {
  const { agent, port } = await started(t);
  const slow = Array.from({ length: 1000 }, () => open(port, 'POST / HTTP/1.1\r\nHost: x\r\nX-'));
  const stuck = Array.from({ length: 200 }, () => open(port, 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000\r\n\r\n['));
  const times: number[] = [];
  for (let number = 0; number < 130; number++) {
    const { status, ms } = await post(port, '[{"body":"healthy"}]');
    assert.equal(status, 200);
    times.push(ms);
    await sleep(100);
  }
  await until('the slow ones are closed', () => slow.every(({ closed }) => closed) || undefined, 15_000);
  await until('the stuck ones are closed', () => stuck.every(({ closed }) => closed) || undefined, 15_000);
  assert.ok((times.toSorted((a, b) => a - b)[125] ?? Infinity) < 1000, `${times.at(-1)} ms`);
  await agent.counter('SOURCE.r1', 'OpenConnectionCount', (count) => count === 0);
  t.diagnostic(`peak ${rss(agent).toFixed(0)} MB`);
});

test('N9 N10 N13 hostile requests are refused one by one, and memory stays small', async (t) => {
  const { agent, port } = await started(t);
  const statuses = [];
  for (const body of ['', 'null', '[1]', '['.repeat(1_000_000), `[{"x":${'['.repeat(500_000)}`, `[${'{},'.repeat(1_000_000)}{}]`, 'x'.repeat(33 * 1024 * 1024)]) {
    statuses.push(await post(port, body).then(({ status }) => status, (error: NodeJS.ErrnoException) => error.code));
  }
  assert.deepEqual(statuses.slice(0, 6), [400, 400, 400, 400, 400, 413]);
  assert.ok(statuses[6] === 413 || statuses[6] === 'ECONNRESET' || statuses[6] === 'EPIPE', String(statuses[6]));
  for (let number = 0; number < 300; number++) open(port, `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 18\r\n\r\n[{"body":"leaves"}]`.slice(0, -(number % 2))).end().destroySoon();
  assert.equal((await post(port, '[{"body":"healthy"}]')).status, 200);
  await agent.counter('SOURCE.r1', 'OpenConnectionCount', (count) => count === 0);
  t.diagnostic(`peak ${rss(agent).toFixed(0)} MB`);
  assert.ok(agent.running());
});
