import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { readOptions } from '../../core/read-options.ts';
import { createS3Sink } from '../../sinks/s3/create.ts';
import { s3Sink } from '../../sinks/s3/index.ts';
import { batchOf, FakeContext, never } from '../conformance/fakes.ts';
import { CLEAN, harmOf, Referee, reportOf } from '../faults/referee/referee.ts';
import { TcpLines } from '../faults/referee/tcp-sender.ts';
import { TcpClient } from '../faults/tcp-client.ts';
import { figuresOf } from '../bench/process-figures.ts';
import { until, type RunningAgent } from '../harness/agent.ts';
import type { S3Server } from '../servers/s3-server.ts';
import { S3Objects, S3Place } from './s3-rig.ts';
import { addressChanges, stuckBesideHealthy } from './target-cases.ts';

const LONG = process.env['MILLRACE_LONG'] === '1';

/** What the S3 sink owes, against a real server. */
export function s3Cases(name: string, missing: string | false, start: () => Promise<S3Server>): void {
  const skip = missing === false ? {} : { skip: missing };
  let server: S3Server | undefined;
  before(async () => {
    if (missing === false) server = await start();
  });
  after(() => server?.stop());
  const on = (title: string, body: (place: S3Place, t: import('node:test').TestContext) => Promise<void>, long = false): void =>
    void test(`${title} (${name})`, { ...skip, ...(long && !LONG && { skip: 'takes long: npm run test:servers' }), timeout: LONG ? 1_200_000 : 300_000 }, async (t) => {
      if (!server) throw new Error('the server was not started');
      await body(await S3Place.open(t, server), t);
    });

  on('events come out once, in order and whole, in every format', async (place) => {
    for (const [properties, expected] of [
      [{}, 'one\ntwo\n'],
      [{ 's3.compression': 'gzip', 's3.prefix': 'gzip' }, 'one\ntwo\n'],
      [{ 's3.compression': 'zstd', 's3.prefix': 'zstd', serializer: 'json' }, '{"headers":{},"body":"one"}\n{"headers":{},"body":"two"}\n'],
    ] as const) {
      const agent = await place.start(properties);
      const client = await TcpClient.to(await agent.port('r1'));
      await client.send('one\ntwo\n');
      const prefix = 's3.prefix' in properties ? properties['s3.prefix'] : 'app';
      const bodies = await until('an object', async () => {
        const keys = (await place.keys()).filter((key) => key.startsWith(`${prefix}/`));
        return keys.length > 0 ? Promise.all(keys.map((key) => place.body(key))) : undefined;
      });
      await agent.stop();
      assert.equal(Buffer.concat(bodies).toString(), expected);
    }
  });

  on('objects of several parts, plain and compressed, with checksums that the server compares and without', severalParts);
  on('S1, S2, S11: kill -9 of the agent and the server, a server that stands still, answers that are lost: 0 lost, 0 altered, 0 twice', faultsUnderLoad);
  on('S11: killed in mid-upload of several parts: one whole object, and no upload is left', killedInParts);
  on('S14: wrong credentials are said and put right by a reload: nothing is lost', credentialsPutRight);

  on('S24: the address of the server changes, is unknown, and is the old one again: 0 lost, 0 twice', async (place, t) => {
    const start = (url: string, env: Readonly<Record<string, string>>): Promise<RunningAgent> => place.start({ 's3.endpoint': url }, [], env);
    const { duplicates } = await addressChanges(t, { port: Number(new URL(place.server.endpoint).port), folder: place.folder, collector: new S3Objects(place), start });
    assert.equal(duplicates, 0);
  });
  on('S27: the server stands still beside a sink that works: that one does not notice', async (place, t) => {
    const start = (more: readonly string[]): Promise<RunningAgent> => place.start({}, more);
    const { duplicates } = await stuckBesideHealthy(t, { server: place.server.server, folder: place.folder, collector: new S3Objects(place), start });
    assert.equal(duplicates, 0);
  }, true);
  on('S18: more path values than objects may grow: memory stays bounded, and nothing is lost', manyPaths);
  on('an hdfs sink with an s3a: path writes objects with its own names', hdfsPath);
  on('S13: two agents of one configuration that roll at the same moment write over nothing', async (place, t) => {
    const second = await S3Place.open(t, place.server);
    const agents = await Promise.all([place.start(), second.start({ 's3.bucket': place.bucket })]);
    for (const [index, agent] of agents.entries()) {
      const client = await TcpClient.to(await agent.port('r1'));
      await client.send(Array.from({ length: 50 }, (_, line) => `${index}-${line}\n`).join(''));
    }
    const lines = await until('all lines', async () => {
      const all = Buffer.concat(await Promise.all((await place.keys()).map((key) => place.body(key)))).toString().split('\n').slice(0, -1);
      return all.length >= 100 ? all : undefined;
    });
    assert.equal(new Set(lines).size, 100);
    assert.equal(lines.length, 100);
  });
}

async function faultsUnderLoad(place: S3Place, t: import('node:test').TestContext): Promise<void> {
  const { server } = place.server;
  const referee = new Referee();
  t.after(() => referee.close());
  referee.collect(new S3Objects(place));
  await place.start();
  const port = (): Promise<number> => place.agent?.port('r1') ?? Promise.reject(new Error('no agent'));
  const sender = referee.send(new TcpLines({ port }), { perSecond: 3000 });
  const pause = (): Promise<void> => sleep(300 + referee.random.below(900));
  const faults: readonly (readonly [string, () => Promise<void>])[] = [
    ['kill -9 of the agent', async () => { await place.agent?.kill(); await place.start(); }],
    ['an answer of the server is lost', async () => { place.proxy.cuts += 1; }],
    ['kill -9 of the server', async () => { await server.kill(); await pause(); await server.start(); }],
    ['the server stands still for 3 s', async () => { server.suspend(); await sleep(3000); server.resume(); }],
    ['kill -9 of both', async () => { await Promise.all([server.kill(), place.agent?.kill()]); await server.start(); await place.start(); }],
  ];
  for (let round = 0; round < (LONG ? 8 : 2); round++) {
    for (const [title, play] of faults) {
      const at = sender.acknowledged;
      await until('answers', () => sender.acknowledged > at + 500 || undefined, 30_000);
      await pause();
      referee.fault(title);
      await play();
    }
  }
  const conclusion = await referee.conclude();
  t.diagnostic(reportOf(conclusion));
  assert.deepEqual(harmOf(conclusion), CLEAN);
  assert.equal(conclusion.duplicates, 0);
  assert.ok(place.proxy.cut > 0);
}

/** The sink by itself: the agent around it is not what is looked at. */
async function severalParts(place: S3Place): Promise<void> {
  const bodies = Array.from({ length: 100 }, () => randomBytes(120_000).toString('base64'));
  for (const compression of ['none', 'gzip', 'zstd']) {
    for (const checksums of ['true', 'false']) {
      const prefix = `${compression}-${checksums}`;
      const given = { ...place.connection, 's3.prefix': prefix, 's3.rollSize': '0', 's3.rollCount': String(bodies.length), 's3.compression': compression, 's3.checksums': checksums, 's3.partSize': '5242880' };
      const { values } = readOptions(s3Sink, new Map(Object.entries({ ...given, 's3.stageDirectory': join(place.folder, prefix) })));
      assert.ok(values);
      const context = new FakeContext();
      const sink = await createS3Sink(context, values);
      await sink.start();
      for (let at = 0; at < bodies.length; at += 25) await sink.write(batchOf(...bodies.slice(at, at + 25)), never);
      const written = async (): Promise<string[]> => (await place.keys()).filter((key) => key.startsWith(`${prefix}/`));
      // A stop waits for uploads, but not for long.
      await until('the object', async () => (await written()).length > 0 || undefined, 60_000);
      await sink.stop();
      assert.deepEqual(context.log.complaints, []);
      const keys = await written();
      assert.equal(keys.length, 1);
      assert.ok((await place.body(keys[0] as string)).equals(Buffer.from(`${bodies.join('\n')}\n`)), prefix);
    }
  }
}

async function killedInParts(place: S3Place): Promise<void> {
  const properties = { 's3.partSize': '5242880', 's3.rollSize': '0', 's3.rollInterval': '0', 's3.idleTimeout': '1', 's3.batchSize': '1000' };
  const agent = await place.start(properties);
  // The upload begins, and two of its eight parts come through.
  place.proxy.room = 14_000_000;
  const client = await TcpClient.to(await agent.port('r1'));
  const lines = Array.from({ length: 400 }, (_, index) => String(index).padEnd(100_000, 'x'));
  await client.send(`${lines.join('\n')}\n`, 30_000);
  await until('all acknowledged', () => client.answers.length === lines.length || undefined, 60_000);
  await agent.line(/S3 cannot be written to.*store a part of/, 60_000);
  await agent.kill();
  place.proxy.room = Infinity;
  await place.start(properties);
  const [key] = await until('the object', async () => {
    const keys = await place.keys();
    return keys.length > 0 ? keys : undefined;
  }, 30_000) as [string];
  assert.equal((await place.body(key)).toString(), `${lines.join('\n')}\n`);
  assert.equal((await place.keys()).length, 1);
  await until('no upload is left', async () => (await place.unfinished(key)) === 0 || undefined);
}

async function credentialsPutRight(place: S3Place, t: import('node:test').TestContext): Promise<void> {
  const referee = new Referee();
  t.after(() => referee.close());
  referee.collect(new S3Objects(place));
  const agent = await place.start({ 's3.secretAccessKey': 'planted-wrong-secret' });
  const sender = referee.send(new TcpLines({ port: () => agent.port('r1') }), { perSecond: 1000 });
  await agent.line(/SignatureDoesNotMatch/, 20_000);
  await until('events are taken all the same', () => sender.acknowledged > 1000 || undefined);
  await agent.rewrite(place.conf());
  process.kill(agent.pid, 'SIGHUP');
  await until('objects', async () => (await place.keys()).length > 2 || undefined, 60_000);
  const conclusion = await referee.conclude();
  t.diagnostic(reportOf(conclusion));
  assert.deepEqual(harmOf(conclusion), CLEAN);
  assert.equal(conclusion.duplicates, 0);
  assert.ok(!agent.lines.join('\n').includes('planted-'), 'X15: no secret in the log');
}

async function manyPaths(place: S3Place, t: import('node:test').TestContext): Promise<void> {
  const agent = await place.start({
    's3.prefix': 'u/%{user}',
    's3.rollInterval': '0',
    's3.maxOpenObjects': '100',
    's3.batchSize': '1000',
  }, [
    'a1.sources.r1.interceptors = i1',
    'a1.sources.r1.interceptors.i1.type = regex_extractor',
    'a1.sources.r1.interceptors.i1.regex = ^(\\\\w+) ',
    'a1.sources.r1.interceptors.i1.serializers = s1',
    'a1.sources.r1.interceptors.i1.serializers.s1.name = user',
  ]);
  const users = LONG ? 5000 : 300;
  const lines = Array.from({ length: 2 * users }, (_, index) => `user${index % users} ${index}`);
  const client = await TcpClient.to(await agent.port('r1'));
  await client.send(`${lines.join('\n')}\n`, 60_000);
  await until('all acknowledged', () => client.answers.length === lines.length || undefined, 120_000);
  await agent.counter('CHANNEL.c1', 'ChannelSize', (size) => size === 0, 120_000);
  const { peakMb } = figuresOf(agent.pid);
  t.diagnostic(`${users} path values, at most 100 objects open: peak ${peakMb.toFixed(0)} MB`);
  assert.ok(peakMb < 220, `${peakMb} MB`);
  await agent.stop();
  await place.start();
  const events = new Set<string>();
  const read = new Set<string>();
  await until('all objects', async () => {
    const fresh = (await place.keys()).filter((key) => !read.has(key));
    for (let at = 0; at < fresh.length; at += 50) {
      const some = fresh.slice(at, at + 50);
      const bodies = await Promise.all(some.map((key) => place.body(key)));
      for (const body of bodies) for (const line of body.toString().split('\n').slice(0, -1)) events.add(line);
      for (const key of some) read.add(key);
    }
    return events.size === lines.length || undefined;
  }, 240_000);
  const keys = [...read];
  assert.ok(keys.every((key) => /^u\/user\d+\/events-/.test(key)));
}

/** Where S3 is stands in core-site.xml, as for Hadoop. */
async function hdfsPath(place: S3Place): Promise<void> {
  const { 's3.endpoint': endpoint = '', 's3.accessKeyId': key = '', 's3.secretAccessKey': secret = '', 's3.region': region = '' } = place.connection;
  const facts = { 'fs.s3a.endpoint': endpoint, 'fs.s3a.endpoint.region': region, 'fs.s3a.access.key': key, 'fs.s3a.secret.key': secret, 'fs.s3a.path.style.access': 'true' };
  const xml = Object.entries(facts).map(([name, value]) => `<property><name>${name}</name><value>${value}</value></property>`);
  await writeFile(join(place.folder, 'core-site.xml'), `<configuration>${xml.join('')}</configuration>`);
  const agent = await place.start({
    type: 'hdfs',
    'hdfs.path': `s3a://${place.bucket}/logs`,
    'hdfs.fileType': 'DataStream',
    'hdfs.rollInterval': '1',
    'hdfs.rollCount': '0',
    'hdfs.rollSize': '0',
    'hdfs.stateDirectory': '@FOLDER@/state',
  });
  const client = await TcpClient.to(await agent.port('r1'));
  await client.send('one\ntwo\n');
  const [name] = (await until('an object', async () => {
    const keys = await place.keys();
    return keys.length > 0 ? keys : undefined;
  })) as [string];
  assert.match(name, /^logs\/FlumeData\.\d{13}$/);
  assert.equal((await place.body(name)).toString(), 'one\ntwo\n');
}
