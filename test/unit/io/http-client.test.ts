import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, renameSync } from 'node:fs';
import { createServer as createPlainServer, type RequestListener } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { HttpClient, retryAfterMs, type HttpAnswer } from '../../../io/http-client.ts';
import { Authority, certificatesAvailable } from '../../harness/certificates.ts';
import { FakeLog, never } from '../../conformance/fakes.ts';

const LIMITS = { connectTimeoutMs: 2000, answerTimeoutMs: 2000, mostAnswerBytes: 1000 };

function post(client: HttpClient, url: string, body: Buffer = Buffer.from('x'), signal: AbortSignal = never): Promise<HttpAnswer> {
  return client.request({ method: 'POST', url: new URL(url), headers: {}, body }, signal);
}

function clientOf(t: TestContext, options: Partial<ConstructorParameters<typeof HttpClient>[0]> = {}) {
  const log = new FakeLog();
  const client = new HttpClient({ ...LIMITS, log, ...options });
  t.after(() => client.close());
  return { client, log };
}

async function plainServer(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createPlainServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close().closeAllConnections());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

test('S20 an answer that is longer than allowed, or cut, is an error', async (t) => {
  const { client } = clientOf(t);
  const url = await plainServer(t, (request, response) => {
    request.resume();
    if (request.url === '/long') response.end('x'.repeat(2000));
    else response.writeHead(200, { 'content-length': '10' }).write('abc', () => response.destroy());
  });
  await assert.rejects(post(client, `${url}long`), /longer than 1000 bytes/);
  await assert.rejects(post(client, `${url}cut`), /aborted|too early|ECONNRESET/);
});

test('S24 a name is looked up anew for each connection', async (t) => {
  const { client } = clientOf(t);
  await assert.rejects(post(client, 'http://name.invalid/'), /ENOTFOUND|EAI_AGAIN/);
});

test('S6 a large body is not sent to a server that refuses it by its length', async (t) => {
  const { client } = clientOf(t);
  let received = 0;
  const server = createPlainServer();
  server.on('checkContinue', (_request, response) => response.writeHead(413, { connection: 'close' }).end('too large'));
  server.on('request', (request) => request.on('data', (chunk: Buffer) => (received += chunk.length)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close().closeAllConnections());
  const answer = await post(client, `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, Buffer.alloc(5_000_000));
  assert.deepEqual([answer.status, answer.body.toString(), received], [413, 'too large', 0]);
});

test('an abort ends a request at once', async (t) => {
  const { client } = clientOf(t);
  const url = await plainServer(t, () => undefined);
  const stop = new AbortController();
  const asked = post(client, url, Buffer.from('x'), stop.signal);
  setImmediate(() => stop.abort());
  await assert.rejects(asked, { name: 'AbortError' });
  await assert.rejects(post(client, url, Buffer.from('x'), stop.signal), { name: 'AbortError' });
});

test('S19 Retry-After in seconds, as a date, and as nothing of the kind', () => {
  const now = Date.UTC(2026, 0, 1);
  assert.deepEqual(['5', 'Thu, 01 Jan 2026 00:00:07 GMT', 'Wed, 31 Dec 2025 00:00:00 GMT', 'soon', undefined].map((value) => retryAfterMs(value, now)), [5000, 7000, 0, 0, 0]);
});

describe('over TLS', { skip: certificatesAvailable() }, () => {
  let authority: Authority;
  let server: Server;
  let url: string;
  let pem: string;
  before(async () => {
    authority = new Authority();
    pem = authority.sign('server').pem;
    server = createServer({ key: readFileSync(pem), cert: readFileSync(pem), ca: readFileSync(authority.trustPem), requestCert: true, rejectUnauthorized: false }, (request, response) => {
      request.resume();
      response.end(String((request.socket as TLSSocket).getPeerCertificate().subject?.CN ?? 'nobody'));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve).unref());
    url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  });
  after(() => {
    server.closeAllConnections();
    authority.remove();
  });

  test('X2 a server that nobody vouches for is refused, one that our authority signed is not', async (t) => {
    const stranger = clientOf(t);
    await assert.rejects(post(stranger.client, url), /self-signed|unable to (verify|get)/);
    const { client, log } = clientOf(t, { tls: { ca: authority.trustPem } });
    assert.equal((await post(client, url)).body.toString(), 'nobody');
    assert.ok(log.complaints.includes('the certificate of the server expires soon'));
    await assert.rejects(post(client, url.replace('127.0.0.1', '127.0.0.2')), /127\.0\.0\.2/);
  });

  test('our own certificate is shown to a server that asks', async (t) => {
    const mine = authority.sign('writer').pem;
    const { client } = clientOf(t, { tls: { ca: authority.trustPem, certificate: mine, key: mine } });
    assert.equal((await post(client, url)).body.toString(), 'writer');
  });

  test('S25 an expired certificate is told with file and date; a new file in its place is used without a restart', async (t) => {
    const old = authority.sign('old', { expired: true }).pem;
    const fresh = authority.sign('fresh').pem;
    const file = join(authority.folder, 'mine.pem');
    copyFileSync(old, file);
    const { client, log } = clientOf(t, { tls: { ca: authority.trustPem, certificate: file, key: file } });
    await post(client, url);
    const told = log.lines.find(({ sentence }) => sentence.startsWith('a certificate has expired'));
    assert.equal(told?.facts['file'], file);
    assert.match(String(told?.facts['expires']), /^20\d\d-\d\d-\d\dT/);
    copyFileSync(fresh, `${file}.new`);
    renameSync(`${file}.new`, file);
    await new Promise((resolve) => setTimeout(resolve, 1050));
    assert.equal((await post(client, url)).body.toString(), 'fresh');
  });

  test('S25 a server whose certificate has expired is refused with the reason', async (t) => {
    const expired = readFileSync(authority.sign('late', { expired: true }).pem);
    const late = createServer({ key: expired, cert: expired }, (_request, response) => response.end());
    await new Promise<void>((resolve) => late.listen(0, '127.0.0.1', resolve));
    t.after(() => late.close().closeAllConnections());
    const { client } = clientOf(t, { tls: { ca: authority.trustPem } });
    await assert.rejects(post(client, `https://127.0.0.1:${(late.address() as AddressInfo).port}/`), /certificate has expired/);
  });

  test('a file of certificates that cannot be read is an error, and later one that is put up with', async (t) => {
    const { client } = clientOf(t, { tls: { ca: '/nowhere/ca.pem' } });
    await assert.rejects(post(client, url), /ENOENT.*\/nowhere\/ca\.pem/);
  });
});
