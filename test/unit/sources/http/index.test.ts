import assert from 'node:assert/strict';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { test, type TestContext } from 'node:test';
import { ChannelFullError } from '../../../../core/errors.ts';
import type { Description, Source, SourceContext } from '../../../../core/component.ts';
import { HttpSource } from '../../../../sources/http/http-source.ts';
import { httpSource } from '../../../../sources/http/index.ts';
import { create, eventually, FakeSourceContext } from '../../../conformance/fakes.ts';
import { sourceConformance } from '../../../conformance/source.ts';

interface Running {
  readonly context: FakeSourceContext;
  readonly source: Source;
  readonly port: number;
}

async function start(t: Pick<TestContext, 'after'>, properties: Record<string, string> = {}, context = new FakeSourceContext()): Promise<Running> {
  const source: Source = await create(httpSource, { bind: '127.0.0.1', port: '0', ...properties }, context);
  await source.start();
  t.after(() => source.stop());
  return { context, source, port: portOf(source) };
}

function portOf(source: Source): number {
  return Number(/:(\d+)$/.exec(source.describe?.().endpoints?.[0]?.address ?? '')?.[1]);
}

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

function send(port: number, body: string | Buffer, options: { method?: string; path?: string; headers?: Record<string, string> } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', connection: 'close', 'content-length': String(Buffer.byteLength(body)), ...options.headers };
    const made = httpRequest({ host: '127.0.0.1', port, method: options.method ?? 'POST', path: options.path ?? '/', headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, text }));
      response.on('error', reject);
    });
    made.on('error', reject);
    made.end(body);
  });
}

/** Sends bytes as they are; resolves with what comes back until the connection is closed. */
function raw(port: number, ...pieces: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(text));
    for (const piece of pieces) socket.write(piece, 'latin1');
  });
}

const ONE = '[{"headers":{"a":"b"},"body":"one"}]';

test('HT-01 HT-27 a POST, and a GET with a body, are answered with 200 once the events are stored', async (t) => {
  const { context, port } = await start(t);
  for (const method of ['POST', 'GET']) {
    const answer = await send(port, ONE, { method, path: '/any/path?x=y' });
    assert.deepEqual([answer.status, answer.text], [200, '']);
  }
  assert.deepEqual(context.bodies, ['one', 'one']);
  assert.deepEqual([...(context.delivered[0]?.headers(0) ?? [])], [['a', 'b']]);
  for (const name of ['AppendBatchReceivedCount', 'AppendBatchAcceptedCount', 'EventReceivedCount', 'EventAcceptedCount']) assert.equal(context.counted(name), 2);
  assert.equal((await send(port, '[]')).status, 200);
  assert.equal(context.delivered.length, 2);
});

test('X18 with clientIPHeader the address is that of the connection, whatever the client says', async (t) => {
  const { context, port } = await start(t, { clientIPHeader: 'client' });
  await send(port, '[{"headers":{"client":"10.9.8.7","a":"b"},"body":"one"}]');
  assert.deepEqual(context.delivered[0]?.headers(0), new Map([['a', 'b'], ['client', '127.0.0.1']]));
});

test('HT-02 HT-26 other methods are refused as Flume does', async (t) => {
  const { port } = await start(t);
  for (const [method, status] of [['OPTIONS', 403], ['TRACE', 403], ['PUT', 405], ['DELETE', 405], ['PATCH', 501]] as const) {
    assert.equal((await send(port, '', { method })).status, status, method);
  }
  const head = await send(port, ONE, { method: 'HEAD' });
  assert.deepEqual([head.status, head.text], [200, '']);
});

test('HT-04 N9 a bad request is answered with 400 and the reason, and counted', async (t) => {
  const { context, port } = await start(t);
  const answer = await send(port, '[{"body":"a"},{"<b>":}]');
  assert.equal(answer.status, 400);
  assert.match(answer.text, /Bad request from client\. Request has invalid JSON Syntax\. At byte 21: } was not expected/);
  assert.match(answer.headers['content-type'] ?? '', /text\/html/);
  assert.equal(context.counted('EventReadFail'), 1);
  assert.deepEqual(context.delivered, []);
});

test('HT-06 HT-10 N13 what a channel refuses is 503, any other failure 500; nothing is answered with 200 that is not stored', async (t) => {
  const { context, port } = await start(t);
  const errors = [new ChannelFullError('full'), new Error('an interceptor failed')];
  context.answer = async () => {
    const error = errors.shift();
    if (error) throw error;
  };
  const full = await send(port, ONE);
  assert.match(full.text, /Error appending event to channel\. Channel might be full\./);
  const other = await send(port, ONE);
  assert.deepEqual([full.status, other.status, (await send(port, ONE)).status], [503, 500, 200]);
  assert.deepEqual([context.counted('ChannelWriteFail'), context.counted('GenericProcessingFail')], [1, 1]);
});

test('HT-10 a request of more events than a transaction may hold is refused for good, and none of it is stored', async (t) => {
  const { context, port } = await start(t);
  const answer = await send(port, `[${Array.from({ length: 150 }, () => '{}').join()}]`);
  assert.equal(answer.status, 413);
  assert.match(answer.text, /may hold 100 events.*this one has 150/);
  assert.equal(context.counted('ChannelWriteFail'), 1);
  assert.deepEqual(context.delivered, []);
});

test('HT-08 HT-09 headers of the answers as they are set', async (t) => {
  const plain = await start(t);
  const { headers } = await send(plain.port, ONE);
  assert.ok(headers.server);
  assert.equal(headers['x-powered-by'], undefined);
  const other = await start(t, { 'HttpConfiguration.sendServerVersion': 'false', 'HttpConfiguration.sendXPoweredBy': 'true', 'ServerConnector.acceptQueueSize': '22', 'QueuedThreadPool.maxThreads': '123' });
  const changed = (await send(other.port, ONE)).headers;
  assert.equal(changed.server, undefined);
  assert.ok(changed['x-powered-by']);
});

test('HT-20 the parameters of the query are headers of BLOBHandler', async (t) => {
  const { context, port } = await start(t, { handler: 'org.apache.flume.source.http.BLOBHandler', 'handler.mandatoryParameters': 'param1' });
  assert.equal((await send(port, 'a,b,c', { path: '/?param1=v%201&param1=second&x=' })).status, 200);
  assert.deepEqual([...(context.delivered[0]?.headers(0) ?? [])], [['param1', 'v 1'], ['x', '']]);
  assert.equal((await send(port, 'a,b,c')).status, 400);
});

test('HT-11 a handler that fails is answered with 500', async () => {
  const context = new FakeSourceContext();
  const handler = { handle: (): never => assert.fail('made to fail') };
  const settings = { bind: '127.0.0.1', port: 0, maxConnections: 0, maxRequestBytes: 1000, tls: undefined, headers: [], headerBytes: 8192, idleMs: 1000, 'include-protocols': [], 'exclude-protocols': [], 'include-cipher-suites': [], 'exclude-cipher-suites': [] };
  const source = new HttpSource(context, handler, settings);
  await source.start();
  const answer = await send(portOf(source), 'x');
  await source.stop();
  assert.equal(answer.status, 500);
  assert.match(answer.text, /Deserializer threw unexpected exception\. made to fail/);
  assert.equal(context.counted('EventReadFail'), 1);
});

test('a body that is too large is answered with 413, whether its length is told or not', async (t) => {
  const { context, port } = await start(t, { maxRequestBytes: '2000' });
  const large = `[{"body":"${'x'.repeat(3000)}"}]`;
  assert.equal((await send(port, large)).status, 413);
  const chunked = await raw(port, `POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${large.length.toString(16)}\r\n${large}\r\n0\r\n\r\n`);
  assert.match(chunked, /^HTTP\/1\.1 413 /);
  assert.equal((await send(port, ONE)).status, 200);
  assert.deepEqual(context.bodies, ['one']);
});

test('N12 lengths that lie are refused, and nothing of one request becomes part of the next', async (t) => {
  const { context, port } = await start(t);
  const post = (headers: string, body: string): Promise<string> => raw(port, `POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${headers}\r\n\r\n${body}`);
  const smuggled = `[{"body":"smuggled"}]`;
  for (const [headers, body] of [
    [`Content-Length: ${ONE.length}\r\nTransfer-Encoding: chunked`, `0\r\n\r\n${smuggled}`],
    [`Content-Length: ${ONE.length}\r\nContent-Length: 3`, ONE],
    ['Content-Length: ', ONE],
    ['Content-Length: -1', ONE],
    ['Content-Length: 1x', ONE],
    ['Transfer-Encoding: chunked', `fffffffffffffffff\r\n${ONE}`],
    ['Transfer-Encoding: chunked', `zz\r\n${ONE}`],
    ['Transfer-Encoding: gzip', ONE],
  ] as const) {
    assert.match(await post(headers, body), /^HTTP\/1\.1 400 /, headers);
  }
  const short = await post('Content-Length: 1', ONE);
  assert.match(short, /^HTTP\/1\.1 400 /);
  assert.deepEqual(context.delivered, []);
});

test('N13 a client that leaves before the answer harms nobody', async (t) => {
  const { context, port } = await start(t);
  for (let number = 0; number < 50; number++) {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${ONE.length + (number % 2)}\r\n\r\n${ONE}`, () => socket.destroy());
  }
  assert.equal((await send(port, ONE)).status, 200);
  await eventually(() => context.counted('OpenConnectionCount') === 0, 'all connections closed');
  assert.deepEqual(context.failures, []);
});

test('requests of one connection are answered in turn', async (t) => {
  const { context, port } = await start(t);
  const request = (body: string, more = ''): string => `POST / HTTP/1.1\r\nHost: x\r\n${more}Content-Length: ${body.length}\r\n\r\n${body}`;
  const replies = await raw(port, request(ONE), request('nonsense'), request('[{"body":"last"}]', 'Connection: close\r\n'));
  assert.deepEqual(replies.match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 200', 'HTTP/1.1 400', 'HTTP/1.1 200']);
  assert.deepEqual(context.bodies, ['one', 'last']);
});

sourceConformance('http', {
  create: (context) => new Late(context),
  async feed(source, body) {
    const { delivered } = (source as Late).context;
    const before = delivered.length;
    const answered = send(portOf(source), JSON.stringify([{ body }])).then(() => undefined, () => undefined);
    await Promise.race([answered, eventually(() => delivered.length > before, 'the delivery')]);
  },
  afterFailure: 'next',
});

/** A source that is made in time. */
class Late implements Source {
  readonly context: FakeSourceContext;
  readonly #made: Promise<Source>;
  #source: Source | undefined;

  constructor(context: SourceContext) {
    this.context = context as FakeSourceContext;
    this.#made = Promise.resolve(create(httpSource, { bind: '127.0.0.1', port: '0' }, context));
  }

  async start(): Promise<void> {
    this.#source = await this.#made;
    await this.#source.start();
  }

  async stop(): Promise<void> {
    await (await this.#made).stop();
  }

  describe(): Description {
    return this.#source?.describe?.() ?? {};
  }
}
