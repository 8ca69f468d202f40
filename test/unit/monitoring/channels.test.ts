import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Batch } from '../../../core/batch.ts';
import type { AgentMetrics, ComponentMetrics } from '../../../core/metrics.ts';
import { ChannelAnswers, isAboutChannels, type Asker } from '../../../monitoring/channels.ts';
import { batchOf } from '../../conformance/fakes.ts';

const here: Asker = { peer: '127.0.0.1', headers: { host: '127.0.0.1:34545' } };

function agent(batch: Batch = batchOf('one', 'two', 'three'), more: Partial<AgentMetrics> = {}): AgentMetrics {
  const channel: ComponentMetrics = {
    kind: 'channel', name: 'c/1', type: 'file', state: 'running', startTime: 1, stopTime: 0,
    counters: new Map([['EventPutSuccessCount', 3]]), channel: { size: 3, capacity: 100, byteLength: 11 },
  };
  return {
    agent: 'a1',
    components: () => [{ ...channel, kind: 'source', name: 'r1' }, channel],
    lookInto: (name) => (name === 'c/1' ? { peek: async (max) => batch.slice(0, Math.min(max, batch.size)), stat: async () => ({ segments: 2 }) } : undefined),
    ...more,
  };
}

async function ask(target: string, asker = here, metrics = agent()): Promise<{ status: number; value: Record<string, unknown> | undefined }> {
  const { status, body } = await new ChannelAnswers(metrics).answer(target, asker);
  return { status, value: body.startsWith('{') ? (JSON.parse(body) as Record<string, unknown>) : undefined };
}

test('the channels of an agent, what is known of one, and its first events', async () => {
  assert.deepEqual((await ask('/channels')).value, { channels: [{ channel: 'c/1', type: 'file', state: 'running', size: 3, capacity: 100, byteLength: 11 }] });
  const one = (await ask('/channels/c%2F1')).value;
  assert.deepEqual([one?.['counters'], one?.['store']], [{ EventPutSuccessCount: 3 }, { segments: 2 }]);
  const peeked = (await ask('/channels/c%2F1/peek?n=2')).value;
  assert.deepEqual(peeked?.['events'], [{ headers: {}, body: 'one' }, { headers: {}, body: 'two' }]);
});

test('what cannot be answered is said', async () => {
  for (const [target, status] of [['/channels/c2', 404], ['/channels/c%2F1/take', 404], ['/channels/c%2F1/peek/more', 404], ['/channels/c%2F1/peek?n=0', 400], ['/channels/c%2F1/peek?n=x', 400], ['/channels/%E0', 404]] as const) {
    assert.equal((await ask(target)).status, status, target);
  }
  assert.equal((await ask('/channels/c%2F1/peek', here, agent(undefined, { lookInto: () => undefined }))).status, 503);
  assert.equal((await ask('/channels/c%2F1/peek', here, agent(undefined, { lookInto: () => ({}) }))).status, 501);
  const fails = { peek: () => Promise.reject(new Error('EIO')) };
  assert.equal((await ask('/channels/c%2F1/peek', here, agent(undefined, { lookInto: () => fails }))).status, 500);
});

test('X15 only this machine is answered, by the address of the connection and not by what a header says', async () => {
  for (const peer of ['10.0.0.7', '192.168.1.1', '::ffff:10.0.0.7', '2001:db8::1', '127.0.0.1.evil', '', undefined]) {
    assert.equal((await ask('/channels', { ...here, peer })).status, 403, String(peer));
    assert.equal((await ask('/channels/c%2F1/peek', { peer, headers: { host: 'localhost', 'x-forwarded-for': '127.0.0.1' } })).status, 403);
  }
  for (const peer of ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1']) assert.equal((await ask('/channels', { ...here, peer })).status, 200, peer);
});

test('X15 a proxy on this machine, and a page of another host, do not get at events', async () => {
  for (const name of ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via']) {
    assert.equal((await ask('/channels', { ...here, headers: { host: 'localhost', [name]: '127.0.0.1' } })).status, 403, name);
  }
  for (const host of ['evil.example', 'evil.example:34545', '127.0.0.1.evil.example', '', 'localhost.evil']) {
    assert.equal((await ask('/channels', { ...here, headers: { host } })).status, 403, host);
  }
  for (const host of ['localhost:34545', 'LOCALHOST', '[::1]:34545', '127.0.0.1']) assert.equal((await ask('/channels', { ...here, headers: { host } })).status, 200, host);
});

test('several answers at a time are refused, so that they cannot fill the memory', async () => {
  let open: (batch: Batch) => void = () => undefined;
  const waiting = new Promise<Batch>((resolve) => (open = resolve));
  const answers = new ChannelAnswers(agent(undefined, { lookInto: () => ({ peek: () => waiting }) }));
  const all = Array.from({ length: 4 }, () => answers.answer('/channels/c%2F1/peek', here));
  assert.deepEqual((await Promise.all(all.slice(2))).map(({ status }) => status), [503, 503]);
  open(batchOf('x'));
  assert.deepEqual((await Promise.all(all)).map(({ status }) => status), [200, 200, 503, 503]);
  assert.equal((await answers.answer('/channels', here)).status, 200);
});

test('paths about channels are told from others', () => {
  for (const path of ['/channels', '/channels/', '/channels?x', '/channels/c1/peek']) assert.ok(isAboutChannels(path));
  for (const path of ['/channel', '/channelsx', '/metrics', '//channels']) assert.ok(!isAboutChannels(path));
});
