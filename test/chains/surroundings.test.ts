import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { CLEAN, harmOf, reportOf } from '../faults/referee/referee.ts';
import { freePort } from '../harness/agent.ts';
import { avroSink, avroSource, BATCH, Chain, netcatSource, rollSink, type ChainAgent } from './chain.ts';

const skip = process.env['MILLRACE_CHAINS'] === '1' ? false : 'run them by npm run test:chains';
const LONG = process.env['MILLRACE_LONG'] === '1';
const DAY_MS = 86_400_000;

describe('what is around the agents of a chain', { skip, timeout: 240_000 }, () => {
  test('A11 three clocks, each a day apart from the next: lost 0, duplicates 0, also over a kill of the middle', async (t) => {
    const chain = new Chain(t, { lengths: 'numbered-short' });
    const ports = [await freePort(), await freePort()] as const;
    const parts = [
      { source: netcatSource(), sink: avroSink(`127.0.0.1:${ports[0]}`) },
      { source: avroSource(ports[0]), sink: avroSink(`127.0.0.1:${ports[1]}`) },
      { source: avroSource(ports[1]), sink: rollSink() },
    ];
    const agents = parts.map((each, index) => chain.add(`agent${index}`, each, atAnotherTime(chain.folder, (index - 1) * DAY_MS)));
    const [first, middle, last] = agents as [ChainAgent, ChainAgent, ChainAgent];
    chain.collect(last);
    await chain.start();
    chain.send(first, 2, 300);
    await chain.delivers(300);
    const days = agents.map(({ lines }) => Date.parse(/^\d{4}-\d\d-\d\d/.exec(lines.find((line) => /^\d{4}-/.test(line)) ?? '')?.[0] ?? '') / DAY_MS);
    assert.ok((days[2] as number) - (days[0] as number) >= 2, `the logs say ${days.join(', ')}`);
    chain.referee.fault('kill -9 of the middle');
    await middle.kill();
    await middle.start();
    await chain.delivers(300);
    const conclusion = await chain.referee.conclude();
    t.diagnostic(reportOf(conclusion));
    assert.deepEqual({ ...harmOf(conclusion), duplicates: conclusion.duplicates }, { ...CLEAN, duplicates: 0 });
  });

  test('the disk of the second is full: it refuses, the first keeps what it has, and with room again lost 0, duplicates 0', { skip: process.env['MILLRACE_HOSTS'] === '1' ? false : 'needs mounts of its own' }, async (t) => {
    const chain = new Chain(t, { lengths: 'numbered-short' });
    const port = await freePort();
    const disk = join(chain.folder, 'second', 'store');
    mkdirSync(disk, { recursive: true });
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=48m', 'none', disk]);
    chain.atEnd(() => execFileSync('umount', [disk]));
    const second = chain.add('second', { source: avroSource(port), sink: '' });
    const first = chain.add('first', { source: netcatSource(), sink: avroSink(`127.0.0.1:${port}`, { 'request-timeout': 10_000, 'connect-timeout': 10_000 }) });
    chain.collect(second);
    await chain.start();
    chain.send(first, 2, 1000);
    await chain.acknowledges(500);
    chain.referee.fault('the disk of the second is filled by somebody else');
    fill(join(disk, 'somebody-else'));
    await chain.until('a refusal', () => first.lines.some((line) => /not accepted/.test(line)), 120_000);
    await chain.acknowledges(1000);
    execFileSync('rm', [join(disk, 'somebody-else')]);
    await second.kill();
    second.parts = { ...second.parts, sink: rollSink() };
    await second.start();
    await chain.delivers(500, 60_000);
    const conclusion = await chain.referee.conclude();
    t.diagnostic(reportOf(conclusion));
    assert.deepEqual({ ...harmOf(conclusion), duplicates: conclusion.duplicates }, { ...CLEAN, duplicates: 0 });
  });

  test('A9 two senders and two receivers, one of which dies and comes back, then the other: lost 0, a call twice for each sender and death', async (t) => {
    const chain = new Chain(t, { lengths: 'numbered-short' });
    const ports = [await freePort(), await freePort()];
    const to = ports.map((port) => `127.0.0.1:${port}`);
    const senders = ['one', 'two'].map((name, index) =>
      chain.add(name, { source: netcatSource(), sink: avroSink(to, { 'client.type': index === 0 ? 'default_loadbalance' : 'default_failover', 'request-timeout': 10_000, 'connect-timeout': 10_000, ...(index === 0 && { backoff: true }) }) }),
    );
    const receivers = ports.map((port, index) => chain.add(`receiver${index}`, { source: avroSource(port), sink: rollSink() }));
    chain.collect(...receivers);
    await chain.start();
    for (const sender of senders) chain.send(sender, 1, 300);
    await chain.delivers(300);
    const deaths = LONG ? 20 : 2;
    for (let death = 0; death < deaths; death++) {
      const victim = receivers[death % 2] as ChainAgent;
      chain.referee.fault(`kill -9 of ${victim.name}`);
      await victim.kill();
      await chain.delivers(300);
      await victim.start();
      await chain.delivers(300);
    }
    const conclusion = await chain.referee.conclude();
    t.diagnostic(reportOf(conclusion));
    // Each receiver has an order of its own, the whole has none.
    assert.deepEqual({ ...harmOf(conclusion), outOfOrder: 0 }, CLEAN);
    // What the other receiver was sent, and had not answered; and the file_roll sink of the one that was killed.
    assert.ok(conclusion.duplicates <= deaths * (senders.length + 1) * MOST_IN_A_CALL, `${conclusion.duplicates} duplicates`);
  });
});

/** Between agents of ours a call carries up to 1 MB of bodies, and these are 20 bytes and more. */
const MOST_IN_A_CALL = Math.max(BATCH, (1024 * 1024) / 20);

/** Runs an agent by a clock that is off by so much. */
function atAnotherTime(folder: string, offsetMs: number): readonly string[] {
  const path = join(folder, `clock${offsetMs}.mjs`);
  writeFileSync(
    path,
    `const { Date: Real } = globalThis;
globalThis.Date = class Date extends Real {
  constructor(...words) { if (words.length === 0) super(Real.now() + ${offsetMs}); else super(...words); }
  static now() { return Real.now() + ${offsetMs}; }
};
`,
  );
  return ['env', `NODE_OPTIONS=--import=${pathToFileURL(path).href}`];
}

function fill(path: string): void {
  try {
    execFileSync('dd', ['if=/dev/zero', `of=${path}`, 'bs=64k'], { stdio: 'ignore' });
  } catch {
    // Until there is no room any more, which is the end of it.
  }
}
