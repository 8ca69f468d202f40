/**
 * An agent that writes exactly once, and its brokers, killed and suspended at random moments, with the referee at both ends: what Kafka's own
 * consumer sees of a topic is compared with what was acknowledged. MILLRACE_KILLS, MILLRACE_BROKER_KILLS, MILLRACE_STOPS and MILLRACE_PARTITIONS
 * say how often and over how many partitions, MILLRACE_FROM (netcat, TAILDIR) from where, MILLRACE_SEED repeats a run, MILLRACE_COMMAND plays with an installed Millrace.
 */

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { FileWriter } from '../faults/referee/file-writer.ts';
import { KafkaCollector } from '../faults/referee/kafka-collector.ts';
import { CLEAN, harmOf, Referee, reportOf, type Way } from '../faults/referee/referee.ts';
import { TcpLines } from '../faults/referee/tcp-sender.ts';
import { long } from '../faults/watch.ts';
import { startAgent, until, type RunningAgent } from '../harness/agent.ts';
import type { Kafka } from '../servers/kafka.ts';
import { faultsOf, happen, setting } from './kafka-faults.ts';
import { createTopic, heldUp } from './kafka-rig.ts';

const KILLS = setting('KILLS', long ? 100 : 3);
const BROKER_KILLS = setting('BROKER_KILLS', long ? 10 : 0);
const STOPS = setting('STOPS', long ? 10 : 0);
const PARTITIONS = (process.env['MILLRACE_PARTITIONS'] ?? (long ? '1,12,100' : '12')).split(',').map(Number);
const SOURCES = (process.env['MILLRACE_FROM'] ?? (long ? 'netcat,TAILDIR' : 'TAILDIR')).split(',') as readonly ('netcat' | 'TAILDIR')[];
const SEED = process.env['MILLRACE_SEED'];
const COMMAND = process.env['MILLRACE_COMMAND'];
const MOST_BYTES = 8_388_608;
/** Longer than a broker takes to start. */
const ANSWER_MS = 120_000;

const SOURCE = {
  netcat: 'type = netcat\nbind = 127.0.0.1\nport = 0\nmax-line-length = 8000000',
  TAILDIR: 'type = TAILDIR\nfilegroups = f1\nfilegroups.f1 = @FOLDER@/logs/app.*\npositionFile = @FOLDER@/positions/p.json\nexactlyOnce = true',
} as const;

const confOf = (source: keyof typeof SOURCE, brokers: string, topic: string): string => `
a1.sources = r1
a1.channels = c1
a1.sinks = k1
${SOURCE[source].replace(/^/gm, 'a1.sources.r1.')}
a1.sources.r1.channels = c1
a1.channels.c1.type = file
a1.channels.c1.checkpointDir = @FOLDER@/checkpoint
a1.channels.c1.dataDirs = @FOLDER@/data
a1.channels.c1.minimumRequiredSpace = 0
a1.sinks.k1.type = org.apache.flume.sink.kafka.KafkaSink
a1.sinks.k1.kafka.bootstrap.servers = ${brokers}
a1.sinks.k1.kafka.topic = ${topic}
a1.sinks.k1.exactlyOnce = true
a1.sinks.k1.kafka.producer.compression.type = lz4
a1.sinks.k1.kafka.producer.max.request.size = ${MOST_BYTES}
a1.sinks.k1.kafka.producer.request.timeout.ms = 5000
a1.sinks.k1.channel = c1
`;

export function killCases(kafka: () => Kafka): void {
  for (const [source, partitions] of SOURCES.flatMap((source) => PARTITIONS.map((partitions) => [source, partitions] as const))) {
    test(`S9 exactlyOnce, from ${source} to ${partitions} partitions: the agent killed ${KILLS} times, the broker ${BROKER_KILLS} times, either suspended ${STOPS} times: each event is there once`, async (t) => {
      await new Play(t, kafka()).run(source, partitions);
    });
  }
}

class Play {
  readonly #t: TestContext;
  readonly #kafka: Kafka;
  readonly #referee = new Referee({ lengths: 'numbered-edges', ...(SEED !== undefined && { seed: Number(SEED) }) });
  readonly #folder = mkdtempSync(join(tmpdir(), 'millrace-kafka-'));
  #agent: RunningAgent | undefined;
  #conf = '';

  constructor(t: TestContext, kafka: Kafka) {
    this.#t = t;
    this.#kafka = kafka;
    t.diagnostic(`seed ${this.#referee.seed}`);
    t.after(async () => {
      await this.#referee.close();
      await this.#agent?.kill();
      rmSync(this.#folder, { recursive: true, force: true });
    });
  }

  async run(source: keyof typeof SOURCE, partitions: number): Promise<void> {
    const { plain } = this.#kafka;
    const topic = await createTopic(this.#kafka, partitions, { 'max.message.bytes': String(MOST_BYTES) });
    this.#conf = confOf(source, plain, topic);
    mkdirSync(join(this.#folder, 'logs'));
    this.#referee.collect(await new KafkaCollector().open(plain, topic));
    await this.#start();
    const way = (index: number): Way => (source === 'netcat' ? new TcpLines({ port: () => this.#agent?.port('r1') ?? 0 }) : new FileWriter(join(this.#folder, 'logs', `app.${index}.log`)));
    for (let index = 0; index < 2; index++) this.#referee.send(way(index), { perSecond: 1000 });
    for (const fault of faultsOf(this.#referee, { kills: KILLS, brokerKills: BROKER_KILLS, stops: STOPS })) {
      const { distinct } = await this.#referee.look();
      await until('a new event in the topic', async () => (await this.#referee.look()).distinct > distinct || !this.#agent?.running(), ANSWER_MS);
      await happen(this.#referee, fault, { kafka: this.#kafka, agent: this.#agent as RunningAgent, startAgent: () => this.#start() });
    }
    const conclusion = await this.#referee.conclude({ stalledAfterMs: ANSWER_MS });
    this.#t.diagnostic(reportOf(conclusion));
    if (conclusion.stalled || conclusion.lost > 0) {
      this.#t.diagnostic(await heldUp(this.#kafka, topic, partitions));
      this.#t.diagnostic(`the agent ${this.#agent?.running() ? 'runs, and said last' : 'has ended, and said last'}:\n${this.#agent?.lines.slice(-30).join('\n')}`);
    }
    // Partitions have no order among them.
    assert.deepEqual(harmOf(partitions === 1 ? conclusion : { ...conclusion, outOfOrder: 0 }), CLEAN);
    assert.deepEqual([conclusion.duplicates, conclusion.torn], [0, 0]);
  }

  async #start(): Promise<void> {
    this.#agent = await startAgent({ conf: this.#conf, folder: this.#folder, monitoring: false, ...(COMMAND !== undefined && { command: COMMAND }) });
  }
}
