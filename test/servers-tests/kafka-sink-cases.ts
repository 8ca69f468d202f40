/** What the kafka sink writes, read back from the broker by the client library. */

import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { Batch } from '../../core/batch.ts';
import type { Sink } from '../../core/component.ts';
import { RejectedError } from '../../core/errors.ts';
import { kafkaSink } from '../../sinks/kafka/index.ts';
import { make, recordingContext } from '../unit/recording-context.ts';
import { kafkaSource } from '../../sources/kafka/index.ts';
import { until } from '../servers/daemon.ts';
import type { Kafka } from '../servers/kafka.ts';
import { kafkaLogins } from '../servers/kafka.ts';
import { createTopic, readTopic } from './kafka-rig.ts';

const never = new AbortController().signal;

const event = (body: string | Buffer, headers: Readonly<Record<string, string>> = {}) => ({ body: Buffer.from(body), headers: new Map(Object.entries(headers)) });

async function sinkOf(t: TestContext, kafka: Kafka, properties: Readonly<Record<string, string>>): Promise<Sink> {
  const sink = await make(kafkaSink, { 'kafka.bootstrap.servers': kafka.plain, 'kafka.producer.acks': 'all', ...properties }, recordingContext('a1.sinks.k1'));
  await sink.start();
  t.after(() => sink.stop());
  return sink;
}

export function sinkCases(kafka: () => Kafka): void {
  test('KS-03 KS-04 KS-05 KS-07 KS-09 KS-14 topic by default, property, header and escapes; the key; no partition header', async (t) => {
    const [named, custom] = [await createTopic(kafka()), await createTopic(kafka())];
    const sink = await sinkOf(t, kafka(), { 'kafka.topic': '%{prefix}', partitionIdHeader: 'part' });
    await sink.write(Batch.of([event('a', { prefix: named }), event('b', { prefix: named, topic: custom, key: 'k1' })]), never);
    assert.deepEqual((await readTopic(kafka(), named, 1)).map(({ key, value }) => [key?.toString(), String(value)]), [[undefined, 'a']]);
    assert.deepEqual((await readTopic(kafka(), custom, 1)).map(({ key, value }) => [String(key), String(value)]), [['k1', 'b']]);
    await createTopic(kafka(), 1, {}, 'default-flume-topic');
    await (await sinkOf(t, kafka(), { topicHeader: 'customTopicHeader' })).write(Batch.of([event('c'), event('d', { customTopicHeader: custom })]), never);
    assert.deepEqual((await readTopic(kafka(), 'default-flume-topic', 1)).map(({ value }) => String(value)), ['c']);
    assert.deepEqual((await readTopic(kafka(), custom, 2)).map(({ value }) => String(value)), ['b', 'd']);
  });

  test('KS-06 KS-08 KS-10 record headers and time; no override of the topic; events in Avro', async (t) => {
    const topic = await createTopic(kafka());
    const sink = await sinkOf(t, kafka(), { 'kafka.topic': topic, allowTopicOverride: 'false', timestampHeader: 'timestamp', 'header.correlator': 'FLUME_CORRELATOR', 'header.method': 'FLUME_METHOD' });
    await sink.write(Batch.of([event('x', { topic: 'elsewhere', timestamp: '1600000000123', correlator: 'c-ü', method: 'm' })]), never);
    const [plain] = await readTopic(kafka(), topic, 1);
    assert.equal(plain?.timestamp, 1600000000123n);
    assert.deepEqual(plain?.headers, { FLUME_CORRELATOR: 'c-ü', FLUME_METHOD: 'm' });
    await (await sinkOf(t, kafka(), { 'kafka.topic': topic, useFlumeEventFormat: 'true' })).write(Batch.of([event('hi', { k: 'v' }), event('', { key: 'q' })]), never);
    const [, first, second] = await readTopic(kafka(), topic, 3);
    assert.equal(first?.value?.toString('hex'), '02026b027600046869');
    assert.equal(second?.value?.toString('hex'), '02066b657902710000');
    assert.equal(String(second?.key), 'q');
  });

  test('KS-12 KS-13 partitions by header and property; what is no partition of the topic is rejected, the rest is written', async (t) => {
    const topic = await createTopic(kafka(), 5);
    const sink = await sinkOf(t, kafka(), { 'kafka.topic': topic, defaultPartitionId: '3', partitionIdHeader: 'part' });
    const events = [event('three'), event('one', { part: '1' }), event('nine', { part: '9' }), event('none', { part: 'not-a-number' })];
    await assert.rejects(sink.write(Batch.of(events), never), (error: RejectedError) => error instanceof RejectedError && error.indices.join() === '2,3');
    const records = await readTopic(kafka(), topic, 2);
    assert.deepEqual(records.map(({ partition, value }) => `${partition} ${String(value)}`).sort(), ['1 one', '3 three']);
  });

  for (const compression of ['none', 'gzip', 'snappy', 'lz4', 'zstd']) {
    test(`S8 ${compression}: records that are too large for the broker go aside, all others are written in order`, async (t) => {
      const topic = await createTopic(kafka(), 1, { 'max.message.bytes': '5000' });
      const sink = await sinkOf(t, kafka(), { 'kafka.topic': topic, 'kafka.producer.compression.type': compression, 'kafka.producer.max.request.size': '100000' });
      const random = Buffer.from(Array.from({ length: 20_000 }, (_, index) => (index * index * 31 + (index >> 3)) ^ (Math.imul(index, 0x9e3779b1) >>> 24)));
      const events = Array.from({ length: 300 }, (_, index) => (index === 7 ? event(random) : index === 8 ? event(Buffer.alloc(200_000)) : event(`line ${index} ${'x'.repeat(50)}`)));
      await assert.rejects(sink.write(Batch.of(events), never), (error: RejectedError) => error instanceof RejectedError && error.indices.join() === '7,8');
      const expected = events.filter((_, index) => index !== 7 && index !== 8).map(({ body }) => body.toString());
      assert.deepEqual((await readTopic(kafka(), topic, 298)).map(({ value }) => String(value)), expected);
    });
  }

  test('S10 the broker is killed while a stream of batches is written: every one is there once, in order', async (t) => {
    const topic = await createTopic(kafka());
    const sink = await sinkOf(t, kafka(), { 'kafka.topic': topic, 'kafka.producer.compression.type': 'lz4', 'kafka.producer.request.timeout.ms': '5000' });
    let killed: Promise<void> | undefined;
    for (let number = 0; number < 60; number++) {
      if (number === 20) killed = kafka().broker.kill().then(() => kafka().broker.start());
      await sink.write(Batch.of(Array.from({ length: 50 }, (_, index) => event(`${number}.${index}`))), never);
    }
    await killed;
    const expected = Array.from({ length: 3000 }, (_, index) => `${Math.floor(index / 50)}.${index % 50}`);
    assert.deepEqual((await readTopic(kafka(), topic)).map(({ value }) => String(value)), expected);
  });

  for (const [name, properties] of Object.entries(secured(kafka))) {
    test(`it writes over ${name}`, async (t) => {
      const topic = await createTopic(kafka());
      const sink = await sinkOf(t, kafka(), { 'kafka.topic': topic, ...properties() });
      await sink.write(Batch.of([event('secret')]), never);
      assert.deepEqual((await readTopic(kafka(), topic, 1)).map(({ value }) => String(value)), ['secret']);
    });
  }
}

export function refusedLoginCases(kafka: () => Kafka): void {
  test('a source with a wrong password says why it reads nothing', async (t) => {
    const asConsumer = Object.entries(refused(kafka)['a wrong password']?.[0]() ?? {}).map(([key, value]) => [key.replace('kafka.producer.', 'kafka.consumer.'), value]);
    const context = recordingContext('a1.sources.r1');
    const properties = { 'kafka.topics': 't', ...(Object.fromEntries(asConsumer) as Record<string, string>) };
    const source = await make(kafkaSource, properties, { ...context, batchLimit: 10, deliver: async () => {} });
    t.after(() => source.stop());
    const ending = new AbortController();
    const polling = source.poll?.(ending.signal).catch(() => undefined);
    await until(() => `the reason; said was ${context.lines.join()}`, () => context.lines.some((line) => /authentication failed/i.test(line)) || undefined);
    ending.abort();
    await polling;
    assert.ok(!context.lines.join().includes('wrong-secret'));
  });

  for (const [name, [properties, why]] of Object.entries(refused(kafka))) {
    test(`${name}: nothing is written, and the sink says why`, async (t) => {
      const topic = await createTopic(kafka());
      const sink = await sinkOf(t, kafka(), { 'kafka.topic': topic, 'kafka.producer.delivery.timeout.ms': '1500', 'kafka.producer.request.timeout.ms': '2000', ...properties() });
      await assert.rejects(sink.write(Batch.of([event('secret')]), never), (error: Error) => why.test(error.message) && !String(error.stack).includes('wrong-secret'));
    });
  }
}

function refused(kafka: () => Kafka): Record<string, [() => Record<string, string>, RegExp]> {
  const all = secured(kafka);
  const jaas = 'org.apache.kafka.common.security.scram.ScramLoginModule required username="carol" password="wrong-secret";';
  const wrong = () => ({ ...all['SASL SCRAM-SHA-512']?.(), 'kafka.producer.sasl.jaas.config': jaas });
  const without = (name: string, ...keys: string[]) => () => Object.fromEntries(Object.entries(all[name]?.() ?? {}).filter(([key]) => !keys.some((part) => key.includes(part))));
  return {
    'a wrong password': [wrong, /authentication failed/i],
    'no client certificate': [without('TLS with a client certificate from JKS', 'keystore'), /connection closed|certificate required/i],
    'a broker that nobody vouches for': [without('SASL_SSL', 'truststore'), /self-signed certificate/],
  };
}

/** Properties for each way to log in. */
function secured(kafka: () => Kafka): Record<string, () => Record<string, string>> {
  const sasl = (mechanism: string, module: string, { username, password }: { username: string; password: string }) => () => ({
    'kafka.bootstrap.servers': kafka().sasl,
    'kafka.producer.security.protocol': 'SASL_PLAINTEXT',
    'kafka.producer.sasl.mechanism': mechanism,
    'kafka.producer.sasl.jaas.config': `org.apache.kafka.common.security.${module} required username="${username}" password="${password}";`,
  });
  const tls = (location: () => string, more: Record<string, string>) => () => ({
    'kafka.bootstrap.servers': kafka().tls,
    'kafka.producer.security.protocol': 'SSL',
    'kafka.producer.ssl.truststore.location': location(),
    ...more,
  });
  const mutual = (location: () => string) => () => ({
    'kafka.bootstrap.servers': kafka().mutualTls,
    'kafka.producer.security.protocol': 'SSL',
    'kafka.producer.ssl.truststore.location': kafka().trustJks,
    'kafka.producer.ssl.truststore.password': 'changeit',
    'kafka.producer.ssl.keystore.location': location(),
    'kafka.producer.ssl.keystore.password': 'changeit',
  });
  const both = sasl('SCRAM-SHA-512', 'scram.ScramLoginModule', kafkaLogins.scram);
  return {
    'SASL PLAIN': sasl('PLAIN', 'plain.PlainLoginModule', kafkaLogins.plain),
    'SASL SCRAM-SHA-256': sasl('SCRAM-SHA-256', 'scram.ScramLoginModule', kafkaLogins.scram),
    'SASL SCRAM-SHA-512': sasl('SCRAM-SHA-512', 'scram.ScramLoginModule', kafkaLogins.scram),
    'TLS with a PKCS12 trust store': tls(() => kafka().trustStore, { 'kafka.producer.ssl.truststore.password': 'changeit' }),
    'TLS with a PEM trust store': tls(() => kafka().caFile, { 'kafka.producer.ssl.truststore.type': 'PEM' }),
    'TLS with a client certificate from PKCS12': mutual(() => kafka().clientStore.p12),
    'TLS with a client certificate from JKS': mutual(() => kafka().clientStore.jks),
    'SASL_SSL': () => ({
      ...both(),
      'kafka.bootstrap.servers': kafka().saslTls,
      'kafka.producer.security.protocol': 'SASL_SSL',
      'kafka.producer.ssl.truststore.location': kafka().caFile,
    }),
  };
}
