import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { freePort, startAgent, type FlumeMetrics, type RunningAgent } from '../harness/agent.ts';
import { refereeOver, sendLines } from './referee/over-files.ts';
import { CLEAN, harmOf } from './referee/referee.ts';

/** Scaled: 9 changes, one a second or so, because a changed file has to look the same for 1 s; 100 with MILLRACE_LONG=1. */
const CHANGES = process.env['MILLRACE_LONG'] === '1' ? 100 : 9;
const PER_SECOND = 20_000;
/** The source hands over what one read gave: at most 64 KiB of lines. */
const BATCH_BYTES = 65_536;

async function folderOf(t: TestContext, ...inside: readonly string[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-reload-'));
  for (const name of inside) await mkdir(join(folder, name));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

interface Knobs {
  readonly port: number;
  readonly sinkBatch?: number;
  readonly lineLength?: number;
  readonly capacity?: number;
  readonly sink?: string;
}

/** The path under test, r1 to k1, and a second one that no change touches. */
function conf({ port, sinkBatch = 1000, lineLength = 512, capacity = 50_000, sink }: Knobs): string {
  return `
a1.sources = r1 r2
a1.channels = c1 c2
a1.sinks = k1 k2
a1.sources.r1.type = netcat
a1.sources.r1.bind = 127.0.0.1
a1.sources.r1.port = ${port}
a1.sources.r1.max-line-length = ${lineLength}
a1.sources.r1.channels = c1
a1.channels.c1.type = memory
a1.channels.c1.capacity = ${capacity}
a1.channels.c1.transactionCapacity = 2000
${sink ?? `
a1.sinks.k1.type = file_roll
a1.sinks.k1.sink.directory = @FOLDER@/out
a1.sinks.k1.sink.rollInterval = 0
a1.sinks.k1.sink.batchSize = ${sinkBatch}`}
a1.sinks.k1.channel = c1
a1.sources.r2.type = seq
a1.sources.r2.totalEvents = 1000
a1.sources.r2.channels = c2
a1.channels.c2.type = memory
a1.sinks.k2.type = null
a1.sinks.k2.channel = c2
`;
}

function startTimes(metrics: FlumeMetrics, names: readonly string[]): readonly (string | undefined)[] {
  return names.map((name) => metrics[name]?.StartTime);
}

async function reloaded(agent: RunningAgent, pattern: RegExp, from: number): Promise<string> {
  process.kill(agent.pid, 'SIGHUP');
  return agent.line(pattern, 30_000, from);
}

test(`G6 ${CHANGES} changes of sink, source and channel in turn at ${PER_SECOND} events/s: nothing lost, untouched parts untouched`, async (t) => {
  const folder = await folderOf(t, 'out');
  const port = await freePort();
  const agent = await startAgent({ folder, conf: conf({ port }), args: ['--poll-interval', '600'] });
  t.after(() => agent.stop());
  await agent.ready();
  const untouched = ['SOURCE.r2', 'CHANNEL.c2', 'SINK.k2'];
  const before = startTimes(await agent.metrics(), untouched);
  const referee = refereeOver(t, join(folder, 'out'));
  const sender = sendLines(referee, port, PER_SECOND);
  for (let change = 1; change <= CHANGES; change++) {
    // Each change goes on top of the ones before it, so that one component differs from file to file.
    const steps = [Math.ceil(change / 3), Math.ceil((change - 1) / 3), Math.ceil((change - 2) / 3)] as const;
    await agent.rewrite(conf({ port, sinkBatch: 1000 + steps[0], lineLength: 512 + steps[1], capacity: 50_000 + steps[2] }));
    const from = agent.lines.length;
    const line = await reloaded(agent, /changed configuration runs|cannot run|left behind/, from);
    assert.match(line, /changed configuration runs/);
    const changed = /changed="?([^"]*)"?$/.exec(line)?.[1];
    const expected = ['channel c1', 'sink k1', 'source r1'][change % 3] as string;
    assert.ok(changed?.includes(expected), `change ${change}: ${line}`);
    assert.doesNotMatch(line, /r2|c2|k2/);
  }
  const conclusion = await referee.conclude();
  const { duplicates, repeated, distinct } = conclusion;
  t.diagnostic(`${distinct} lines over ${sender.connections} connections, ${duplicates} duplicates, ${repeated} sent again`);
  assert.deepEqual([harmOf(conclusion), sender.refusals], [CLEAN, []]);
  assert.ok(distinct > CHANGES * 5000, `${distinct} lines are too few for a load`);
  assert.ok(duplicates + repeated <= CHANGES * (BATCH_BYTES / 100), `${duplicates + repeated} duplicates`);
  assert.deepEqual(startTimes(await agent.metrics(), untouched), before);
});
