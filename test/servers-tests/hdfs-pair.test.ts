import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { CLEAN, harmOf, Referee, reportOf } from '../faults/referee/referee.ts';
import { TcpLines } from '../faults/referee/tcp-sender.ts';
import { until } from '../harness/agent.ts';
import { hdfsMissing, startHdfs, type Hdfs } from '../servers/hdfs.ts';
import { HdfsFiles, HdfsPlace } from './hdfs-rig.ts';

const short = process.env['MILLRACE_LONG'] === '1' ? false : 'takes minutes: npm run test:servers';
const missing = hdfsMissing() || short;
let hdfs: Hdfs;

before(async () => {
  if (missing === false) hdfs = await startHdfs({ nameNodes: 2 });
});
after(() => (missing === false ? hdfs.stop() : undefined));

test('S16 a pair of NameNodes, hdfs://ns: the active one is killed under load, the other one takes over: 0 lost, 0 altered, 0 twice', { skip: missing, timeout: 400_000 }, async (t) => {
  const place = await HdfsPlace.open(t, hdfs, '/pair');
  const referee = new Referee();
  t.after(() => referee.close());
  referee.collect(new HdfsFiles(place));
  const agent = await place.start();
  const sender = referee.send(new TcpLines({ port: () => agent.port('r1') }), { perSecond: 2000 });
  await until('some answers', () => sender.acknowledged > 3000, 60_000);
  referee.fault('kill -9 of the active NameNode, and a fail-over 2 s later');
  await hdfs.nameNode.kill();
  await sleep(2000);
  await hdfs.failOver();
  const before = sender.acknowledged;
  await until('more answers', () => sender.acknowledged > before + 3000, 60_000);
  const conclusion = await referee.conclude({ stalledAfterMs: 120_000 });
  t.diagnostic(reportOf(conclusion));
  assert.deepEqual(harmOf(conclusion), CLEAN);
  assert.deepEqual([conclusion.torn, conclusion.duplicates], [0, 0]);
  await until('no file is left in use', async () => (await place.files()).inUse.length === 0, 120_000);
});
