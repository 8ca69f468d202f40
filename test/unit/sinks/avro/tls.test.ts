import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, describe, test } from 'node:test';
import { Batch } from '../../../../core/batch.ts';
import { avroSink } from '../../../../sinks/avro/index.ts';
import { AvroSource, type AvroSourceSettings } from '../../../../sources/avro/avro-source.ts';
import { batchOf, create, eventually, FakeContext, FakeSourceContext, never } from '../../../conformance/fakes.ts';
import { Authority, certificatesAvailable } from '../../../harness/certificates.ts';

const LISTS = { 'include-protocols': [], 'exclude-protocols': [], 'include-cipher-suites': [], 'exclude-cipher-suites': [] };
const skip = certificatesAvailable();

/** What the client sees first, a certificate that is asked for or a connection that is gone, is a matter of moments. */
const REFUSED = /asks for a certificate, and no keystore is set|its log says what it has against ours/;

describe('avro over TLS: what does not fit is said with peer, file and what to do', { skip }, () => {
  const [right, wrong] = [new Authority('Right'), new Authority('Wrong')];
  after(() => [right, wrong].forEach((authority) => authority.remove()));
  const good = right.sign('good').pem;
  const expired = right.sign('old', { expired: true }).pem;
  const elsewhere = right.sign('elsewhere', { hosts: ['elsewhere.example'] }).pem;
  const foreign = wrong.sign('foreign').pem;

  const cases: readonly { name: string; server?: string; client?: string; trusted?: string; sinkSays: RegExp; sourceSays?: RegExp }[] = [
    { name: 'the receiver’s has expired', server: expired, client: good, sinkSays: /127\.0\.0\.1:\d+: the receiver's certificate \(CN=old\) has expired on 20\S+Z: renew it there/ },
    { name: 'the receiver’s is of another authority', server: foreign, client: good, sinkSays: /certificate \(CN=foreign\), issued by CN=Wrong, is not signed by an authority in \S+ca\.pem: put/ },
    { name: 'the receiver’s is for another name', server: elsewhere, client: good, sinkSays: /certificate \(CN=elsewhere\) is for another name: .*127\.0\.0\.1/ },
    { name: 'no certificate of the sink', sinkSays: REFUSED, sourceSays: /the client shows no certificate: set keystore there/ },
    { name: 'the sink’s has expired', client: expired, sinkSays: REFUSED, sourceSays: /the client's certificate \(CN=old\) has expired on 20\S+Z: renew it there/ },
    { name: 'the sink’s is of another authority', client: foreign, sinkSays: REFUSED, sourceSays: /the client's certificate \(CN=foreign\), issued by CN=Wrong, is not signed by an authority in \S+ca\.pem/ },
  ];
  for (const { name, server = good, client, sinkSays, sourceSays } of cases) {
    test(`A10 X2 ${name}`, async () => {
      const { source, at, port } = await listen(server, right.trustPem);
      const settings = { hostname: '127.0.0.1', port, ssl: 'true', truststore: right.trustPem, ...(client !== undefined && { keystore: client }) };
      const sink = await create(avroSink, settings, new FakeContext());
      try {
        await sink.start();
        await assert.rejects(sink.write(batchOf('hello'), never), sinkSays);
        assert.equal(at.delivered.length, 0);
        if (sourceSays) await says(at, sourceSays);
      } finally {
        await sink.stop();
        await source.stop();
      }
    });
  }

  test('X18 what the source sees of the client goes into headers that the client cannot set', async () => {
    const { source, at, port } = await listen(good, right.trustPem, { clientIPHeader: 'client.ip', clientCertificateHeader: 'client.name' });
    const sink = await create(avroSink, { hostname: '127.0.0.1', port, ssl: 'true', truststore: right.trustPem, keystore: right.sign('edge').pem }, new FakeContext());
    try {
      await sink.start();
      await sink.write(Batch.of([{ headers: new Map([['client.ip', '10.9.8.7'], ['client.name', 'CN=admin'], ['a', 'b']]), body: Buffer.from('x') }]), never);
      assert.deepEqual(at.delivered[0]?.headers(0), new Map([['a', 'b'], ['client.ip', '127.0.0.1'], ['client.name', 'CN=edge']]));
    } finally {
      await sink.stop();
      await source.stop();
    }
  });

  for (const [name, server, trust, wanted] of [
    ['does not trust us', good, wrong.trustPem, /the client does not trust who has signed our certificate \(CN=good, expires 20\S+Z\) of \S+good\.pem: put/],
    ['finds ours expired', expired, right.trustPem, /to the client our certificate \(CN=old, expires 20\S+Z\) of \S+old\.pem has expired: put/],
  ] as const) {
    test(`A10 a client of another make ${name}: the source says what the client has told`, async () => {
      const { source, at, port } = await listen(server);
      try {
        const other = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, '-verify_return_error', '-CAfile', trust], { stdio: 'ignore' });
        await once(other, 'close');
        await says(at, wanted);
      } finally {
        await source.stop();
      }
    });
  }
});

async function listen(keystore: string, clients?: string, settings: Partial<AvroSourceSettings> = {}): Promise<{ source: AvroSource; at: FakeSourceContext; port: string }> {
  const at = new FakeSourceContext();
  const store = (path: string): { path: string; password: undefined } => ({ path, password: undefined });
  const basis = { bind: '127.0.0.1', port: 0, compressed: false, filter: undefined, maxConnections: 0, messageBytes: 1024 * 1024 };
  const source = new AvroSource(at, { ...LISTS, ...basis, ...settings, tls: store(keystore), clients: clients === undefined ? undefined : store(clients) });
  await source.start();
  const address = source.describe().endpoints?.[0]?.address ?? '';
  return { source, at, port: address.slice(address.lastIndexOf(':') + 1) };
}

/** Of a peer that it names. */
async function says({ log }: FakeSourceContext, wanted: RegExp): Promise<void> {
  const line = (): (typeof log.lines)[number] | undefined => log.lines.find(({ facts }) => facts['peer'] !== undefined);
  await eventually(() => line() !== undefined, 'a line about a peer');
  assert.match(String(line()?.facts['reason']), wanted);
  assert.match(String(line()?.facts['peer']), /^127\.0\.0\.1:\d+$/);
}
