import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inflateSync } from 'node:zlib';
import { hadoopCodec } from '../../../protocols/hadoop-codecs.ts';
import { SequenceFileWriter } from '../../../protocols/sequence-file.ts';
import { batchOf } from '../../conformance/fakes.ts';

const sync = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex');
const escape = `ffffffff${sync.toString('hex')}`;

test('the header of a file without compression is 79 bytes and the sync marker', () => {
  const head = new SequenceFileWriter({ value: 'BytesWritable' }, sync).header();
  assert.equal(head.length, 79 + 16);
  assert.equal(head.subarray(0, 5).toString('hex'), '5345510621');
  assert.equal(head.subarray(73).toString('hex'), `000000000000${sync.toString('hex')}`);
});

test('FMT-01 records as Flume writes them: Writable and Text', async () => {
  for (const [value, record] of [
    ['BytesWritable', '0000000f00000008000000000000000100000003666f6f'],
    ['Text', '0000000c00000008000000000000000103666f6f'],
  ] as const) {
    const writer = new SequenceFileWriter({ value }, sync);
    writer.header();
    assert.equal((await writer.encode(batchOf('foo'), [1])).toString('hex'), record + escape);
  }
});

test('keys of 64 bits, negative ones too; an event without a key is left out; long bodies have a longer length', async () => {
  const writer = new SequenceFileWriter({ value: 'Text' }, sync);
  writer.header();
  const long = 'x'.repeat(300);
  const bytes = await writer.encode(batchOf('a', 'b', long), [-1n, undefined, 2 ** 40]);
  assert.equal(bytes.toString('hex'), `0000000a00000008ffffffffffffffff0161000001370000000800000100000000008e012c${Buffer.from(long).toString('hex')}${escape}`);
});

test('a sync marker stands before the first record that begins 2000 bytes after the last one, and behind each batch', async () => {
  const writer = new SequenceFileWriter({ value: 'BytesWritable' }, sync);
  writer.header();
  const bodies = Array.from({ length: 100 }, () => 'x'.repeat(80));
  const bytes = await writer.encode(batchOf(...bodies), bodies.map(() => 1));
  const places: number[] = [];
  for (let at = bytes.indexOf(escape, 0, 'hex'); at >= 0; at = bytes.indexOf(escape, at + 1, 'hex')) places.push(at);
  // A record is 100 bytes and the header 95: the 20th begins at 1995, the 21st at 2095.
  assert.deepEqual(places, [2000, 4020, 6040, 8060, bytes.length - 20]);
  assert.equal((await writer.encode(batchOf(), [])).length, 0);
});

test('what was taken back does not move the markers', async () => {
  const one = new SequenceFileWriter({ value: 'BytesWritable' }, sync);
  const two = new SequenceFileWriter({ value: 'BytesWritable' }, sync);
  one.header();
  two.header();
  await one.encode(batchOf('x'.repeat(1950)), [1]);
  one.undo();
  for (let index = 0; index < 50; index++) assert.deepEqual(await one.encode(batchOf('y'.repeat(100)), [1]), await two.encode(batchOf('y'.repeat(100)), [1]));
});

test('compressed blocks: marker, count, and four buffers that unpack to lengths and bytes', async () => {
  const writer = new SequenceFileWriter({ value: 'BytesWritable', codec: hadoopCodec('DefaultCodec') }, sync);
  assert.ok(writer.header().toString('latin1').includes('\u0001\u0001*org.apache.hadoop.io.compress.DefaultCodec'));
  const bytes = await writer.encode(batchOf('foo', '', 'ba'), [1, 2, 3]);
  assert.equal(bytes.subarray(0, 20).toString('hex'), escape);
  assert.equal(bytes[20], 3);
  const buffers: string[] = [];
  for (let at = 21; at < bytes.length; ) {
    const length = bytes[at] as number;
    buffers.push(inflateSync(bytes.subarray(at + 1, at + 1 + length)).toString('hex'));
    at += 1 + length;
  }
  assert.deepEqual(buffers, ['080808', '000000000000000100000000000000020000000000000003', '070406', '00000003666f6f00000000000000026261']);
});

test('each value compressed by itself', async () => {
  const writer = new SequenceFileWriter({ value: 'Text', codec: hadoopCodec('DefaultCodec'), compression: 'RECORD' }, sync);
  assert.ok(writer.header().toString('latin1').includes('\u0001\u0000*org.apache'));
  const bytes = await writer.encode(batchOf('foo'), [1]);
  const length = bytes.readUInt32BE(0);
  assert.equal(bytes.readUInt32BE(4), 8);
  assert.equal(inflateSync(bytes.subarray(16, 8 + length)).toString(), '\u0003foo');
});

test('large batches make several blocks', async () => {
  const writer = new SequenceFileWriter({ value: 'Text', codec: hadoopCodec('DefaultCodec') }, sync);
  writer.header();
  const bytes = await writer.encode(batchOf(...Array.from({ length: 25 }, () => 'z'.repeat(100_000))), Array.from({ length: 25 }, () => 1));
  assert.equal(bytes.toString('hex').split(escape).length - 1, 3);
});
