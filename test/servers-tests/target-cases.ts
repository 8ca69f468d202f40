/** What every sink with a server behind it owes, whichever server that is. */

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Account } from '../faults/referee/account.ts';
import { CLEAN, harmOf, Referee, reportOf, type Collector, type Conclusion } from '../faults/referee/referee.ts';
import { RolledFiles } from '../faults/referee/rolled-files.ts';
import { TcpLines } from '../faults/referee/tcp-sender.ts';
import { residentMb } from '../faults/watch.ts';
import { MovableHost } from '../harness/movable-host.ts';
import { until, type RunningAgent } from '../harness/agent.ts';
import type { Server } from '../servers/server.ts';

const PER_SECOND = 1000;

export interface MovingTarget {
  /** Where the server listens on 127.0.0.1. */
  readonly port: number;
  readonly folder: string;
  readonly collector: Collector;
  /** What is sent twice may be seen by the second time only: then the order says nothing. */
  readonly unordered?: boolean;
  /** Starts the agent with a sink that is told this address. */
  start(url: string, env: Readonly<Record<string, string>>): Promise<RunningAgent>;
}

/** S24. The address of the name changes, the name is unknown for a while, and is known again: nothing is restarted. */
export async function addressChanges(t: TestContext, { port, folder, collector, unordered = false, start }: MovingTarget): Promise<Conclusion> {
  const host = await MovableHost.before(port, folder);
  t.after(() => host.stop());
  const referee = refereeOf(t, collector);
  const agent = await start(host.url, host.env);
  const sender = referee.send(new TcpLines({ port: await agent.port('r1') }), { perSecond: PER_SECOND });
  const more = async (): Promise<void> => {
    // What was acknowledged before may still come by the old way.
    const { acknowledged } = sender;
    await until('lines at the server', async () => (await referee.look()).delivered > acknowledged || undefined, 60_000);
  };
  await more();
  referee.fault('another address');
  await host.moveTo('127.0.0.3');
  await more();
  referee.fault('no address');
  await host.vanish();
  await agent.line(/ENOTFOUND/, 60_000);
  referee.fault('the first address');
  await host.moveTo('127.0.0.2');
  await more();
  return concluded(t, referee, unordered);
}

export interface StuckTarget {
  /** Stands still, and goes on. */
  readonly server: Pick<Server, 'suspend' | 'resume'>;
  readonly folder: string;
  readonly collector: Collector;
  readonly unordered?: boolean;
  /** Starts the agent with these lines behind its configuration, whose sink is k1 with the channel c1. */
  start(more: readonly string[]): Promise<RunningAgent>;
}

/** S27. The server stands still while a second sink, with a channel of its own, works: that one does not notice. */
export async function stuckBesideHealthy(t: TestContext, { server, folder, collector, unordered = false, start }: StuckTarget): Promise<Conclusion> {
  const out = join(folder, 'healthy');
  mkdirSync(out);
  const agent = await start([
    'a1.sinks = k1 k2',
    'a1.channels = c1 c2',
    'a1.sources.r1.channels = c1 c2',
    'a1.channels.c2.type = memory',
    'a1.channels.c2.capacity = 100000',
    'a1.channels.c2.transactionCapacity = 1000',
    'a1.sinks.k2.type = file_roll',
    `a1.sinks.k2.sink.directory = ${out}`,
    'a1.sinks.k2.channel = c2',
  ]);
  // Both see the same lines, so that they are looked at one after the other.
  const files = new RolledFiles(out);
  const seen = new InTurn(files);
  const referee = refereeOf(t, seen);
  const sender = referee.send(new TcpLines({ port: await agent.port('r1') }), { perSecond: PER_SECOND });
  const arrived = (events: number): Promise<unknown> => until(`${events} lines in the files`, async () => (await referee.look()).delivered >= events || undefined, 60_000);
  await arrived(PER_SECOND);
  server.suspend();
  try {
    await arrived(sender.acknowledged + 5 * PER_SECOND);
    const memory = residentMb(agent.pid);
    t.diagnostic(`${memory.toFixed(0)} MB while the server stands still`);
    assert.ok(memory < 220, `${memory} MB`);
  } finally {
    server.resume();
  }
  seen.current = collector;
  referee.account.forgetSeen();
  const conclusion = await concluded(t, referee, unordered);
  referee.account.forgetSeen();
  files.reset();
  await files.look(referee.account);
  const { lost, duplicates, altered, distinct } = referee.account.verdict();
  assert.deepEqual([lost, duplicates, altered, distinct], [0, 0, 0, conclusion.distinct]);
  return conclusion;
}

class InTurn implements Collector {
  current: Collector;

  constructor(first: Collector) {
    this.current = first;
  }

  look(account: Account): Promise<'more' | 'again'> {
    return this.current.look(account);
  }

  reset(): void {
    this.current.reset();
  }

  finish(account: Account): void {
    this.current.finish(account);
  }

  stop(): Promise<void> {
    return this.current.stop();
  }
}

function refereeOf(t: TestContext, collector: Collector): Referee {
  const referee = new Referee();
  t.after(() => referee.close());
  referee.collect(collector);
  return referee;
}

async function concluded(t: TestContext, referee: Referee, unordered: boolean): Promise<Conclusion> {
  const conclusion = await referee.conclude({ stalledAfterMs: 90_000 });
  t.diagnostic(reportOf(conclusion));
  assert.deepEqual({ ...harmOf(conclusion), ...(unordered && { outOfOrder: 0 }) }, CLEAN);
  return conclusion;
}
