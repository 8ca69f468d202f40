import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { CreateBucketCommand, GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { lookForHadoopSiteIn } from '../../io/hadoop-site.ts';
import { hdfsSink } from '../../sinks/hdfs/index.ts';
import { batchOf, create, FakeContext, never } from '../conformance/fakes.ts';
import { until } from '../harness/agent.ts';
import { startVersitygw, versitygwMissing } from '../servers/versitygw.ts';

test('s3a: paths: the names and rolls of the hdfs sink, the settings of core-site.xml, objects in S3', { skip: versitygwMissing(), timeout: 200_000 }, async (t) => {
  const server = await startVersitygw();
  const folder = await mkdtemp(join(tmpdir(), 'millrace-s3a-'));
  const { accessKeyId, secretAccessKey, endpoint, region } = server;
  const client = new S3Client({ region, endpoint, forcePathStyle: true, credentials: { accessKeyId, secretAccessKey } });
  t.after(async () => {
    lookForHadoopSiteIn([]);
    client.destroy();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });
  await client.send(new CreateBucketCommand({ Bucket: 'logs' }));
  const site = { 'fs.s3a.endpoint': endpoint, 'fs.s3a.endpoint.region': region, 'fs.s3a.path.style.access': 'true', 'fs.s3a.access.key': accessKeyId, 'fs.s3a.secret.key': secretAccessKey };
  const text = Object.entries(site).map(([name, value]) => `<property><name>${name}</name><value>${value}</value></property>`).join('');
  await writeFile(join(folder, 'core-site.xml'), `<configuration>${text}</configuration>`);
  lookForHadoopSiteIn([folder]);
  const properties = {
    'hdfs.path': 's3a://logs/app/%Y',
    'hdfs.useLocalTimeStamp': 'true',
    'hdfs.filePrefix': 'events',
    'hdfs.fileSuffix': '.log',
    'hdfs.fileType': 'DataStream',
    'hdfs.rollCount': '2',
    'hdfs.stateDirectory': folder,
  };
  const sink = await create(hdfsSink, properties, new FakeContext());
  await sink.start();
  await sink.write(batchOf('a', 'b', 'c', 'd'), never);
  const keys = await until('two objects', async () => {
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: 'logs' }));
    return Contents.length === 2 ? Contents.map(({ Key = '' }) => Key).sort() : undefined;
  });
  await sink.stop();
  assert.match(keys.join(' '), /^app\/\d{4}\/events\.\d{13}\.log app\/\d{4}\/events\.\d{13}\.log$/);
  const bodies = await Promise.all(keys.map(async (Key) => (await client.send(new GetObjectCommand({ Bucket: 'logs', Key }))).Body?.transformToString()));
  assert.deepEqual(bodies, ['a\nb\n', 'c\nd\n']);
});
