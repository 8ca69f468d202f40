import assert from 'node:assert/strict';
import { after, before, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { readSegments } from '../../agent/dead-letters/segments.ts';
import type { Letter } from '../../agent/dead-letters/letter.ts';
import { TcpClient } from '../faults/tcp-client.ts';
import { CLEAN, harmOf, Referee, reportOf } from '../faults/referee/referee.ts';
import { TcpLines } from '../faults/referee/tcp-sender.ts';
import { until } from '../harness/agent.ts';
import type { SearchEngine } from '../servers/search-engine.ts';
import { IndexedDocuments, SearchPlace } from './search-rig.ts';

const LONG = process.env['MILLRACE_LONG'] === '1';

/** What the elasticsearch sink owes, against a real server. */
export function searchCases(name: string, missing: string | false, start: () => Promise<SearchEngine>): void {
  const skip = missing === false ? {} : { skip: missing };
  let engine: SearchEngine | undefined;
  before(async () => {
    if (missing === false) engine = await start();
  });
  after(() => engine?.stop());
  const on = (title: string, body: (place: SearchPlace, t: TestContext) => Promise<void>): void =>
    void test(`${title} (${name})`, { ...skip, timeout: 300_000 }, async (t) => {
      if (!engine) throw new Error('the server was not started');
      await body(await SearchPlace.open(t, engine), t);
    });
  on('ES-07 S4 S26 documents of the day as Logstash had them; one that does not fit its mapping is a dead letter, the rest is there', documentsAndRejections);
  on('S4 a full target: nothing is taken while writing is blocked, everything once it is not', fullTarget);
  on('S1 S2 S5 kill -9 of agent and server, a server that stands still, answers that are lost: 0 lost, 0 altered, 0 twice', faultsUnderLoad);
  on('X15 S4 wrong credentials are said and put right by a reload: nothing is lost, no password is shown', credentialsPutRight);
  on('a data stream takes what it is sent, and refuses no document for want of a time', dataStream);
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
  await place.engine.ask('PUT', place.index, { settings: { number_of_replicas: 0, number_of_shards: 1 }, mappings: { properties: { '@message': { type: 'keyword', index: false, doc_values: false } } } });
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
  assert.deepEqual(harmOf(conclusion), CLEAN);
  assert.equal(conclusion.duplicates, 0);
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
