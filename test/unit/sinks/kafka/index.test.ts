import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Batch } from '../../../../core/batch.ts';
import { compileEscapes } from '../../../../core/path-escapes.ts';
import { kafkaSink } from '../../../../sinks/kafka/index.ts';
import { recordPlanner, type PlannerSettings } from '../../../../sinks/kafka/record-plans.ts';
import { make, problemsOf, recordingContext } from '../../recording-context.ts';

const servers = { 'kafka.bootstrap.servers': '127.0.0.1:1' };

test('a sink says where it writes, and stops without having reached a broker', async () => {
  const sink = await make(kafkaSink, { ...servers, 'kafka.topic': 'logs', 'kafka.producer.acks': 'all', 'kafka.producer.compression.type': 'lz4' }, recordingContext());
  assert.equal(sink.describe?.().summary, 'topic logs at 127.0.0.1:1, acks all, lz4');
  await sink.start();
  await sink.stop();
  await sink.stop();
});

test('settings of the Java producer have an effect, are named, or are refused', () => {
  const problems = (more: Readonly<Record<string, string>>): string => problemsOf(kafkaSink, { ...servers, ...more }).join('\n');
  assert.equal(problems({ 'kafka.producer.request.timeout.ms': '5000', 'kafka.producer.compression.type': 'zstd' }), '');
  assert.match(problems({ 'kafka.producer.fake.property': 'x' }), /^warn kafka\.producer\.fake\.property: has no effect/);
  assert.match(problems({ 'kafka.producer.request.timeout.ms': 'soon' }), /^refuse .*whole number/);
  assert.match(problems({ 'kafka.producer.compression.type': 'rar' }), /^refuse .*none, gzip, snappy, lz4, zstd/);
  assert.match(problems({ 'kafka.producer.security.protocol': 'SASL_SSL' }), /^refuse kafka\.producer\.sasl\.mechanism: is GSSAPI/);
  assert.match(problems({ 'kafka.producer.security.protocol': 'SASL_SSL', 'kafka.producer.sasl.mechanism': 'PLAIN' }), /^refuse kafka\.producer\.sasl\.jaas\.config/);
  assert.match(problems({ exactlyOnce: 'true', 'kafka.producer.acks': '0' }), /^refuse kafka\.producer\.acks: .*exactlyOnce needs all/);
  assert.match(problems({ exactlyOnce: 'true', 'kafka.producer.enable.idempotence': 'false' }), /^refuse .*exactlyOnce needs it/);
  assert.match(problems({ 'kafka.producer.enable.idempotence': 'true', 'kafka.producer.acks': '1' }), /^refuse .*acks = all/);
});

const plannerOf = (settings: Partial<PlannerSettings>) =>
  recordPlanner({ topic: 'base', topicHeader: 'topic', partition: undefined, partitionHeader: undefined, timestampHeader: undefined, headers: new Map(), badTimestamp: () => undefined, ...settings });
const batchOf = (headers: Readonly<Record<string, string>>) => Batch.of([{ body: Buffer.from('b'), headers: new Map(Object.entries(headers)) }]);

test('S8 names that no topic can have, and escapes that no event can fill, are rejected', () => {
  for (const topic of ['', '..', 'a/b', 'a b', 'x'.repeat(250), 'ü']) assert.ok('rejected' in plannerOf({})(batchOf({ topic }), 0), topic);
  assert.ok('rejected' in plannerOf({ topic: compileEscapes('%Y') })(batchOf({}), 0));
  assert.deepEqual({ ...plannerOf({ topicHeader: undefined })(batchOf({ topic: 'other' }), 0) }, { topic: 'base', partition: undefined, key: undefined, timeMs: undefined, headers: undefined });
});

test('a time that is no number is told, and the record gets none', () => {
  const told: string[] = [];
  const plan = plannerOf({ timestampHeader: 't', badTimestamp: (text) => void told.push(text) })(batchOf({ t: 'noon' }), 0);
  assert.deepEqual([told, 'timeMs' in plan && plan.timeMs], [['noon'], undefined]);
});
