import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kafkaChannel } from '../../../../channels/kafka/index.ts';
import { LoanOrder } from '../../../../channels/kafka/loan-order.ts';
import type { FetchedRecords } from '../../../../protocols/kafka/fetched-records.ts';
import { RecordReader } from '../../../../protocols/kafka/record-reader.ts';
import { make, problemsOf, recordingContext } from '../../recording-context.ts';

const needed = { 'kafka.bootstrap.servers': '127.0.0.1:1' };

test('a channel says where its events are, has no limit, and stops without having reached a broker', async () => {
  const channel = await make(kafkaChannel, needed, recordingContext());
  assert.equal(channel.describe?.().summary, 'topic flume-channel at 127.0.0.1:1, group flume');
  await channel.start();
  assert.deepEqual(channel.status(), { size: 0, capacity: 0, byteLength: 0 });
  await channel.stop();
});

test('KC-01 settings of both Java clients are told from each other; migration from ZooKeeper is refused by name', () => {
  const problems = (more: Readonly<Record<string, string>>): string => problemsOf(kafkaChannel, { ...needed, ...more }).join('\n');
  assert.equal(problems({ 'kafka.producer.acks': 'all', 'kafka.consumer.fetch.min.bytes': '99' }), '');
  assert.match(problems({ 'kafka.producer.some-parameter': '1', 'kafka.consumer.another-parameter': '1' }), /^warn kafka\.producer\.some-parameter.*\nwarn kafka\.consumer\.another-parameter/);
  assert.match(problems({ zookeeperConnect: 'z:2181' }), /^refuse migrateZookeeperOffsets/);
});

/** Records of the topic t, each given as its partition and offset. */
function records(...places: readonly (readonly [partition: number, offset: number])[]): FetchedRecords {
  const reader = new RecordReader(false);
  for (const [partition, offset] of places) {
    // Length, attributes, time, offset, no key, no value, no headers.
    const record = Buffer.from([12, 0, 0, 0, 1, 1, 0]);
    reader.open({ topic: 't', partition, leaderEpoch: 0, records: record, count: 1, baseOffset: offset, endOffset: offset + 1, baseMs: 0, appendedMs: undefined, from: 0 });
    reader.gather(1000);
  }
  return reader.take();
}

const committed = (offsets: ReturnType<LoanOrder['settle']>): string[] => [...offsets.values()].map(({ partition, offset }) => `${partition}:${offset}`);

test('offsets are committed in the order of the reads, whatever the order of the commits; parts of a loan count by themselves', () => {
  const order = new LoanOrder();
  const first = order.add(records([0, 1], [0, 2], [1, 7]));
  const second = order.add(records([0, 3]));
  assert.deepEqual(committed(order.settle(second)), []);
  const [head, rest] = order.split(first, 1);
  assert.deepEqual(committed(order.settle(head)), ['0:2']);
  assert.equal(order.records.length, 2);
  assert.deepEqual(committed(order.settle(rest)), ['0:4', '1:8']);
  assert.equal(order.records.length, 0);
});
