/** The oracle's words mean what oracle.ts says, and it agrees with a corpus whose verdicts are known. */

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { flumeAvailable } from '../servers/flume.ts';
import { configCases, systematicCases } from './config-cases.ts';
import { oracleEnvironment } from './generate-confs.ts';
import { startOracle, type Oracle, type OracleLine } from './oracle.ts';

const skip = flumeAvailable();
let started: Promise<Oracle> | undefined;
const folder = await mkdtemp(join(tmpdir(), 'millrace-oracle-test-'));
after(async () => {
  await (await started)?.close();
  await rm(folder, { recursive: true, force: true });
});

const good = {
  sources: 'r1', channels: 'c1', sinks: 'k1', 'sources.r1.type': 'seq', 'sources.r1.channels': 'c1', 'channels.c1.type': 'memory', 'sinks.k1.type': 'null', 'sinks.k1.channel': 'c1',
};

async function ask(changes: Readonly<Record<string, string>>, more = ''): Promise<OracleLine[]> {
  const lines = Object.entries({ ...good, ...changes }).filter(([, value]) => value !== '-');
  const file = join(folder, 'x.conf');
  await writeFile(file, lines.map(([key, value]) => `a1.${key} = ${value}\n`).join('') + more);
  return (await (started ??= startOracle(oracleEnvironment))).ask(file);
}

function summary(line: OracleLine | undefined): unknown[] {
  return [line?.verdict, line?.sources, line?.channels, line?.sinks, line?.sinkgroups, line?.dropped.map((entry) => `${entry.phase} ${entry.component}`)];
}

const table: [string, Readonly<Record<string, string>>, unknown[]][] = [
  ['ok: everything listed runs', {}, ['ok', ['r1'], ['c1'], ['k1'], [], []]],
  ['C1.32 refuses: a type that cannot be loaded', { 'sources.r1.type': 'nosuch' }, ['refuses', [], [], [], [], []]],
  ['C1.33 degraded: a source without channels', { 'sources.r1.channels': '-' }, ['degraded', [], ['c1'], ['k1'], [], ['validate source r1']]],
  ['C1.35 degraded: a sink whose channel is not there', { 'sinks.k1.channel': 'c9' }, ['degraded', ['r1'], ['c1'], [], [], ['validate sink k1']]],
  ['C1.36 commas make one name', { sources: 'r1,r2' }, ['degraded', [], ['c1'], ['k1'], [], ['validate source r1,r2']]],
  ['C1.40 degraded: a channel that nobody uses', { channels: 'c1 c2', 'channels.c2.type': 'memory' }, ['degraded', ['r1'], ['c1'], ['k1'], [], ['load channel c2']]],
  ['C1.17 idle: nothing is left', { 'sources.r1.batchSize': '0', 'sinks.k1.batchSize': '0' }, ['idle', [], [], [], [], ['load source r1', 'load channel c1', 'load sink k1']]],
  ['C1.2 idle: an agent without channels is invalid', { channels: '-' }, ['idle', [], [], [], [], ['validate agent a1']]],
  ['C6.17 idle: a member of a group that fails discards everything', { sinkgroups: 'g1', 'sinkgroups.g1.sinks': 'k1', 'sinkgroups.g1.processor.type': 'failover', 'sinks.k1.batchSize': '0' }, ['idle', [], [], [], [], ['load source r1', 'load channel c1', 'load sink k1', 'load sinkgroup g1']]],
  ['C6.17 refuses: a group without sinks', { sinkgroups: 'g1', 'sinkgroups.g1.processor.type': 'failover' }, ['refuses', [], [], [], [], []]],
  ['ok: a group and its member', { sinkgroups: 'g1', 'sinkgroups.g1.sinks': 'k1', 'sinkgroups.g1.processor.type': 'failover' }, ['ok', ['r1'], ['c1'], ['k1'], ['g1'], []]],
  ['ok: what is not listed does not count', { 'sources.r9.type': 'nosuch' }, ['ok', ['r1'], ['c1'], ['k1'], [], []]],
  ['C1.20 environment', { 'channels.c1.type': '${env:MILLRACE_TEST_TYPE}' }, ['ok', ['r1'], ['c1'], ['k1'], [], []]],
];

for (const [name, changes, wanted] of table) {
  void test(name, { skip }, async () => assert.deepEqual((await ask(changes)).map(summary), [wanted]));
}

void test('each agent of a file is answered, a file without one with null', { skip }, async () => {
  assert.deepEqual((await ask({}, 'b1.foo = x\n')).map((line) => [line.agent, line.verdict]), [['a1', 'ok'], ['b1', 'idle']]);
  const file = join(folder, 'empty.conf');
  await writeFile(file, '# nothing\n');
  assert.deepEqual((await (await started)?.ask(file))?.map((line) => [line.agent, line.verdict]), [[null, 'refuses']]);
});

void test('the same seed gives the same files, another seed others', () => {
  const names = (seed: number) => configCases(50, seed).map((one) => one.name + one.bytes.toString('latin1'));
  assert.deepEqual(names(1), names(1));
  assert.notDeepEqual(names(1), names(2));
  assert.ok(systematicCases().length > 5000);
});

const corpus = process.env['MILLRACE_CORPUS'] ?? '';
const expected = join(corpus, 'EXPECTED.tsv');
void test('the verdicts on the corpus are those it came with', { skip: skip || (existsSync(expected) ? false : 'set MILLRACE_CORPUS to a folder with EXPECTED.tsv') }, async () => {
  const rows = readFileSync(expected, 'utf8').split('\n').filter((row) => row !== '').slice(1).map((row) => row.split('\t'));
  const oracle = await (started ??= startOracle(oracleEnvironment));
  const words = (text = '') => text.split(' ').filter((word) => word !== '').sort();
  for (const file of new Set(rows.map(([name = '']) => name))) {
    // Where only ZooKeeper knows the brokers Flume waits half a minute before it drops the source.
    if (!readFileSync(join(corpus, file)).includes('zookeeperConnect')) {
      const answers = await oracle.ask(join(corpus, file));
      const wanted = rows.filter((row) => row[0] === file).map(([, agent, verdict, ...kept]) => [agent, verdict, ...kept.slice(0, 4).map(words)]);
      const seen = answers.map((line) => [line.agent, line.verdict, line.sources, line.channels, line.sinks, line.sinkgroups]);
      assert.deepEqual(seen, wanted.sort((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1)), file);
    }
  }
});
