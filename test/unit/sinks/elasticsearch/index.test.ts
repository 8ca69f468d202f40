import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { Batch } from '../../../../core/batch.ts';
import type { Origin, Sink } from '../../../../core/component.ts';
import { RejectedError } from '../../../../core/errors.ts';
import { elasticsearchSink } from '../../../../sinks/elasticsearch/index.ts';
import { parseHosts } from '../../../../sinks/elasticsearch/settings.ts';
import { batchOf, eventually, never } from '../../../conformance/fakes.ts';
import { sinkConformance } from '../../../conformance/sink.ts';
import { make, problemsOf, recordingContext } from '../../recording-context.ts';
import { BulkServer, item, stored, type BulkRequest } from './bulk-server.ts';

const ORIGIN: Origin = { store: 'abc', spans: [[10, 1010]] };

async function setUp(t: TestContext, properties: Readonly<Record<string, string>> = {}, servers = 1) {
  const all = Array.from({ length: servers }, () => new BulkServer());
  for (const server of all) await server.listen();
  const context = recordingContext('a1.sinks.k1');
  const sink = await make(elasticsearchSink, { hostNames: all.map(({ url }) => url).join(','), ...properties }, context);
  await sink.start();
  t.after(async () => {
    await sink.stop();
    await Promise.all(all.map((server) => server.close()));
  });
  return { sink, context, server: all[0] as BulkServer, others: all.slice(1) };
}

function events(count: number, from = 0): Batch {
  return batchOf(...Array.from({ length: count }, (_, index) => `event ${from + index}`));
}

function messages(request: BulkRequest | undefined): unknown[] {
  return (request?.documents ?? []).map(({ text }) => (JSON.parse(text) as Record<string, unknown>)['@message']);
}

async function rejectionOf(written: Promise<void>): Promise<RejectedError> {
  const error: unknown = await written.then(() => undefined, (reason: unknown) => reason);
  assert.ok(error instanceof RejectedError, String(error));
  return error;
}

const failures = new WeakMap<Sink, BulkServer>();

sinkConformance('elasticsearch', {
  async create() {
    const server = new BulkServer();
    await server.listen();
    const sink = await make(elasticsearchSink, { hostNames: server.url, documentId: 'server' }, recordingContext());
    failures.set(sink, server);
    const stop = sink.stop.bind(sink);
    sink.stop = async () => {
      await stop();
      await server.close().catch(() => undefined);
    };
    return { sink, received: () => server.taken.map(({ text }) => (JSON.parse(text) as { '@message': string })['@message']) };
  },
  failNext({ sink }) {
    const server = failures.get(sink) as BulkServer;
    server.behaviour = () => {
      server.behaviour = stored;
      return { status: 503 };
    };
  },
  hang({ sink }) {
    (failures.get(sink) as BulkServer).behaviour = () => 'hang';
  },
});

test('ES-01 ES-02 hosts with their blanks removed; ports of the old protocol stand for those of HTTP', () => {
  const origins = (text: string, client: 'transport' | 'rest' = 'transport'): unknown => {
    const found = parseHosts(text, client);
    return 'urls' in found ? found.urls.map(({ href }) => href) : found.fault;
  };
  assert.deepEqual(origins(' 10.5.5.27 : 9300 , 10.5.5.28 : 9301 '), ['http://10.5.5.27:9200/', 'http://10.5.5.28:9201/']);
  assert.deepEqual(origins('es, es:8080,es:80,[::1]:9200'), ['http://es:9200/', 'http://es:8080/', 'http://es/', 'http://[::1]:9200/']);
  assert.deepEqual(origins('es,es:9300', 'rest'), ['http://es/', 'http://es:9300/']);
  assert.deepEqual(origins('https://u:p@es/path?x#y'), ['https://u:p@es/path/']);
  for (const text of ['', 'a,,b', 'ftp://x', 'a:b:c', 'http://']) assert.equal(typeof origins(text), 'string', text);
});

test('ES-10 ES-11 the index carries the day of the event in UTC; the id is the number of the event', async (t) => {
  const { sink, server } = await setUp(t, { indexName: 'prefix' });
  const batch = batchOf('a', 'b').withHeaders([new Map([['timestamp', '987654321']]), new Map([['@timestamp', '1700000000000']])]);
  await sink.write(batch, never, ORIGIN);
  assert.deepEqual(server.requests[0]?.documents.map(({ operation, action }) => [operation, action]), [
    ['index', { _index: 'prefix-1970-01-12', _id: 'abc-10' }],
    ['index', { _index: 'prefix-2023-11-14', _id: 'abc-11' }],
  ]);
});

test('a name without a day, headers in it, routing, a pipeline, an id of its own and create', async (t) => {
  const { sink, server } = await setUp(t, {
    indexName: 'logs-%{app}',
    indexNameBuilder: 'org.apache.flume.sink.elasticsearch.SimpleIndexNameBuilder',
    documentId: '%{id}',
    routing: '%{app}',
    pipeline: 'p/1',
    opType: 'create',
  });
  await sink.write(batchOf('a').withHeaders([new Map([['app', 'shop'], ['id', 'x"1']])]), never);
  const [request] = server.requests;
  assert.deepEqual([request?.documents[0]?.operation, request?.documents[0]?.action], ['create', { _index: 'logs-shop', _id: 'x"1', routing: 'shop' }]);
  assert.match(request?.url ?? '', /^\/_bulk\?filter_path=[^&]+&timeout=30000ms&pipeline=p%2F1$/);
});

test('a data stream: created, with a @timestamp', async (t) => {
  const { sink, server } = await setUp(t, { dataStream: 'logs-app-default', documents: 'body' });
  await sink.write(batchOf('{"a":1}'), never);
  const [document] = server.requests[0]?.documents ?? [];
  assert.deepEqual([document?.operation, document?.action], ['create', { _index: 'logs-app-default' }]);
  assert.match(document?.text ?? '', /^\{"@timestamp":"20/);
});

test('S4 of a mixed answer only 429 and 503 go again, 400 is rejected with the answer, 409 with our own id is done', async (t) => {
  const { sink, server, context } = await setUp(t, { opType: 'create' });
  const statuses = [201, 429, 503, 400, 409, 201];
  const sent = new Map<string, number>();
  server.behaviour = (request) => {
    for (const { action } of request.documents) sent.set(String(action['_id']), (sent.get(String(action['_id'])) ?? 0) + 1);
    if (request.documents.length < 6) return stored(request);
    return {
      body: { items: request.documents.map((one, index) => item(one, statuses[index] ?? 0, statuses[index] === 201 ? undefined : { type: `type${statuses[index]}`, reason: 'why' })) },
    };
  };
  for (let round = 0; round < 20; round++) {
    const error = await rejectionOf(sink.write(events(6, 6 * round), never, { store: 's', spans: [[6 * round, 6 * round + 6]] }));
    assert.deepEqual(error.indices, [3]);
    assert.match(error.details[0]?.reason ?? '', /400 type400: why/);
    assert.match(error.details[0]?.reply ?? '', /"status":400/);
  }
  assert.deepEqual(server.requests.map(({ documents }) => documents.length), Array.from({ length: 40 }, (_, index) => (index % 2 === 0 ? 6 : 2)));
  assert.deepEqual([...new Set(Array.from({ length: 120 }, (_, index) => `${index % 6}:${sent.get(`s-${index}`)}`))].sort(), ['0:1', '1:2', '2:2', '3:1', '4:1', '5:1']);
  assert.equal(context.counters.get('DocumentAlreadyThereCount'), 20);
  assert.equal(context.counters.get('DocumentRetryCount'), 40);
});

test('S5 an answer that is lost or cut: the same ids again', async (t) => {
  const { sink, server } = await setUp(t);
  const ids = new Set<string>();
  server.behaviour = (request, number) => {
    for (const { action } of request.documents) ids.add(String(action['_id']));
    return number % 3 === 1 ? 'reset' : number % 3 === 2 ? 'cut' : stored(request);
  };
  for (let round = 0; round < 10; round++) {
    const write = (): Promise<void> => sink.write(events(5), never, { store: 's', spans: [[5 * round, 5 * round + 5]] });
    await assert.rejects(write());
    await assert.rejects(write());
    await write();
  }
  assert.equal(ids.size, 50);
  assert.equal(new Set(server.taken.map(({ action }) => action['_id'])).size, 50);
});

test('S5 events keep their ids however they are cut into batches', async (t) => {
  const { sink, server } = await setUp(t);
  await sink.write(events(4), never, { store: 's', spans: [[7, 9], [20, 22]] });
  await sink.write(events(2), never, { store: 's', spans: [[20, 22]] });
  assert.deepEqual(server.taken.map(({ action }) => action['_id']), ['s-7', 's-8', 's-20', 's-21', 's-20', 's-21']);
});

test('S6 a request that is too large is split, a single event that is too large is rejected, the rest flows', async (t) => {
  const { sink, server } = await setUp(t);
  server.behaviour = (request) => (request.body.length > 5000 ? { status: 413, body: 'too large' } : stored(request));
  const bodies = Array.from({ length: 40 }, (_, index) => (index === 7 ? 'x'.repeat(6000) : `${index} ${'y'.repeat(300)}`));
  const error = await rejectionOf(sink.write(batchOf(...bodies), never, ORIGIN));
  assert.deepEqual(error.indices, [7]);
  assert.match(error.details[0]?.reason ?? '', /no document of \d+ bytes \(413\)/);
  assert.deepEqual(server.taken.map(({ text }) => (JSON.parse(text) as { '@message': string })['@message']), bodies.filter((_, index) => index !== 7));
});

test('S6 requests keep to the configured size, and to a smaller one once a server has refused it', async (t) => {
  const { sink, server } = await setUp(t, { maxRequestBytes: '600000', batchSize: '2000' });
  await sink.write(batchOf(...Array.from({ length: 1500 }, () => 'y'.repeat(1000))), never);
  assert.ok(server.requests.every(({ body }) => body.length <= 600_000) && server.requests.length === 3);
  server.behaviour = (request) => (request.body.length > 400_000 ? { status: 413 } : stored(request));
  await sink.write(events(1500), never);
  const before = server.requests.length;
  const large = batchOf(...Array.from({ length: 1000 }, () => 'y'.repeat(1000)));
  await sink.write(large, never);
  await sink.write(large, never);
  const refused = server.requests.slice(before).filter(({ body }) => body.length > 400_000).length;
  assert.equal(refused, 1);
});

for (const [name, body] of Object.entries({
  'too few items': (request: BulkRequest) => ({ items: request.documents.slice(1).map((one) => item(one, 201)) }),
  'too many items': (request: BulkRequest) => ({ items: [...request.documents, ...request.documents].map((one) => item(one, 201)) }),
  'another operation': (request: BulkRequest) => ({ items: request.documents.map((one) => item({ ...one, operation: 'delete' }, 200)) }),
  'ids of others': (request: BulkRequest) => ({ items: [...request.documents].reverse().map((one) => item(one, 201)) }),
  'no status': (request: BulkRequest) => ({ items: request.documents.map(({ operation }) => ({ [operation]: {} })) }),
  'no items': () => ({ took: 3, errors: false }),
  'a list': () => [],
})) {
  test(`S4 an answer that does not fit confirms nothing: ${name}`, async (t) => {
    const { sink, server } = await setUp(t);
    server.behaviour = (request) => ({ body: body(request) });
    await assert.rejects(sink.write(events(3), never, ORIGIN), (error) => !(error instanceof RejectedError));
    server.behaviour = stored;
    await sink.write(events(3), never, ORIGIN);
  });
}

test('S4 a missing index waits for somebody unless the event has named it; limits on shards are not the fault of events', async (t) => {
  const constant = await setUp(t);
  const answer = (status: number, reason: string) => (request: BulkRequest) => ({ body: { items: request.documents.map((one) => item(one, status, { type: 't', reason })) } });
  constant.server.behaviour = answer(404, 'no such index');
  await assert.rejects(constant.sink.write(events(2), never), /none of 2 documents is taken: .*404/);
  constant.server.behaviour = answer(400, 'this action would add [2] shards, but this cluster currently has [1000]/[1000] maximum normal shards open;');
  await assert.rejects(constant.sink.write(events(2), never), /maximum normal shards/);
  const named = await setUp(t, { indexName: '%{app}' });
  named.server.behaviour = answer(404, 'no such index');
  const error = await rejectionOf(named.sink.write(batchOf('a').withHeaders([new Map([['app', 'x']])]), never));
  assert.deepEqual(error.indices, [0]);
});

test('429 and 503 of a whole request: Retry-After is kept to before the next one', async (t) => {
  const { sink, server } = await setUp(t);
  const times: number[] = [];
  server.behaviour = (request, number) => {
    times.push(performance.now());
    return number === 1 ? { status: 429, headers: { 'retry-after': '1' }, body: { error: 'rejected' } } : stored(request);
  };
  await assert.rejects(sink.write(events(2), never), /answered 429/);
  await sink.write(events(2), never);
  assert.ok((times[1] ?? 0) - (times[0] ?? 0) >= 995, times.join());
});

test('a request that the server cannot read: the event to blame is found; where nothing can be read no event is to blame', async (t) => {
  const { sink, server } = await setUp(t);
  server.behaviour = (request) => (request.body.includes('poison') ? { status: 400, body: { error: 'malformed' } } : stored(request));
  const error = await rejectionOf(sink.write(batchOf('1', '2', '3', 'poison', '5'), never, ORIGIN));
  assert.deepEqual(error.indices, [3]);
  assert.deepEqual(server.taken.length, 4);
  assert.deepEqual((await rejectionOf(sink.write(batchOf('poison'), never, ORIGIN))).indices, [0]);
  server.behaviour = () => ({ status: 400, body: { error: 'unknown parameter' } });
  const before = server.requests.length;
  await assert.rejects(sink.write(events(100), never, ORIGIN), /answered 400/);
  assert.ok(server.requests.length - before < 40);
});

test('ES-12 several servers: past the one that fails, and each is asked in turn', async (t) => {
  const { sink, server, others } = await setUp(t, {}, 2);
  const [other] = others as [BulkServer];
  server.behaviour = () => ({ status: 500 });
  await sink.write(events(1), never);
  assert.deepEqual([server.requests.length, other.requests.length], [1, 1]);
  await sink.write(events(1), never);
  assert.deepEqual([server.requests.length, other.requests.length], [1, 2]);
  other.behaviour = () => ({ status: 500 });
  await assert.rejects(sink.write(events(1), never), /answered 500/);
  other.behaviour = stored;
  server.behaviour = stored;
  await sink.write(events(1), never);
});

test('S1 a server that is down: one attempt to connect for each write, and the same batch arrives once it is back', async (t) => {
  const { sink, server } = await setUp(t);
  const { port } = server;
  await sink.write(events(1), never, ORIGIN);
  await server.close();
  for (let round = 0; round < 3; round++) await assert.rejects(sink.write(events(2), never, ORIGIN), /127\.0\.0\.1:\d+ does not answer.*(ECONNREFUSED|ECONNRESET|socket hang up)/);
  const again = new BulkServer();
  await again.listen(port);
  t.after(() => again.close());
  await sink.write(events(2), never, ORIGIN);
  assert.equal(again.taken.length, 2);
  assert.equal(again.connections, 1);
});

test('S2 S3 an answer that does not come ends the write at its time, and not before', async (t) => {
  const { sink, server } = await setUp(t, { requestTimeout: '300' });
  server.behaviour = () => 'hang';
  const began = performance.now();
  await assert.rejects(sink.write(events(1), never, ORIGIN), /no answer within 0\.3 s/);
  assert.ok(performance.now() - began >= 295);
  assert.equal(server.requests.length, 1);
});

test('the rest of a batch is sent again by itself when the server goes away in the middle', async (t) => {
  const { sink, server } = await setUp(t, { documentId: 'server' });
  server.behaviour = (request, number) => {
    if (number === 1) return { body: { items: request.documents.map((one, index) => item(one, index < 2 ? 201 : 429, index < 2 ? undefined : { type: 'busy', reason: 'x' })) } };
    return number === 2 ? 'reset' : stored(request);
  };
  await sink.write(events(4), never);
  assert.deepEqual(server.requests.map(messages), [['event 0', 'event 1', 'event 2', 'event 3'], ['event 2', 'event 3'], ['event 2', 'event 3']]);
});

test('S26 events of which no document can be made are rejected with the reason, and the others are sent', async (t) => {
  const { sink, server } = await setUp(t, { indexName: 'x%Y' });
  const headers = [new Map([['timestamp', '1000']]), new Map<string, string>(), new Map([['timestamp', 'x']]), new Map([['timestamp', '2000']])];
  const error = await rejectionOf(sink.write(batchOf('a', 'b', 'c', 'd').withHeaders(headers), never));
  assert.deepEqual(error.indices, [1, 2]);
  assert.match(error.details[0]?.reason ?? '', /no document can be made.*timestamp/);
  assert.deepEqual(messages(server.requests[0]), ['a', 'd']);
});

test('X6 hostile values become no lines of their own: as many actions as events, and what cannot be is rejected', async (t) => {
  const { sink, server } = await setUp(t, { indexName: '%{index}', documentId: '%{id}', routing: '%{r}', indexNameBuilder: 'org.apache.flume.sink.elasticsearch.SimpleIndexNameBuilder' });
  const fine = { index: 'i', id: 'i', r: 'r' };
  const hostile = [
    { ...fine, index: 'i"}}\n{"delete":{"_index":"i","_id":"1"}}' },
    { ...fine, id: 'x\n{"delete":{"_index":"i","_id":"1"}}' },
    { ...fine, id: 'x'.repeat(1 << 20) },
    { ...fine, id: '' },
    { ...fine, r: 'a\r\nb' },
    { ...fine, index: '<i-{now/d}>' },
    { ...fine, index: '..' },
    { ...fine, index: 'a,b' },
    { ...fine, index: '*' },
    { ...fine, index: 'a'.repeat(300) },
    { ...fine, id: '"},"_index":"other' },
    { ...fine, r: '"}}' },
    fine,
  ];
  const batch = batchOf(...hostile.map(() => '"}\n{"delete":{}}\n')).withHeaders(hostile.map((headers) => new Map(Object.entries(headers))));
  const error = await rejectionOf(sink.write(batch, never));
  assert.deepEqual(error.indices, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assert.deepEqual(server.requests[0]?.documents.map(({ operation, action }) => [operation, action]), [
    ['index', { _index: 'i', _id: '"},"_index":"other', routing: 'r' }],
    ['index', { _index: 'i', _id: 'i', routing: '"}}' }],
    ['index', { _index: 'i', _id: 'i', routing: 'r' }],
  ]);
});

test('X7 names and values of event headers never become HTTP headers', async (t) => {
  const { sink, server } = await setUp(t);
  await sink.write(batchOf('a').withHeaders([new Map([['x\r\nHost: evil', 'v\r\n\r\nPOST / HTTP/1.1'], ['ü: ', '\0']])]), never);
  assert.equal(server.requests.length, 1);
  assert.doesNotMatch(JSON.stringify(server.requests[0]?.headers), /evil|POST/);
});

test('X14 redirections are not followed, and the login goes nowhere else', async (t) => {
  const { sink, server, others } = await setUp(t, { username: 'u', password: 'hunter22' });
  assert.equal(others.length, 0);
  const elsewhere = new BulkServer();
  await elsewhere.listen();
  t.after(() => elsewhere.close());
  for (const status of [301, 302, 307, 308]) {
    server.behaviour = () => ({ status, headers: { location: `${elsewhere.url}/_bulk` } });
    await assert.rejects(sink.write(events(1), never), /which is not followed/);
  }
  assert.equal(elsewhere.connections, 0);
  assert.equal(server.requests[0]?.headers.authorization, `Basic ${Buffer.from('u:hunter22').toString('base64')}`);
});

test('X15 no secret stands in what is said of failures', async (t) => {
  const { sink, server, context } = await setUp(t, { apiKey: 'id:sesame99' });
  server.behaviour = () => ({ status: 401, body: { error: 'no' } });
  const error: unknown = await sink.write(events(1), never).catch((reason: unknown) => reason);
  assert.match(String(error), /401 \(look at username and password, or at apiKey\)/);
  assert.doesNotMatch(`${String(error)} ${JSON.stringify(sink.describe?.())} ${context.lines.join()}`, /sesame99|hunter22/);
  assert.equal(server.requests[0]?.headers.authorization, `ApiKey ${Buffer.from('id:sesame99').toString('base64')}`);
});

test('requests are compressed where that is wanted', async (t) => {
  const { sink, server } = await setUp(t, { compression: 'gzip' });
  await sink.write(events(3), never);
  assert.equal(server.requests[0]?.headers['content-encoding'], 'gzip');
  assert.deepEqual(messages(server.requests[0]), ['event 0', 'event 1', 'event 2']);
});

test('one connection serves all requests', async (t) => {
  const { sink, server } = await setUp(t);
  for (let round = 0; round < 20; round++) await sink.write(events(3), never);
  assert.equal(server.connections, 1);
});

test('a large request is sent only when the server wants it: a refusal ends it at once', async (t) => {
  const { sink, server } = await setUp(t, { maxRequestBytes: '8000000' });
  await sink.write(batchOf('x'.repeat(3_000_000), 'small'), never);
  assert.equal(server.taken.length, 2);
});

test('stopping ends a wait for a busy server', async (t) => {
  const { sink, server } = await setUp(t);
  const stop = new AbortController();
  server.behaviour = (request) => ({ body: { items: request.documents.map((one, index) => item(one, request.documents.length > 1 && index === 0 ? 201 : 429)) } });
  const written = sink.write(events(2), stop.signal);
  await eventually(() => server.requests.length > 1, 'it tries again');
  stop.abort();
  await assert.rejects(written, { name: 'AbortError' });
});

test('settings without a meaning for servers of today are told once, and Flume options run unchanged', async (t) => {
  const { context } = await setUp(t, { clusterName: 'c', indexType: 'bar', ttl: '5d', client: 'transport', 'client.x': 'y', 'serializer.charset': 'UTF-8' });
  assert.deepEqual(context.lines, ['warn: some settings have no meaning for servers of today']);
  const quiet = await setUp(t);
  assert.deepEqual(quiet.context.lines, []);
});

test('options that cannot go together are refused', () => {
  const refused = (properties: Record<string, string>): string[] => problemsOf(elasticsearchSink, { hostNames: 'es', ...properties });
  assert.match(refused({ hostNames: 'ftp://x' })[0] ?? '', /^refuse hostNames/);
  assert.match(refused({ indexName: '%[nonsense]' })[0] ?? '', /^refuse indexName: .*%\[nonsense\]/);
  assert.match(refused({ dataStream: 'a', opType: 'index' })[0] ?? '', /^refuse opType/);
  assert.match(refused({ password: 'x' })[0] ?? '', /^refuse password/);
  assert.match(refused({ apiKey: 'a b' })[0] ?? '', /^refuse apiKey/);
  assert.match(refused({ certificate: '/x' })[0] ?? '', /^refuse certificate/);
  assert.match(refused({ documentId: 'id' })[0] ?? '', /^refuse documentId/);
});
