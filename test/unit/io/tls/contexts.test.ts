import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { createServer, connect as connectPlain, type AddressInfo } from 'node:net';
import { connect, type SecureContext } from 'node:tls';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { clientContext, serverContext } from '../../../../io/tls/contexts.ts';
import { acceptLayers, type Layers } from '../../../../io/tls/layers.ts';
import { opensslName, tlsChoice } from '../../../../io/tls/tls-names.ts';
import { Authority, certificatesAvailable, STORE_PASSWORD } from '../../../harness/certificates.ts';
import { onPath } from '../../../servers/daemon.ts';

const NONE = { 'include-protocols': [], 'exclude-protocols': [], 'include-cipher-suites': [], 'exclude-cipher-suites': [] };
const skip = certificatesAvailable();
const authority = skip === false ? new Authority() : undefined;
after(() => authority?.remove());

describe('key stores and trust stores', { skip }, () => {
  const { pem, p12 } = authority?.sign('server') ?? { pem: '', p12: '' };

  test('PEM and PKCS12 key stores, PEM and PKCS12 trust stores', async () => {
    const trust = join((authority as Authority).folder, 'trust-openssl.p12');
    const { execFileSync } = await import('node:child_process');
    execFileSync('openssl', ['pkcs12', '-export', '-nokeys', '-in', (authority as Authority).trustPem, '-out', trust, '-passout', `pass:${STORE_PASSWORD}`]);
    for (const keystore of [pem, p12]) {
      for (const truststore of [(authority as Authority).trustPem, trust]) {
        assert.equal(await talk(await server(keystore), await client(truststore)), 'hello');
      }
    }
  });

  test('JKS and PKCS12 as keytool makes them', { skip: onPath('keytool') ? false : 'needs keytool of a JDK' }, async () => {
    for (const type of ['JKS', 'PKCS12'] as const) {
      const { keystore, truststore } = (authority as Authority).javaStores('server', type);
      assert.equal(await talk(await server(keystore), await client(truststore)), 'hello', type);
      await assert.rejects(server(keystore, 'wrong'), /password is wrong|password does not open/, type);
      await assert.rejects(client(truststore, 'wrong'), /password is wrong/, type);
    }
    const { truststore } = (authority as Authority).javaStores('server', 'JKS');
    assert.equal(await talk(await server(pem), await clientContext({ path: truststore, password: undefined }, NONE)), 'hello');
  });

  test('a store that is damaged, empty, missing or of another kind is named', async () => {
    const path = join((authority as Authority).folder, 'bad');
    for (const [bytes, wanted] of [
      ['', /bad is neither/],
      ['hello', /bad is neither/],
      [Buffer.from('cececece00000002', 'hex'), /JCEKS.*keytool -importkeystore/],
      [Buffer.from('feedfeed0000000200000001000000', 'hex'), /altered, or its password/],
      [Buffer.from('3003020103', 'hex'), /bad cannot be/],
      ['-----BEGIN NOTHING-----', /bad holds no certificate/],
    ] as const) {
      writeFileSync(path, bytes);
      await assert.rejects(client(path), wanted);
    }
    await assert.rejects(client(`${path}.missing`), /bad\.missing cannot be read/);
  });

  test('X3 a certificate without its key is no key store', async () => {
    await assert.rejects(server((authority as Authority).trustPem), /ca\.pem cannot be used/);
  });
});

describe('handshakes', { skip }, () => {
  test('N19 a client that sends no handshake is closed at the deadline, one that sends plain text at once', async () => {
    const { pem } = (authority as Authority).sign('late');
    const secureContext = await server(pem);
    for (const [bytes, deadlineMs] of [['', 50], ['hello\n', 60_000]] as const) {
      const refused = await new Promise<string>((resolve) => {
        const listener = createServer((socket) => {
          acceptLayers(socket, { tls: fixed(secureContext), deadlineMs }).then(
            () => resolve('accepted'),
            (error: unknown) => resolve((error as Error).message),
          ).finally(() => listener.close());
        }).listen(0, () => connectPlain((listener.address() as AddressInfo).port).on('error', () => undefined).write(bytes));
      });
      assert.match(refused, bytes === '' ? /no TLS handshake within 0.05 s/ : /wrong version number|unknown protocol|http request/i);
    }
  });

  test('N19 A10 with client certificates asked for: a trusted one is let in; none, an expired one and one of another authority are not', async () => {
    const other = new Authority('Other Authority');
    try {
      const { pem } = (authority as Authority).sign('both');
      const serverSide = await serverContext({ path: pem, password: undefined }, NONE, { path: (authority as Authority).trustPem, password: undefined });
      const shows = async (path?: string): Promise<SecureContext> =>
        clientContext({ path: (authority as Authority).trustPem, password: undefined }, NONE, path === undefined ? undefined : { path, password: undefined });
      assert.equal(await talk(serverSide, await shows((authority as Authority).sign('good').pem), true), 'hello');
      await assert.rejects(talk(serverSide, await shows(), true), /peer did not return a certificate/);
      await assert.rejects(talk(serverSide, await shows((authority as Authority).sign('old', { expired: true }).pem), true), /no certificate that is trusted/);
      await assert.rejects(talk(serverSide, await shows(other.sign('foreign').pem), true), /no certificate that is trusted/);
    } finally {
      other.remove();
    }
  });

  test('X2 a server of another authority, an expired one, or one with another name is not talked to', async () => {
    const trust = await client((authority as Authority).trustPem);
    for (const [options, wanted] of [
      [{ expired: true }, /expired/],
      [{ hosts: ['elsewhere.example'] }, /does not match certificate/],
    ] as const) {
      const { pem } = (authority as Authority).sign(`bad${Object.keys(options)[0]}`, options);
      await assert.rejects(talk(await server(pem), trust), wanted);
    }
    const other = new Authority('Third Authority');
    const { pem } = other.sign('server');
    await assert.rejects(talk(await server(pem), trust), /self-signed|unable to verify|unable to get local issuer/);
    other.remove();
  });
});

describe("Java's names", () => {
  test('versions: enabled and included and not excluded; SSLv3 and what is older than TLS 1.2 never', () => {
    assert.deepEqual(tlsChoice(NONE), { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.3' });
    assert.deepEqual(tlsChoice({ ...NONE, 'exclude-protocols': ['TLSv1.3'] }), { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' });
    assert.deepEqual(tlsChoice({ ...NONE, 'include-protocols': ['TLSv1.3', 'TLSv1'] }), { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3' });
    assert.throws(() => tlsChoice({ ...NONE, 'include-protocols': ['TLSv1'] }), /leave no TLS version/);
  });

  test('cipher suites', () => {
    for (const [java, openssl] of [
      ['TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256', 'ECDHE-RSA-AES128-GCM-SHA256'],
      ['TLS_RSA_WITH_AES_256_CBC_SHA', 'AES256-SHA'],
      ['TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256', 'ECDHE-ECDSA-CHACHA20-POLY1305'],
      ['TLS_AES_256_GCM_SHA384', 'TLS_AES_256_GCM_SHA384'],
    ] as const) {
      assert.equal(opensslName(java), openssl);
    }
    assert.equal(tlsChoice({ ...NONE, 'include-cipher-suites': ['TLS_RSA_WITH_AES_256_CBC_SHA', 'TLS_NO_SUCH'] }).ciphers, 'AES256-SHA');
  });
});

function fixed(context: SecureContext): NonNullable<Layers['tls']> {
  return { context: () => Promise.resolve(context), explain: (error) => error as Error };
}

function server(path: string, password = STORE_PASSWORD): Promise<SecureContext> {
  return serverContext({ path, password }, NONE);
}

function client(path: string, password = STORE_PASSWORD): Promise<SecureContext> {
  return clientContext({ path, password }, NONE);
}

/** What the client reads from the server; rejects with what either of them says. */
function talk(serverSide: SecureContext, secureContext: SecureContext, clientCertificate = false): Promise<string> {
  return new Promise((resolve, reject) => {
    const listener = createServer((socket) => {
      acceptLayers(socket, { tls: fixed(serverSide), clientCertificate, deadlineMs: 5000 }).then((stream) => stream.end('hello'), (error: unknown) => setTimeout(() => reject(error), clientCertificate ? 0 : 200));
    }).listen(0, '127.0.0.1', () => {
      const socket = connect({ port: (listener.address() as AddressInfo).port, host: '127.0.0.1', servername: 'localhost', secureContext });
      socket.on('data', (bytes) => resolve(String(bytes)));
      // Whoever refuses says more than the one that is refused.
      socket.on('error', (error) => setTimeout(() => reject(error), 50));
      socket.on('close', () => listener.close());
    });
  });
}
