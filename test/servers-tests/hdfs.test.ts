import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { zstdDecompressSync } from 'node:zlib';
import { Batch } from '../../core/batch.ts';
import type { Sink } from '../../core/component.ts';
import { hdfsSink } from '../../sinks/hdfs/index.ts';
import { batchOf, create, FakeContext, never } from '../conformance/fakes.ts';
import { CLEAN, harmOf, Referee, reportOf } from '../faults/referee/referee.ts';
import { TcpLines } from '../faults/referee/tcp-sender.ts';
import { TcpClient } from '../faults/tcp-client.ts';
import { until, type RunningAgent } from '../harness/agent.ts';
import { hdfsMissing, startHdfs, type Hdfs } from '../servers/hdfs.ts';
import { HdfsFiles, HdfsPlace } from './hdfs-rig.ts';
import { addressChanges, stuckBesideHealthy } from './target-cases.ts';

const LONG = process.env['MILLRACE_LONG'] === '1';
/** Events of a transaction: hdfs.batchSize as it is without settings. */
const BATCH = 100;
const missing = hdfsMissing();
const options = { ...(missing !== false && { skip: missing }), timeout: 400_000 };
/** Programs of Hadoop's take seconds to start, and a lease is kept for a minute. */
const longOnly = { skip: 'takes long: npm run test:servers' };
let hdfs: Hdfs;
let folder: string;

before(async () => {
  if (missing !== false) return;
  folder = await mkdtemp(join(tmpdir(), 'millrace-hdfs-test-'));
  hdfs = await startHdfs({
    core: { 'hadoop.proxyuser.root.hosts': '*', 'hadoop.proxyuser.root.groups': '*' },
    // A DataNode that closes a file a moment too early sleeps so long before it tries again; 400 without this.
    site: { 'dfs.client.block.write.locateFollowingBlock.initial.delay.ms': '10' },
  });
});
after(async () => {
  if (missing !== false) return;
  await hdfs.stop();
  await rm(folder, { recursive: true, force: true });
});

interface Made {
  readonly sink: Sink;
  readonly context: FakeContext;
}

let sinks = 0;

/** A sink by itself, with everything that would close a file switched off. */
async function make(t: TestContext, properties: Readonly<Record<string, string>>): Promise<Made> {
  const context = new FakeContext();
  const base = {
    'hdfs.webHdfsUrl': hdfs.webUrls.join(' '),
    'hdfs.stateDirectory': join(folder, `state${sinks++}`),
    'hdfs.rollCount': '0',
    'hdfs.rollSize': '0',
    'hdfs.rollInterval': '0',
  };
  const { 'hdfs.path': path = '/', ...rest } = properties;
  const sink = await create(hdfsSink, { ...base, 'hdfs.path': `${hdfs.uri}${path}`, ...rest }, context);
  await sink.start();
  t.after(() => sink.stop());
  return { sink, context };
}

async function textOf(path: string): Promise<string> {
  return Buffer.concat(await Promise.all([...(await hdfs.files(path)).keys()].sort().map((name) => hdfs.read(name)))).toString();
}

const stamped = Batch.of(['foo', 'a line', ''].map((body, index) => ({ body: Buffer.from(body), headers: new Map([['timestamp', String(index + 1)]]) })));

test('HD-16 HD-17 HD-26 HD-32 every format is read by Hadoop itself', options, async (t) => {
  const kinds: [name: string, properties: Record<string, string>, expected: string][] = [];
  const hex = '1\t66 6f 6f\n2\t61 20 6c 69 6e 65\n3\t\n';
  for (const codec of ['', 'default', 'deflate', 'gzip', 'bzip2', 'snappy', 'lz4']) {
    if (codec !== '') kinds.push([`stream-${codec}`, { 'hdfs.fileType': 'CompressedStream', 'hdfs.codeC': codec }, 'foo\na line\n\n']);
    const with_: Record<string, string> = codec === '' ? {} : { 'hdfs.codeC': codec };
    kinds.push([`text-${codec}`, { ...with_, 'hdfs.writeFormat': 'Text' }, '1\tfoo\n2\ta line\n3\t\n']);
    kinds.push([`writable-${codec}`, with_, hex]);
    if (codec !== '') kinds.push([`record-${codec}`, { ...with_, 'hdfs.sequenceFileCompression': 'RECORD' }, hex]);
  }
  kinds.push(['plain', { 'hdfs.fileType': 'DataStream' }, 'foo\na line\n\n']);
  await Promise.all(
    kinds.map(async ([name, properties]) => {
      const { sink } = await make(t, { 'hdfs.path': `/formats/${name}`, ...properties });
      // Each write is a stream, or a block, of its own.
      for (let index = 0; index < 3; index++) await sink.write(stamped.slice(index, index + 1), never);
      await sink.stop();
    }),
  );
  const names = await Promise.all(kinds.map(async ([name]) => [...(await hdfs.files(`/formats/${name}`)).keys()]));
  assert.deepEqual(names.map((found) => found.length), kinds.map(() => 1));
  const text = (await hdfs.shell('-text', ...names.flat())).toString();
  assert.equal(text, kinds.map(([, , expected]) => expected).join(''));
});

test('Zstandard, whose reader Hadoop has only in native code', options, async (t) => {
  const { sink } = await make(t, { 'hdfs.path': '/zstd', 'hdfs.fileType': 'CompressedStream', 'hdfs.codeC': 'zstandard' });
  await sink.write(batchOf('foo'), never);
  await sink.stop();
  const [name = ''] = (await hdfs.files('/zstd')).keys();
  assert.match(name, /\.zst$/);
  assert.equal(zstdDecompressSync(await hdfs.read(name)).toString(), 'foo\n');
});

test('X4 S18 many path values, with characters of every kind', options, async (t) => {
  const { sink } = await make(t, { 'hdfs.path': '/many/%{k}', 'hdfs.maxOpenFiles': '20', 'hdfs.fileType': 'DataStream' });
  const odd = ['a b', 'ü+%&?#=', '../../x', '/etc', '%2e%2e', "it's", 'a;b', 'x'.repeat(400), 'semi:colon', '日本'];
  const values = [...odd, ...Array.from({ length: LONG ? 2000 : 60 }, (_, index) => `v${index}`)];
  for (let at = 0; at < values.length; at += 40) {
    const events = values.slice(at, at + 40).map((value) => ({ body: Buffer.from(value), headers: new Map([['k', value]]) }));
    await sink.write(Batch.of(events), never);
  }
  await sink.stop();
  const files = await hdfs.files('/many');
  assert.equal(files.size, values.length);
  assert.ok([...files.keys()].every((name) => name.startsWith('/many/') && !name.endsWith('.tmp')));
  assert.deepEqual((await textOf('/many')).split('\n').slice(0, -1).sort(), values.toSorted());
});

test('hdfs.proxyUser: files are those of another user', options, async (t) => {
  await hdfs.web('PUT', '/alice', 'op=MKDIRS&permission=777');
  await hdfs.web('PUT', '/alice', 'op=SETPERMISSION&permission=777');
  const { sink } = await make(t, { 'hdfs.path': '/alice', 'hdfs.proxyUser': 'alice', 'hdfs.fileType': 'DataStream' });
  await sink.write(batchOf('mine'), never);
  await sink.stop();
  const status = (await (await hdfs.web('GET', '/alice', 'op=LISTSTATUS')).json()) as { FileStatuses: { FileStatus: { owner: string; permission: string }[] } };
  assert.deepEqual(status.FileStatuses.FileStatus.map(({ owner, permission }) => [owner, permission]), [['alice', '644']]);
});

test('safe mode: nothing is accepted and nothing is lost; the answer is told', options, async (t) => {
  const { sink } = await make(t, { 'hdfs.path': '/safe', 'hdfs.fileType': 'DataStream' });
  await sink.write(batchOf('before'), never);
  await hdfs.safeMode('enter');
  await assert.rejects(sink.write(batchOf('within'), never), /SafeModeException|safe mode/i);
  await hdfs.safeMode('leave');
  await sink.write(batchOf('within'), never);
  await sink.stop();
  assert.equal(await textOf('/safe'), 'before\nwithin\n');
});

test('a directory that is full: told, kept, and written once there is room', { ...options, ...(!LONG && longOnly) }, async (t) => {
  await hdfs.web('PUT', '/full', 'op=MKDIRS');
  await hdfs.run('org.apache.hadoop.hdfs.tools.DFSAdmin', '-setSpaceQuota', '1', '/full');
  const { sink } = await make(t, { 'hdfs.path': '/full', 'hdfs.fileType': 'DataStream' });
  for (let tries = 0; tries < 3; tries++) await assert.rejects(sink.write(batchOf('a'), never), /Quota/);
  await hdfs.run('org.apache.hadoop.hdfs.tools.DFSAdmin', '-clrSpaceQuota', '/full');
  await sink.write(batchOf('a'), never);
  await until('nothing is left of the attempts', async () => (await hdfs.files('/full')).size === 1, 90_000);
  await sink.stop();
  assert.equal(await textOf('/full'), 'a\n');
});

test('S2 S3 a DataNode that stands still: the call is given up in time, and the events are there once', options, async (t) => {
  const { sink } = await make(t, { 'hdfs.path': '/still', 'hdfs.fileType': 'DataStream', 'hdfs.callTimeout': '1500' });
  // A DataNode that has just started may take longer for its first file.
  await make(t, { 'hdfs.path': '/warm', 'hdfs.fileType': 'DataStream' }).then((warm) => warm.sink.write(batchOf('x'), never));
  await sink.write(batchOf('before'), never);
  hdfs.dataNode.suspend();
  await assert.rejects(sink.write(batchOf('within'), never), /1500 ms/);
  hdfs.dataNode.resume();
  await until('the sink writes again', () => sink.write(batchOf('within'), never).then(() => true, () => undefined), 30_000);
  await sink.write(batchOf('after'), never);
  if (!LONG) return;
  // What was given up is cut once the lease of its writer is free.
  const expected = 'before\nwithin\nafter\n';
  const inUse = async (): Promise<number> => [...(await hdfs.files('/still')).keys()].filter((name) => name.endsWith('.tmp')).length;
  await until('what was given up is cut', async () => (await inUse()) === 1 && (await textOf('/still').catch(() => '')) === expected, 150_000);
  await sink.stop();
  assert.equal(await textOf('/still'), expected);
});

test('the answer of the file system is in the message, secrets are not', options, async (t) => {
  await hdfs.web('PUT', '/owned', 'op=MKDIRS&permission=700');
  const { sink } = await make(t, { 'hdfs.path': '/owned', 'hdfs.proxyUser': 'mallory', 'hdfs.fileType': 'DataStream' });
  await assert.rejects(sink.write(batchOf('x'), never), /creating \/owned\/FlumeData\.\d+\.tmp failed: http:\/\/127\.0\.0\.1:\d+.*AccessControlException: Permission denied/);
  const token = 'secret-token-1234';
  const other = await make(t, { 'hdfs.path': '/owned', 'hdfs.delegationToken': token, 'hdfs.fileType': 'DataStream' });
  const error: unknown = await other.sink.write(batchOf('x'), never).catch((reason: unknown) => reason);
  assert.ok(error instanceof Error && !error.message.includes(token), String(error));
  assert.ok(!JSON.stringify(other.context.log.lines).includes(token));
});

test('S15 kill -9 of the agent under load: 0 lost, 0 altered, at most a transaction twice', options, async (t) => {
  const place = await HdfsPlace.open(t, hdfs, '/referee');
  const kill = ['kill -9 of the agent', async () => { await place.agent?.kill(); await place.start(); }] as const;
  await judge(t, place, Array.from({ length: LONG ? 10 : 3 }, () => kill));
});

test('S1 S15 S17 kill -9 of the DataNode and of everything in mid-write, and both down for a while: 0 lost, 0 altered, at most a transaction twice', { ...options, ...(!LONG && longOnly) }, async (t) => {
  const place = await HdfsPlace.open(t, hdfs, '/referee-long');
  const dataNode = async (): Promise<void> => { await hdfs.dataNode.kill(); await sleep(500); await hdfs.dataNode.start(); };
  const faults: readonly (readonly [string, () => Promise<unknown>])[] = [
    ['kill -9 of the DataNode', dataNode],
    ['the DataNode stands still for 3 s', async () => { hdfs.dataNode.suspend(); await sleep(3000); hdfs.dataNode.resume(); }],
    ['kill -9 of the DataNode and the agent', async () => { await Promise.all([dataNode(), place.agent?.kill()]); await place.start(); }],
    ['kill -9 of the NameNode', async () => { await hdfs.nameNode.kill(); await sleep(500); await hdfs.nameNode.start(); await hdfs.dataNode.ready(); }],
    ['NameNode and DataNode down for 10 s', async () => { await Promise.all([hdfs.nameNode.kill(), hdfs.dataNode.kill()]); await sleep(10_000); await hdfs.nameNode.start(); await hdfs.dataNode.start(); }],
    ['safe mode', async () => { await hdfs.safeMode('enter'); await sleep(1000); await hdfs.safeMode('leave'); }],
    ['kill -9 of the NameNode and the agent', async () => { await Promise.all([hdfs.nameNode.kill(), place.agent?.kill()]); await hdfs.nameNode.start(); await place.start(); }],
  ];
  await judge(t, place, faults);
});

async function judge(t: TestContext, place: HdfsPlace, faults: readonly (readonly [string, () => Promise<unknown>])[]): Promise<void> {
  const referee = new Referee();
  t.after(() => referee.close());
  referee.collect(new HdfsFiles(place));
  await place.start();
  const sender = referee.send(new TcpLines({ port: () => (place.agent ? place.agent.port('r1') : Promise.reject(new Error('no agent'))) }), { perSecond: 2000 });
  for (const [what, play] of faults) {
    const before = sender.acknowledged;
    await until('some answers', () => sender.acknowledged > before + 300, 60_000);
    await sleep(referee.random.below(300));
    referee.fault(what);
    await play();
  }
  const conclusion = await referee.conclude({ stalledAfterMs: 120_000 });
  t.diagnostic(reportOf(conclusion));
  assert.deepEqual(harmOf(conclusion), CLEAN);
  assert.equal(conclusion.torn, 0);
  assert.ok(conclusion.duplicates <= faults.length * BATCH, `${conclusion.duplicates} twice`);
  await until('no file is left in use', async () => (await place.files()).inUse.length === 0, 120_000);
}

test('S24 the address of the NameNode changes, is unknown, and is the old one again: 0 lost, at most a transaction twice for each', { ...options, ...(!LONG && longOnly) }, async (t) => {
  const place = await HdfsPlace.open(t, hdfs, '/moving');
  const start = (url: string, env: Readonly<Record<string, string>>): Promise<RunningAgent> =>
    place.start({ 'hdfs.webHdfsUrl': url, 'hdfs.dataNodeHosts': '127.0.0.1' }, {}, { env });
  const { duplicates } = await addressChanges(t, { port: Number(new URL(hdfs.webUrls[0] ?? '').port), folder: place.folder, collector: new HdfsFiles(place), start });
  assert.ok(duplicates <= 3 * BATCH, `${duplicates} twice`);
});

test('S27 NameNode and DataNode stand still beside a sink that works: that one does not notice', { ...options, ...(!LONG && longOnly) }, async (t) => {
  const place = await HdfsPlace.open(t, hdfs, '/stuck');
  const start = (more: readonly string[]): Promise<RunningAgent> => place.start({ 'hdfs.callTimeout': '2000' }, {}, { more });
  const both = [hdfs.nameNode, hdfs.dataNode];
  const server = { suspend: () => both.forEach((one) => one.suspend()), resume: () => both.forEach((one) => one.resume()) };
  const { duplicates } = await stuckBesideHealthy(t, { server, folder: place.folder, collector: new HdfsFiles(place), start });
  assert.ok(duplicates <= BATCH, `${duplicates} twice`);
});

test('a user without the right is said and put right by a reload: nothing is lost', options, async (t) => {
  // What a server without Kerberos can judge; it does not look at delegation tokens.
  await hdfs.web('PUT', '/reload', 'op=MKDIRS&permission=700');
  const place = await HdfsPlace.open(t, hdfs, '/reload');
  const referee = new Referee();
  t.after(() => referee.close());
  referee.collect(new HdfsFiles(place));
  const agent = await place.start({ 'hdfs.proxyUser': 'mallory' });
  const sender = referee.send(new TcpLines({ port: () => agent.port('r1') }), { perSecond: 1000 });
  await agent.line(/AccessControlException: Permission denied/, 30_000);
  await until('lines are taken all the same', () => sender.acknowledged > 500 || undefined);
  await agent.rewrite(place.conf());
  process.kill(agent.pid, 'SIGHUP');
  await until('files', async () => (await referee.look()).delivered > 0 || undefined, 60_000);
  const conclusion = await referee.conclude({ stalledAfterMs: 60_000 });
  t.diagnostic(reportOf(conclusion));
  assert.deepEqual([harmOf(conclusion), conclusion.duplicates], [CLEAN, 0]);
});

test('the demonstration: lines typed into netcat lie in HDFS, by the address that people write', options, async (t) => {
  const place = await HdfsPlace.open(t, hdfs, '/typed/%Y');
  const agent = await place.start({ 'hdfs.useLocalTimeStamp': 'true' }, { type: 'memory' });
  const client = await TcpClient.to(await agent.port('r1'));
  await client.send('Hello\nworld\n');
  const year = `/typed/${new Date().getFullYear()}`;
  await until('the file is closed', async () => (await hdfs.files(year)).size > 0 && [...(await hdfs.files(year)).keys()].every((name) => !name.endsWith('.tmp')));
  assert.equal(await textOf(year), 'Hello\nworld\n');
});
