import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventsOf } from '../../../../protocols/kafka/message-events.ts';
import type { KafkaMessage } from '../../../../protocols/kafka/group-reader.ts';
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

test('KA-11 KA-15 settings of the Java consumer have an effect, are named, or are refused', () => {
  const problems = (more: Readonly<Record<string, string>>): string => problemsOf(kafkaSource, { ...needed, ...more }).join('\n');
  assert.equal(problems({ 'kafka.consumer.session.timeout.ms': '9000', 'kafka.consumer.isolation.level': 'read_committed', 'kafka.consumer.bootstrap.servers': 'bad', 'kafka.consumer.enable.auto.commit': 'true' }), '');
  assert.match(problems({ 'kafka.consumer.fake.property': 'v' }), /^warn kafka\.consumer\.fake\.property: has no effect/);
  assert.match(problems({ 'kafka.consumer.auto.offset.reset': 'first' }), /^refuse .*earliest, latest, none/);
  assert.match(problems({ zookeeperConnect: 'z:2181' }), /refuse migrateZookeeperOffsets/);
});

test('KA-12 events lie side by side in memory of their own, and keep no record', () => {
  const message = (value: string | undefined, key?: string) => ({ value: value === undefined ? undefined : Buffer.from(value), key: key === undefined ? undefined : Buffer.from(key), headerEntries: [], topic: 't', partition: 1, offset: 5n, timestamp: -1n, leaderEpoch: 0 }) as unknown as KafkaMessage;
  const form = { avro: false, decorate: (headers: Map<string, string>, { topic }: KafkaMessage) => void headers.set('topic', topic), undecodable: () => assert.fail() };
  const batch = eventsOf([message('one'), message(undefined), message('three', 'k')], form);
  assert.deepEqual(Array.from(batch, ({ body, headers }) => [String(body), headers.get('topic')]), [['one', 't'], ['', 't'], ['three', 't']]);
});

test('the range assignor gives each member a run of partitions, the first members one more', () => {
  const members = new Map(['b', 'a', 'c'].map((memberId) => [memberId, { memberId, version: 1, topics: memberId === 'c' ? ['y'] : ['x', 'y'] }]));
  const metadata = { topics: new Map([['x', { partitionsCount: 3 }], ['y', { partitionsCount: 2 }]]) };
  const assigned = assignByRange('a', members, new Set(['x', 'y']), metadata as never);
  const lines = assigned.map(({ memberId, assignments }) => `${memberId}: ${[...assignments.values()].map(({ topic, partitions }) => `${topic} ${partitions.join()}`).join('; ')}`);
  assert.deepEqual(lines.sort(), ['a: x 0,1; y 0', 'b: x 2; y 1', 'c: ']);
});
