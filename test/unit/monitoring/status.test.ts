import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AgentMetrics } from '../../../core/metrics.ts';
import { isAboutStatus, statusAnswer } from '../../../monitoring/status.ts';

const here = { peer: '127.0.0.1', headers: { host: '127.0.0.1:34545' } };
const metrics: AgentMetrics = {
  agent: 'a1',
  components: () => [
    { kind: 'channel', name: 'c1', type: 'file', state: 'running', startTime: 1, stopTime: 0, counters: new Map([['EventPutSuccessCount', 7]]), channel: { size: 3, capacity: 9, byteLength: 30 } },
    { kind: 'sink', name: 'k1', type: 'hdfs', state: 'failed', reason: 'password hunter2 is wrong', startTime: 0, stopTime: 0, counters: new Map() },
  ],
};

test('status: components with their counters, and the last lines of the log', () => {
  const answer = statusAnswer(here, { metrics, status: { version: '1.2.3', recent: () => ['WARN x'] }, redact: (text) => text.replace('hunter2', '***') });
  assert.equal(answer.status, 200);
  const value = JSON.parse(answer.body) as Record<string, unknown>;
  assert.deepEqual([value['agent'], value['version'], value['pid'], value['recent']], ['a1', '1.2.3', process.pid, ['WARN x']]);
  assert.deepEqual(value['components'], [
    { component: 'a1.channels.c1', kind: 'channel', type: 'file', state: 'running', name: 'c1', counters: { EventPutSuccessCount: 7 }, channel: { size: 3, capacity: 9, byteLength: 30 } },
    { component: 'a1.sinks.k1', kind: 'sink', type: 'hdfs', state: 'failed', reason: 'password *** is wrong', name: 'k1', counters: {} },
  ]);
});

test('X17 the status is for this machine only, and not for a page of another host in its browser', () => {
  for (const asker of [{ ...here, peer: '10.0.0.7' }, { ...here, headers: { host: 'evil.example' } }, { ...here, headers: { ...here.headers, 'x-forwarded-for': '127.0.0.1' } }]) {
    assert.equal(statusAnswer(asker, { metrics }).status, 403);
  }
  assert.deepEqual(['/status', '/status?x', '/statuses', '/metrics'].map(isAboutStatus), [true, true, false, false]);
});
