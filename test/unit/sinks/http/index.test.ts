import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import type { Sink } from '../../../../core/component.ts';
import { RejectedError } from '../../../../core/errors.ts';
import { httpSink } from '../../../../sinks/http/index.ts';
import { until } from '../../../harness/agent.ts';
import { batchOf, never } from '../../../conformance/fakes.ts';
import { sinkConformance } from '../../../conformance/sink.ts';
import { make, problemsOf, recordingContext } from '../../recording-context.ts';

const OWN = { 'rollback.2XX': 'false', 'backoff.2XX': 'false', 'incrementMetrics.2XX': 'true' };

interface Posted {
  readonly body: string;
  readonly headers: IncomingMessage['headers'];
  readonly url: string;
}

async function serve(answer: (posted: Posted, response: ServerResponse, number: number) => void) {
  const posts: Posted[] = [];
  let connections = 0;
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.once('end', () => {
      const posted = { body, headers: request.headers, url: `${request.method} ${request.url}` };
      posts.push(posted);
      answer(posted, response, posts.length);
    });
  });
  server.on('connection', () => connections++);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve).unref());
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { posts, connections: () => connections, open: () => new Promise<number>((resolve) => server.getConnections((_error, count) => resolve(count))), url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close };
}

async function setUp(t: TestContext, answer: Parameters<typeof serve>[0], properties: Readonly<Record<string, string>> = OWN) {
  const server = await serve(answer);
  const context = recordingContext('a1.sinks.k1');
  const sink = await make(httpSink, { endpoint: `${server.url}/in?x=1`, ...properties }, context);
  await sink.start();
  t.after(async () => {
    await sink.stop();
    await server.close();
  });
  return { sink, server, context };
}

const status = (code: number, headers: Record<string, string> = {}) => (_posted: Posted, response: ServerResponse): void => void response.writeHead(code, headers).end(`${code}`);

const servers = new WeakMap<Sink, { answer: Parameters<typeof serve>[0] }>();
sinkConformance('http', {
  async create() {
    const state = { answer: status(200) as Parameters<typeof serve>[0] };
    const taken: string[] = [];
    const server = await serve((posted, response, number) => {
      state.answer(posted, response, number);
      if (response.statusCode === 200 && response.writableEnded) taken.push(posted.body);
    });
    const sink = await make(httpSink, { endpoint: server.url, ...OWN }, recordingContext());
    servers.set(sink, state);
    return { sink, received: () => taken };
  },
  hang({ sink }) {
    (servers.get(sink) as { answer: Parameters<typeof serve>[0] }).answer = () => undefined;
  },
  unacceptable: batchOf(''),
  refusesEmptyBodies: true,
});

test('HT-04 HT-05 HT-07 HT-12 events are posted one by one over one connection, with the headers configured', async (t) => {
  const { sink, server } = await setUp(t, status(204), { ...OWN, contentTypeHeader: 'application/x-log', acceptHeader: '*/*' });
  await sink.write(batchOf('a', 'b', 'ü'), never);
  assert.deepEqual(server.posts.map(({ body }) => body), ['a', 'b', 'ü']);
  assert.deepEqual([server.posts[0]?.url, server.posts[0]?.headers['content-type'], server.posts[0]?.headers.accept], ['POST /in?x=1', 'application/x-log', '*/*']);
  assert.equal(server.connections(), 1);
  assert.equal(sink.batchSize, 1);
});

test('HT-03 with Flume defaults even 200 is rolled back, and the configuration is warned of', async (t) => {
  const { sink } = await setUp(t, status(200), {});
  await assert.rejects(sink.write(batchOf('a'), never), /answered 200; the event is posted again \(rollback\.200\)/);
  assert.match(problemsOf(httpSink, { endpoint: 'http://x/' }).join(), /^warn defaultRollback: holds for 200 as well/);
  assert.deepEqual(problemsOf(httpSink, { endpoint: 'http://x/', ...OWN }), []);
});

test('HT-08 the exact status goes before its class', async (t) => {
  const properties = { ...OWN, 'rollback.200': 'true' };
  const { sink } = await setUp(t, (_posted, response, number) => status(number === 1 ? 204 : 200)(_posted, response), properties);
  await sink.write(batchOf('a'), never);
  await assert.rejects(sink.write(batchOf('b'), never), /answered 200/);
});

test('HT-02 an event without a body is set aside', async (t) => {
  const { sink, server } = await setUp(t, status(200));
  await assert.rejects(sink.write(batchOf(''), never), RejectedError);
  assert.equal(server.posts.length, 0);
});

test('HT-06 S19 a status that is not rolled back ends in the dead letters with the answer, unless it counts as delivered', async (t) => {
  const { sink } = await setUp(t, status(401), { ...OWN, 'rollback.4XX': 'false', 'backoff.4XX': 'false' });
  const error: unknown = await sink.write(batchOf('a'), never).catch((reason: unknown) => reason);
  assert.ok(error instanceof RejectedError);
  assert.deepEqual([error.details[0]?.reason, error.details[0]?.reply], ['the server answered 401', '401']);
  const counted = await setUp(t, status(404), { ...OWN, 'rollback.404': 'false', 'backoff.404': 'false', 'incrementMetrics.404': 'true' });
  await counted.sink.write(batchOf('a'), never);
});

test('HT-10 S19 500, 502, 408, 425, 429 and 503 are posted again', async (t) => {
  const codes = [500, 502, 408, 425, 429, 503];
  const { sink, server } = await setUp(t, (posted, response, number) => status(codes[number - 1] ?? 200)(posted, response));
  for (const code of codes) await assert.rejects(sink.write(batchOf('a'), never), new RegExp(`answered ${code}`));
  await sink.write(batchOf('a'), never);
  assert.equal(server.posts.length, 7);
});

test('S19 Retry-After is kept to before the next post', async (t) => {
  const times: number[] = [];
  const { sink } = await setUp(t, (posted, response, number) => {
    times.push(performance.now());
    status(number === 1 ? 429 : 200, number === 1 ? { 'retry-after': '1' } : {})(posted, response);
  });
  await assert.rejects(sink.write(batchOf('a'), never), /429/);
  await sink.write(batchOf('a'), never);
  assert.ok((times[1] ?? 0) - (times[0] ?? 0) >= 995);
});

test('HT-13 S19 X14 redirections are not followed', async (t) => {
  const elsewhere = await serve(status(200));
  t.after(() => elsewhere.close());
  for (const code of [301, 302, 303, 307, 308]) {
    const { sink } = await setUp(t, status(code, { location: elsewhere.url }));
    await assert.rejects(sink.write(batchOf('a'), never), new RegExp(`answered ${code}`));
  }
  assert.equal(elsewhere.connections(), 0);
});

test('HT-11 S20 answers that stop in the middle, or never come: an error each at its time, and no connection is left open', async (t) => {
  const { sink, server } = await setUp(t, (_posted, response, number) => {
    if (number % 3 === 1) response.writeHead(200, { 'content-length': '10' }).write('abc');
    else if (number % 3 === 2) response.socket?.end('HTTP/1.1 200 O');
  }, { ...OWN, requestTimeout: '100' });
  for (let round = 0; round < 9; round++) await assert.rejects(sink.write(batchOf('a'), never), (error) => !(error instanceof RejectedError));
  await until('every connection is closed', async () => (await server.open()) === 0 || undefined);
});

test('X15 a login in the endpoint is sent as such, and shown nowhere', async (t) => {
  const { server, context } = await setUp(t, status(200));
  const sink = await make(httpSink, { endpoint: server.url.replace('//', '//me:s3same@'), ...OWN }, context);
  t.after(() => sink.stop());
  await sink.write(batchOf('a'), never);
  assert.equal(server.posts[0]?.headers.authorization, `Basic ${Buffer.from('me:s3same').toString('base64')}`);
  assert.doesNotMatch(JSON.stringify(sink.describe?.()), /s3same/);
});

test('HT-01 addresses and time-outs that cannot be used', () => {
  assert.match(problemsOf(httpSink, { endpoint: 'invalid url' }).join(), /^drop endpoint/);
  assert.match(problemsOf(httpSink, { endpoint: 'http://x', connectTimeout: '-1000', ...OWN }).join(), /connectTimeout/);
  assert.match(problemsOf(httpSink, { endpoint: 'http://x', requestTimeout: '-1000', ...OWN }).join(), /requestTimeout/);
  assert.match(problemsOf(httpSink, { endpoint: 'http://x', contentTypeHeader: 'a\u0001b', ...OWN }).join(), /contentTypeHeader/);
});
