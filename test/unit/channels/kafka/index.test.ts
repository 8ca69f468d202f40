import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kafkaChannel } from '../../../../channels/kafka/index.ts';
import { LoanOrder } from '../../../../channels/kafka/loan-order.ts';
import type { KafkaMessage } from '../../../../protocols/kafka/group-reader.ts';
import { RepeatedOffsets } from '../../../../protocols/kafka/repeated-offsets.ts';
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

const message = (offset: number, partition = 0): KafkaMessage => ({ topic: 't', partition, offset: BigInt(offset), leaderEpoch: 0 }) as KafkaMessage;
const committed = (offsets: ReturnType<LoanOrder['settle']>): string[] => [...offsets.values()].map(({ partition, offset }) => `${partition}:${offset}`);

test('offsets are committed in the order of the reads, whatever the order of the commits; parts of a loan count by themselves', () => {
  const order = new LoanOrder();
  const first = order.add([message(1), message(2), message(7, 1)]);
  const second = order.add([message(3)]);
  assert.deepEqual(committed(order.settle(second)), []);
  const [head, rest] = order.split(first, 1);
  assert.deepEqual(committed(order.settle(head)), ['0:2']);
  assert.equal(order.messages.length, 2);
  assert.deepEqual(committed(order.settle(rest)), ['0:4', '1:8']);
  assert.equal(order.messages.length, 0);
});

test('N21 what comes again after a rebalance is known; a partition that was lost, and a topic made anew, begin afresh', () => {
  const repeated = new RepeatedOffsets();
  const comes = (offset: number, partition = 0, id = 'id'): boolean => !repeated.isRepeated(message(offset, partition), id);
  assert.deepEqual([comes(5), comes(6), comes(5, 1), comes(2)], [true, true, true, true], 'no rebalance: an offset that falls is news');
  assert.ok(comes(6));
  repeated.rebalanced((_topic, partition) => partition === 0);
  assert.deepEqual([comes(6), comes(7), comes(5, 1), comes(0, 0, 'other id')], [false, true, true, true]);
});
