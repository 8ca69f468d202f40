/**
 * This version of ours, another one and Flume 1.11 beside one another. `MILLRACE_OTHER=/opt/millrace/bin/millrace` names the other one;
 * without it, this one stands in for it.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Batch } from '../../core/batch.ts';
import type { Source } from '../../core/component.ts';
import { avroSink } from '../../sinks/avro/index.ts';
import { avroSource as ourSource } from '../../sources/avro/index.ts';
import { create, FakeContext, FakeSourceContext, never } from '../conformance/fakes.ts';
import { CLEAN, harmOf, reportOf } from '../faults/referee/referee.ts';
import { freePort, root, startAgent, until, type RunningAgent } from '../harness/agent.ts';
import { oddEvent, sortedHeaders } from '../harness/odd-events.ts';
import { flumeAvailable, startFlume, type Flume } from '../servers/flume.ts';
import { avroSink as sinkText, avroSource, Chain, netcatSource, rollSink, settings } from './chain.ts';

const inChains = process.env['MILLRACE_CHAINS'] === '1';
const OTHER = process.env['MILLRACE_OTHER'] ?? join(root, 'bin/millrace');
const ROUNDS = process.env['MILLRACE_LONG'] === '1' ? 10 : 1;
const KINDS = ['this', 'the other', 'Flume'] as const;
type Kind = (typeof KINDS)[number];
const ORDERS = KINDS.flatMap((from) => KINDS.map((to) => ({ from, to })));
const EVENTS = 10_000;
const BATCH = 100;

/** The ports of one order: into the sender, from it to the receiver, and from that to us. */
interface Way {
  readonly from: Kind;
  readonly to: Kind;
  readonly into: number;
  readonly between: number;
  readonly back: number;
  readonly source: Source;
  readonly context: FakeSourceContext;
}

describe('A6 this version, another one and Flume as sender and receiver', { skip: inChains ? flumeAvailable() : 'run them by npm run test:chains', timeout: 240_000, concurrency: ORDERS.length }, () => {
  const ways: Way[] = [];
  const running: (RunningAgent | Flume)[] = [];

  before(async () => {
    for (const order of ORDERS) {
      const context = new FakeSourceContext();
      const source = await create(ourSource, { bind: '127.0.0.1', port: '0' }, context);
      await source.start();
      const back = Number(source.describe?.().endpoints?.[0]?.address.split(':')[1]);
      ways.push({ ...order, into: await freePort(), between: await freePort(), back, source, context });
    }
    const conf = (kind: Kind): string => agentOf(ways.filter(({ from }) => from === kind), ways.filter(({ to }) => to === kind));
    const flume = await startFlume({ agent: 'a1', conf: conf('Flume'), monitoringPort: await freePort() });
    running.push(flume, await startAgent({ conf: conf('this') }), await startAgent({ conf: conf('the other'), command: OTHER }));
    for (const agent of running) await agent.ready();
  });

  after(async () => {
    for (const agent of running) await agent.stop();
    for (const { source } of ways) await source.stop();
  });

  for (const [index, { from, to }] of ORDERS.entries()) {
    test(`A6 ${from} to ${to}: ${EVENTS} events with odd headers, each as it was, once, in order`, async () => {
      const { into, context } = ways[index] as Way;
      const sink = await create(avroSink, { hostname: '127.0.0.1', port: String(into) }, new FakeContext());
      const events = Array.from({ length: EVENTS }, (_, number) => oddEvent(number));
      for (let at = 0; at < EVENTS; at += BATCH) {
        const batch = Batch.of(events.slice(at, at + BATCH));
        // A channel that is full says FAILED, and nothing of the batch is stored then.
        await until(`batch ${at} is taken`, async () => sink.write(batch, never).then(() => true), 60_000);
      }
      await sink.stop();
      const come = (): number => context.delivered.reduce((sum, batch) => sum + batch.size, 0);
      await until(() => `${EVENTS} events, ${come()} so far`, () => come() >= EVENTS || undefined, 60_000);
      const back = context.delivered.flatMap((batch) => [...batch]);
      assert.equal(back.length, EVENTS);
      for (const [number, event] of events.entries()) {
        assert.deepEqual(back[number]?.body, event.body, `body ${number}`);
        assert.deepEqual(sortedHeaders(back[number]?.headers), sortedHeaders(event.headers), `headers ${number}`);
      }
    });
  }
});

test('A6 three agents of the other version are upgraded one by one under load, the last one first: lost 0, duplicates 0', { skip: inChains ? false : 'run them by npm run test:chains', timeout: 1_200_000 }, async (t) => {
  for (let round = 0; round < ROUNDS; round++) {
    const chain = new Chain(t, { lengths: 'numbered-short' });
    const [one, two] = [await freePort(), await freePort()];
    const patient = { 'request-timeout': 10_000, 'connect-timeout': 10_000 };
    const agents = [
      chain.add('first', { source: netcatSource(), sink: sinkText(`127.0.0.1:${one}`, patient) }),
      chain.add('middle', { source: avroSource(one), sink: sinkText(`127.0.0.1:${two}`, patient) }),
      chain.add('last', { source: avroSource(two), sink: rollSink() }),
    ];
    for (const agent of agents) agent.program = OTHER;
    chain.collect(...agents.slice(-1));
    await chain.start();
    chain.send(agents[0] as (typeof agents)[number], 2, 500);
    await chain.delivers(500);
    for (const agent of agents.toReversed()) {
      chain.referee.fault(`upgrade of ${agent.name}`);
      agent.program = undefined;
      await agent.restart();
      await chain.delivers(500);
    }
    const conclusion = await chain.referee.conclude();
    t.diagnostic(reportOf(conclusion));
    assert.deepEqual({ ...harmOf(conclusion), duplicates: conclusion.duplicates }, { ...CLEAN, duplicates: 0 });
  }
});

/** An agent with a way through it for each order that it has a part in. */
function agentOf(asSender: readonly Way[], asReceiver: readonly Way[]): string {
  const ways = [...asSender.map(({ into, between }) => [into, between] as const), ...asReceiver.map(({ between, back }) => [between, back] as const)];
  const lists = { r: 'sources', c: 'channels', k: 'sinks' };
  const names = Object.entries(lists).map(([letter, list]) => `a1.${list} = ${ways.map((_, index) => `${letter}${index}`).join(' ')}\n`);
  const parts = ways.map(([listen, send], index) =>
    [
      settings(`sources.r${index}`, { type: 'avro', bind: '127.0.0.1', port: listen, channels: `c${index}` }),
      settings(`channels.c${index}`, { type: 'memory', capacity: EVENTS, transactionCapacity: EVENTS }),
      settings(`sinks.k${index}`, { type: 'avro', hostname: '127.0.0.1', port: send, 'batch-size': BATCH, channel: `c${index}` }),
    ].join(''),
  );
  return [...names, ...parts].join('');
}
