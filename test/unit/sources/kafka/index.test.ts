import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { eventsOf } from '../../../../protocols/kafka/message-events.ts';
import type { RecordFacts } from '../../../../protocols/kafka/fetched-records.ts';
import { RecordReader } from '../../../../protocols/kafka/record-reader.ts';
import { assignByRange } from '../../../../protocols/kafka/range-assignor.ts';
import { kafkaSource } from '../../../../sources/kafka/index.ts';
import { make, problemsOf, recordingContext } from '../../recording-context.ts';

const needed = { 'kafka.bootstrap.servers': '127.0.0.1:1', 'kafka.topics': 'a , b' };

test('a source says what it reads, and stops without having reached a broker', async () => {
  const source = await make(kafkaSource, needed, { ...recordingContext(), batchLimit: 10, deliver: () => Promise.resolve() });
  assert.equal(source.describe?.().summary, 'topics a, b at 127.0.0.1:1, group flume');
  await source.start();
  await source.stop();
});

test('KA-07 no broker answers: the source starts, says so, tries again, and stops', async () => {
  const context = recordingContext();
  const source = await make(kafkaSource, { ...needed, 'kafka.consumer.request.timeout.ms': '1000' }, { ...context, batchLimit: 10, deliver: () => Promise.resolve() });
  await source.start();
  const ending = new AbortController();
  const polled = source.poll?.(ending.signal);
  while (context.lines.length === 0) await setTimeout(20);
  assert.match(context.lines[0] ?? '', /^warn: reading from Kafka as a member of the group flume failed, and is tried again: .*ECONNREFUSED/s);
  ending.abort();
  await assert.rejects(polled ?? Promise.resolve(), { name: 'AbortError' });
  await source.stop();
});

test('KA-11 KA-15 KA-23 settings of the Java consumer have an effect, are named, or are refused', () => {
  const problems = (more: Readonly<Record<string, string>>): string => problemsOf(kafkaSource, { ...needed, ...more }).join('\n');
  assert.equal(problems({ 'kafka.consumer.session.timeout.ms': '9000', 'kafka.consumer.isolation.level': 'read_committed', 'kafka.consumer.bootstrap.servers': 'bad', 'kafka.consumer.enable.auto.commit': 'true' }), '');
  assert.match(problems({ 'kafka.consumer.fake.property': 'v' }), /^warn kafka\.consumer\.fake\.property: has no effect/);
  assert.match(problems({ 'kafka.consumer.auto.offset.reset': 'first' }), /^refuse .*earliest, latest, none/);
  assert.match(problems({ zookeeperConnect: 'z:2181' }), /refuse migrateZookeeperOffsets/);
});

test('KA-12 a record without key, one without value, one that is no event: headers as the form wants them, bodies as they lie', () => {
  const reader = new RecordReader(false);
  // Length, attributes, time, offset, key, value, no headers; the last value is an event in Avro: no headers, the body "ok".
  const parts = [[1, 6, 111, 110, 101], [1, 1], [2, 107, 2, 9], [1, 8, 0, 4, 111, 107]].map((rest, index) => Buffer.from([2 * (rest.length + 4), 0, 0, 2 * index, ...rest, 0]));
  reader.open({ topic: 't', partition: 1, leaderEpoch: 0, records: Buffer.concat(parts), count: 4, baseOffset: 5, endOffset: 9, baseMs: -1, appendedMs: undefined, from: 0 });
  reader.gather(1000);
  const records = reader.take();
  const passed: number[] = [];
  const form = { avro: false, decorate: (headers: Map<string, string>, { topic, offset, key, timeMs }: RecordFacts) => void headers.set(topic, `${offset} ${key?.toString()} ${timeMs}`), undecodable: ({ offset }: RecordFacts) => void passed.push(offset) };
  const told = (avro: boolean): [string, string | undefined][] => Array.from(eventsOf(records, { ...form, avro }), ({ body, headers }) => [String(body), headers.get('t')]);
  assert.deepEqual(told(false), [['one', '5 undefined -1'], ['', '6 undefined -1'], ['\t', '7 k -1'], ['\0\u0004ok', '8 undefined -1']]);
  assert.deepEqual([told(true), passed], [[['ok', '8 undefined -1']], [5, 6, 7]]);
});

test('the range assignor gives each member a run of partitions, the first members one more', () => {
  const members = new Map(['b', 'a', 'c'].map((memberId) => [memberId, { memberId, version: 1, topics: memberId === 'c' ? ['y'] : ['x', 'y'] }]));
  const metadata = { topics: new Map([['x', { partitionsCount: 3 }], ['y', { partitionsCount: 2 }]]) };
  const assigned = assignByRange('a', members, new Set(['x', 'y']), metadata as never);
  const lines = assigned.map(({ memberId, assignments }) => `${memberId}: ${[...assignments.values()].map(({ topic, partitions }) => `${topic} ${partitions.join()}`).join('; ')}`);
  assert.deepEqual(lines.sort(), ['a: x 0,1; y 0', 'b: x 2; y 1', 'c: ']);
});
