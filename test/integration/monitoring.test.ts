import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startAgent, until, type RunningAgent } from '../harness/agent.ts';
import { netcatConf } from '../harness/conf.ts';

/** Sends lines to a netcat source and reads the answers. */
async function send(agent: RunningAgent, source: string, lines: readonly string[]): Promise<string> {
  const socket = connect(await agent.port(source), '127.0.0.1');
  let answer = '';
  socket.setEncoding('utf8').on('data', (text: string) => (answer += text));
  socket.end(lines.map((line) => `${line}\n`).join(''));
  await once(socket, 'close');
  return answer;
}

test('a running agent shows what it did at /metrics, /metrics/prometheus, /health and /ready, on loopback', async (t) => {
  const agent = await startAgent({ conf: netcatConf() });
  t.after(() => agent.stop());
  await agent.ready();
  assert.equal(await send(agent, 'r1', ['one', 'two', 'three']), 'OK\nOK\nOK\n');
  await agent.counter('SINK.k1', 'EventDrainSuccessCount', (count) => count === 3);
  const { 'CHANNEL.c1': c1, 'SOURCE.r1': r1 } = await agent.metrics();
  assert.deepEqual(
    [c1?.EventPutSuccessCount, c1?.EventTakeSuccessCount, c1?.ChannelSize, c1?.ChannelCapacity, c1?.ChannelFillPercentage],
    ['3', '3', '0', '100', '0.0'],
  );
  assert.notEqual(r1?.StartTime, '0');
  assert.equal(r1?.StopTime, '0');
  const text = await (await agent.get('/metrics', { accept: 'text/plain;version=0.0.4' })).text();
  assert.match(text, /^millrace_event_drain_success_total\{agent="a1",kind="sink",component="k1",type="null"\} 3$/m);
  const { statusCode, body } = await agent.health();
  assert.deepEqual([statusCode, body.status, body.components.map(({ component }) => component)], [200, 'ok', ['a1.sources.r1', 'a1.channels.c1', 'a1.sinks.k1']]);
  assert.ok(agent.lines.some((line) => /monitoring listens.*127\.0\.0\.1:\d+/.test(line)));
  assert.equal(await agent.stop(), 0);
});

test('a component that cannot start makes /ready answer 503 with its name and reason, and /health stays 200', async (t) => {
  const first = await startAgent({ conf: netcatConf() });
  t.after(() => first.stop());
  const taken = await first.port('r1');
  const agent = await startAgent({ conf: netcatConf().replace('port = 0', `port = ${taken}`) });
  t.after(() => agent.stop());
  const body = await until('the source to have failed', async () => {
    const answer = await agent.get('/ready');
    const text = await answer.text();
    return answer.status === 503 && text.includes('EADDRINUSE') ? text : undefined;
  });
  assert.match(body, /"component":"a1\.sources\.r1"/);
  assert.equal((await agent.health()).statusCode, 200);
  await first.stop();
  await agent.ready();
});

test('a monitoring port that is taken does not keep the agent from working', async (t) => {
  const first = await startAgent({ conf: netcatConf() });
  t.after(() => first.stop());
  const properties = { 'flume.monitoring.port': String(await first.monitoringPort()) };
  const agent = await startAgent({ conf: netcatConf(), properties });
  t.after(() => agent.stop());
  assert.equal(await send(agent, 'r1', ['one']), 'OK\n');
  assert.ok(agent.lines.some((line) => /ERROR.*monitoring cannot listen/.test(line)));
});

test('X17 a secret of the configuration does not show in the reasons of /health', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-secret-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const plugin = join(folder, 'leaky.mjs');
  await writeFile(
    plugin,
    `export default ({ string }) => ({ kind: 'sink', types: ['leaky'], options: { password: string({ doc: 'x', secret: true }) },
      create: (_context, { password }) => ({ async start() { throw new Error('login as ' + password + ' failed'); }, async write() {} }) });\n`,
    { mode: 0o644 },
  );
  const conf = netcatConf().replace('a1.sinks.k1.type = null', `a1.sinks.k1.type = ${plugin}\na1.sinks.k1.password = hunter2hunter2`);
  const agent = await startAgent({ conf });
  t.after(() => agent.stop());
  const body = await until('the sink to have failed', async () => {
    const text = await (await agent.get('/ready')).text();
    return text.includes('login as') ? text : undefined;
  });
  assert.match(body, /login as \*\*\* failed/);
  assert.ok(!agent.lines.join('\n').includes('hunter2'));
});
