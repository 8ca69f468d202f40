/** Flume 1.11 and Millrace over one broker: what one writes the other reads, as source, sink and channel, bodies and headers. */

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { Batch } from '../../core/batch.ts';
import type { Event } from '../../core/event.ts';
import { kafkaChannel } from '../../channels/kafka/index.ts';
import { kafkaSink } from '../../sinks/kafka/index.ts';
import { kafkaSource } from '../../sources/kafka/index.ts';
import { until } from '../servers/daemon.ts';
import { startFlume } from '../servers/flume.ts';
import { kafkaMissing, startKafka } from '../servers/kafka.ts';
import { make, recordingContext } from '../unit/recording-context.ts';
import { createTopic } from './kafka-rig.ts';

const COUNT = 200;
const skip = process.env['MILLRACE_LONG'] === undefined ? 'runs with npm run test:servers' : kafkaMissing();
const patience = (): AbortSignal => AbortSignal.timeout(30_000);

/** `events` with the headers that count, in the order of their bodies. */
const told = (events: readonly Event[]): string[] => events.map(({ body, headers }) => `${body.toString()} ${headers.get('color')}`).sort();
const expected = (from: number): string[] => Array.from({ length: COUNT }, (_, index) => `${from + index} blue`).sort();

test('KS-10 KA-18 KC-04 Flume writes, ours reads; ours writes, Flume reads', { skip, timeout: 180_000 }, async (t) => {
  const kafka = await startKafka();
  t.after(() => kafka.stop());
  const servers = { 'kafka.bootstrap.servers': kafka.plain };
  const [events, channelTopic, back, channelBack] = [await createTopic(kafka, 2), await createTopic(kafka), await createTopic(kafka, 2), await createTopic(kafka)];
  const roll = join(kafka.folder, 'roll');
  const rollChannel = join(kafka.folder, 'roll-channel');
  for (const folder of [roll, rollChannel]) await mkdir(folder);
  const flume = await startFlume({ agent: 'f', complete: true, conf: flumeConf(kafka.plain, { events, channelTopic, back, channelBack, roll, rollChannel }) });
  t.after(() => flume.stop());

  const got: Event[] = [];
  const source = await make(
    kafkaSource,
    { ...servers, 'kafka.topics': events, useFlumeEventFormat: 'true', 'kafka.consumer.auto.offset.reset': 'earliest', 'kafka.consumer.group.id': randomUUID() },
    { ...recordingContext(), batchLimit: 1000, deliver: async (batch) => void got.push(...batch) },
  );
  const signal = patience();
  while (got.length < COUNT) await source.poll?.(signal);
  await source.stop();
  assert.deepEqual(told(got), expected(0));

  const channel = await make(kafkaChannel, { ...servers, 'kafka.topic': channelTopic, 'kafka.consumer.group.id': randomUUID() }, recordingContext());
  await channel.start();
  t.after(() => channel.stop());
  const taken: Event[] = [];
  while (taken.length < COUNT) {
    const loan = await channel.take(1000, patience());
    assert.ok(loan, 'the channel of Flume holds fewer events');
    taken.push(...loan.batch);
    await loan.commit();
  }
  assert.deepEqual(told(taken), expected(0));

  const ours = Batch.of(Array.from({ length: COUNT }, (_, index) => ({ body: Buffer.from(String(1000 + index)), headers: new Map([['color', 'blue']]) })));
  const sink = await make(kafkaSink, { ...servers, 'kafka.topic': back, useFlumeEventFormat: 'true', 'kafka.producer.compression.type': 'lz4' }, recordingContext());
  await sink.start();
  t.after(() => sink.stop());
  await sink.write(ours, patience());
  const putter = await make(kafkaChannel, { ...servers, 'kafka.topic': channelBack }, recordingContext());
  await putter.start();
  t.after(() => putter.stop());
  await putter.put(ours, patience());
  for (const folder of [roll, rollChannel]) {
    const lines = await until(`Flume reads ${COUNT} events into ${folder}`, async () => {
      const texts = await Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name), 'utf8')));
      const all = texts.join('').split('\n').filter((line) => line !== '');
      return all.length >= COUNT ? all : undefined;
    }, 60_000);
    assert.deepEqual(lines.map((line) => line.replace(/^\{.*?color=(\w+).*\} (\d+)$/, '$2 $1')).sort(), expected(1000));
  }
});

interface Names {
  readonly events: string;
  readonly channelTopic: string;
  readonly back: string;
  readonly channelBack: string;
  readonly roll: string;
  readonly rollChannel: string;
}

/** Writes numbers by sink and by channel, and reads by source and by channel into files. */
function flumeConf(servers: string, { events, channelTopic, back, channelBack, roll, rollChannel }: Names): string {
  const channel = (name: string, topic: string): string => `
f.channels.${name}.type = org.apache.flume.channel.kafka.KafkaChannel
f.channels.${name}.kafka.bootstrap.servers = ${servers}
f.channels.${name}.kafka.topic = ${topic}`;
  const file = (name: string, folder: string, from: string): string => `
f.sinks.${name}.type = file_roll
f.sinks.${name}.sink.directory = ${folder}
f.sinks.${name}.sink.rollInterval = 0
f.sinks.${name}.sink.serializer = header_and_text
f.sinks.${name}.channel = ${from}`;
  return `f.sources = s r
f.channels = m n out in
f.sinks = k a b
f.sources.s.type = seq
f.sources.s.totalEvents = ${COUNT}
f.sources.s.channels = m out
f.sources.s.interceptors = i
f.sources.s.interceptors.i.type = static
f.sources.s.interceptors.i.key = color
f.sources.s.interceptors.i.value = blue
f.sources.r.type = org.apache.flume.source.kafka.KafkaSource
f.sources.r.kafka.bootstrap.servers = ${servers}
f.sources.r.kafka.topics = ${back}
f.sources.r.kafka.consumer.auto.offset.reset = earliest
f.sources.r.useFlumeEventFormat = true
f.sources.r.channels = n
f.channels.m.type = memory
f.channels.m.capacity = 1000
f.channels.n.type = memory
f.channels.n.capacity = 10000
f.channels.n.transactionCapacity = 1000
f.sinks.k.type = org.apache.flume.sink.kafka.KafkaSink
f.sinks.k.kafka.bootstrap.servers = ${servers}
f.sinks.k.kafka.topic = ${events}
f.sinks.k.useFlumeEventFormat = true
f.sinks.k.kafka.producer.compression.type = snappy
f.sinks.k.channel = m${channel('out', channelTopic)}${channel('in', channelBack)}${file('a', roll, 'n')}${file('b', rollChannel, 'in')}
`;
}
