import assert from 'node:assert/strict';
import { copyFileSync, readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { hdfsSink } from '../../../../sinks/hdfs/index.ts';
import { batchOf, never } from '../../../conformance/fakes.ts';
import { Authority, certificatesAvailable } from '../../../harness/certificates.ts';
import { make, recordingContext } from '../../recording-context.ts';

/** A NameNode and a DataNode in one, by HTTPS; answers its port and what was stored. */
async function serve(t: TestContext, pem: string): Promise<{ port: number; stored: string[] }> {
  const stored: string[] = [];
  const server = createServer({ key: readFileSync(pem), cert: readFileSync(pem) }, (request, response) => {
    const url = new URL(request.url ?? '', 'https://x');
    const isData = url.searchParams.has('data');
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.on('end', () => {
      if (isData) stored.push(body);
      else if (url.searchParams.get('op') === 'CREATE') response.setHeader('location', `https://localhost:${port}${url.pathname}${url.search}&data=true`);
      response.writeHead(isData ? 201 : response.hasHeader('location') ? 307 : 200, { 'content-type': 'application/json' });
      response.end(isData ? '' : '{"boolean":true}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port, stored };
}

test('swebhdfs: by HTTPS, with an authority of one’s own; a certificate of another one is refused', { skip: certificatesAvailable() }, async (t) => {
  const authority = new Authority();
  t.after(() => authority.remove());
  const { port, stored } = await serve(t, authority.sign('localhost').pem);
  const writeTo = async (host: string, caFile?: string): Promise<void> => {
    const properties = { 'hdfs.path': `swebhdfs://${host}:${port}/x`, 'hdfs.fileType': 'DataStream', 'hdfs.stateDirectory': join(authority.folder, 'state') };
    const sink = await make(hdfsSink, { ...properties, ...(caFile !== undefined && { 'hdfs.caFile': caFile }) }, recordingContext('a1.sinks.k1'));
    await sink.start();
    try {
      await sink.write(batchOf('a'), never);
    } finally {
      await sink.stop();
    }
  };
  await writeTo('localhost', authority.trustPem);
  assert.deepEqual(stored, ['a\n']);
  await assert.rejects(writeTo('localhost'), /certificate/);
  assert.deepEqual(stored, ['a\n']);
  await assert.rejects(writeTo('localhost', '/no/such/file'), /hdfs\.caFile \/no\/such\/file/);
});

test('S25 a new file of authorities is used for the next connection, without a restart', { skip: certificatesAvailable() }, async (t) => {
  const [authority, other] = [new Authority(), new Authority('Another')];
  t.after(() => [authority, other].forEach((one) => one.remove()));
  const { port, stored } = await serve(t, authority.sign('localhost').pem);
  const caFile = join(authority.folder, 'trusted.pem');
  copyFileSync(other.trustPem, caFile);
  const properties = { 'hdfs.path': `swebhdfs://localhost:${port}/x`, 'hdfs.fileType': 'DataStream', 'hdfs.stateDirectory': join(authority.folder, 'state'), 'hdfs.caFile': caFile };
  const sink = await make(hdfsSink, properties, recordingContext('a1.sinks.k1'));
  t.after(() => sink.stop());
  await sink.start();
  await assert.rejects(sink.write(batchOf('a'), never), /certificate/);
  copyFileSync(authority.trustPem, caFile);
  await sink.write(batchOf('a'), never);
  assert.deepEqual(stored, ['a\n']);
});
