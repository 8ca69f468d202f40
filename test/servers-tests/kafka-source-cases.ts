/** What the kafka source makes of records that the client library wrote. */

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test, type TestContext } from 'node:test';
import type { Batch } from '../../core/batch.ts';
import { kafkaSource } from '../../sources/kafka/index.ts';
import { until } from '../servers/daemon.ts';
import type { Kafka } from '../servers/kafka.ts';
import { make, recordingContext, type RecordingContext } from '../unit/recording-context.ts';
import { createTopic, writeTopic } from './kafka-rig.ts';

interface Got {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

interface Running {
  readonly got: Got[];
  readonly context: RecordingContext;
  /** Bodies so far, once there are so many. */
  bodies(count: number): Promise<string[]>;
  stop(): Promise<void>;
}

/** Polls the source as the agent does. `store` may throw, as a channel does. */
export async function runSource(t: TestContext, kafka: Kafka, properties: Readonly<Record<string, string>>, store: (batch: Batch) => Promise<void> = async () => {}): Promise<Running> {
  const got: Got[] = [];
  const context = recordingContext('a1.sources.r1');
  const deliver = async (batch: Batch): Promise<void> => {
    await store(batch);
    for (const { body, headers } of batch) got.push({ body: body.toString(), headers: Object.fromEntries(headers) });
  };
  const source = await make(
    kafkaSource,
    { 'kafka.bootstrap.servers': kafka.plain, 'kafka.consumer.auto.offset.reset': 'earliest', 'kafka.consumer.group.id': randomUUID(), ...properties },
    { ...context, batchLimit: 10_000, deliver },
  );
  await source.start();
  const ending = new AbortController();
  const polling = (async () => {
    while (!ending.signal.aborted) await source.poll?.(ending.signal).catch(() => undefined);
  })();
  const stop = async (): Promise<void> => {
    ending.abort();
    await polling;
    await source.stop();
  };
  t.after(stop);
  const bodies = (count: number): Promise<string[]> => until(() => `${count} events, ${got.length} are there; ${context.lines.join('\n')}`, () => (got.length >= count ? got.map(({ body }) => body) : undefined), 30_000);
  return { got, context, bodies, stop };
}

const numbered = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => ({ value: String(from + index) }));

export function sourceCases(kafka: () => Kafka): void {
  test('KA-02 KA-03 KA-04 KA-09 KA-12 KA-24 records in order, from where the group stands; Flume headers', async (t) => {
    const topic = await createTopic(kafka());
    const group = { 'kafka.topics': topic, 'kafka.consumer.group.id': `g-${topic}`, batchSize: '3' };
    await writeTopic(kafka(), topic, [{ value: 'a', timestamp: 1_600_000_000_000n }, { value: 'b', key: 'k' }, ...numbered(2, 8)]);
    const first = await runSource(t, kafka(), group);
    assert.deepEqual(await first.bodies(8), ['a', 'b', '2', '3', '4', '5', '6', '7']);
    assert.deepEqual(first.got[0]?.headers, { timestamp: '1600000000000', topic, partition: '0', offset: '0' });
    assert.equal(first.got[1]?.headers['key'], 'k');
    await first.stop();
    await writeTopic(kafka(), topic, numbered(8, 10));
    const second = await runSource(t, kafka(), group);
    assert.deepEqual(await second.bodies(2), ['8', '9']);
  });

  test('KA-10 a channel that refuses gets the same records again', async (t) => {
    const topic = await createTopic(kafka());
    await writeTopic(kafka(), topic, numbered(0, 20));
    let refusals = 2;
    const source = await runSource(t, kafka(), { 'kafka.topics': topic, batchSize: '5' }, async () => {
      if (refusals-- > 0) throw new Error('full');
    });
    assert.deepEqual(await source.bodies(20), numbered(0, 20).map(({ value }) => value));
    assert.equal(source.context.counters.get('ChannelWriteFail'), 2);
  });

  test('KA-18 KA-19 KA-25 KA-26 KA-27 events in Avro keep their headers; headers of records; a value that is no event is passed over', async (t) => {
    const topic = await createTopic(kafka());
    const avro = Buffer.concat([Buffer.from([4]), ...['partition', '1', 'h', 'v'].flatMap((text) => [Buffer.from([2 * text.length]), Buffer.from(text)]), Buffer.from([0, 4]), Buffer.from('hi')]);
    await writeTopic(kafka(), topic, [{ value: avro, headers: { C: '12345' }, timestamp: 7n }, { value: Buffer.from([9, 9, 9]) }, { value: Buffer.from([0, 0]) }]);
    const source = await runSource(t, kafka(), { 'kafka.topics': topic, useFlumeEventFormat: 'true', topicHeader: 'named', 'header.correlator': 'C' });
    assert.deepEqual(await source.bodies(2), ['hi', '']);
    assert.deepEqual(source.got[0]?.headers, { partition: '1', h: 'v', timestamp: '7', correlator: '12345', named: topic, offset: '0' });
    assert.equal(source.context.counters.get('EventReadFail'), 1);
    const bare = await runSource(t, kafka(), { 'kafka.topics': topic, setTopicHeader: 'false' });
    await bare.bodies(3);
    assert.equal('topic' in (bare.got[0]?.headers ?? {}), false);
  });

  test('N22 null key, null value, large headers, header bytes that are no text: the partition goes on', async (t) => {
    const topic = await createTopic(kafka(), 1, { 'max.message.bytes': '3000000' });
    await writeTopic(kafka(), topic, [{ value: null }, { value: 'x', headers: { big: Buffer.alloc(1_000_000, 97), odd: Buffer.from([255, 0, 254]) } }, { value: 'end', key: '' }]);
    const source = await runSource(t, kafka(), { 'kafka.topics': topic, 'header.o': 'odd', 'header.b': 'big' });
    assert.deepEqual(await source.bodies(3), ['', 'x', 'end']);
    assert.equal(source.got[1]?.headers['b']?.length, 1_000_000);
    assert.equal(source.got[1]?.headers['o'], '\ufffd\u0000\ufffd');
    assert.equal(source.got[2]?.headers['key'], '');
  });

  test('KA-06 KA-14 KA-17 a topic that comes later; topics by expression, new ones found', async (t) => {
    const stem = `r${process.pid}x`;
    const source = await runSource(t, kafka(), { 'kafka.topics.regex': `^${stem}[0-9]$`, 'kafka.consumer.metadata.max.age.ms': '500' });
    for (const name of ['1', '2', 'other']) {
      const topic = await createTopic(kafka(), 1, {}, stem + name);
      await writeTopic(kafka(), topic, [{ value: name }]);
      if (name !== 'other') await source.bodies(Number(name));
    }
    assert.deepEqual(source.got.map(({ body }) => body), ['1', '2']);
  });
}

export function rebalanceCases(kafka: () => Kafka): void {
  test('N21 members come and go, and with MILLRACE_LONG the broker is killed: no record is lost', async (t) => {
    const topic = await createTopic(kafka(), 6);
    const properties = { 'kafka.topics': topic, 'kafka.consumer.group.id': `g-${topic}`, batchSize: '50', 'kafka.consumer.session.timeout.ms': '6000', 'kafka.consumer.heartbeat.interval.ms': '300' };
    const first = await runSource(t, kafka(), properties);
    let number = 0;
    const write = async (rounds: number): Promise<void> => {
      for (; rounds > 0; rounds--) {
        const records = Array.from({ length: 60 }, (_, index) => ({ value: String(number++), partition: index % 6 }));
        await writeTopic(kafka(), topic, records);
      }
    };
    await write(5);
    await first.bodies(300);
    const members = [first];
    const rounds = process.env['MILLRACE_LONG'] === undefined ? 1 : 3;
    for (let round = 0; round < rounds; round++) {
      const other = await runSource(t, kafka(), properties);
      members.push(other);
      // Whoever holds the partitions when a record comes reads it: the new member gets some only once the group has settled.
      await until('the other member reads', async () => write(1).then(() => other.got.length > 0 || undefined), 30_000);
      if (round === 1) await kafka().broker.kill().then(() => kafka().broker.start());
      await other.stop();
      await write(5);
    }
    const all = (): string[] => members.flatMap(({ got }) => got.map(({ body }) => body));
    await until(() => `${number} different events, ${new Set(all()).size} are there`, () => new Set(all()).size === number || undefined, 60_000);
    t.diagnostic(`${all().length - number} of ${number} read twice`);
    // Up to three members come and go, one broker dies: at most a batch of 50 for each partition each time.
    assert.ok(all().length - number <= 7 * 6 * 50);
  });
}
