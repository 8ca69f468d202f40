import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { lookForHadoopSiteIn, parseHadoopSite } from '../../../../io/hadoop-site.ts';
import { hdfsSink } from '../../../../sinks/hdfs/index.ts';
import { locate } from '../../../../sinks/hdfs/name-nodes.ts';
import { redirectionRefusal } from '../../../../sinks/hdfs/webhdfs-store.ts';
import { batchOf, never } from '../../../conformance/fakes.ts';
import { make, problemsOf, recordingContext } from '../../recording-context.ts';

const root = mkdtempSync(join(tmpdir(), 'millrace-hdfs-'));
after(() => rmSync(root, { recursive: true }));
let folders = 0;

async function written(properties: Readonly<Record<string, string>>, ...lines: readonly string[]): Promise<Map<string, Buffer>> {
  const folder = join(root, String(folders++));
  const always = { 'hdfs.path': `file://${folder}/out`, 'hdfs.stateDirectory': join(folder, 'state'), 'hdfs.rollCount': '0', 'hdfs.rollSize': '0' };
  const sink = await make(hdfsSink, { ...always, ...properties }, recordingContext('a1.sinks.k1'));
  await sink.start();
  await sink.write(batchOf(...lines), never);
  await sink.stop();
  return new Map(readdirSync(join(folder, 'out')).map((name) => [name, readFileSync(join(folder, 'out', name))]));
}

describe('hdfs sink: options', () => {
  test('file: paths: a text file, a compressed one, a sequence file', async () => {
    const text = await written({ 'hdfs.fileType': 'DataStream' }, 'a', 'b');
    assert.match([...text.keys()].join(), /^FlumeData\.\d{13}$/);
    assert.equal([...text.values()].join(), 'a\nb\n');
    const gzip = await written({ 'hdfs.fileType': 'CompressedStream', 'hdfs.codeC': 'gzip' }, 'a', 'b');
    assert.match([...gzip.keys()].join(), /^FlumeData\.\d{13}\.gz$/);
    assert.equal(gunzipSync([...gzip.values()][0] ?? Buffer.alloc(0)).toString(), 'a\nb\n');
    const sequence = await written({ 'hdfs.writeFormat': 'Text', 'hdfs.codeC': 'SnappyCodec', 'hdfs.fileSuffix': '.seq' }, 'a');
    assert.match([...sequence.keys()].join(), /^FlumeData\.\d{13}\.seq$/);
    assert.ok([...sequence.values()].join().startsWith('SEQ\u0006'));
  });

  test('HD-30 HD-36 HD-37 Kerberos is refused by name; so are values Flume cannot use, and a codec that Hadoop does not have counts for nothing', () => {
    const path = { 'hdfs.path': '/x' };
    assert.match(problemsOf(hdfsSink, { ...path, 'hdfs.kerberosPrincipal': 'flume/_HOST', 'hdfs.kerberosKeytab': '/k' }).join(), /^refuse hdfs\.kerberosPrincipal: asks for a login by Kerberos.*hdfs\.delegationToken/);
    assert.match(problemsOf(hdfsSink, { ...path, 'hdfs.fileType': 'CompressedStream', 'hdfs.codeC': 'lzo' }).join(), /^drop hdfs\.codeC: is none of none, bzip2, default, deflate, gzip, lz4, snappy, zstandard/);
    assert.match(problemsOf(hdfsSink, { ...path, 'hdfs.fileType': 'DataStream', 'hdfs.codeC': 'none' }).join(), /^drop hdfs\.codeC/);
    assert.match(problemsOf(hdfsSink, { ...path, 'hdfs.writeFormat': 'text' }).join(), /^refuse hdfs\.writeFormat/);
    assert.match(problemsOf(hdfsSink, { ...path, 'hdfs.minBlockReplicas': '2' }).join(), /^warn hdfs\.minBlockReplicas: has no effect/);
  });

  test('X4 a path that begins with the value of a header is refused', async () => {
    await assert.rejects(make(hdfsSink, { 'hdfs.path': '%{path}/x' }, recordingContext()), /relative|begins with the value of a header/);
  });
});

describe('where a path leads', () => {
  const site = parseHadoopSite([
    '<configuration><property><name>fs.defaultFS</name><value>hdfs://${the.name}</value></property><property><name>the.name</name><value>ns</value></property></configuration>',
    `<configuration><!-- <property><name>dfs.nameservices</name><value>old</value></property> -->
     <property><name>dfs.nameservices</name><value>ns</value></property>
     <property><name>dfs.ha.namenodes.ns</name><value>a, b</value></property>
     <property><name>dfs.namenode.http-address.ns.a</name><value>one:9870</value></property>
     <property><name>dfs.namenode.rpc-address.ns.b</name><value>two:8020</value></property>
     <property><name>dfs.namenode.http-address.ns.b</name><value>0.0.0.0:9871</value></property></configuration>`,
  ]);
  const pair = { kind: 'webhdfs', guessed: false, addresses: ['http://one:9870', 'http://two:9871'] };

  test('a nameservice, the default file system, and a path without either', () => {
    assert.deepEqual(locate('hdfs://ns/a/%Y', site), { place: pair, path: '/a/%Y' });
    assert.deepEqual(locate('hdfs:///a', site).place, pair);
    assert.deepEqual(locate('/a', site).place, pair);
    assert.deepEqual(locate('webhdfs://ns/a', site).place, pair);
    assert.deepEqual(locate('/a', new Map()).place, { kind: 'local' });
  });

  test('hosts: the usual ports, the one that is configured, or the one that is given', () => {
    assert.deepEqual(locate('hdfs://nn:8020/a', new Map()).place, { kind: 'webhdfs', guessed: true, addresses: ['http://nn:9870', 'http://nn:50070'] });
    const own = new Map([['fs.defaultFS', 'hdfs://nn:8020'], ['dfs.namenode.http-address', '0.0.0.0:1234']]);
    assert.deepEqual(locate('hdfs://nn:8020/a', own).place, { kind: 'webhdfs', guessed: false, addresses: ['http://nn:1234'] });
    const secure = new Map([...own, ['dfs.http.policy', 'HTTPS_ONLY'], ['dfs.namenode.https-address', 'nn:9871']]);
    assert.deepEqual(locate('hdfs://nn/a', secure).place, { kind: 'webhdfs', guessed: false, addresses: ['https://nn:9871'] });
    assert.deepEqual(locate('hdfs://nn:8020/a', new Map(), ['http://gw:14000/webhdfs/v1/']).place, { kind: 'webhdfs', guessed: false, addresses: ['http://gw:14000'] });
    assert.deepEqual(locate('swebhdfs://nn/a', new Map()).place, { kind: 'webhdfs', guessed: false, addresses: ['https://nn:9871'] });
    assert.deepEqual(locate('file:///var/x', site), { place: { kind: 'local' }, path: '/var/x' });
    assert.deepEqual(locate('s3a://bucket/x', site), { place: { kind: 'objects', scheme: 's3a', bucket: 'bucket' }, path: '/x' });
  });

  test('what cannot be used is refused with a reason', () => {
    assert.throws(() => locate('hdfs:///a', new Map()), /names no NameNode/);
    assert.throws(() => locate('hdfs://%{nn}/a', new Map()), /escape where the name of the file system stands/);
    assert.throws(() => locate('ftp://x/a', new Map()), /ftp:/);
    assert.throws(() => locate('viewfs://x/a', new Map()), /viewfs/);
  });

  test('a folder without site files is passed over', () => {
    lookForHadoopSiteIn([root]);
    lookForHadoopSiteIn([]);
  });
});

test('S16 X14 redirections: to DataNodes by the same protocol, not back into this machine or onto the link, and where there is a list only to it', () => {
  const from = new URL('http://nn.example:9870');
  const refused = (location: string, allowed: readonly string[] = []): boolean => redirectionRefusal(from, new URL(location), allowed) !== undefined;
  assert.equal(refused('http://dn1.example:9864/x'), false);
  assert.equal(refused('http://10.0.0.7:9864/x'), false);
  assert.equal(refused('https://dn1.example:9865/x'), true);
  assert.equal(refused('file:///etc/passwd'), true);
  for (const host of ['169.254.169.254', '127.0.0.1', 'localhost', '[::1]', '0.0.0.0', '[::ffff:127.0.0.1]', '[fe80::1]']) assert.equal(refused(`http://${host}:80/x`), true, host);
  assert.equal(refused('http://dn1.example:9864/x', ['*.example']), false);
  assert.equal(refused('http://dn1.elsewhere:9864/x', ['*.example', 'dn2.elsewhere']), true);
  assert.equal(redirectionRefusal(new URL('http://127.0.0.1:9870'), new URL('http://localhost:9864/'), []), undefined);
});
