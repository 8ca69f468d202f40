import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { AgentArguments, AgentIo } from '../../../../agent/command-line/types.ts';
import { configurationLoader } from '../../../../agent/configuration/loader.ts';
import type { ConfigurationLoader } from '../../../../agent/running/running-agent.ts';
import { backupPath, readBackup } from '../../../../agent/configuration/backup.ts';
import { C, K, LISTS, S, stay } from '../planning.ts';

const silent = { error() {}, warn() {}, info() {}, debug() {}, event() {}, ready: () => Promise.resolve() };
const io: AgentIo = {
  out() {},
  err() {},
  colour: false,
  env: new Map([['SECRET_TOKEN', 'pl4nted']]),
  systemProperties: new Map(),
  log: { logger: () => silent, hide() {}, mask: (text) => text, recent: () => [], dropped: 0, toConsole: true, close: () => Promise.resolve() },
};

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'millrace-loader-'));
  t.after(() => rm(path, { recursive: true }));
  return path;
}

async function loader(t: TestContext, text: string, more: Partial<AgentArguments> = {}): Promise<ConfigurationLoader & { path: string }> {
  const path = join(await folder(t), 'x.conf');
  await writeFile(path, text);
  const args: AgentArguments = { name: 'a1', confFiles: [path], confUris: [], reload: true, classPath: [], pluginsPath: [], strict: false, lenient: false, ...more };
  return { ...configurationLoader(args, io), path };
}

const good = LISTS + S + C + K;
const broken = `${good.replace('sources = r1', 'sources = r1 r2')}a1.sources.r2.type = seq\na1.sources.r2.channels = c9\n`;

test('C2.5 a name that is not in the file is refused, and the names are listed', async (t) => {
  const loaded = await (await loader(t, good, { name: 'zz' })).load();
  assert.equal(loaded.plan, undefined);
  assert.match(loaded.report, /M034 {2}the configuration has no agent named "zz"; it has a1[^]*1 error: agent zz does not run with this configuration\n$/);
});

test('a file with errors is refused with the text of check; faults of other agents do not count', async (t) => {
  const refused = await (await loader(t, broken)).load();
  assert.deepEqual([refused.plan, refused.errors], [undefined, 1]);
  assert.match(refused.report, /x\.conf:10:26 {2}error {2}M018 {2}source r2 writes to channel "c9"[^]*agent a1 does not run with this configuration\n$/);
  const other = await (await loader(t, `${good}b1.channels = c\n`)).load();
  assert.deepEqual([other.plan?.name, other.report], ['a1', '']);
});

test('--lenient runs what Flume would have run and says so; not what Flume could not start', async (t) => {
  const loaded = await (await loader(t, broken, { lenient: true })).load();
  assert.equal(loaded.plan && stay(loaded.plan), 'r1 | c1 | k1 | ');
  assert.match(loaded.report, /runs all the same because of --lenient, as Flume would, without source r2 \(No Channels configured for r2\)\n$/);
  const nothing = await (await loader(t, good.replace(/\.channels? = c1/g, '.nothing = c1'), { lenient: true })).load();
  assert.equal(nothing.plan, undefined);
  assert.match(nothing.report, /not even with --lenient\n$/);
  const fatal = await (await loader(t, good.replace('= seq', '= nosuch'), { lenient: true })).load();
  assert.equal(fatal.plan, undefined);
  assert.match(fatal.report, /not even with --lenient\n$/);
});

test('--strict refuses warnings', async (t) => {
  const text = `${good}a1.sources.r1.colour = red\n`;
  assert.equal((await (await loader(t, text)).load()).plan?.name, 'a1');
  assert.equal((await (await loader(t, text, { strict: true })).load()).plan, undefined);
});

test('C2.7 later files replace keys of earlier ones; C2.4 a missing one is named', async (t) => {
  const first = await loader(t, good);
  const second = await loader(t, 'a1.sources.r1.batchSize = 7\n');
  const { path } = first;
  const both = await (await loader(t, '', { confFiles: [path, second.path] })).load();
  assert.equal(both.plan?.sources[0]?.values['batchSize'], 7);
  assert.match((await (await loader(t, '', { confFiles: [path, `${path}.no`] })).load()).report, /M001 {2}cannot read .*x\.conf\.no: there is no such file/);
});

test('look changes with the file, also when it goes and comes back', async (t) => {
  const { look, path } = await loader(t, good);
  const seen = await look();
  assert.equal(await look(), seen);
  await rm(path);
  const gone = await look();
  assert.notEqual(gone, seen);
  await writeFile(path, broken);
  assert.equal(new Set([seen, gone, await look()]).size, 3);
});

test('C1.45 an empty file brings the backup back; a missing one does not', async (t) => {
  const backupDirectory = await folder(t);
  await (await loader(t, `${good}a1.sinks.k1.x = \${env:SECRET_TOKEN}\n`, { backupDirectory })).load();
  assert.match(String(await readBackup(backupDirectory, 'a1')), /a1\.sinks\.k1\.x=\$\{env:SECRET_TOKEN\}/);
  const restored = await (await loader(t, '# nothing\n', { backupDirectory })).load();
  assert.equal(restored.plan && stay(restored.plan), 'r1 | c1 | k1 | ');
  assert.match(restored.report, new RegExp(`empty; the backup ${backupPath(backupDirectory, 'a1')} is used`));
  assert.equal((await (await loader(t, '', { backupDirectory, confFiles: ['/nowhere.conf'] })).load()).plan, undefined);
});

test('G5 the texts that the log must hide: values of secret keys and variables, logins of addresses', async (t) => {
  const text = `${good}a1.sinks.k1.a-password = \${env:SECRET_TOKEN}-x\na1.sinks.k1.url = http://u:pw12@h/\n`;
  const { secrets } = await (await loader(t, text)).load();
  assert.deepEqual([...secrets].sort(), ['pl4nted', 'pl4nted-x', 'pw12', 'u:pw12']);
});
