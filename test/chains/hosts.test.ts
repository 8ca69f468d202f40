import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { CLEAN, harmOf, reportOf } from '../faults/referee/referee.ts';
import { flumeAvailable } from '../servers/flume.ts';
import { avroSink, avroSource, BATCH, Chain, netcatSource, rollSink, type ChainAgent } from './chain.ts';
import { flumeHop } from './flume-hop.ts';
import { addHost, hostsMissing, Link } from './hosts.ts';

const LONG = process.env['MILLRACE_LONG'] === '1';
/** How long a fault lasts. */
const FAULT_MS = LONG ? 60_000 : 3000;
const ROUNDS = LONG ? 100 : 3;
/** Of Flume: far above what an answer takes here. */
const ANSWER_MS = 10_000;
/** Shorter than that, and longer: what was sent arrives after all, or is sent again. */
const FLUME_FAULTS_MS = [ANSWER_MS / 4, 1.5 * ANSWER_MS];
const FLUME_ROUNDS = LONG ? 10 : 1;
const PORT = 4141;
let hosts = 0;

describe('chains of agents on several hosts', { skip: hostsMissing, timeout: LONG ? 7_200_000 : 240_000 }, () => {
  test('A1 three agents: links down, black holes, both at once: lost 0, duplicates 0', async (t) => {
    const { chain, links } = await row(t, 3);
    for (const which of [[0], [1], [0, 1]]) {
      for (const kind of ['down', 'hole'] as const) {
        chain.referee.fault(`${kind} of the links ${which.join(' and ')}`);
        const broken = links.filter((_, index) => which.includes(index));
        for (const link of broken) link.weather(kind);
        await sleep(FAULT_MS);
        for (const link of broken) link.weather('clear');
        await chain.delivers(200);
      }
    }
    await conclude(t, chain);
  });

  test(`A4 the middle agent of three killed ${ROUNDS} times, and stopped for longer than the time-outs: lost 0, duplicates 0`, async (t) => {
    const { chain } = await row(t, 3);
    const middle = chain.agents[1] as ChainAgent;
    for (let round = 0; round < ROUNDS; round++) {
      await sleep(chain.referee.random.below(1500));
      chain.referee.fault('kill -9 of the middle');
      await middle.kill();
      await sleep(chain.referee.random.below(LONG ? 5000 : 500));
      await middle.start();
      await chain.delivers(100);
    }
    chain.referee.fault('SIGSTOP of the middle');
    middle.signal('SIGSTOP');
    await sleep(FAULT_MS);
    middle.signal('SIGCONT');
    await chain.delivers(100);
    await conclude(t, chain);
  });

  test(`A5 all three killed at once, ${ROUNDS} times, and restarted one after the other under load: lost 0, at most one batch twice for each`, async (t) => {
    const { chain } = await row(t, 3);
    for (let round = 0; round < ROUNDS; round++) {
      await chain.acknowledges(100);
      await sleep(chain.referee.random.below(1000));
      chain.referee.fault('kill -9 of all');
      await Promise.all(chain.agents.map((agent) => agent.kill()));
      await chain.start();
    }
    for (const agent of chain.agents) {
      await chain.acknowledges(100);
      chain.referee.fault(`restart of ${agent.name}`);
      await agent.restart();
    }
    // The file_roll sink at the end is the one that can write a batch twice.
    await conclude(t, chain, ROUNDS * BATCH);
  });

  test('A7 the channel of the second is full: the first pauses, and both rest', async (t) => {
    const { chain } = await row(t, 2, { channel: 'a1.channels.c1.capacity = 300\na1.channels.c1.transactionCapacity = 100\na1.channels.c1.keep-alive = 0\n', sink: '' });
    const [first, second] = chain.agents as [ChainAgent, ChainAgent];
    // A refused connection may be told before; then this is told with the next line of its kind, ten seconds later.
    await chain.until('the first is told of it', () => first.lines.some((line) => /FAILED: its channel is full/.test(line)));
    const before = [first, second].map(({ pid }) => ticksOf(pid));
    await sleep(FAULT_MS);
    // Of the first, reading what is sent to it comes on top.
    const used = (ticksOf(second.pid) - (before[1] as number)) / (FAULT_MS / 10);
    t.diagnostic(`CPU of the second: ${(100 * used).toFixed(1)} %`);
    assert.ok(used < 0.1);
    await second.kill();
    second.parts = { ...second.parts, sink: rollSink() };
    await second.start();
    await conclude(t, chain);
  });

  test('A8 30 % of the packets lost, then 1 Mbit/s: events go through, lost 0, duplicates 0', async (t) => {
    const { chain, links } = await row(t, 2);
    for (const weather of [{ lose: 30 }, { kbits: 1000 }] as const) {
      chain.referee.fault(JSON.stringify(weather));
      links[0]?.weather(weather);
      await chain.delivers(300, 120_000);
    }
    links[0]?.weather('clear');
    await conclude(t, chain);
  });

  test('A9 one of two receivers dies and comes back: the other takes all within 10 s, then both are used; lost 0', async (t) => {
    const chain = new Chain(t, { lengths: 'numbered-short' });
    const names = [`h${++hosts}`, `h${++hosts}`];
    const links = names.map((name) => [addHost(name), new Link(undefined, name)] as const);
    const to = links.map(([, { address }]) => `${address}:${PORT}`);
    const first = chain.add('first', { source: netcatSource(), sink: avroSink(to, { 'client.type': 'default_loadbalance', backoff: true }) });
    const receivers = links.map(([host], index) => chain.add(`receiver${index}`, { source: avroSource(PORT), sink: rollSink() }, host));
    chain.collect(...receivers);
    await chain.start();
    chain.send(first, 1, 500);
    await chain.delivers(200);
    chain.referee.fault('kill -9 of the first receiver');
    await receivers[0]?.kill();
    await chain.delivers(500, 10_000);
    await receivers[0]?.start();
    await chain.delivers(500);
    const conclusion = await chain.referee.conclude();
    t.diagnostic(reportOf(conclusion));
    // Two receivers: what each gets is in order, the whole is not.
    assert.deepEqual({ ...harmOf(conclusion), outOfOrder: 0 }, CLEAN);
    assert.ok(conclusion.duplicates <= BATCH, `${conclusion.duplicates} duplicates`);
  });
});

describe('Flume 1.11 on a host between two of ours', { skip: hostsMissing || flumeAvailable(), timeout: LONG ? 3_600_000 : 330_000 }, () => {
  test(`A1 A6 each link down and a black hole, ${FLUME_ROUNDS} times: lost 0, at most one batch twice for each answer that is lost`, async (t) => {
    const chain = new Chain(t, { lengths: 'numbered-short' });
    const times = { 'connect-timeout': ANSWER_MS, 'request-timeout': ANSWER_MS };
    const hosts = [addHost('flume1'), addHost('flume2')] as const;
    const links = [new Link(undefined, 'flume1'), new Link('flume1', 'flume2')] as const;
    const first = chain.add('first', { source: netcatSource(), sink: avroSink(`${links[0].address}:${PORT}`, times) });
    const middle = flumeHop(t, join(chain.folder, 'middle'), { source: avroSource(PORT), sink: avroSink(`${links[1].address}:${PORT}`, times) }, hosts[0]);
    const last = chain.add('last', { source: avroSource(PORT), sink: rollSink() }, hosts[1]);
    chain.collect(last);
    await last.start();
    await middle.start();
    await first.start();
    chain.send(first, 2, 300);
    await chain.delivers(300, 60_000);
    let faults = 0;
    for (let round = 0; round < FLUME_ROUNDS; round++) {
      for (const link of links) {
        for (const kind of ['down', 'hole'] as const) {
          for (const lastsMs of FLUME_FAULTS_MS) {
            chain.referee.fault(`${kind} for ${lastsMs} ms`);
            link.weather(kind);
            await sleep(lastsMs);
            link.weather('clear');
            await chain.delivers(300, 90_000);
            faults++;
          }
        }
      }
    }
    const conclusion = await chain.referee.conclude();
    t.diagnostic(reportOf(conclusion));
    assert.deepEqual(harmOf(conclusion), CLEAN);
    // No connection comes about over a broken link, so one call is in doubt for each.
    assert.ok(conclusion.duplicates <= faults * BATCH, `${conclusion.duplicates} duplicates`);
  });
});

/** Agents in a row, the first on our own host, each of the others on one of its own. */
async function row(t: TestContext, agents: number, last: { channel?: string; sink?: string } = {}): Promise<{ chain: Chain; links: readonly Link[] }> {
  const chain = new Chain(t, { lengths: 'numbered-short' });
  const links: Link[] = [];
  const names: string[] = [];
  for (let index = 1; index < agents; index++) {
    const name = `h${++hosts}`;
    names.push(name);
    addHost(name);
    links.push(new Link(names[index - 2], name));
  }
  for (let index = 0; index < agents; index++) {
    const next = links[index];
    const parts = { source: index === 0 ? netcatSource() : avroSource(PORT), sink: next ? avroSink(`${next.address}:${PORT}`) : rollSink() };
    chain.add(`agent${index}`, next ? parts : { ...parts, ...last }, index === 0 ? [] : ['ip', 'netns', 'exec', names[index - 1] as string]);
  }
  chain.collect(chain.agents.at(-1) as ChainAgent);
  await chain.start();
  chain.send(chain.agents[0] as ChainAgent, 2, 300);
  await chain.acknowledges(100);
  return { chain, links };
}

async function conclude(t: TestContext, chain: Chain, mostDuplicates = 0): Promise<void> {
  const conclusion = await chain.referee.conclude();
  t.diagnostic(reportOf(conclusion));
  assert.deepEqual(harmOf(conclusion), CLEAN);
  assert.ok(conclusion.duplicates <= mostDuplicates, `${conclusion.duplicates} duplicates: ${conclusion.examples.join('; ')}`);
}

/** CPU time of a process in hundredths of a second. */
function ticksOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}
