/** Three brokers, of which some are missing: what the kafka sink was told is stored is there, once, in order. */

import assert from 'node:assert/strict';
import { after, before, describe, test, type TestContext } from 'node:test';
import { Batch } from '../../core/batch.ts';
import type { Sink } from '../../core/component.ts';
import { isAbort } from '../../core/errors.ts';
import { kafkaSink } from '../../sinks/kafka/index.ts';
import { long } from '../faults/watch.ts';
import { until } from '../servers/daemon.ts';
import { startKafkaCluster, type KafkaCluster } from '../servers/kafka-cluster.ts';
import { readTopicWithKafka } from '../servers/kafka-reader.ts';
import { kafkaMissing } from '../servers/kafka.ts';
import { make, recordingContext } from '../unit/recording-context.ts';
import { createTopic } from './kafka-rig.ts';

const PARTITIONS = 3;
const EVENTS = 50;

/** Writes batch after batch, each until it is accepted, as the agent does. */
class Writer {
  readonly topic: string;
  readonly #sink: Sink;
  readonly #ending = new AbortController();
  #writing: Promise<void> = Promise.resolve();
  /** Batches that were accepted, and offers of one that was not. */
  accepted = 0;
  refused = 0;

  private constructor(topic: string, sink: Sink) {
    this.topic = topic;
    this.#sink = sink;
  }

  static async open(t: TestContext, { plain }: KafkaCluster, properties: Readonly<Record<string, string>>): Promise<Writer> {
    const topic = await createTopic({ plain }, PARTITIONS, { 'min.insync.replicas': '2' }, undefined, 3);
    const base = { 'kafka.bootstrap.servers': plain, 'kafka.topic': topic, 'kafka.producer.acks': 'all', 'kafka.producer.request.timeout.ms': '5000' };
    const sink = await make(kafkaSink, { ...base, ...properties }, recordingContext('a1.sinks.k1'));
    await sink.start();
    const writer = new Writer(topic, sink);
    writer.#writing = writer.#write();
    t.after(() => writer.stop());
    return writer;
  }

  async stop(): Promise<void> {
    this.#ending.abort();
    await this.#writing;
    await this.#sink.stop();
  }

  async #write(): Promise<void> {
    const { signal } = this.#ending;
    while (!signal.aborted) {
      const first = this.accepted * EVENTS;
      const batch = Batch.of(Array.from({ length: EVENTS }, (_, index) => ({ body: Buffer.from(String(first + index)), headers: new Map([['key', String(index % 7)]]) })));
      try {
        await this.#sink.write(batch, signal, { store: this.topic, spans: [[first, first + EVENTS]], settled: first });
        this.accepted++;
      } catch (error) {
        if (!isAbort(error)) this.refused++;
      }
    }
  }
}

describe('three brokers', { skip: long ? kafkaMissing() : 'only with MILLRACE_LONG=1' }, () => {
  let cluster: KafkaCluster;
  before(async () => {
    cluster = await startKafkaCluster();
  });
  after(() => cluster.stop());

  test('S7 brokers are killed one by one and in pairs, leaders move: acks = all loses nothing, exactlyOnce has each event once', async (t) => {
    const writers = [await Writer.open(t, cluster, { 'kafka.producer.compression.type': 'lz4' }), await Writer.open(t, cluster, { exactlyOnce: 'true' })];
    const goOn = async (batches: number): Promise<void> => {
      const wanted = writers.map(({ accepted }) => accepted + batches);
      const state = (): string => writers.map(({ accepted, refused }) => `${accepted} accepted, ${refused} refused`).join('; ');
      await until(() => `${batches} more batches: ${state()}`, () => writers.every(({ accepted }, index) => accepted >= (wanted[index] as number)) || undefined, 120_000);
    };
    for (const group of [[0], [1], [2], [0, 1], [1, 2], [2, 0]]) {
      await goOn(20);
      const brokers = group.map((index) => cluster.brokers[index] as KafkaCluster['brokers'][number]);
      await Promise.all(brokers.map((broker) => broker.kill()));
      // With one broker missing the others go on; with two nothing is accepted until one is back.
      if (group.length === 1) await goOn(20);
      await Promise.all(brokers.map((broker) => broker.start()));
    }
    await goOn(20);
    for (const [index, writer] of writers.entries()) {
      await writer.stop();
      const { twice, backwards, total } = await seen(t, cluster, writer);
      t.diagnostic(`${index === 0 ? 'acks = all' : 'exactlyOnce'}: ${total} accepted, ${twice} twice, ${writer.refused} batches refused and written again`);
      assert.deepEqual([twice, backwards], [0, 0]);
    }
  });
});

/** Waits until everything that was accepted is there; how many came twice, or behind a later one of their partition. */
async function seen(t: TestContext, { plain }: KafkaCluster, { topic, accepted }: Writer): Promise<{ total: number; twice: number; backwards: number }> {
  const total = accepted * EVENTS;
  const numbers = new Set<number>();
  const last = new Map<number, number>();
  let twice = 0;
  let backwards = 0;
  const reader = await readTopicWithKafka(plain, topic, ({ partition, value }) => {
    const number = Number(value);
    if (numbers.has(number)) twice++;
    else if (number < (last.get(partition) ?? -1)) backwards++;
    numbers.add(number);
    last.set(partition, Math.max(number, last.get(partition) ?? -1));
  });
  t.after(() => reader.stop());
  const missing = (): number[] => Array.from({ length: total }, (_, number) => number).filter((number) => !numbers.has(number));
  await until(() => `all of ${total} events; missing are ${missing().slice(0, 10).join(', ')}`, () => missing().length === 0 || undefined, 60_000);
  return { total, twice, backwards };
}
