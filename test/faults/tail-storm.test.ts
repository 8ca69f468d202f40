import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { TailAgent } from './tail-agent.ts';
import { Storm } from './tail-storm.ts';

const long = process.env['MILLRACE_LONG'] === '1';
const OPERATIONS = Number(process.env['MILLRACE_STORM'] ?? (long ? 10_000 : 250));
const KILLS_PER_OPERATION = long ? 0.004 : 0.012;
/** Most lines of one transaction of the sink: what one kill may repeat. */
const BATCH = 100;

test(`storm: ${OPERATIONS} renames, copies, truncations, replacements, deletions and half lines, with kill -9: no line lost, none torn`, { timeout: OPERATIONS * 400 + 120_000 }, async (t) => {
  const seed = Number(process.env['MILLRACE_SEED'] ?? Math.floor(Math.random() * 1e9));
  t.diagnostic(`seed ${seed}`);
  const rig = new TailAgent(t);
  const storm = new Storm(rig.logs, join(rig.folder, 'elsewhere'), seed);
  const settled = async (): Promise<void> => {
    const end = performance.now() + 20_000;
    while (storm.verdict(await rig.lines()).lost.length > 0) {
      if (performance.now() > end) return;
      await sleep(100);
    }
  };
  let kills = 0;
  let restarts = 0;
  const said: string[] = [];
  await rig.start();
  for (let operation = 0; operation < OPERATIONS; operation++) {
    await storm.step(settled);
    if (storm.random() < 0.3) await sleep(storm.random() * 60);
    const dice = storm.random();
    if (dice < KILLS_PER_OPERATION) {
      // What was read and not yet settled may be emptied or deleted meanwhile; that is another storm's matter.
      await settled();
      await rig.kill();
      kills++;
      storm.journal.push('kill -9');
    } else if (dice < 1.5 * KILLS_PER_OPERATION) {
      await rig.stop();
      restarts++;
      storm.journal.push('stop');
    } else continue;
    for (let unseen = storm.random() * 4; unseen > 1; unseen--) await storm.stepUnseen();
    said.push(...(rig.agent?.lines ?? []));
    await rig.start();
  }
  storm.finish();
  await settled();
  await sleep(3000);
  const verdict = storm.verdict(await rig.lines());
  const counts = [...storm.counts].map(([kind, count]) => `${kind} ${count}`).join(', ');
  t.diagnostic(`${verdict.written} lines; ${kills} kills, ${restarts} restarts; ${counts}`);
  t.diagnostic(`lost ${verdict.lost.length}, duplicates ${verdict.duplicates.length}, torn ${verdict.torn.length}; taken away before they were read ${verdict.takenAway}`);
  if (process.env['MILLRACE_JOURNAL'] !== undefined) writeFileSync(process.env['MILLRACE_JOURNAL'], [...storm.journal, ...said, ...(rig.agent?.lines ?? []), JSON.stringify(verdict)].join('\n'));
  assert.deepEqual(verdict.lost.slice(0, 5), []);
  assert.deepEqual(verdict.torn.slice(0, 5), []);
  assert.ok(verdict.duplicates.length <= kills * BATCH, `${verdict.duplicates.length} duplicates of ${kills} kills: ${verdict.duplicates.slice(0, 10).join(' ')}`);
});
