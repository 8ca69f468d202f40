/** exactlyOnce on the Kafka channel: what is put twice is there once, and the group moves on with what a sink or another channel has written. */

import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { kafkaChannel } from '../../channels/kafka/index.ts';
import { Batch } from '../../core/batch.ts';
import type { Channel, DeliverOptions, GroupPosition, Sink, Transaction } from '../../core/component.ts';
import { TooLargeError } from '../../core/errors.ts';
import { kafkaSink } from '../../sinks/kafka/index.ts';
import { kafkaSource } from '../../sources/kafka/index.ts';
import type { Kafka } from '../servers/kafka.ts';
import { make, recordingContext } from '../unit/recording-context.ts';
import { committed, createTopic, writeTopic } from './kafka-rig.ts';

const never = new AbortController().signal;
const names = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, index) => `e${from + index}`);
const numbered = (store: string, from: number, to: number): Batch =>
  Batch.numbered(Batch.of(names(from, to).map((name) => ({ body: Buffer.from(name), headers: new Map() }))), { store, spans: [[from, to]], settled: 0 });

interface Parts {
  readonly channel: Channel;
  readonly sink: Sink;
  /** Leaves both as a killed agent does. */
  readonly abandon: () => Promise<void>;
}

async function open(t: TestContext, kafka: Kafka, from: string, to: string): Promise<Parts> {
  const brokers = { 'kafka.bootstrap.servers': kafka.plain, exactlyOnce: 'true' };
  const properties = { ...brokers, 'kafka.topic': from, 'kafka.consumer.group.id': `g-${from}`, parseAsFlumeEvent: 'false' };
  const channel = await make(kafkaChannel, properties, recordingContext(`a1.channels.${from}`));
  const sink = await make(kafkaSink, { ...brokers, 'kafka.topic': to, partitionIdHeader: 'part' }, recordingContext(`a1.sinks.${to}`));
  await channel.start();
  await sink.start();
  const abandon = (): Promise<void> => Promise.all([channel.stop(), sink.stop()]).then(() => undefined);
  t.after(abandon);
  return { channel, sink, abandon };
}

async function take(channel: Channel, max = 100): Promise<Transaction> {
  const loan = await channel.take(max, AbortSignal.timeout(30_000));
  assert.ok(loan?.group, 'a loan with the place of the group');
  return loan;
}

export function exactChannelCases(kafka: () => Kafka): void {
  test('what comes to the channel twice is put once; what the sink has written does not come again, whoever heard of it', async (t) => {
    const [from, to] = [await createTopic(kafka(), 3), await createTopic(kafka())];
    const first = await open(t, kafka(), from, to);
    await first.channel.put(numbered(`s${from}`, 0, 40), never);
    await first.channel.put(numbered(`s${from}`, 20, 60), never);
    assert.deepEqual((await committed(t, kafka(), from, 60)).sort(), names(0, 60).sort());
    const loan = await take(first.channel, 25);
    await first.sink.write(loan.batch, never, undefined, loan.group);
    // The sink was told, the channel was not: as after a kill.
    await first.abandon();
    const second = await open(t, kafka(), from, to);
    await second.channel.put(numbered(`s${from}`, 50, 70), never);
    const next = await take(second.channel, 10);
    await second.sink.write(next.batch, never, undefined, next.group);
    // Written, and taken for failed.
    await next.rollback();
    for (let written = 25 + next.batch.size; written < 70; ) {
      const more = await take(second.channel);
      await second.sink.write(more.batch, never, undefined, more.group);
      await more.commit();
      written += more.batch.size;
    }
    assert.deepEqual((await committed(t, kafka(), to, 70)).sort(), names(0, 70).sort());
  });

  test('a member that missed a division of the group writes nothing of what it has on loan', async (t) => {
    const [from, to] = [await createTopic(kafka(), 2), await createTopic(kafka())];
    const first = await open(t, kafka(), from, to);
    await first.channel.put(numbered(`s${from}`, 0, 20), never);
    const loan = await take(first.channel);
    const stale = { ...loan.group, group: { ...loan.group?.group, generation: (loan.group?.group.generation ?? 0) - 1 } } as GroupPosition;
    await assert.rejects(first.sink.write(loan.batch, never, undefined, stale), /writing offsets failed/);
    await loan.rollback();
    for (let written = 0; written < 20; ) {
      const again = await take(first.channel);
      await first.sink.write(again.batch, never, undefined, again.group);
      await again.commit();
      written += again.batch.size;
    }
    assert.deepEqual((await committed(t, kafka(), to, 20)).sort(), names(0, 20).sort());
  });

  test('an event that is too large for the topic: nothing of its batch is put', async (t) => {
    const topic = await createTopic(kafka(), 1, { 'max.message.bytes': '5000' });
    const { channel } = await open(t, kafka(), topic, topic);
    const large = Batch.of([{ body: Buffer.from('small'), headers: new Map() }, { body: Buffer.alloc(50_000, 1), headers: new Map() }]);
    await assert.rejects(channel.put(large, never), TooLargeError);
    await channel.put(numbered(`s${topic}`, 0, 2), never);
    assert.deepEqual(await committed(t, kafka(), topic, 2), names(0, 2));
  });

  test('a source and a channel of the same brokers: what was put is not read again after a kill, what failed is', async (t) => {
    const [from, to] = [await createTopic(kafka(), 2), await createTopic(kafka())];
    await writeTopic(kafka(), from, names(0, 30).map((value, index) => ({ value, partition: index % 2 })));
    const { channel } = await open(t, kafka(), to, to);
    const properties = { 'kafka.bootstrap.servers': kafka().plain, 'kafka.topics': from, batchSize: '4', 'kafka.consumer.group.id': `g-${from}`, 'kafka.consumer.auto.offset.reset': 'earliest', 'kafka.consumer.isolation.level': 'read_committed' };
    await killedAfterTwoPolls(properties, channel);
    await readAll(properties, channel, 26);
    assert.deepEqual((await committed(t, kafka(), to, 30)).sort(), names(0, 30).sort());
  });
}

/** A source whose first batch is refused; the second is stored, and it dies before it hears of that. */
async function killedAfterTwoPolls(properties: Readonly<Record<string, string>>, channel: Channel): Promise<void> {
  const outcomes = [new Error('not now'), new DOMException('killed', 'AbortError')];
  const deliver = async (batch: Batch, { group }: DeliverOptions = {}): Promise<void> => {
    const outcome = outcomes.shift();
    if (outcome instanceof DOMException) await channel.put(batch, never, group);
    throw outcome;
  };
  const source = await make(kafkaSource, properties, { ...recordingContext('a1.sources.r1'), batchLimit: 1000, deliver });
  await source.start();
  const signal = AbortSignal.timeout(30_000);
  while (outcomes.length > 0) await source.poll?.(signal).catch(() => undefined);
  await source.stop();
}

async function readAll(properties: Readonly<Record<string, string>>, channel: Channel, events: number): Promise<void> {
  const context = recordingContext('a1.sources.r1');
  const deliver = (batch: Batch, { group, committed: tell }: DeliverOptions = {}): Promise<void> => channel.put(batch, never, group).then(() => tell?.());
  const source = await make(kafkaSource, properties, { ...context, batchLimit: 1000, deliver });
  await source.start();
  const signal = AbortSignal.timeout(30_000);
  while ((context.counters.get('EventAcceptedCount') ?? 0) < events) await source.poll?.(signal);
  await source.stop();
}
