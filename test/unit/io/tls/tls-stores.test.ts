import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { copyFileSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, describe, test, type TestContext } from 'node:test';
import { connect } from 'node:tls';
import { acceptLayers } from '../../../../io/tls/layers.ts';
import { TlsStores } from '../../../../io/tls/tls-stores.ts';
import { FakeLog } from '../../../conformance/fakes.ts';
import { Authority, certificatesAvailable, STORE_PASSWORD } from '../../../harness/certificates.ts';

const LISTS = { 'include-protocols': [], 'exclude-protocols': [], 'include-cipher-suites': [], 'exclude-cipher-suites': [] };
const skip = certificatesAvailable();

describe('stores that are exchanged while they are in use', { skip }, () => {
  const authority = new Authority();
  after(() => authority.remove());
  const first = authority.sign('first');
  const second = authority.sign('second');

  for (const format of ['pem', 'p12'] as const) {
    test(`A10 ${format}: the next connections get the new certificate, one that is broken is told once, and the last good one stays`, async (t) => {
      const path = inPlace(authority, first[format]);
      const log = new FakeLog();
      const server = await listen(t, path, log);
      assert.equal(await server.shows(), 'CN=first');
      exchange(path, second[format]);
      assert.equal(await server.shows(), 'CN=second');
      for (const broken of [(): void => writeFileSync(path, 'no store at all'), (): void => rmSync(path)]) {
        broken();
        const told = log.complaints.length;
        for (let connection = 0; connection < 3; connection++) assert.equal(await server.shows(), 'CN=second');
        assert.equal(log.complaints.length, told + 1);
        assert.match(String(log.lines.at(-1)?.facts['reason']), new RegExp(path));
      }
      exchange(path, first[format]);
      assert.equal(await server.shows(), 'CN=first');
    });
  }

  test('A10 a certificate of our own that has expired is told once, with file and date', async (t) => {
    const path = inPlace(authority, authority.sign('old', { expired: true }).pem);
    const log = new FakeLog();
    const server = await listen(t, path, log);
    await server.shows();
    await server.shows();
    assert.deepEqual(log.complaints, ['our certificate has expired: put a renewed one in place of the file, no restart is needed']);
    assert.deepEqual([log.lines[0]?.facts['file'], log.lines[0]?.facts['certificate']], [path, 'CN=old']);
  });

  test('A10 a trust store that is exchanged lets in whom it trusts now', async (t) => {
    const other = new Authority('Other');
    t.after(() => other.remove());
    const trust = inPlace(authority, other.trustPem);
    const stores = await TlsStores.forClient({ keystore: undefined, truststore: { path: trust, password: undefined }, lists: LISTS, log: new FakeLog(), lookMs: 0 });
    t.after(() => stores.close());
    const server = await listen(t, first.pem, new FakeLog());
    await assert.rejects(server.shows(stores));
    exchange(trust, authority.trustPem);
    assert.equal(await server.shows(stores), 'CN=first');
  });
});

let copies = 0;

function inPlace(authority: Authority, from: string): string {
  const path = join(authority.folder, `in-place-${++copies}`);
  copyFileSync(from, path);
  return path;
}

function exchange(path: string, from: string): void {
  writeFileSync(`${path}.new`, readFileSync(from));
  renameSync(`${path}.new`, path);
}

/** A listener, and what it shows to a client: whose certificate. */
async function listen(t: TestContext, keystore: string, log: FakeLog): Promise<{ shows(by?: TlsStores): Promise<string> }> {
  const tls = await TlsStores.forServer({ keystore: { path: keystore, password: STORE_PASSWORD }, truststore: undefined, lists: LISTS, log, lookMs: 0 });
  const server = createServer((socket) => void acceptLayers(socket, { tls, deadlineMs: 5000 }).then((stream) => stream.end('hello'), () => undefined));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.close();
    tls.close();
  });
  return {
    async shows(by) {
      const secure = by ? { secureContext: await by.context() } : { rejectUnauthorized: false };
      const socket = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', servername: 'localhost', ...secure });
      try {
        await new Promise((resolve, reject) => socket.once('data', resolve).once('error', reject));
        return new X509Certificate(socket.getPeerCertificate().raw).subject;
      } finally {
        socket.destroy();
      }
    },
  };
}
