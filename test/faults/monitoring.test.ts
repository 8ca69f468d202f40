import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startAgent, until } from '../harness/agent.ts';
import { netcatConf } from '../harness/conf.ts';
import { exchange } from './numbered-lines.ts';
import { TcpClient } from './tcp-client.ts';
import { descriptorsOf, long, peakMb, residentMb, watchHealth } from './watch.ts';

// The HTTP listener that there is. The same holds for the http source once it exists.
for (const [name, opening, step] of [
  ['N1 connections that send one byte of a header at a time', 'GET /health HTTP/1.1\r\nhost: x\r\nx-slow: ', 'a'],
  ['N2 connections that send one byte of a body at a time', 'POST /health HTTP/1.1\r\nhost: x\r\ncontent-length: 10000000\r\n\r\n', 'b'],
] as const) {
  test(`${name} are closed by a deadline, and keep no healthy client from its answers`, { timeout: 90_000 }, async (t) => {
    // Scaled: 300 connections, a byte each second; 1,000 with MILLRACE_LONG=1.
    const agent = await startAgent({ conf: netcatConf() });
    t.after(() => agent.stop());
    await agent.ready();
    const before = { descriptors: descriptorsOf(agent.pid), mb: residentMb(agent.pid) };
    const port = await agent.monitoringPort();
    const health = watchHealth(agent, 20);
    const slow: TcpClient[] = [];
    while (slow.length < (long ? 1000 : 300)) slow.push(...(await Promise.all(Array.from({ length: 50 }, () => TcpClient.to(port)))));
    const began = performance.now();
    for (const { socket } of slow) socket.write(opening);
    await until('the slow connections to be closed', async () => {
      const open = slow.filter(({ isClosed }) => !isClosed);
      for (const { socket } of open) socket.write(step);
      if (open.length > 0) await sleep(1000);
      return open.length === 0 || undefined;
    }, 30_000);
    const seconds = (performance.now() - began) / 1000;
    const longest = await health.stop();
    t.diagnostic(`closed after ${seconds.toFixed(1)} s; ${health.answers} healthy answers, p99 ${longest.toFixed(0)} ms; memory grew by ${(peakMb(agent.pid) - before.mb).toFixed(0)} MB`);
    assert.ok(seconds < 20);
    assert.ok(longest < 1000, `/health took ${longest} ms`);
    assert.ok(health.answers > 5);
    await until('the descriptors to be free', () => descriptorsOf(agent.pid) <= before.descriptors + 4 || undefined);
    assert.equal(await exchange(await agent.port('r1'), 'after\n'), 'OK\n');
  });
}
