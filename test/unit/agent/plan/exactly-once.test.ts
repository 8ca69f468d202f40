import assert from 'node:assert/strict';
import { test } from 'node:test';
import { problemsIn, sentencesIn } from '../planning.ts';

const conf = (channel: string, sinks: string, more = ''): string =>
  [
    `a1.sources = r1\na1.channels = c1\na1.sinks = ${sinks}`,
    'a1.sources.r1.type = seq\na1.sources.r1.channels = c1',
    `a1.channels.c1.type = ${channel}`,
    ...sinks.split(' ').map((name) => `a1.sinks.${name}.channel = c1\na1.sinks.${name}.type = org.apache.flume.sink.kafka.KafkaSink\na1.sinks.${name}.kafka.bootstrap.servers = h:1`),
    more,
    '',
  ].join('\n');

test('exactlyOnce needs a channel whose events keep their numbers, and no other sink at it', async () => {
  const on = 'a1.sinks.k1.exactlyOnce = true';
  assert.deepEqual(await problemsIn(conf('file', 'k1', on)), []);
  assert.deepEqual(await problemsIn(conf('memory', 'k1')), []);
  assert.deepEqual(await problemsIn(conf('memory', 'k1', on)), ['M089 10:27']);
  assert.match(await sentencesIn(conf('memory', 'k1', on)), /channel c1 \(memory\) have no place that outlasts a crash/);
  assert.match(await sentencesIn(conf('file', 'k1', `${on}\na1.channels.c1.fsyncPerTransaction = false`)), /no number before a sync/);
  assert.match(await sentencesIn(conf('file', 'k1 k2', on)), /k2 takes events from channel c1 as well/);
});

test('a Kafka channel with exactlyOnce needs a source whose events have a place, and is one for a sink', async () => {
  const text = (source: string, more = ''): string =>
    [
      'a1.sources = r1\na1.channels = c1\na1.sinks = k1',
      `a1.sources.r1.channels = c1\na1.sources.r1.type = ${source}`,
      'a1.channels.c1.type = org.apache.flume.channel.kafka.KafkaChannel\na1.channels.c1.kafka.bootstrap.servers = h:1\na1.channels.c1.exactlyOnce = true',
      'a1.sinks.k1.type = org.apache.flume.sink.kafka.KafkaSink\na1.sinks.k1.kafka.bootstrap.servers = h:1\na1.sinks.k1.channel = c1\na1.sinks.k1.exactlyOnce = true',
      more,
      '',
    ].join('\n');
  assert.match(await sentencesIn(text('seq')), /source r1 \(seq\) have no place/);
  const kafka = text('org.apache.flume.source.kafka.KafkaSource', 'a1.sources.r1.kafka.bootstrap.servers = h:1\na1.sources.r1.kafka.topics = t');
  assert.match(await sentencesIn(kafka), /source r1 reads what is not committed/);
  assert.deepEqual(await problemsIn(`${kafka}a1.sources.r1.kafka.consumer.isolation.level = read_committed\n`), []);
  assert.deepEqual(await problemsIn(text('avro', 'a1.sources.r1.bind = h\na1.sources.r1.port = 1')), []);
  assert.match(await sentencesIn(kafka.replace('a1.channels.c1.exactlyOnce = true', '')), /have no place that outlasts a crash/);
});
