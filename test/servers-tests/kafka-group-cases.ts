/**
 * Agents that read a topic as one group into files, with the referee at both ends: they come and go, are killed and suspended, and so is
 * the broker. Long: MILLRACE_LONG=1; how often by MILLRACE_SOURCE_KILLS, MILLRACE_BROKER_KILLS, MILLRACE_STOPS, MILLRACE_PARTITIONS,
 * MILLRACE_REBALANCE_SECONDS; MILLRACE_SEED repeats a run, MILLRACE_COMMAND plays with an installed Millrace.
 */

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { KafkaWriter } from '../faults/referee/kafka-writer.ts';
import { CLEAN, harmOf, Referee, reportOf, type Conclusion } from '../faults/referee/referee.ts';
import { RolledFiles } from '../faults/referee/rolled-files.ts';
import { long } from '../faults/watch.ts';
import { startAgent, until, type RunningAgent } from '../harness/agent.ts';
import type { Kafka } from '../servers/kafka.ts';
import { faultsOf, happen, setting } from './kafka-faults.ts';
import { createTopic } from './kafka-rig.ts';

const KILLS = setting('SOURCE_KILLS', 100);
const BROKER_KILLS = setting('BROKER_KILLS', 10);
const STOPS = setting('STOPS', 5);
const REBALANCE_SECONDS = setting('REBALANCE_SECONDS', 120);
const PARTITIONS = (process.env['MILLRACE_PARTITIONS'] ?? '1,12,100').split(',').map(Number);
const SEED = process.env['MILLRACE_SEED'];
const COMMAND = process.env['MILLRACE_COMMAND'];
const MOST_BYTES = 8_388_608;
const SESSION_MS = 6000;
const ANSWER_MS = 120_000;

const confOf = (brokers: string, topic: string, instance: string | undefined): string => `
a1.sources = r1
a1.channels = c1
a1.sinks = k1
a1.sources.r1.type = org.apache.flume.source.kafka.KafkaSource
a1.sources.r1.kafka.bootstrap.servers = ${brokers}
a1.sources.r1.kafka.topics = ${topic}
a1.sources.r1.kafka.consumer.group.id = g-${topic}
a1.sources.r1.kafka.consumer.auto.offset.reset = earliest
a1.sources.r1.kafka.consumer.session.timeout.ms = ${SESSION_MS}
a1.sources.r1.kafka.consumer.heartbeat.interval.ms = 500
a1.sources.r1.kafka.consumer.request.timeout.ms = 10000
${instance === undefined ? '' : `a1.sources.r1.kafka.consumer.group.instance.id = ${instance}`}
a1.sources.r1.batchSize = 200
a1.sources.r1.channels = c1
a1.channels.c1.type = file
a1.channels.c1.checkpointDir = @FOLDER@/checkpoint
a1.channels.c1.dataDirs = @FOLDER@/data
a1.channels.c1.minimumRequiredSpace = 0
a1.sinks.k1.type = file_roll
a1.sinks.k1.sink.directory = @FOLDER@/out
a1.sinks.k1.sink.rollInterval = 0
a1.sinks.k1.channel = c1
`;

/** One agent of the group, with a folder that it finds again. */
interface Member {
  readonly folder: string;
  readonly instance: string | undefined;
  agent: RunningAgent | undefined;
}

class Group {
  readonly referee = new Referee({ lengths: 'numbered-edges', ...(SEED !== undefined && { seed: Number(SEED) }) });
  readonly members: Member[] = [];
  readonly #t: TestContext;
  readonly #kafka: Kafka;
  readonly #home = mkdtempSync(join(tmpdir(), 'millrace-group-'));
  #topic = '';

  constructor(t: TestContext, kafka: Kafka) {
    this.#t = t;
    this.#kafka = kafka;
    t.diagnostic(`seed ${this.referee.seed}`);
    t.after(async () => {
      await this.referee.close();
      for (const { agent } of this.members) await agent?.kill();
      rmSync(this.#home, { recursive: true, force: true });
    });
  }

  async open(partitions: number, members: number, staticMembers = false): Promise<void> {
    this.#topic = await createTopic(this.#kafka, partitions, { 'max.message.bytes': String(MOST_BYTES) });
    for (let index = 0; index < members; index++) {
      const folder = join(this.#home, String(index));
      mkdirSync(join(folder, 'out'), { recursive: true });
      this.members.push({ folder, instance: staticMembers ? `m${index}` : undefined, agent: undefined });
    }
    this.referee.collect(new RolledFiles(...this.members.map(({ folder }) => join(folder, 'out'))));
    const senders = Array.from({ length: 2 }, () => this.referee.send(new KafkaWriter(this.#kafka.plain, this.#topic, partitions), { perSecond: 1000 }));
    await until('the first records are written', () => senders.every(({ acknowledged }) => acknowledged > 0) || undefined);
  }

  async start(index: number): Promise<RunningAgent> {
    const member = this.members[index] as Member;
    const conf = confOf(this.#kafka.plain, this.#topic, member.instance);
    member.agent = await startAgent({ conf, folder: member.folder, monitoring: false, ...(COMMAND !== undefined && { command: COMMAND }) });
    return member.agent;
  }

  /** Waits until so many more events came out, of those of a member or of all. */
  async more(events: number): Promise<void> {
    const began = (await this.referee.look()).distinct;
    let now = began;
    const state = (): string => `${events} more events; ${now - began} came\n${this.members.map(({ agent }) => agent?.lines.slice(-5).join('\n')).join('\n')}`;
    await until(state, async () => (now = (await this.referee.look()).distinct) >= began + events || undefined, ANSWER_MS);
  }

  /** Waits until a member has written something. */
  async works(index: number): Promise<void> {
    const out = join((this.members[index] as Member).folder, 'out');
    const written = (): boolean => readdirSync(out).some((name) => statSync(join(out, name)).size > 0);
    await until(() => `an event of member ${index}`, async () => {
      await this.referee.look();
      return written() || undefined;
    }, ANSWER_MS);
  }

  async conclude(partitions: number): Promise<Conclusion> {
    const conclusion = await this.referee.conclude({ stalledAfterMs: ANSWER_MS });
    this.#t.diagnostic(reportOf(conclusion));
    // Partitions have no order among them, and neither have the files of several agents.
    const hasOrder = partitions === 1 && this.members.length === 1;
    assert.deepEqual(harmOf(hasOrder ? conclusion : { ...conclusion, outOfOrder: 0 }), CLEAN);
    return conclusion;
  }
}

export function groupKillCases(kafka: () => Kafka): void {
  for (const partitions of PARTITIONS) {
    test(`N21 a source of ${partitions} partitions: killed ${KILLS} times, its broker ${BROKER_KILLS} times, either suspended ${STOPS} times: nothing is lost`, { skip: !long }, async (t) => {
      const group = new Group(t, kafka());
      const { referee } = group;
      // A static member need not wait for the session of the one that died.
      await group.open(partitions, 1, true);
      await group.start(0);
      const faults = faultsOf(referee, { kills: KILLS, brokerKills: BROKER_KILLS, stops: STOPS });
      for (const fault of faults) {
        await group.more(1);
        await happen(referee, fault, { kafka: kafka(), agent: group.members[0]?.agent as RunningAgent, startAgent: () => group.start(0) });
      }
      const { duplicates } = await group.conclude(partitions);
      t.diagnostic(`${duplicates} read twice, ${(duplicates / faults.length).toFixed(1)} for each fault`);
    });
  }
}

export function rebalanceStormCases(kafka: () => Kafka): void {
  test(`N21 members come and go every 2 s for ${REBALANCE_SECONDS} s: nothing is lost`, { skip: !long }, async (t) => {
    const group = new Group(t, kafka());
    await group.open(12, 3);
    await group.start(0);
    await group.more(1);
    const until = performance.now() + 1000 * REBALANCE_SECONDS;
    let changes = 0;
    for (let index = 1; performance.now() < until; index = 3 - index, changes++) {
      const member = group.members[index] as Member;
      group.referee.fault(`member ${index} ${member.agent?.running() ? 'goes' : 'comes'}`);
      if (member.agent?.running()) await member.agent.stop();
      else await group.start(index);
      await sleep(2000);
    }
    for (const [index, { agent }] of group.members.entries()) if (!agent?.running()) await group.start(index);
    const { duplicates } = await group.conclude(12);
    t.diagnostic(`${changes} changes, ${duplicates} read twice`);
  });
}

export function scaleOutCases(kafka: () => Kafka): void {
  for (const staticMembers of [false, true]) {
    test(`1, 2 and 4 agents in one group${staticMembers ? ' of static members' : ''} over 12 partitions: each event comes; a dead agent's partitions are taken over`, { skip: !long }, async (t) => {
      const group = new Group(t, kafka());
      await group.open(12, 4, staticMembers);
      for (const members of [[0], [1], [2, 3]]) {
        await Promise.all(members.map((index) => group.start(index)));
        for (const index of members) await group.works(index);
        await group.more(2000);
      }
      const { duplicates } = await group.referee.look();
      t.diagnostic(`${duplicates} read twice while agents came`);
      await (group.members[3] as Member).agent?.kill();
      const began = performance.now();
      group.referee.fault('kill -9 of one of four');
      // Written after its death, to all partitions: events that only those can bring who took its partitions over.
      const later = group.referee.account.ledgers.map((ledger) => ({ ledger, from: ledger.next + 500 }));
      const came = ({ ledger, from }: (typeof later)[number]): boolean => Array.from({ length: 120 }, (_, index) => ledger.seen.has(from + index)).every(Boolean);
      await until('events of all partitions', async () => {
        await group.referee.look();
        return later.every(came) || undefined;
      }, ANSWER_MS);
      t.diagnostic(`the dead agent's partitions were read again after ${((performance.now() - began) / 1000).toFixed(1)} s, with a session timeout of ${SESSION_MS / 1000} s`);
      await group.start(3);
      const conclusion = await group.conclude(12);
      t.diagnostic(`${conclusion.duplicates} read twice in all`);
    });
  }
}
