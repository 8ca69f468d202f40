import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { lossesIn, Rig, SINK_BATCH } from './durable-agent.ts';
import { CLEAN, harmOf, reportOf } from './referee/referee.ts';
import { long } from './watch.ts';

const KILLS = Number(process.env['MILLRACE_KILLS'] ?? (long ? 1000 : 15));
const MOST_MS = long ? 5000 : 1200;

const ENCRYPTED_KILLS = Math.ceil(KILLS / 3);
const ENCRYPTION = `
a1.channels.c1.minimumRequiredSpace = 0
a1.channels.c1.encryption.keyProvider = KEYFILE
a1.channels.c1.encryption.activeKey = k1
a1.channels.c1.encryption.keyProvider.keys = k1
a1.channels.c1.encryption.keyProvider.keys.k1.keyFile = @FOLDER@/key
`;

test(`C1 killed ${KILLS} times under load, and in its starts: nothing acknowledged is lost, at most one batch for each kill comes twice`, async (t) => {
  await play(t, rigOf(t), KILLS);
});

test(`C1 the same with an encrypted store, killed ${ENCRYPTED_KILLS} times`, async (t) => {
  const rig = rigOf(t, ENCRYPTION);
  writeFileSync(join(rig.folder, 'key'), randomBytes(32).toString('hex'), { mode: 0o600 });
  await play(t, rig, ENCRYPTED_KILLS);
});

function rigOf(t: TestContext, channel?: string): Rig {
  const seed = process.env['MILLRACE_SEED'];
  return new Rig(t, { lengths: 'edges', ...(channel !== undefined && { channel }), ...(seed !== undefined && { seed: Number(seed) }) });
}

async function play(t: TestContext, rig: Rig, kills: number): Promise<void> {
  const { referee } = rig;
  t.diagnostic(`seed ${referee.seed}`);
  // A slow machine plays fewer.
  const until = performance.now() + 1000 * Number(process.env['MILLRACE_SECONDS'] ?? (long ? 3600 : 60));
  rig.send(3, 1000);
  let before = 0;
  let most = 0;
  let slowestMs = 0;
  let round = 0;
  for (; round < kills && performance.now() < until; round++) {
    const agent = await rig.start();
    const began = performance.now();
    const had = rig.acknowledged;
    // From 5 ms on, each order of magnitude as likely; of two thirds it is the time since the first answer.
    const afterMs = 5 * (MOST_MS / 5) ** (referee.random.below(1000) / 1000);
    const working = round % 3 !== 0;
    if (working) {
      await rig.until('an answer', () => rig.acknowledged > had || !agent.running());
      slowestMs = Math.max(slowestMs, performance.now() - began);
    }
    await sleep(afterMs);
    assert.ok(agent.running(), `the agent ended by itself:\n${agent.lines.slice(-20).join('\n')}`);
    await rig.kill();
    referee.fault(`kill -9 ${afterMs.toFixed(1)} ms after ${working ? 'the first answer' : 'the start'}`);
    assert.deepEqual(lossesIn(agent.lines), []);
    const { duplicates } = await referee.look();
    most = Math.max(most, duplicates - before);
    before = duplicates;
  }
  await rig.start();
  const conclusion = await referee.conclude();
  t.diagnostic(reportOf(conclusion));
  t.diagnostic(`${round} kills; most duplicates of one: ${Math.max(most, conclusion.duplicates - before)}; slowest start to first answer: ${Math.round(slowestMs)} ms`);
  assert.deepEqual(harmOf(conclusion), CLEAN);
  assert.ok(Math.max(most, conclusion.duplicates - before) <= SINK_BATCH);
  assert.ok(conclusion.acknowledged > 100 * round, `only ${conclusion.acknowledged} were acknowledged`);
}
