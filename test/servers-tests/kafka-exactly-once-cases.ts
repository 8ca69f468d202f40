/** exactlyOnce: what readers of committed records see, told by Kafka's own consumer. */

import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { Batch } from '../../core/batch.ts';
import type { Origin, Sink } from '../../core/component.ts';
import { RejectedError } from '../../core/errors.ts';
import { clientContext } from '../../io/tls/contexts.ts';
import { KafkaProducer } from '../../protocols/kafka/producer.ts';
import { producerSettings } from '../../protocols/kafka/producer-settings.ts';
import { clientOptions } from '../../protocols/kafka/properties.ts';
import { groupOfPositions } from '../../protocols/kafka/transactions.ts';
import { kafkaSink } from '../../sinks/kafka/index.ts';
import { until } from '../servers/daemon.ts';
import type { Kafka } from '../servers/kafka.ts';
import { make, recordingContext } from '../unit/recording-context.ts';
import { committed, createTopic } from './kafka-rig.ts';

const never = new AbortController().signal;

async function sinkOf(t: TestContext, kafka: Kafka, topic: string, more: Readonly<Record<string, string>> = {}): Promise<Sink> {
  const properties = { 'kafka.bootstrap.servers': kafka.plain, 'kafka.topic': topic, exactlyOnce: 'true', ...more };
  const sink = await make(kafkaSink, properties, recordingContext('a1.sinks.k1'));
  await sink.start();
  t.after(() => sink.stop());
  return sink;
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, index) => from + index);
const events = (from: number, to: number) => Batch.of(range(from, to).map((number) => ({ body: Buffer.from(`e${number}`), headers: new Map() })));
const names = (from: number, to: number): string[] => range(from, to).map((number) => `e${number}`);
const originOf = (store: string) => (...spans: [number, number][]): Origin => ({ store, spans, settled: 0 });

export function exactlyOnceCases(kafka: () => Kafka): void {
  test('a batch that comes again is not written again, nor the part of one; after a restart neither', async (t) => {
    const topic = await createTopic(kafka(), 3);
    const origin = originOf(`o${topic}`);
    const first = await sinkOf(t, kafka(), topic, { 'kafka.producer.compression.type': 'lz4' });
    await first.write(events(0, 10), never, origin([0, 10]));
    await first.write(events(0, 10), never, origin([0, 10]));
    await first.write(events(10, 20), never, origin([10, 20]));
    await first.stop();
    const second = await sinkOf(t, kafka(), topic);
    await second.write(events(5, 25), never, origin([5, 25]));
    await second.write(Batch.concat([events(30, 32), events(25, 27)]), never, origin([30, 32], [25, 27]));
    await second.write(events(20, 33), never, origin([20, 33]));
    assert.deepEqual((await committed(t, kafka(), topic, 33)).sort(), names(0, 33).sort());
  });

  test('S9 a second writer of the same channel fences the first off: its batch fails and is said to, and each event is there once', async (t) => {
    const topic = await createTopic(kafka());
    const origin = originOf(`o${topic}`);
    const first = await sinkOf(t, kafka(), topic);
    const second = await sinkOf(t, kafka(), topic);
    await first.write(events(0, 5), never, origin([0, 5]));
    await second.write(events(0, 8), never, origin([0, 8]));
    await assert.rejects(first.write(events(5, 9), never, origin([5, 9])), /another agent writes under the same id/);
    // It begins anew, and sees what the other has written.
    await first.write(events(5, 9), never, origin([5, 9]));
    await assert.rejects(second.write(events(8, 10), never, origin([8, 10])), /another agent writes under the same id/);
    await second.write(events(8, 10), never, origin([8, 10]));
    assert.deepEqual(await committed(t, kafka(), topic, 10), names(0, 10));
  });

  test('S9 a transaction that takes too long is aborted by its brokers, says so, and another may begin', async (t) => {
    const topic = await createTopic(kafka());
    const id = `o${topic}`;
    const client = await clientOptions(kafka().plain, new Map(), 'test', clientContext);
    const producer = new KafkaProducer({ ...producerSettings(client, new Map(), 'all'), transactionTimeoutMs: 500 });
    await producer.start();
    t.after(() => producer.stop());
    const begin = async () => {
      const transactions = await producer.beginTransactions(producer.coordinators(), id, never);
      await transactions.include([{ topic, partition: 0 }], never);
      return transactions;
    };
    const late = await begin();
    const committing = async (): Promise<unknown> => {
      const offset = { topic, partition: 0, offset: 7n, leaderEpoch: -1 };
      return late.commitOffsets({ group: groupOfPositions(id), offsets: [offset] }, never).then(() => undefined, (error: unknown) => error);
    };
    const failure = await until('the transaction is aborted', committing);
    assert.match(String(failure), /took longer than kafka\.producer\.transaction\.timeout\.ms/);
    await assert.rejects(late.end(true, never), /were not begun/);
    await (await begin()).end(true, never);
  });
}

export function rejectedOnceCases(kafka: () => Kafka): void {
  test('S8 what is rejected is rejected again when its batch comes again; the rest is there once', async (t) => {
    const topic = await createTopic(kafka(), 1, { 'max.message.bytes': '5000' });
    const origin = originOf(`o${topic}`);
    const headers = (number: number) => new Map(number === 3 ? [['part', '7']] : []);
    const random = Buffer.from(range(0, 20_000).map((index) => (index * index * 31 + (index >> 3)) ^ (Math.imul(index, 0x9e3779b1) >>> 24)));
    const batch = Batch.of(range(0, 10).map((number) => ({ body: number === 5 ? random : Buffer.from(`e${number}`), headers: headers(number) })));
    for (const sink of [await sinkOf(t, kafka(), topic, { partitionIdHeader: 'part' }), await sinkOf(t, kafka(), topic, { partitionIdHeader: 'part' })]) {
      await assert.rejects(sink.write(batch, never, origin([0, 10])), (error: RejectedError) => error instanceof RejectedError && error.indices.join() === '3,5');
      await assert.rejects(sink.write(Batch.of([batch].flatMap((all) => [...all.select(Uint32Array.of(3, 5))])), never, origin([3, 4], [5, 6])), RejectedError);
    }
    assert.deepEqual(await committed(t, kafka(), topic, 8), names(0, 10).filter((name) => name !== 'e3' && name !== 'e5'));
  });

  test('every other event rejected: fewer are written at a time, until their numbers have room', async (t) => {
    const topic = await createTopic(kafka());
    const origin = originOf(`o${topic}`);
    const sink = await sinkOf(t, kafka(), topic, { partitionIdHeader: 'part', flumeBatchSize: '10000' });
    const every = Batch.of(range(0, 5000).map((number) => ({ body: Buffer.from(`e${number}`), headers: new Map(number % 2 ? [['part', '7']] : []) })));
    await assert.rejects(sink.write(every, never, origin([0, 5000])), /fewer events are written at a time/);
    assert.deepEqual([sink.batchSize, sink.gathersBytes], [1000, undefined]);
    for (let from = 0; from < 5000; from += 1000) {
      await assert.rejects(sink.write(every.slice(from, from + 1000), never, { ...origin([from, from + 1000]), settled: from }), RejectedError);
    }
    assert.deepEqual(await committed(t, kafka(), topic, 2500), names(0, 5000).filter((_, number) => number % 2 === 0));
  });

  test('without numbers of its events it writes nothing, and says what channel it needs', async (t) => {
    const sink = await sinkOf(t, kafka(), 'nowhere');
    await assert.rejects(sink.write(events(0, 1), never), /channel is to be of the type file/);
  });
}
