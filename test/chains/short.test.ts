import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { CLEAN, harmOf, reportOf } from '../faults/referee/referee.ts';
import { freePort } from '../harness/agent.ts';
import { avroSink, avroSource, Chain, netcatSource, rollSink } from './chain.ts';
import { FaultProxy, HOWS, type Fault } from './fault-proxy.ts';

const LONG = process.env['MILLRACE_LONG'] === '1' || process.env['MILLRACE_CHAINS'] === '1';
const SECONDS = Number(process.env['MILLRACE_SECONDS'] ?? (LONG ? 60 : 4));

test('A2 A4 two agents, cut and delayed anywhere in the exchange, both killed: lost 0, duplicates 0', { timeout: 300_000 }, async (t) => {
  const chain = new Chain(t, { lengths: 'numbered-short' });
  const { referee } = chain;
  const { random } = referee;
  const port = await freePort();
  const proxy = await new FaultProxy(port).start();
  t.after(() => proxy.stop());
  proxy.plan = (): Fault | undefined => {
    if (random.below(8) === 0) return undefined;
    const side = random.below(2) === 0 ? 'request' : 'answer';
    // The first answers are a few dozen bytes long, and so is what comes before the first event.
    const at = side === 'answer' ? random.below(50) : random.below(2) === 0 ? random.below(400) : random.below(8000);
    return { side, at, how: HOWS[random.below(HOWS.length)] ?? 'cut', lateMs: 200 + random.below(2500) };
  };
  const second = chain.add('second', { source: avroSource(port), sink: '' });
  const first = chain.add('first', { source: netcatSource(), sink: avroSink(`127.0.0.1:${proxy.port}`) });
  chain.collect(second);
  await chain.start();
  chain.send(first, 2, 1000);
  await chain.acknowledges(100);
  let kills = 0;
  for (const end = performance.now() + 1000 * SECONDS; performance.now() < end || proxy.played.length === 0; kills++) {
    const agent = random.below(2) === 0 ? first : second;
    const [faults, sinceMs, patienceMs] = [proxy.played.length, performance.now(), 1000 + random.below(3000)];
    while (proxy.played.length < faults + 2 && performance.now() < sinceMs + patienceMs) await sleep(5);
    referee.fault(`kill -9 of ${agent.name}`);
    await agent.kill();
    await agent.start();
  }
  proxy.played.forEach(({ side, at, how }) => referee.fault(`${how} at byte ${at} of the ${side}`));
  proxy.plan = () => undefined;
  // File_roll may write a batch twice when it is killed: it writes once nobody is killed any more.
  await second.kill();
  second.parts = { ...second.parts, sink: rollSink() };
  await second.start();
  const conclusion = await referee.conclude();
  t.diagnostic(reportOf(conclusion));
  t.diagnostic(`${kills} kills, ${proxy.played.length} faults on ${proxy.connections} connections`);
  assert.deepEqual(harmOf(conclusion), CLEAN);
  assert.equal(conclusion.duplicates, 0, conclusion.examples.join('\n'));
  assert.ok(proxy.played.length > 0 && kills > 0 && conclusion.acknowledged > 100);
});
