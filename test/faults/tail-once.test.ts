/** TAILDIR with exactlyOnce into a durable channel, killed while it reads and while files are rotated: each line is stored once. */

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startAgent, until, type RunningAgent } from '../harness/agent.ts';
import { FileWriter } from './referee/file-writer.ts';
import { CLEAN, harmOf, Referee, reportOf } from './referee/referee.ts';
import { RolledFiles } from './referee/rolled-files.ts';
import { long } from './watch.ts';

const KILLS = Number(process.env['MILLRACE_KILLS'] ?? (long ? 150 : 4));
const SEED = process.env['MILLRACE_SEED'];
const COMMAND = process.env['MILLRACE_COMMAND'];

const CONF = `
a1.sources = r1
a1.channels = c1
a1.sources.r1.type = TAILDIR
a1.sources.r1.filegroups = f1
a1.sources.r1.filegroups.f1 = @FOLDER@/logs/app.*
a1.sources.r1.positionFile = @FOLDER@/positions/p.json
a1.sources.r1.exactlyOnce = true
a1.sources.r1.channels = c1
a1.channels.c1.type = file
a1.channels.c1.checkpointDir = @FOLDER@/store/checkpoint
a1.channels.c1.dataDirs = @FOLDER@/store/data
a1.channels.c1.minimumRequiredSpace = 0
`;
/** Added only behind the last kill: what comes twice then was stored twice. */
const SINK = `
a1.sinks = k1
a1.sinks.k1.type = file_roll
a1.sinks.k1.sink.directory = @FOLDER@/out
a1.sinks.k1.sink.rollInterval = 0
a1.sinks.k1.channel = c1
`;

test(`killed ${KILLS} times while lines come and files are rotated: each line is stored once`, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-once-'));
  const referee = new Referee({ lengths: 'numbered-short', ...(SEED !== undefined && { seed: Number(SEED) }) });
  t.diagnostic(`seed ${referee.seed}`);
  let agent: RunningAgent | undefined;
  t.after(async () => {
    await referee.close();
    await agent?.kill();
    rmSync(folder, { recursive: true, force: true });
  });
  for (const name of ['logs', 'out']) mkdirSync(join(folder, name));
  const start = async (conf: string): Promise<void> => {
    agent = await startAgent({ conf, folder, monitoring: false, ...(COMMAND !== undefined && { command: COMMAND }) });
    await agent.ready();
  };
  const path = join(folder, 'logs', 'app.log');
  const writer = new FileWriter(path, { atOnce: 50 });
  const sender = referee.send(writer, { perSecond: 5000 });
  for (let round = 0; round < KILLS; round++) {
    await start(CONF);
    const had = sender.acknowledged;
    await until('new lines', () => sender.acknowledged > had || undefined);
    await sleep(5 * 100 ** (referee.random.below(1000) / 1000));
    if (round % 3 === 2) writer.rotate(`${path}.${round}`);
    await agent?.kill();
    referee.fault('kill -9');
  }
  referee.collect(new RolledFiles(join(folder, 'out')));
  await start(CONF + SINK);
  const conclusion = await referee.conclude();
  t.diagnostic(reportOf(conclusion));
  assert.deepEqual(harmOf({ ...conclusion, outOfOrder: 0 }), CLEAN);
  assert.equal(conclusion.duplicates, 0);
});
