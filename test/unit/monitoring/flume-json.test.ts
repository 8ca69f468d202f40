import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ComponentMetrics } from '../../../core/metrics.ts';
import { flumeJson, javaDoubleText } from '../../../monitoring/flume-json.ts';

function component(facts: Partial<ComponentMetrics> & Pick<ComponentMetrics, 'kind' | 'name'>): ComponentMetrics {
  return { type: 'seq', state: 'running', startTime: 1795240210124, stopTime: 0, counters: new Map(), ...facts };
}

function parse(components: readonly ComponentMetrics[]): Record<string, Record<string, string>> {
  return JSON.parse(flumeJson(components)) as Record<string, Record<string, string>>;
}

test('C10.5 the answer holds the attributes of the example, all of them text', () => {
  const answer = parse([
    component({
      kind: 'source',
      name: 'r1',
      startTime: 1795240210134,
      counters: new Map([['EventAcceptedCount', 30]]),
    }),
    component({
      kind: 'channel',
      name: 'c1',
      type: 'memory',
      startTime: 1795240209714,
      channel: { size: 0, capacity: 1000, byteLength: 0 },
      counters: new Map([
        ['EventPutAttemptCount', 30],
        ['EventPutSuccessCount', 30],
        ['EventTakeAttemptCount', 32],
        ['EventTakeSuccessCount', 30],
      ]),
    }),
    component({
      kind: 'sink',
      name: 'k1',
      type: 'file_roll',
      counters: new Map([
        ['EventDrainAttemptCount', 30],
        ['EventDrainSuccessCount', 30],
      ]),
    }),
  ]);
  assert.deepEqual(answer, {
    'SINK.k1': {
      ConnectionCreatedCount: '0', BatchCompleteCount: '0', EventWriteFail: '0', BatchEmptyCount: '0',
      EventDrainAttemptCount: '30', StartTime: '1795240210124', BatchUnderflowCount: '0', ChannelReadFail: '0',
      ConnectionFailedCount: '0', Type: 'SINK', ConnectionClosedCount: '0', EventDrainSuccessCount: '30', StopTime: '0',
    },
    'CHANNEL.c1': {
      ChannelCapacity: '1000', ChannelFillPercentage: '0.0', Type: 'CHANNEL', ChannelSize: '0',
      EventTakeSuccessCount: '30', EventTakeAttemptCount: '32', StartTime: '1795240209714', EventPutAttemptCount: '30',
      EventPutSuccessCount: '30', StopTime: '0',
    },
    'SOURCE.r1': {
      AppendBatchAcceptedCount: '0', GenericProcessingFail: '0', EventAcceptedCount: '30', AppendReceivedCount: '0',
      StartTime: '1795240210134', AppendBatchReceivedCount: '0', ChannelWriteFail: '0', EventReceivedCount: '0', Type: 'SOURCE',
      EventReadFail: '0', AppendAcceptedCount: '0', OpenConnectionCount: '0', StopTime: '0',
    },
  });
});

test('C10.2 two channels after two puts and a take: size, attempts, successes and both times', () => {
  const counters = new Map([
    ['EventPutAttemptCount', 2],
    ['EventPutSuccessCount', 2],
    ['EventTakeAttemptCount', 1],
    ['EventTakeSuccessCount', 1],
  ]);
  const answer = parse([
    component({ kind: 'channel', name: 'memChannel', type: 'memory', counters, channel: { size: 1, capacity: 100, byteLength: 5 } }),
    component({
      kind: 'channel',
      name: 'pmemChannel',
      type: 'org.apache.flume.channel.PseudoTxnMemoryChannel',
      counters,
      channel: { size: 1, capacity: 0, byteLength: 5 },
    }),
  ]);
  for (const name of ['CHANNEL.memChannel', 'CHANNEL.pmemChannel']) {
    const { ChannelSize, EventPutAttemptCount, EventPutSuccessCount, EventTakeAttemptCount, EventTakeSuccessCount, ...rest } = answer[name] ?? {};
    assert.deepEqual([ChannelSize, EventPutAttemptCount, EventPutSuccessCount, EventTakeAttemptCount, EventTakeSuccessCount], ['1', '2', '2', '1', '1']);
    assert.ok(rest.StartTime !== undefined && rest.StopTime !== undefined);
  }
  assert.equal(answer['CHANNEL.memChannel']?.ChannelFillPercentage, '1.0');
  assert.equal(answer['CHANNEL.pmemChannel']?.ChannelFillPercentage, '1.7976931348623157E308');
});

test('the file channel and Kafka add attributes, and Kafka leaves some out', () => {
  const answer = parse([
    component({ kind: 'channel', name: 'f', type: 'file' }),
    component({ kind: 'channel', name: 'kc', type: 'org.apache.flume.channel.kafka.KafkaChannel' }),
    component({ kind: 'source', name: 'kr', type: 'org.apache.flume.source.kafka.KafkaSource' }),
    component({ kind: 'sink', name: 'kk', type: 'org.apache.flume.sink.kafka.KafkaSink' }),
  ]);
  const { Open, Closed, Unhealthy, CheckpointBackupWriteErrorCount } = answer['CHANNEL.f'] ?? {};
  assert.deepEqual([Open, Closed, Unhealthy, CheckpointBackupWriteErrorCount], ['true', '0', '0', '0']);
  assert.equal(answer['CHANNEL.kc']?.KafkaEventSendTimer, '0');
  assert.equal(answer['SOURCE.kr']?.KafkaEmptyCount, '0');
  assert.equal('GenericProcessingFail' in (answer['SOURCE.kr'] ?? {}), false);
  assert.equal(answer['SINK.kk']?.RollbackCount, '0');
  assert.equal('ChannelReadFail' in (answer['SINK.kk'] ?? {}), false);
});

test('what we count beyond Flume stands behind its attributes, and X20 is bounded', () => {
  const counters = new Map<string, number>([['EventIncompleteCount', 3]]);
  for (let index = 0; index < 1000; index++) counters.set(`FromData${index}`, 1);
  const answer = parse([component({ kind: 'source', name: 'r1', counters })]);
  const names = Object.keys(answer['SOURCE.r1'] ?? {});
  assert.equal(answer['SOURCE.r1']?.EventIncompleteCount, '3');
  assert.equal(names.indexOf('EventIncompleteCount'), 13);
  assert.equal(names.length, 13 + 64);
});

test('characters that Flume escapes for HTML are escaped, and a name like __proto__ is a key like any other', () => {
  const text = flumeJson([component({ kind: 'sink', name: `<a>&='` }), component({ kind: 'sink', name: '__proto__' })]);
  assert.ok(text.includes('"SINK.\\u003ca\\u003e\\u0026\\u003d\\u0027":{"Type":"SINK"'), text);
  assert.ok(text.includes('"SINK.__proto__":{'));
  assert.equal(/\s/.test(text), false);
});

test('doubles are written as Java writes them', () => {
  const cases: [number, string][] = [
    [0, '0.0'], [-0, '-0.0'], [12.5, '12.5'], [100, '100.0'], [100 / 3, '33.333333333333336'], [0.001, '0.001'], [0.0001, '1.0E-4'],
    [9_999_999, '9999999.0'], [10_000_000, '1.0E7'], [12_345_678.9, '1.23456789E7'], [Number.MAX_VALUE, '1.7976931348623157E308'],
    [-2.5e-9, '-2.5E-9'], [Number.NaN, 'NaN'], [-Infinity, '-Infinity'],
  ];
  for (const [value, text] of cases) assert.equal(javaDoubleText(value), text);
});
