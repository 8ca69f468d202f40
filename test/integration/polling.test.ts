import assert from 'node:assert/strict';
import { utimes } from 'node:fs/promises';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startAgent } from '../harness/agent.ts';

const CONF = `a1.sources = r1
a1.channels = c1
a1.sinks = k1
a1.sources.r1.type = seq
a1.sources.r1.totalEvents = 10
a1.sources.r1.channels = c1
a1.channels.c1.type = memory
a1.sinks.k1.type = null
a1.sinks.k1.channel = c1
`;

test('C2.11 C2.12 C2.13 an agent that looks for changes each second stops at any moment of it, also while it reads a touched file', async () => {
  for (let round = 0; round < 3; round++) {
    const agent = await startAgent({ conf: CONF, args: ['--poll-interval', '1'] });
    await agent.counter('SINK.k1', 'EventDrainSuccessCount', (count) => count === 10);
    await utimes(agent.confFile, new Date(), new Date(Date.now() + 5000 * (round + 1)));
    await sleep(400 * round);
    assert.equal(await agent.stop(10_000), 0);
  }
});

test('C2.11 a touched file restarts nothing', async (t) => {
  const agent = await startAgent({ conf: CONF, args: ['--poll-interval', '1'] });
  t.after(() => agent.stop());
  await agent.ready();
  const started = (await agent.metrics())['SOURCE.r1']?.['StartTime'];
  await utimes(agent.confFile, new Date(), new Date(Date.now() + 60_000));
  await agent.line(/nothing has changed/);
  assert.equal((await agent.metrics())['SOURCE.r1']?.['StartTime'], started);
});
