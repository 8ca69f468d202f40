/** Chains in which one or two agents are real Flume 1.11, with its file channel: pulled apart as those of ours are. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { CLEAN, harmOf, reportOf } from '../faults/referee/referee.ts';
import { RolledFiles } from '../faults/referee/rolled-files.ts';
import { TcpLines } from '../faults/referee/tcp-sender.ts';
import { freePort } from '../harness/agent.ts';
import { flumeAvailable } from '../servers/flume.ts';
import { avroSink, avroSource, BATCH, Chain, netcatSource, rollSink, type Settings } from './chain.ts';
import { FaultProxy, type Fault } from './fault-proxy.ts';
import { flumeHop, type Hop } from './flume-hop.ts';

const skip = process.env['MILLRACE_CHAINS'] === '1' ? flumeAvailable() : 'run them by npm run test:chains';
const LONG = process.env['MILLRACE_LONG'] === '1';
const CUTS = LONG ? 100 : 6;
const KILLS = LONG ? 20 : 2;
/** Far above what an answer takes here, so that none of them is given up but those that a fault takes away. */
const ANSWER_MS = 10_000;
const STOPPED_MS = 1.5 * ANSWER_MS;
const TIMES: Settings = { 'connect-timeout': ANSWER_MS, 'request-timeout': ANSWER_MS };

describe('chains with Flume 1.11 in them', { skip, timeout: LONG ? 3_600_000 : 330_000, concurrency: 2 }, () => {
  for (const kinds of [['ours', 'flume', 'ours'], ['flume', 'ours', 'flume']] as const) {
    test(`A1 A2 A4 A6 ${kinds.join(', ')}: both links cut ${CUTS} times, the middle killed ${KILLS} times and stopped for longer than the time-outs: lost 0, at most one batch twice for each answer that is lost`, async (t) => {
      const { chain, hops, proxies, until } = await row(t, kinds);
      const { referee } = chain;
      const [, middle] = hops as [Hop, Hop, Hop];
      let mostTwice = 0;
      await until(500);
      for (let cut = 0; cut < CUTS; cut++) {
        for (const proxy of proxies) proxy.plan = () => breakOf(referee.random.below(4), referee.random.below(20_000));
        referee.fault('both links break, somewhere in an exchange');
        proxies.forEach((proxy) => proxy.cutAll());
        await until(300);
      }
      for (const proxy of proxies) proxy.plan = () => undefined;
      mostTwice += proxies.reduce((sum, { played, cuts }) => sum + played.length + cuts, 0);
      for (let kill = 0; kill < KILLS; kill++) {
        referee.fault('kill -9 of the middle');
        await middle.kill();
        await middle.start();
        await until(300);
        // What it has stored and not answered, and what it has sent and not noted.
        mostTwice += 2;
      }
      referee.fault('SIGSTOP of the middle');
      middle.signal('SIGSTOP');
      await sleep(STOPPED_MS);
      middle.signal('SIGCONT');
      await until(300);
      // A connection to a process that is stopped takes what is sent, so each attempt may be stored in the end; one more answer is lost behind it.
      mostTwice += Math.ceil(STOPPED_MS / ANSWER_MS) + 2;
      const conclusion = await referee.conclude();
      t.diagnostic(`${reportOf(conclusion)}; at most ${mostTwice} batches twice`);
      assert.deepEqual(harmOf(conclusion), CLEAN);
      assert.ok(conclusion.duplicates <= mostTwice * BATCH, `${conclusion.duplicates} duplicates, ${mostTwice} answers lost`);
    });
  }
});

/** A connection that breaks at a byte, or not. */
function breakOf(kind: number, at: number): Fault | undefined {
  if (kind === 0) return undefined;
  return { side: kind === 1 ? 'answer' : 'request', at: kind === 1 ? at % 60 : at, how: at % 2 === 0 ? 'cut' : 'reset' };
}

async function row(t: TestContext, kinds: readonly ('ours' | 'flume')[]): Promise<{ chain: Chain; hops: readonly Hop[]; proxies: readonly FaultProxy[]; until: (more: number) => Promise<void> }> {
  const chain = new Chain(t, { lengths: 'numbered-short' });
  const ports = await Promise.all(kinds.map(() => freePort()));
  const proxies: FaultProxy[] = [];
  for (const port of ports.slice(1)) proxies.push(await new FaultProxy(port).start());
  t.after(() => Promise.all(proxies.map((proxy) => proxy.stop())));
  const hops: Hop[] = [];
  for (const [index, kind] of kinds.entries()) {
    const next = proxies[index];
    const port = ports[index] as number;
    const parts = {
      source: index === 0 ? netcatSource(port) : avroSource(port),
      sink: next ? avroSink(`127.0.0.1:${next.port}`, TIMES) : rollSink(),
    };
    hops.push(kind === 'ours' ? chain.add(`agent${index}`, parts) : flumeHop(t, join(chain.folder, `agent${index}`), parts));
  }
  chain.referee.collect(new RolledFiles(join(chain.folder, `agent${kinds.length - 1}`, 'out')));
  for (const hop of hops.toReversed()) await hop.start();
  const lines = new TcpLines({ port: ports[0] as number, window: 1000 });
  t.after(() => t.diagnostic(`${lines.connections} connections of the sender, refused: ${lines.refusals.join(' | ')}`));
  chain.referee.send(lines, { perSecond: 300 });
  return { chain, hops, proxies, until: (more) => chain.delivers(more, 90_000) };
}
