/** The kafka channel: events put are events taken, over restarts, rollbacks and the death of the broker. */

import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { Batch } from '../../core/batch.ts';
import type { Channel, Transaction } from '../../core/component.ts';
import { TooLargeError } from '../../core/errors.ts';
import { kafkaChannel } from '../../channels/kafka/index.ts';
import type { Kafka } from '../servers/kafka.ts';
import { make, recordingContext } from '../unit/recording-context.ts';
import { createTopic, readTopic, writeTopic } from './kafka-rig.ts';

const never = new AbortController().signal;

async function channelOf(t: TestContext, kafka: Kafka, topic: string, properties: Readonly<Record<string, string>> = {}): Promise<Channel> {
  const channel = await make(kafkaChannel, { 'kafka.bootstrap.servers': kafka.plain, 'kafka.topic': topic, 'kafka.consumer.group.id': `g-${topic}`, ...properties }, recordingContext('a1.channels.c1'));
  await channel.start();
  t.after(() => channel.stop());
  return channel;
}

async function take(channel: Channel, max: number): Promise<Transaction> {
  const loan = await channel.take(max, AbortSignal.timeout(20_000));
  assert.ok(loan, 'nothing came');
  return loan;
}

/** Takes and commits until there are so many. */
async function drain(channel: Channel, count: number): Promise<string[]> {
  const bodies: string[] = [];
  while (bodies.length < count) {
    const loan = await take(channel, 7);
    for (const { body } of loan.batch) bodies.push(body.toString());
    await loan.commit();
  }
  return bodies;
}

const events = (from: number, to: number) => Batch.of(Array.from({ length: to - from }, (_, index) => ({ body: Buffer.from(`e${from + index}`), headers: new Map([['n', String(from + index)]]) })));
const names = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => `e${from + index}`);

export function channelCases(kafka: () => Kafka): void {
  test('KC-04 KC-05 events put are taken after a restart; those rolled back come again, those not committed after the restart', async (t) => {
    const topic = await createTopic(kafka());
    const first = await channelOf(t, kafka(), topic);
    for (let at = 0; at < 50; at += 10) await first.put(events(at, at + 10), never);
    const loan = await take(first, 10);
    const lent = Array.from(loan.batch, ({ body, headers }) => [body.toString(), headers.get('n')]);
    assert.deepEqual(lent[0], ['e0', '0']);
    await loan.rollback();
    const head = await take(first, 5);
    assert.deepEqual(Array.from(head.batch, ({ body }) => body.toString()), names(0, 5));
    await head.commit();
    await take(first, 5);
    await first.stop();
    assert.deepEqual(await drain(await channelOf(t, kafka(), topic), 45), names(5, 50));
  });

  test('two takers: what the later one commits is not committed while the earlier one still has its events', async (t) => {
    const topic = await createTopic(kafka());
    const first = await channelOf(t, kafka(), topic);
    await first.put(events(0, 20), never);
    await take(first, 5);
    await (await take(first, 5)).commit();
    await first.stop();
    assert.deepEqual(await drain(await channelOf(t, kafka(), topic), 20), names(0, 20));
  });

  test('KC-06 bare bodies; the key of a record; records that others wrote; without a source', async (t) => {
    const topic = await createTopic(kafka());
    await writeTopic(kafka(), topic, [{ value: 'x' }, { value: 'y', key: 'k' }]);
    const channel = await channelOf(t, kafka(), topic, { parseAsFlumeEvent: 'false' });
    const seen: [string, Record<string, string>][] = [];
    while (seen.length < 2) {
      const loan = await take(channel, 10);
      for (const { body, headers } of loan.batch) seen.push([body.toString(), Object.fromEntries(headers)]);
      await loan.commit();
    }
    assert.deepEqual(seen, [['x', {}], ['y', { key: 'k' }]]);
    await channel.put(Batch.of([{ body: Buffer.from('z'), headers: new Map([['key', 'q'], ['h', 'v']]) }]), never);
    const record = (await readTopic(kafka(), topic, 3))[2];
    assert.deepEqual([String(record?.value), String(record?.key)], ['z', 'q']);
  });

  test('a channel that only puts: Avro as Flume writes it, partitions by header, what cannot be stored is refused', async (t) => {
    const topic = await createTopic(kafka(), 3);
    const channel = await channelOf(t, kafka(), topic, { partitionIdHeader: 'p', defaultPartitionId: '1' });
    await channel.put(Batch.of([{ body: Buffer.from('hi'), headers: new Map([['p', '2']]) }, { body: Buffer.from('lo'), headers: new Map() }]), never);
    const records = await readTopic(kafka(), topic, 2);
    assert.deepEqual(records.map(({ partition, value }) => `${partition} ${value?.toString('hex')}`).sort(), ['1 00046c6f', '2 020270023200046869']);
    await assert.rejects(channel.put(Batch.of([{ body: Buffer.alloc(2_000_000), headers: new Map() }]), never), TooLargeError);
    await assert.rejects(channel.put(Batch.of([{ body: Buffer.from('x'), headers: new Map([['p', 'none']]) }]), never), /not the number of a partition/);
  });

  test('the broker is killed between puts and takes: every event comes out, in order', async (t) => {
    const topic = await createTopic(kafka());
    const channel = await channelOf(t, kafka(), topic, { 'kafka.consumer.session.timeout.ms': '6000' });
    const puts = (async () => {
      for (let at = 0; at < 600; at += 20) await channel.put(events(at, at + 20), never);
    })();
    const before = await drain(channel, 100);
    await kafka().broker.kill();
    await kafka().broker.start();
    await puts;
    const bodies = [...before];
    while (new Set(bodies).size < 600) bodies.push(...(await drain(channel, 1)));
    assert.deepEqual([...new Set(bodies)], names(0, 600));
    t.diagnostic(`${bodies.length - 600} taken twice`);
  });
}
