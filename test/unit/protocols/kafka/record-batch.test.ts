import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32c, Reader, readRecordsBatch } from '@platformatic/kafka';
import { partitionOfKey } from '../../../../protocols/kafka/partition-of-key.ts';
import { NOBODY, RecordBatchWriter, releaseBytes, seal } from '../../../../protocols/kafka/record-batch.ts';

test('a record batch is read back by the client library: values, keys, headers, times, numbers', async () => {
  const writer = new RecordBatchWriter();
  writer.begin(1_700_000_000_000);
  const bytes = Buffer.from('onetwo');
  writer.add(bytes, 0, 3);
  writer.add(bytes, 3, 6, Buffer.from('>'), Buffer.from('k'), [{ name: Buffer.from('h'), value: Buffer.alloc(200, 1) }], 1_600_000_000_001);
  for (let index = 0; index < 100; index++) writer.add(bytes, 0, 0, undefined, Buffer.alloc(0), undefined, 1_700_000_000_000 + index);
  const batch = await writer.end('none', (records) => records);
  seal(batch, { producerId: 7n, producerEpoch: 2 }, 41, crc32c);
  const read = readRecordsBatch(Reader.from(batch));
  assert.deepEqual([read.producerId, read.producerEpoch, read.firstSequence, read.lastOffsetDelta, read.magic], [7n, 2, 41, 101, 2]);
  assert.deepEqual([read.firstTimestamp, read.maxTimestamp], [1_700_000_000_000n, 1_700_000_000_099n]);
  assert.equal(read.crc, crc32c(batch.subarray(21)));
  const [first, second, third] = read.records;
  assert.deepEqual([String(first?.value), first?.key, second?.offsetDelta], ['one', null, 1]);
  assert.deepEqual([String(second?.value), String(second?.key), second?.timestampDelta], ['>two', 'k', -99_999_999_999n]);
  assert.deepEqual(second?.headers, [[Buffer.from('h'), Buffer.alloc(200, 1)]]);
  assert.deepEqual([third?.value?.length, third?.key?.length], [0, 0]);
});

test('without a writer the numbers say that nobody looks for repetitions; memory is used again', async () => {
  const writer = new RecordBatchWriter();
  for (const text of ['a'.repeat(100_000), 'b']) {
    writer.begin(5);
    writer.add(Buffer.from(text), 0, text.length);
    const batch = await writer.end('none', (records) => records);
    seal(batch, NOBODY, -1, crc32c);
    const read = readRecordsBatch(Reader.from(batch));
    assert.deepEqual([read.producerId, read.producerEpoch, read.firstSequence, read.records.length, String(read.records[0]?.value)], [-1n, -1, -1, 1, text]);
  }
});

test('memory is given back only where nothing else lies in it', () => {
  const own = Buffer.allocUnsafeSlow(1000);
  releaseBytes(own);
  assert.equal(own.length, 0);
  const part = Buffer.from('part of a whole').subarray(8);
  releaseBytes(part);
  assert.equal(String(part), 'a whole');
});

test('keys go to the partitions that Java clients choose', () => {
  // murmur2 of Kafka's own test (UtilsTest.testMurmur2), without the sign.
  const expected: Readonly<Record<string, number>> = { '21': -973932308, foobar: -790332482, 'a-little-bit-long-string': -985981536, 'a-little-bit-longer-string': -1486304829, abc: 479470107 };
  for (const [key, hash] of Object.entries(expected)) assert.equal(partitionOfKey(Buffer.from(key), 2 ** 31), hash & 0x7fff_ffff, key);
});
