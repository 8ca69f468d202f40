import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { lossesIn, Rig } from './durable-agent.ts';
import { CLEAN, harmOf, reportOf } from './referee/referee.ts';
import { DiskImage, type Cut } from './system-calls/disk-image.ts';
import { missingForPreload, preloadEnvironment } from './system-calls/preload.ts';
import { long } from './watch.ts';

const CUTS = Number(process.env['MILLRACE_CUTS'] ?? (long ? 1000 : 6));
const HOW: readonly Cut[] = ['nothing', 'begin', 'blocks'];

test(`C3 the power fails ${CUTS} times under load, and what was not synced is lost, in part or whole: nothing acknowledged is lost`, async (t) => {
  const reason = missingForPreload();
  if (reason !== undefined) return t.skip(reason);
  const rig = new Rig(t, { lengths: 'edges', ...(process.env['MILLRACE_SEED'] !== undefined && { seed: Number(process.env['MILLRACE_SEED']) }) });
  const { referee } = rig;
  t.diagnostic(`seed ${referee.seed}`);
  const journal = join(rig.folder, 'journal');
  const env = preloadEnvironment({ under: rig.store, calls: '', journal });
  // A slow machine plays fewer.
  const until = performance.now() + 1000 * Number(process.env['MILLRACE_SECONDS'] ?? (long ? 3600 : 60));
  rig.send(3, 1000);
  let syncs = 0;
  let round = 0;
  for (; round < CUTS && performance.now() < until; round++) {
    const image = new DiskImage(rig.store);
    const agent = await rig.start(env);
    const had = rig.acknowledged;
    if (round % 4 !== 0) await rig.until('an answer', () => rig.acknowledged > had || !agent.running());
    const afterMs = referee.random.below(400);
    await sleep(afterMs);
    assert.ok(agent.running(), `the agent ended by itself:\n${agent.lines.slice(-20).join('\n')}`);
    await rig.kill();
    assert.deepEqual(lossesIn(agent.lines), []);
    image.play(journal);
    rmSync(journal, { force: true });
    const how = HOW[round % HOW.length] as Cut;
    image.cut(how, referee.random);
    syncs += image.syncs;
    referee.fault(`power cut, of what was not synced ${how} is kept`);
  }
  await rig.start();
  const conclusion = await referee.conclude();
  t.diagnostic(reportOf(conclusion));
  t.diagnostic(`${round} power cuts, ${syncs} syncs`);
  assert.deepEqual(harmOf(conclusion), CLEAN);
  assert.ok(conclusion.acknowledged > 100 * round, `only ${conclusion.acknowledged} were acknowledged`);
});
