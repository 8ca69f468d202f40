import assert from 'node:assert/strict';
import { readdirSync, statSync, writeFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { crc32, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { Batch } from '../../../../core/batch.ts';
import type { Sink } from '../../../../core/component.ts';
import { RejectedError } from '../../../../core/errors.ts';
import { logFiles, type LogFile, type LogFiles } from '../../../../io/log-files.ts';
import { batchOf, eventually, never } from '../../../conformance/fakes.ts';
import { sinkConformance } from '../../../conformance/sink.ts';
import { s3Rig, type S3Rig } from './s3-rig.ts';

let failWrites = 0;
let writes = 0;
const failing: LogFiles = {
  ...logFiles,
  create: async (path) => failingFile(await logFiles.create(path)),
};
function failingFile(file: LogFile): LogFile {
  return {
    path: file.path,
    size: file.size,
    write: (parts, position) => {
      writes++;
      if (failWrites-- > 0) return file.write(parts.slice(0, 1), position).then(() => Promise.reject(new Error('the disk is full')));
      return file.write(parts, position);
    },
    read: (into, position) => file.read(into, position),
    sync: () => file.sync(),
    close: () => file.close(),
  };
}

const linesOf = (rig: S3Rig): string[] => [...rig.s3.bodies].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, body]) => body.split('\n').slice(0, -1));

sinkConformance('s3', {
  async create() {
    failWrites = 0;
    const rig = await s3Rig({ after });
    const sink = await rig.make({}, failing);
    return {
      sink,
      async received() {
        await sink.stop();
        return linesOf(rig);
      },
    };
  },
  failNext: () => (failWrites = 1),
});

const timed = (...bodies: string[]): Batch => batchOf(...bodies).withHeader('timestamp', '1700000000000', false);

test('a write resolves when the events are in the stage; the object appears when it is rolled, and the stage is empty then', async (t) => {
  const rig = await s3Rig(t);
  const sink = await rig.make({ 's3.prefix': 'a/%Y', 's3.timeZone': 'UTC', 's3.rollCount': '3' });
  await sink.start();
  await sink.write(timed('one', 'two'), never);
  assert.equal(rig.s3.objects.size, 0);
  await sink.write(timed('three', 'four'), never);
  await eventually(() => rig.s3.objects.size === 1, 'the object is there');
  const [[key, body]] = [...rig.s3.bodies] as [[string, string]];
  assert.match(key, /^a\/2023\/events-\d{13}-[0-9a-f]{8}-1$/);
  assert.equal(body, 'one\ntwo\nthree\n');
  const [put] = rig.s3.requests.filter(({ method }) => method === 'PUT');
  assert.equal(put?.headers['if-none-match'], '*');
  await sink.stop();
  assert.deepEqual(linesOf(rig), ['one', 'two', 'three', 'four']);
  const left = readdirSync(rig.stage).map((name) => statSync(join(rig.stage, name)).size);
  assert.equal(left.length, 1);
});

test('writes that come while one is under way go into the stage together; where that fails, all of them and those behind fail, and keep their order', async (t) => {
  const rig = await s3Rig(t);
  const sink = await rig.make({ 's3.prefix': '%{p}', 's3.anyPrefix': 'true', serializer: 'TEXT' }, failing);
  await sink.start();
  const write = (number: number): Promise<void> =>
    sink.write(batchOf(`${number}`).withHeader('p', `p${number % 2}`, false), never, { store: 's', spans: [[number, number + 1]] });
  await write(1);
  writes = 0;
  assert.equal(sink.mostWrites, 4);
  await Promise.all([2, 3, 4].map(write));
  assert.equal(writes, 1);
  failWrites = 1;
  const outcomes = await Promise.allSettled([5, 6, 7].map(write));
  assert.deepEqual(outcomes.map(({ status }) => status), ['rejected', 'rejected', 'rejected']);
  assert.match(String((outcomes[2] as PromiseRejectedResult).reason), /cannot write/);
  await Promise.all([5, 6, 7].map(write));
  await sink.stop();
  assert.deepEqual([...rig.s3.bodies.values()].toSorted(), ['1\n3\n5\n7\n', '2\n4\n6\n']);
  for (const { body, headers } of rig.s3.objects.values()) {
    assert.equal(headers['x-amz-meta-millrace-crc32'], crc32(body).toString(16).padStart(8, '0'));
    assert.equal(Number(headers['x-amz-meta-millrace-events']), body.length / 2);
  }
});

test('large writes go one at a time', async (t) => {
  const rig = await s3Rig(t);
  const sink = await rig.make();
  await sink.start();
  const written = sink.write(batchOf('x'.repeat(5_000_000)), never);
  assert.equal(sink.mostWrites, 1);
  await written;
  assert.equal(sink.mostWrites, 4);
});

test('rolls by size, by time and when idle', async (t) => {
  const rig = await s3Rig(t);
  const big = await rig.make({ 's3.rollSize': '10', 's3.rollInterval': '0' });
  await big.start();
  await big.write(batchOf('12345', '67890', 'abc'), never);
  await eventually(() => rig.s3.objects.size === 1, 'rolled by size');
  await big.stop();
  assert.deepEqual([...rig.s3.bodies.values()].sort(), ['12345\n67890\n', 'abc\n']);
  for (const properties of [{ 's3.rollInterval': '1' }, { 's3.rollInterval': '0', 's3.idleTimeout': '1' }]) {
    const sink = await rig.make(properties);
    await sink.start();
    const before = rig.s3.objects.size;
    await sink.write(batchOf('x'), never);
    await eventually(() => rig.s3.objects.size === before + 1, 'rolled');
    await sink.stop();
  }
});

test('compression, formats, tags and the rest reach the object', async (t) => {
  const rig = await s3Rig(t);
  const common = { 's3.tags': 'team=logs,day=21 11', 's3.storageClass': 'STANDARD_IA', 's3.encryption': 'aws:kms', 's3.kmsKeyId': 'k1', 's3.contentType': 'text/x' };
  const run = async (properties: Record<string, string>, batch: Batch): Promise<[string, Buffer, Record<string, unknown>]> => {
    rig.s3.objects.clear();
    const sink = await rig.make(properties);
    await sink.start();
    await sink.write(batch, never);
    await sink.stop();
    const [[key, { body, headers }]] = [...rig.s3.objects] as [[string, { body: Buffer; headers: Record<string, unknown> }]];
    return [key, body, headers];
  };
  const [gzipKey, gzip, headers] = await run({ ...common, 's3.compression': 'gzip' }, batchOf('a', 'b'));
  assert.match(gzipKey, /\.gz$/);
  assert.equal(gunzipSync(gzip).toString(), 'a\nb\n');
  assert.equal(headers['x-amz-tagging'], 'team=logs&day=21%2011');
  assert.equal(headers['x-amz-storage-class'], 'STANDARD_IA');
  assert.equal(headers['x-amz-server-side-encryption'], 'aws:kms');
  assert.equal(headers['x-amz-server-side-encryption-aws-kms-key-id'], 'k1');
  assert.equal(headers['content-type'], 'text/x');
  const [zstdKey, zstd] = await run({ 's3.compression': 'zstd', 's3.suffix': '.log.zst' }, batchOf('c'));
  assert.match(zstdKey, /\.log\.zst$/);
  assert.equal(zstdDecompressSync(zstd).toString(), 'c\n');
  const [, json] = await run({ serializer: 'json' }, Batch.of([{ body: Buffer.from('é"'), headers: new Map([['h', 'v']]) }, { body: Buffer.from([255]), headers: new Map() }]));
  assert.equal(json.toString(), '{"headers":{"h":"v"},"body":"é\\""}\n{"headers":{},"bodyBase64":"/w=="}\n');
  const [, avro] = await run({ serializer: 'avro_event' }, batchOf('d'));
  assert.equal(avro.subarray(0, 4).toString('latin1'), 'Obj\x01');
});

test('an object above the size of a part goes in parts, and is whole', async (t) => {
  const rig = await s3Rig(t);
  const bodies = Array.from({ length: 120 }, (_, index) => String(index).padEnd(100_000, 'x'));
  for (const compression of ['none', 'zstd']) {
    rig.s3.objects.clear();
    const sink = await rig.make({ 's3.partSize': String(5 * 1024 * 1024), 's3.compression': compression, 's3.rollSize': '0' });
    await sink.start();
    for (let at = 0; at < bodies.length; at += 40) await sink.write(batchOf(...bodies.slice(at, at + 40)), never);
    await sink.stop();
    const [{ body }] = [...rig.s3.objects.values()] as unknown as [{ body: Buffer }];
    const plain = compression === 'none' ? body : zstdDecompressSync(body);
    assert.deepEqual(plain.toString().split('\n').slice(0, -1), bodies);
  }
  assert.equal(rig.s3.uploads.size, 0);
});

/** As after kill -9: nothing is stopped, the claim goes with the process. */
async function abandon(sink: Sink, rig: S3Rig): Promise<void> {
  const trick = rig.s3.trick;
  rig.s3.trick = () => ({ status: 503, code: 'SlowDown' });
  await sink.stop();
  rig.s3.trick = trick;
}

test('what is in the stage is uploaded after a restart, and events offered again are told from new ones that look the same', async (t) => {
  const rig = await s3Rig(t);
  const origin = (first: number, end: number) => ({ store: 's', spans: [[first, end]] as const });
  const first = await rig.make();
  rig.s3.trick = () => ({ status: 503, code: 'SlowDown' });
  await first.start();
  await first.write(batchOf('tick', 'tick'), never, origin(0, 2));
  await first.write(batchOf('tick'), never, origin(2, 3));
  await abandon(first, rig);
  assert.equal(rig.s3.objects.size, 0);
  rig.s3.trick = () => undefined;
  const second = await rig.make();
  await second.start();
  await second.write(batchOf('tick', 'tick', 'tock'), never, origin(1, 4));
  await second.write(batchOf('tick'), never, { store: 'another', spans: [[0, 1]] });
  await second.stop();
  assert.deepEqual(linesOf(rig).sort(), ['tick', 'tick', 'tick', 'tick', 'tock']);
});

test('a torn end of the stage is not taken, and what stands before it is', async (t) => {
  const rig = await s3Rig(t);
  const sink = await rig.make();
  rig.s3.trick = () => ({ status: 503, code: 'SlowDown' });
  await sink.start();
  await sink.write(batchOf('kept'), never);
  await sink.write(batchOf('torn'), never);
  await abandon(sink, rig);
  const [name] = readdirSync(rig.stage) as [string];
  const bytes = readFileSync(join(rig.stage, name));
  const at = bytes.lastIndexOf('torn');
  bytes.write('TORN', at);
  writeFileSync(join(rig.stage, name), bytes);
  rig.s3.trick = () => undefined;
  const again = await rig.make();
  await again.start();
  await again.stop();
  assert.deepEqual(linesOf(rig), ['kept']);
});

test('X4: values of headers stay below the fixed prefix, as one part each; a key that is too long goes to the dead letters', async (t) => {
  const rig = await s3Rig(t);
  const sink = await rig.make({ 's3.prefix': 'safe/%{user}' });
  await sink.start();
  const evil = ['../../../etc/cron.d/x', '/abs', '..', '', '.', 'a\0b', '..%2f', '\\..\\', 'x\ny', '․․/up', 'dots. '];
  const batch = Batch.of(evil.map((user, index) => ({ body: Buffer.from(String(index)), headers: new Map([['user', user]]) })));
  await sink.write(batch, never);
  const long = Batch.of(['short', Array.from({ length: 20 }, () => 'y'.repeat(150)).join('/')].map((user) => ({ body: Buffer.from('z'), headers: new Map([['user', user]]) })));
  await assert.rejects(sink.write(long, never), (error) => error instanceof RejectedError && error.indices.join() === '1');
  await sink.stop();
  const keys = [...rig.s3.bodies.keys()];
  assert.equal(keys.length, evil.length + 1);
  for (const key of keys) {
    assert.ok(key.startsWith('safe/'), key);
    assert.ok(!key.split('/').some((part) => part === '..' || part === '.' || part === ''), key);
    assert.doesNotMatch(key, /[\p{Cc}\\]|%2[ef](?!~)/u, key);
  }
  await assert.rejects(rig.make({ 's3.prefix': '%{user}' }), /s3\.prefix begins with what the event says/);
  assert.ok(await rig.make({ 's3.prefix': '%{user}', 's3.anyPrefix': 'true' }));
});

test('an event without a time goes to the dead letters where the key needs one, the others are taken', async (t) => {
  const rig = await s3Rig(t);
  const sink = await rig.make({ 's3.prefix': '%Y' });
  await sink.start();
  const batch = Batch.of([
    { body: Buffer.from('no'), headers: new Map() },
    { body: Buffer.from('yes'), headers: new Map([['timestamp', '1700000000000']]) },
  ]);
  await assert.rejects(sink.write(batch, never), (error) => error instanceof RejectedError && error.indices.join() === '0');
  await sink.stop();
  assert.deepEqual(linesOf(rig), ['yes']);
});

test('S18: with more path values than objects may grow the least used is uploaded first, and nothing is lost', async (t) => {
  const rig = await s3Rig(t);
  const sink = await rig.make({ 's3.prefix': 'u/%{user}', 's3.maxOpenObjects': '20' });
  await sink.start();
  const users = Array.from({ length: 100 }, (_, index) => `user${index}`);
  for (let round = 0; round < 2; round++) {
    for (let at = 0; at < users.length; at += 25) {
      await sink.write(Batch.of(users.slice(at, at + 25).map((user) => ({ body: Buffer.from(`${user}-${round}`), headers: new Map([['user', user]]) }))), never);
    }
  }
  await eventually(() => rig.s3.objects.size >= 180, 'the least used are uploaded');
  await sink.stop();
  assert.deepEqual(linesOf(rig).sort(), users.flatMap((user) => [`${user}-0`, `${user}-1`]).sort());
});

test('two sinks cannot share a stage', async (t) => {
  const rig = await s3Rig(t);
  await (await rig.make()).start();
  await assert.rejects((await rig.make()).start(), /another component/);
});
