/** How the kafka source reads: transactions, the Java client's compressions, its timers, and a channel that is full for long. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Admin, Producer } from '@platformatic/kafka';
import { startDaemon, until } from '../servers/daemon.ts';
import { getKafkaTools, type Kafka } from '../servers/kafka.ts';
import { createTopic, writeTopic } from './kafka-rig.ts';
import { runSource } from './kafka-source-cases.ts';

const long = process.env['MILLRACE_LONG'] === undefined ? 'runs with npm run test:servers' : false;

export function readerCases(kafka: () => Kafka): void {
  test('S9 read_committed: what a transaction took back never comes, what others wrote in between does; otherwise all comes', async (t) => {
    const topic = await createTopic(kafka());
    const producer = new Producer({ clientId: 'rig', bootstrapBrokers: [kafka().plain], transactionalId: `tx-${topic}`, idempotent: true, producerId: -1n, producerEpoch: -1 });
    const transaction = async (values: readonly string[], commit: boolean): Promise<void> => {
      const open = await producer.beginTransaction();
      for (const value of values) await open.send({ messages: [{ topic, value: Buffer.from(value) }] });
      await writeTopic(kafka(), topic, [{ value: `beside ${values[0]}` }]);
      await (commit ? open.commit() : open.abort());
    };
    await writeTopic(kafka(), topic, [{ value: 'a' }]);
    await transaction(['b', 'c'], false);
    await transaction(['d', 'e'], true);
    await transaction(['f'], false);
    await writeTopic(kafka(), topic, [{ value: 'end' }]);
    await producer.close();
    const committed = await runSource(t, kafka(), { 'kafka.topics': topic, 'kafka.consumer.isolation.level': 'read_committed', batchSize: '2' });
    assert.deepEqual(await committed.bodies(7), ['a', 'beside b', 'd', 'e', 'beside d', 'beside f', 'end']);
    const all = await runSource(t, kafka(), { 'kafka.topics': topic });
    assert.deepEqual(await all.bodies(10), ['a', 'b', 'c', 'beside b', 'd', 'e', 'beside d', 'f', 'beside f', 'end']);
  });

  test('KA-01 C10.4 timers add up the time of fetching and committing, and how often nothing came', async (t) => {
    const topic = await createTopic(kafka());
    const source = await runSource(t, kafka(), { 'kafka.topics': topic, batchDurationMillis: '30' });
    const counted = (name: string): number => source.context.counters.get(name) ?? 0;
    await until('it found nothing three times', () => counted('KafkaEmptyCount') >= 3 || undefined);
    assert.ok(counted('KafkaEventGetTimer') >= 3 * 25, 'it waited 30 ms each time');
    assert.equal(source.context.counters.has('KafkaCommitTimer'), false);
    await writeTopic(kafka(), topic, [{ value: 'x' }]);
    await source.bodies(1);
    await until('the commit is counted', () => source.context.counters.has('KafkaCommitTimer') || undefined);
  });

  test('KA-05 KA-08 one record at a time; all that is queued', async (t) => {
    const topic = await createTopic(kafka());
    await writeTopic(kafka(), topic, Array.from({ length: 4999 }, (_, index) => ({ value: `hello, world ${index}` })));
    const sizes: number[] = [];
    const one = await runSource(t, kafka(), { 'kafka.topics': topic, batchSize: '1' }, async (batch) => void sizes.push(batch.size));
    assert.equal((await one.bodies(20))[19], 'hello, world 19');
    await one.stop();
    assert.deepEqual([...new Set(sizes)], [1]);
    const all = await runSource(t, kafka(), { 'kafka.topics': topic, batchDurationMillis: '250' });
    assert.equal((await all.bodies(4999)).at(-1), 'hello, world 4998');
  });

  test('KA-28 KA-29 an address that is not in the certificate is refused, unless nobody shall look', async (t) => {
    const topic = await createTopic(kafka());
    await writeTopic(kafka(), topic, [{ value: 'x' }]);
    const properties = {
      'kafka.topics': topic,
      // 127.0.0.1, in words that the certificate does not have.
      'kafka.bootstrap.servers': kafka().tls.replace('127.0.0.1', '127.1'),
      'kafka.consumer.security.protocol': 'SSL',
      'kafka.consumer.ssl.truststore.location': kafka().trustStore,
      'kafka.consumer.ssl.truststore.password': 'changeit',
    };
    const careful = await runSource(t, kafka(), properties);
    await until('it says why', () => careful.context.lines.some((line) => /warn: reading from Kafka.*(altnames|certificate)/.test(line)) || undefined, 30_000);
    assert.equal(careful.got.length, 0);
    await careful.stop();
    const careless = await runSource(t, kafka(), { ...properties, 'kafka.consumer.ssl.disableTLSHostnameVerification': 'true' });
    assert.deepEqual(await careless.bodies(1), ['x']);
  });
}

/** What takes long, or Kafka's own programs. */
export function longReaderCases(kafka: () => Kafka): void {
  test('a channel that has no room for three session times: the member stays, and nothing is read twice', { skip: long }, async (t) => {
    const topic = await createTopic(kafka(), 2);
    let full = true;
    let waiting = false;
    const source = await runSource(t, kafka(), { 'kafka.topics': topic, 'kafka.consumer.group.id': `g-${topic}`, 'kafka.consumer.session.timeout.ms': '6000', 'kafka.consumer.heartbeat.interval.ms': '500', batchSize: '5' }, async () => {
      waiting = true;
      while (full) await sleep(50);
    });
    const admin = new Admin({ clientId: 'rig', bootstrapBrokers: [kafka().plain] });
    t.after(() => admin.close());
    const member = async (): Promise<string> => [...((await admin.describeGroups({ groups: [`g-${topic}`] })).get(`g-${topic}`)?.members.keys() ?? [])].join();
    await writeTopic(kafka(), topic, Array.from({ length: 20 }, (_, index) => ({ value: String(index), partition: index % 2 })));
    await until('the channel is full', () => waiting || undefined);
    const before = await member();
    await sleep(18_000);
    assert.equal(await member(), before);
    full = false;
    assert.equal(new Set(await source.bodies(20)).size, 20);
    assert.equal(source.context.lines.filter((line) => /^(warn|error)/.test(line)).join('\n'), '');
  });

  for (const compression of ['gzip', 'snappy', 'lz4', 'zstd']) {
    test(`what Kafka's own producer wrote with ${compression} is read, each record once`, { skip: long }, async (t) => {
      const topic = await createTopic(kafka(), 2);
      const words = ['--topic', topic, '--num-records', '20000', '--record-size', '500', '--throughput', '-1', '--producer-props', `bootstrap.servers=${kafka().plain}`, `compression.type=${compression}`];
      const daemon = startDaemon({ command: 'java', args: ['-Xmx128m', '-cp', `${await getKafkaTools()}/*`, 'org.apache.kafka.tools.ProducerPerformance', ...words] });
      assert.equal(await daemon.ended, 0, daemon.lines.slice(-10).join('\n'));
      const source = await runSource(t, kafka(), { 'kafka.topics': topic, batchSize: '1000' });
      await source.bodies(20_000);
      assert.ok(source.got.every(({ body }) => /^[A-Z]{500}$/.test(body)));
      assert.equal(new Set(source.got.map(({ headers }) => `${headers['partition']} ${headers['offset']}`)).size, 20_000);
    });
  }
}
