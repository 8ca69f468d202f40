import assert from 'node:assert/strict';
import { after, before, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { readSegments } from '../../agent/dead-letters/segments.ts';
import type { Letter } from '../../agent/dead-letters/letter.ts';
import { TcpClient } from '../faults/tcp-client.ts';
import { CLEAN, harmOf, Referee, reportOf, type Conclusion } from '../faults/referee/referee.ts';
import { TcpLines } from '../faults/referee/tcp-sender.ts';
import { freePort, until, type RunningAgent } from '../harness/agent.ts';
import { CuttingProxy } from '../harness/cutting-proxy.ts';
import type { SearchEngine, SearchOptions } from '../servers/search-engine.ts';
import { IndexedDocuments, SearchPlace } from './search-rig.ts';
import { addressChanges, stuckBesideHealthy } from './target-cases.ts';

const LONG = process.env['MILLRACE_LONG'] === '1';
const MOST_REQUEST = '1mb';

/** What the elasticsearch sink owes, against a real server. */
export function searchCases(name: string, missing: string | false, start: (options: SearchOptions) => Promise<SearchEngine>): void {
  const skip = missing === false ? {} : { skip: missing };
  let engine: SearchEngine | undefined;
  before(async () => {
    if (missing === false) engine = await start({ settings: { 'http.max_content_length': MOST_REQUEST } });
  });
  after(() => engine?.stop());
  const on = (title: string, body: (place: SearchPlace, t: TestContext) => Promise<void>, long = false): void =>
    void test(`${title} (${name})`, { ...skip, ...(long && !LONG && { skip: 'takes long: npm run test:servers' }), timeout: LONG ? 1_200_000 : 300_000 }, async (t) => {
      if (!engine) throw new Error('the server was not started');
      await body(await SearchPlace.open(t, engine), t);
    });
  on('ES-07 S4 S26 documents of the day as Logstash had them; one that does not fit its mapping is a dead letter, the rest is there', documentsAndRejections);
  on('S4 a full target: nothing is taken while writing is blocked, everything once it is not', fullTarget);
  on('S1 S2 S5 kill -9 of agent and server, a server that stands still, answers that are lost: 0 lost, 0 altered, 0 twice', faultsUnderLoad);
  on('S24 the address of the server changes, is unknown, and is the old one again: 0 lost, 0 twice', async (place, t) => {
    await place.makeIndex();
    const start = (url: string, env: Readonly<Record<string, string>>): Promise<RunningAgent> => place.start({ hostNames: url }, [], env);
    const { duplicates } = await addressChanges(t, { port: Number(new URL(place.engine.url).port), folder: place.folder, collector: new IndexedDocuments(place), unordered: true, start });
    assert.equal(duplicates, 0);
  }, true);
  on('S27 the server stands still beside a sink that works: that one does not notice', async (place, t) => {
    await place.makeIndex();
    const start = (more: readonly string[]): Promise<RunningAgent> => place.start({}, more);
    const { duplicates } = await stuckBesideHealthy(t, { server: place.engine.server, folder: place.folder, collector: new IndexedDocuments(place), unordered: true, start });
    assert.equal(duplicates, 0);
  }, true);
  on('S6 a request above what the server takes is split; a document above it is a dead letter, the rest is there', tooLarge);
  on('S1 several hosts, of which one was never there and one dies under load: 0 lost, 0 twice', severalHosts);
  on('S4 a server that is busy answers 429: everything is there once it is not', (place, t) => busyServer(place, t, start), true);
  on('X15 S4 wrong credentials are said and put right by a reload: nothing is lost, no password is shown', credentialsPutRight);
  on('a data stream takes what it is sent, and refuses no document for want of a time', dataStream);
}

/** A document that is sent twice may be written, by its id, when later ones are there: the index has no order of its own. */
function harmBeyondOrder(conclusion: Conclusion): Record<string, number | boolean> {
  return { ...harmOf(conclusion), outOfOrder: 0 };
}

/** For servers with a login. */
async function credentialsPutRight(place: SearchPlace, t: TestContext): Promise<void> {
  if (!place.engine.login) return t.skip('this server takes everybody');
  const agent = await place.start({ password: 'not-the-password-71' });
  const port = await agent.port('r1');
  await exchange(port, Array.from({ length: 100 }, (_, index) => `${index}\n`).join(''));
  await agent.counter('SINK.k1', 'EventWriteFail', (count) => count > 1);
  assert.match(agent.lines.join('\n'), /answered 401 \(look at username and password/);
  await agent.rewrite(place.conf());
  process.kill(agent.pid, 'SIGHUP');
  await agent.counter('SINK.k1', 'EventDrainSuccessCount', (count) => count === 100);
  assert.equal(new Set(await place.messages()).size, 100);
  assert.deepEqual(await lettersOf(place), []);
  assert.doesNotMatch(agent.lines.join('\n'), /not-the-password-71/);
}

/** Sends lines to a netcat source; resolves once each was answered. */
async function exchange(port: number, text: string): Promise<void> {
  const client = await TcpClient.to(port);
  await client.send(text);
  await until('an answer to each line', () => client.answers.length === text.split('\n').length - 1 || undefined);
  client.socket.destroy();
}

async function lettersOf({ folder }: SearchPlace): Promise<Letter[]> {
  const all: Letter[] = [];
  for await (const { letters } of readSegments(`${folder}/dead-letters`)) all.push(...letters);
  return all;
}

async function documentsAndRejections(place: SearchPlace): Promise<void> {
  const headers = [
    'a1.sources.r1.interceptors = i1 i2',
    'a1.sources.r1.interceptors.i1.type = timestamp',
    'a1.sources.r1.interceptors.i2.type = static',
    'a1.sources.r1.interceptors.i2.key = host',
    'a1.sources.r1.interceptors.i2.value = web1',
  ];
  const daily = { indexNameBuilder: 'org.apache.flume.sink.elasticsearch.TimeBasedIndexNameBuilder', compression: 'gzip' };
  const agent = await place.start(daily, headers);
  const port = await agent.port('r1');
  await exchange(port, '{"level":"info","n":1}\n');
  await agent.counter('SINK.k1', 'EventDrainSuccessCount', (count) => count === 1);
  const lines = Array.from({ length: 50 }, (_, index) => (index === 25 ? 'this is text where an object is expected' : `{"level":"warn","n":${index}}`));
  await exchange(port, lines.map((line) => `${line}\n`).join(''));
  await agent.counter('SINK.k1', 'EventDrainSuccessCount', (count) => count === 51);
  const found = await place.engine.documents(`${place.index}-*`);
  assert.equal(found.size, 50);
  const day = new Date().toISOString().slice(0, 10);
  for (const [id, source] of found) {
    assert.ok(id.startsWith(`${place.index}-${day}/`) || day !== new Date().toISOString().slice(0, 10), id);
    assert.deepEqual(Object.keys(source).sort(), ['@fields', '@message', '@source_host', '@timestamp']);
  }
  const letters = await lettersOf(place);
  assert.deepEqual(letters.map(({ event }) => event.body.toString()), [lines[25]]);
  assert.match(letters[0]?.reason ?? '', /400 (mapper_parsing|document_parsing)_exception/);
  assert.match(letters[0]?.reply ?? '', /"status":400/);
  assert.equal(await agent.counter('SINK.k1', 'EventRejectedCount'), 1);
}

async function fullTarget(place: SearchPlace): Promise<void> {
  const agent = await place.start();
  const port = await agent.port('r1');
  await exchange(port, 'first\n');
  await agent.counter('SINK.k1', 'EventDrainSuccessCount', (count) => count === 1);
  for (const block of ['index.blocks.read_only_allow_delete', 'index.blocks.write']) {
    await place.engine.ask('PUT', `${place.index}/_settings`, { [block]: true });
    const before = Number((await agent.metrics())['SINK.k1']?.EventWriteFail ?? 0);
    await exchange(port, Array.from({ length: 100 }, (_, index) => `${block} ${index}\n`).join(''));
    await agent.counter('SINK.k1', 'EventWriteFail', (count) => count > before + 1);
    await place.engine.ask('PUT', `${place.index}/_settings`, { [block]: null });
  }
  await agent.counter('SINK.k1', 'EventDrainSuccessCount', (count) => count === 201);
  assert.equal(new Set(await place.messages()).size, 201);
  assert.equal((await place.messages()).length, 201);
  assert.deepEqual(await lettersOf(place), []);
}

async function faultsUnderLoad(place: SearchPlace, t: TestContext): Promise<void> {
  const { server } = place.engine;
  await place.makeIndex();
  const referee = new Referee();
  t.after(() => referee.close());
  referee.collect(new IndexedDocuments(place));
  await place.start();
  const port = (): Promise<number> => place.agent?.port('r1') ?? Promise.reject(new Error('no agent'));
  const sender = referee.send(new TcpLines({ port }), { perSecond: 2000 });
  const pause = (): Promise<void> => sleep(200 + referee.random.below(600));
  const faults: readonly (readonly [string, () => Promise<void>])[] = [
    ['kill -9 of the agent', async () => { await place.agent?.kill(); await place.start(); }],
    ['an answer of the server is lost', async () => { place.proxy.cuts += 1; }],
    ['the server stands still for 3 s', async () => { server.suspend(); await sleep(3000); server.resume(); }],
    ['kill -9 of the server', async () => { await server.kill(); await pause(); await server.start(); }],
    ['kill -9 of both', async () => { await Promise.all([server.kill(), place.agent?.kill()]); await server.start(); await place.start(); }],
  ];
  await until('the first answers', () => sender.acknowledged > 100 || undefined);
  for (let round = 0; round < (LONG ? 4 : 1); round++) {
    for (const [title, play] of faults) {
      await pause();
      referee.fault(title);
      await play();
    }
  }
  await pause();
  const conclusion = await referee.conclude({ stalledAfterMs: 60_000 });
  t.diagnostic(reportOf(conclusion));
  assert.deepEqual([harmBeyondOrder(conclusion), conclusion.duplicates], [CLEAN, 0]);
}

async function tooLarge(place: SearchPlace): Promise<void> {
  await place.makeIndex();
  const agent = await place.start({ batchSize: '1000' });
  const line = (index: number, length: number): string => `${index} `.padEnd(length, 'x');
  // Three requests' worth in one batch, and in its middle what no request has room for.
  const lines = Array.from({ length: 60 }, (_, index) => line(index, index === 30 ? 1_200_000 : 50_000));
  await exchange(await agent.port('r1'), lines.map((text) => `${text}\n`).join(''));
  await agent.counter('SINK.k1', 'EventDrainSuccessCount', (count) => count === lines.length, 60_000);
  assert.deepEqual((await place.messages()).map(String).sort(), lines.filter((_, index) => index !== 30).sort());
  const letters = await lettersOf(place);
  assert.deepEqual(letters.map(({ event }) => event.body.length), [1_200_000]);
  assert.match(letters[0]?.reason ?? '', /the server takes no document of 12\d{5} bytes \(413\)/);
}

async function severalHosts(place: SearchPlace, t: TestContext): Promise<void> {
  await place.makeIndex();
  const second = await new CuttingProxy(Number(new URL(place.engine.url).port)).start();
  t.after(() => second.stop());
  const referee = new Referee();
  t.after(() => referee.close());
  referee.collect(new IndexedDocuments(place));
  const ports = [await freePort(), place.proxy.port, second.port];
  const agent = await place.start({ hostNames: ports.map((port) => `http://127.0.0.1:${port}`).join(',') });
  const sender = referee.send(new TcpLines({ port: await agent.port('r1') }), { perSecond: 2000 });
  const more = async (): Promise<void> => {
    const { acknowledged } = sender;
    await until('documents', async () => (await referee.look()).delivered > acknowledged || undefined, 60_000);
  };
  await more();
  referee.fault('one of two hosts is gone');
  await second.stop();
  await more();
  const conclusion = await referee.conclude({ stalledAfterMs: 60_000 });
  t.diagnostic(reportOf(conclusion));
  assert.deepEqual([harmBeyondOrder(conclusion), conclusion.duplicates], [CLEAN, 0]);
}

/** A server that takes few bytes at a time, and somebody else who sends it more. */
async function busyServer(_: SearchPlace, t: TestContext, start: (options: SearchOptions) => Promise<SearchEngine>): Promise<void> {
  const engine = await start({ settings: { 'indexing_pressure.memory.limit': '256kb' } });
  t.after(() => engine.stop());
  const place = await SearchPlace.open(t, engine);
  await place.makeIndex();
  const referee = new Referee();
  t.after(() => referee.close());
  referee.collect(new IndexedDocuments(place));
  const agent = await place.start();
  referee.send(new TcpLines({ port: await agent.port('r1') }), { perSecond: 2000 });
  await until('documents', async () => (await referee.look()).delivered > 0 || undefined, 60_000);
  referee.fault('others send as much as the server takes');
  const stop = new AbortController();
  t.after(() => stop.abort());
  const others = Array.from({ length: 4 }, () => flood(engine, `flood-${place.index}`, stop.signal));
  const refused = async (): Promise<number> => {
    const { EventWriteFail = 0, DocumentRetryCount = 0 } = (await agent.metrics())['SINK.k1'] ?? {};
    return Number(EventWriteFail) + Number(DocumentRetryCount);
  };
  await until('a 429', async () => (await refused()) > 0 || undefined, 120_000);
  stop.abort();
  await Promise.all(others);
  assert.match(agent.lines.join('\n'), /429/);
  const conclusion = await referee.conclude({ stalledAfterMs: 60_000 });
  t.diagnostic(`${reportOf(conclusion)}\n${await refused()} refusals`);
  assert.deepEqual([harmBeyondOrder(conclusion), conclusion.duplicates], [CLEAN, 0]);
  assert.deepEqual(await lettersOf(place), []);
}

async function flood({ url, login }: SearchEngine, index: string, signal: AbortSignal): Promise<void> {
  const headers = { 'content-type': 'application/x-ndjson', ...(login && { authorization: `Basic ${Buffer.from(`${login.username}:${login.password}`).toString('base64')}` }) };
  const body = `{"index":{}}\n{"text":"${'x'.repeat(1000)}"}\n`.repeat(200);
  while (!signal.aborted) await fetch(`${url}/${index}/_bulk?filter_path=errors`, { method: 'POST', headers, body, signal }).then((answer) => answer.text()).catch(() => undefined);
}

async function dataStream(place: SearchPlace, t: TestContext): Promise<void> {
  const name = `logs-${place.index}`;
  try {
    await place.engine.ask('PUT', `_index_template/${name}`, {
      index_patterns: [`${name}*`],
      data_stream: {},
      priority: 500,
      template: { settings: { number_of_replicas: 0 } },
    });
  } catch (error) {
    t.skip(`this build has no data streams: ${String(error).slice(0, 200)}`);
    return;
  }
  const agent = await place.start({ dataStream: name, documents: 'body' });
  await exchange(await agent.port('r1'), '{"a":1}\n{"@timestamp":"2026-01-01T00:00:00Z","a":2}\nno json\n');
  await agent.counter('SINK.k1', 'EventDrainSuccessCount', (count) => count === 3);
  assert.deepEqual([...(await place.engine.documents(name)).values()].map(({ a }) => String(a)).sort(), ['1', '2']);
  assert.deepEqual((await lettersOf(place)).map(({ event }) => event.body.toString()), ['no json']);
}
