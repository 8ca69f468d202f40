import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import type { Logger } from '../../../core/log.ts';
import type { ComponentMetrics } from '../../../core/metrics.ts';
import { Monitoring, type MonitoringOptions } from '../../../monitoring/http.ts';
import { until } from '../../servers/daemon.ts';

const running: ComponentMetrics = {
  kind: 'sink',
  name: 'k1',
  type: 'null',
  state: 'running',
  startTime: 1,
  stopTime: 0,
  counters: new Map([['EventDrainSuccessCount', 3]]),
};
const failed: ComponentMetrics = { ...running, kind: 'source', name: 'r1', type: 'netcat', state: 'failed', reason: 'password hunter2: EADDRINUSE' };

function silentLog(lines: string[] = []): Logger {
  const keep = (sentence: string): void => void lines.push(sentence);
  return { error: keep, warn: keep, info: keep, debug: keep, event: keep, ready: async () => {} };
}

async function serve(t: TestContext, options: Partial<MonitoringOptions> = {}): Promise<{ url: string; port: number; monitoring: Monitoring }> {
  const monitoring = new Monitoring({
    host: '127.0.0.1',
    port: 0,
    format: 'json',
    log: silentLog(),
    metrics: { agent: 'a1', components: () => [running] },
    ...options,
  });
  await monitoring.start();
  t.after(() => monitoring.stop());
  const address = monitoring.endpoint?.address ?? assert.fail('it does not listen');
  return { url: `http://${address}`, port: Number(address.split(':').at(-1)), monitoring };
}

/** What the server sends until it closes, for requests that fetch would not send. */
async function raw(port: number, request: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.setEncoding('latin1');
  let answer = '';
  socket.on('data', (text: string) => (answer += text));
  socket.on('error', () => {});
  socket.write(request);
  await once(socket, 'close');
  return answer;
}

test('/, /metrics in any case and unknown paths answer as Flume does', async (t) => {
  const { url } = await serve(t);
  const page = await fetch(`${url}/`);
  assert.deepEqual([page.status, page.headers.get('content-type')], [200, 'text/html;charset=utf-8']);
  assert.equal(await page.text(), 'For Flume metrics please click <a href = "./metrics"> here</a>.');
  for (const path of ['/metrics', '/METRICS', '/Metrics?a=b', '/%6detrics', '/metrics;a=b']) {
    const answer = await fetch(url + path);
    assert.deepEqual([answer.status, answer.headers.get('content-type')], [200, 'application/json;charset=utf-8']);
    assert.match(await answer.text(), /^\{"SINK\.k1":\{.*"EventDrainSuccessCount":"3".*\}\}$/);
  }
  for (const path of ['/x', '/metrics/', '/metrics/../../etc/passwd', '/%2e%2e/etc/passwd', '//metrics', '/%zz', '/metrics%00']) {
    const { status } = await fetch(url + path);
    assert.equal(status, 404, path);
  }
});

test('C10.3 TRACE and OPTIONS are forbidden; POST, PUT, DELETE and HEAD are as GET', async (t) => {
  const { url, port } = await serve(t);
  for (const method of ['TRACE', 'OPTIONS']) {
    assert.match(await raw(port, `${method} /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`), /^HTTP\/1\.1 403 /);
  }
  for (const method of ['POST', 'PUT', 'DELETE']) {
    const answer = await fetch(`${url}/metrics`, { method, ...(method !== 'DELETE' && { body: 'x=1' }) });
    assert.equal(answer.status, 200);
    assert.ok((await answer.text()).startsWith('{"SINK.k1"'));
  }
  const head = await fetch(`${url}/metrics`, { method: 'HEAD' });
  assert.equal(head.status, 200);
  assert.ok(Number(head.headers.get('content-length')) > 100);
});

test('Prometheus text at its own path, and at /metrics only for who asks for it', async (t) => {
  const { url } = await serve(t);
  const typeOf = async (path: string, accept: string): Promise<string | null> => {
    const answer = await fetch(url + path, { headers: { accept } });
    await answer.text();
    return answer.headers.get('content-type');
  };
  const prometheus = 'text/plain; version=0.0.4; charset=utf-8';
  assert.equal(await typeOf('/metrics/prometheus', '*/*'), prometheus);
  for (const accept of ['text/plain;version=0.0.4;q=0.3,*/*;q=0.1', 'application/openmetrics-text;version=1.0.0', 'text/plain; q=1; version=0.0.4']) {
    assert.equal(await typeOf('/metrics', accept), prometheus, accept);
  }
  for (const accept of ['*/*', 'text/plain', 'text/html,application/xhtml+xml', 'application/json']) {
    assert.equal(await typeOf('/metrics', accept), 'application/json;charset=utf-8', accept);
  }
});

test('/health tells the state and stays 200; /ready is 503 and names who does not run and why, without secrets', async (t) => {
  const components = [running];
  const { url } = await serve(t, {
    metrics: { agent: 'a1', components: () => components },
    redact: (text) => text.replace('hunter2', '***'),
  });
  const ask = async (path: string): Promise<[number, unknown]> => {
    const answer = await fetch(url + path);
    return [answer.status, await answer.json()];
  };
  const k1 = { component: 'a1.sinks.k1', kind: 'sink', type: 'null', state: 'running' };
  const r1 = { component: 'a1.sources.r1', kind: 'source', type: 'netcat', state: 'failed', reason: 'password ***: EADDRINUSE' };
  assert.deepEqual(await ask('/health'), [200, { status: 'ok', agent: 'a1', components: [k1] }]);
  assert.deepEqual(await ask('/ready'), [200, { status: 'ready', agent: 'a1', components: [] }]);
  components.push(failed);
  assert.deepEqual(await ask('/health'), [200, { status: 'degraded', agent: 'a1', components: [k1, r1] }]);
  assert.deepEqual(await ask('/ready'), [503, { status: 'not ready', agent: 'a1', components: [r1] }]);
  components.length = 0;
  assert.equal((await ask('/ready'))[0], 503);
});

test('a port that is taken is logged and tried again; start neither throws nor waits for it', async (t) => {
  const blocker = createServer();
  await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve));
  const { port } = blocker.address() as { port: number };
  const lines: string[] = [];
  const monitoring = new Monitoring({
    host: '127.0.0.1',
    port,
    format: 'json',
    log: silentLog(lines),
    metrics: { agent: 'a1', components: () => [] },
    retry: { firstMs: 10, mostMs: 20 },
  });
  await monitoring.start();
  t.after(() => monitoring.stop());
  assert.equal(monitoring.endpoint, undefined);
  assert.equal(lines[0], 'monitoring cannot listen; the agent goes on without it and tries again');
  await new Promise((resolve) => blocker.close(resolve));
  await until('the port to be bound', () => monitoring.endpoint);
  assert.equal((await fetch(`http://127.0.0.1:${port}/health`)).status, 200);
});

test('X17 a client that is slow with its headers or its body is closed at the deadline', async (t) => {
  const { port } = await serve(t, { deadlineMs: 150 });
  assert.match(await raw(port, 'GET /metrics HTTP/1.1\r\nHos'), /^(HTTP\/1\.1 408 |$)/);
  const answer = await raw(port, 'POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000\r\n\r\nabc');
  assert.match(answer, /^HTTP\/1\.1 200 OK\r\n(.*\r\n)*connection: close\r\n/i);
});

test('X17 silent connections above the limit push out the oldest of them, and others are served', async (t) => {
  const { url, port } = await serve(t);
  const sockets: Socket[] = [];
  let closed = 0;
  t.after(() => sockets.forEach((socket) => socket.destroy()));
  for (let index = 0; index < 400; index++) {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    socket.on('close', () => closed++);
    socket.write('G');
    sockets.push(socket);
    if (index % 100 === 50) assert.equal((await fetch(`${url}/health`)).status, 200);
  }
  assert.equal((await fetch(`${url}/health`)).status, 200);
  await until('the oldest connections to be closed', () => closed >= 400 - 128 || undefined);
});

test('X17 huge headers, odd methods, garbage and absurd targets get an error and leave the server alive', async (t) => {
  const { url, port } = await serve(t);
  assert.match(await raw(port, `GET /metrics HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`), /^HTTP\/1\.1 431 /);
  assert.match(await raw(port, '\x16\x03\x01\x02\x00garbage\r\n\r\n'), /^HTTP\/1\.1 400 /);
  assert.match(await raw(port, `GET /${'../'.repeat(500)}etc/passwd HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`), /^HTTP\/1\.1 404 /);
  assert.match(await raw(port, 'GET http://evil.example/metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'), /^HTTP\/1\.1 200 /);
  await raw(port, 'CONNECT metrics:1 HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.equal((await fetch(`${url}/health`)).status, 200);
});

test('X17 a fault while reading the figures is answered with 500 and logged, and goes no further', async (t) => {
  const lines: string[] = [];
  const { url } = await serve(t, {
    log: silentLog(lines),
    metrics: {
      agent: 'a1',
      components: () => {
        throw new Error('broken');
      },
    },
  });
  assert.equal((await fetch(`${url}/metrics`)).status, 500);
  assert.ok(lines.includes('monitoring cannot answer'));
});

test('stop closes the port and every connection, and is safe without start', async (t) => {
  const { port, monitoring } = await serve(t);
  const idle = connect(port, '127.0.0.1');
  await once(idle, 'connect');
  const closed = once(idle, 'close');
  idle.on('error', () => {});
  await monitoring.stop();
  await closed;
  assert.equal(monitoring.endpoint, undefined);
  await new Monitoring({ host: '127.0.0.1', port: 0, format: 'json', log: silentLog(), metrics: { agent: 'a1', components: () => [] } }).stop();
});
