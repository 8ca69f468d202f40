import assert from 'node:assert/strict';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { test } from 'node:test';
import * as library from '@platformatic/kafka';
import { AbortedTransactions } from '../../../../protocols/kafka/aborted-transactions.ts';
import { decompress } from '../../../../protocols/kafka/decompress.ts';
import type { FetchedRecords } from '../../../../protocols/kafka/fetched-records.ts';
import { batchAt, endOfBatches, RecordBatchError, recordsOf } from '../../../../protocols/kafka/record-batches.ts';
import { COMPRESSION_CODES, NOBODY, RecordBatchWriter, seal, type Compression } from '../../../../protocols/kafka/record-batch.ts';
import { RecordReader } from '../../../../protocols/kafka/record-reader.ts';

const LIMIT = 1024 * 1024;
const compressors: Readonly<Record<Compression, (records: Buffer) => Buffer>> = {
  none: (records) => records,
  gzip: (records) => gzipSync(records),
  zstd: (records) => zstdCompressSync(records),
  snappy: (records) => library.compressionsAlgorithms.snappy.compressSync(records),
  lz4: (records) => library.compressionsAlgorithms.lz4.compressSync(records),
};

interface Made {
  readonly key?: string;
  readonly headers?: Readonly<Record<string, Buffer>>;
  readonly timeMs?: number;
}

/** A record batch as a broker keeps it. */
async function batchOf(values: readonly string[], offset: number, { compression = 'none', made = () => ({}), change = () => undefined, producerId = -1n, bits = 0 }: {
  readonly compression?: Compression;
  readonly made?: (index: number) => Made;
  readonly change?: (batch: Buffer) => void;
  readonly producerId?: bigint;
  readonly bits?: number;
} = {}): Promise<Buffer> {
  const writer = new RecordBatchWriter();
  writer.begin(1000);
  for (const [index, value] of values.entries()) {
    const { key, headers, timeMs } = made(index);
    const bytes = Buffer.from(value);
    writer.add(bytes, 0, bytes.length, undefined, key === undefined ? undefined : Buffer.from(key), headers && Object.entries(headers).map(([name, bytes]) => ({ name: Buffer.from(name), value: bytes })), timeMs);
  }
  const batch = await writer.end(compression, compressors[compression]);
  batch.writeBigInt64BE(BigInt(offset));
  batch.writeInt16BE(batch.readInt16BE(21) | bits, 21);
  change(batch);
  seal(batch, producerId < 0 ? NOBODY : { producerId, producerEpoch: 0 }, -1, library.crc32c);
  return batch;
}

/** Everything in `bytes`, `most` at a time. */
function read(bytes: Buffer, { most = 1000, from = 0, withHeaders = true } = {}): FetchedRecords[] {
  const reader = new RecordReader(withHeaders);
  const taken: FetchedRecords[] = [];
  for (let at = 0; ; ) {
    const head = batchAt(library, bytes, at, bytes.length);
    if (!head) return taken;
    reader.open({ ...head, topic: 't', partition: 3, records: recordsOf(library, bytes, head, LIMIT), appendedMs: head.timeIsOfAppending ? head.latestMs : undefined, from });
    while (!reader.isDone) {
      reader.gather(most);
      taken.push(reader.take());
    }
    at = head.end;
  }
}

const valuesOf = (all: readonly FetchedRecords[]): string[] => all.flatMap(({ bytes, bounds, size }) => Array.from({ length: size }, (_, index) => bytes.toString('utf8', bounds[2 * index], bounds[2 * index + 1])));
const numbered = (count: number): string[] => Array.from({ length: count }, (_, index) => `value ${index} ${'x'.repeat(index % 300)}`);

for (const compression of Object.keys(COMPRESSION_CODES) as Compression[]) {
  test(`${compression}: values, offsets, times, keys and headers of a record batch, whole and in small pieces`, async () => {
    const values = numbered(500);
    const made = (index: number): Made => ({ ...(index % 3 === 1 && { key: index === 1 ? '' : `k${index}` }), ...(index % 5 === 0 && { headers: { a: Buffer.from('first'), n: Buffer.alloc(200, index) } }), timeMs: 1000 + index * 1_000_000_007 });
    const bytes = Buffer.concat([await batchOf(values, 40, { compression, made }), await batchOf(['last'], 2 ** 40, { compression })]);
    assert.equal(endOfBatches(bytes, 0, bytes.length), 2 ** 40 + 1);
    for (const most of [1, 7, 1000]) {
      const all = read(bytes, { most });
      assert.deepEqual(valuesOf(all), [...values, 'last']);
      const facts = all.flatMap((records) => Array.from({ length: records.size }, (_, index) => records.facts(index)));
      assert.deepEqual(facts.map(({ offset }) => offset), [...values.map((_, index) => 40 + index), 2 ** 40]);
      assert.deepEqual(facts.slice(0, 500).map(({ timeMs }) => timeMs), values.map((_, index) => 1000 + index * 1_000_000_007));
      assert.deepEqual(facts.slice(0, 5).map(({ key }) => key?.toString()), [undefined, '', undefined, undefined, 'k4']);
      assert.deepEqual([facts[5]?.header('a')?.toString(), facts[5]?.header('n')?.[199], facts[5]?.header('b'), facts[6]?.header('a')], ['first', 5, undefined, undefined]);
    }
  });
}

test('positions: behind the last record of each piece, behind what compaction left at the end of a batch; parts of a set count by themselves', async () => {
  const bytes = await batchOf(numbered(10), 100, { change: (batch) => batch.writeInt32BE(19, 23) });
  const ends = (all: readonly FetchedRecords[]): number[] => all.map((records) => Number(records.positions().get('t/3')?.offset));
  assert.deepEqual(ends(read(bytes, { most: 4 })), [104, 108, 120]);
  const [whole] = read(bytes) as [FetchedRecords];
  assert.deepEqual(ends([whole.slice(0, 3), whole.slice(3, 10), whole.slice(9, 10)]), [103, 120, 120]);
  assert.deepEqual(valuesOf([whole.slice(2, 4)]), numbered(4).slice(2));
  assert.equal(whole.slice(2, 4).facts(1).offset, 103);
  assert.equal(whole.byteLength, numbered(10).join('').length);
});

test('records before the offset that was asked for are left out; the time of appending counts where the broker set it', async () => {
  const [records] = read(await batchOf(numbered(10), 100, { bits: 8 }), { from: 107 }) as [FetchedRecords];
  assert.deepEqual([valuesOf([records]), records.facts(0).offset, records.facts(0).timeMs], [numbered(10).slice(7), 107, 1000]);
});

test('headers that nobody asks for are not kept', async () => {
  const [records] = read(await batchOf(['a'], 0, { made: () => ({ key: 'k', headers: { h: Buffer.from('v') } }) }), { withHeaders: false }) as [FetchedRecords];
  assert.deepEqual([records.facts(0).key?.toString(), records.facts(0).header('h')], ['k', undefined]);
});

test('N22 a part of a batch is no batch yet; damaged ones, old and unknown formats, and unknown compressions are named', async () => {
  const good = await batchOf(numbered(50), 7, { compression: 'lz4' });
  for (const length of [0, 10, 60, good.length - 1]) assert.equal(batchAt(library, good, 0, length), undefined);
  assert.equal(endOfBatches(good, 0, good.length - 1), undefined);
  const changed = (change: (bytes: Buffer) => void): Buffer => {
    const bytes = Buffer.from(good);
    change(bytes);
    return bytes;
  };
  const message = (bytes: Buffer): string => {
    try {
      return valuesOf(read(bytes)).join();
    } catch (error) {
      assert.ok(error instanceof RecordBatchError, String(error));
      return error.message;
    }
  };
  assert.match(message(changed((bytes) => bytes.writeUInt8((bytes[100] as number) ^ 1, 100))), /^has the checksum [\da-f]{8}, and its bytes have [\da-f]{8}$/);
  assert.match(message(changed((bytes) => bytes.writeInt8(1, 16))), /^is in format 1, which Kafka wrote before 0\.11/);
  assert.match(message(changed((bytes) => bytes.writeInt8(3, 16))), /^is in format 3, which is not known/);
  assert.match(message(changed((bytes) => bytes.writeInt32BE(3, 8))), /^says that it has 3 bytes/);
  assert.match(message(await batchOf(['a'], 0, { bits: 7 })), /compressed by a method with the number 7/);
  assert.match(message(await batchOf(['a'], 0, { change: (batch) => batch.writeInt32BE(2_000_000_000, 57) })), /announces 2000000000 records/);
  assert.match(message(await batchOf(['a', 'b'], 0, { change: (batch) => batch.writeInt32BE(1, 57) })), /behind the last of its 1 records/);
});

test('N22 bytes of records that were changed, with a checksum that fits: values inside of them, or a sentence, never anything else', async () => {
  let seed = 20261121;
  const random = (below: number): number => (seed = (Math.imul(seed, 1103515245) + 12345) >>> 0) % below;
  for (let round = 0; round < 600; round++) {
    const compression = (['none', 'none', 'snappy', 'lz4', 'gzip', 'zstd'] as const)[round % 6] as Compression;
    const bytes = await batchOf(['one', 'two', 'three'], 0, {
      compression,
      made: () => ({ key: 'k', headers: { h: Buffer.from('v') } }),
      change: (batch) => {
        for (let flips = 1 + random(3); flips > 0; flips--) batch.writeUInt8((batch[61 + random(batch.length - 61)] as number) ^ (1 << random(8)), 61 + random(batch.length - 61));
      },
    });
    try {
      for (const records of read(bytes)) {
        for (let index = 0; index < records.size; index++) {
          const [begin = 0, end = 0] = records.bounds.subarray(2 * index, 2 * index + 2);
          assert.ok(begin <= end && end <= records.bytes.length);
          records.facts(index).header('h');
        }
      }
    } catch (error) {
      assert.ok(error instanceof RecordBatchError, `seed 20261121, round ${round}: ${String((error as Error).stack)}`);
    }
  }
});

test('what would take more memory than is allowed is refused before it does, whatever the compression', () => {
  const zeros = Buffer.alloc(5 * LIMIT);
  for (const [name, code] of Object.entries(COMPRESSION_CODES)) {
    if (name === 'none') continue;
    const small = compressors[name as Compression](zeros.subarray(0, 1000));
    const large = compressors[name as Compression](zeros);
    assert.equal(decompress(library, code, small, LIMIT * 4).length, 1000, name);
    assert.throws(() => decompress(library, code, large, LIMIT), name);
  }
  const chunk = (bytes: Buffer): Buffer => {
    const packed = library.compressionsAlgorithms.snappy.compressSync(bytes);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(packed.length);
    return Buffer.concat([length, packed]);
  };
  const stream = Buffer.concat([Buffer.from('\x82SNAPPY\0', 'latin1'), Buffer.from([0, 0, 0, 1, 0, 0, 0, 1]), chunk(Buffer.from('Java ')), chunk(Buffer.from('writes it'))]);
  assert.equal(decompress(library, COMPRESSION_CODES.snappy, stream, LIMIT).toString(), 'Java writes it');
  assert.throws(() => decompress(library, COMPRESSION_CODES.snappy, stream.subarray(0, -3), LIMIT));
});

test('S9 transactions that were taken back are told from those that were not, each producer by itself', async () => {
  const [transactional, control] = [16, 48];
  const mark = (offset: number, producerId: bigint, type: number) =>
    batchOf([''], offset, { producerId, bits: control, made: () => ({ key: String.fromCharCode(0, 0, 0, type) }) });
  const parts = [
    await batchOf(['a'], 0, { producerId: 1n, bits: transactional }),
    await batchOf(['b'], 1, { producerId: 2n, bits: transactional }),
    await batchOf(['c'], 2),
    await mark(3, 1n, 0),
    await batchOf(['d'], 4, { producerId: 1n, bits: transactional }),
    await mark(5, 1n, 1),
    await mark(6, 2n, 0),
    await batchOf(['e'], 7, { producerId: 2n, bits: transactional }),
  ];
  const bytes = Buffer.concat(parts);
  const aborted = new AbortedTransactions([{ producerId: 2n, firstOffset: 1 }, { producerId: 1n, firstOffset: 0 }]);
  const counted: number[] = [];
  for (let at = 0; ; ) {
    const head = batchAt(library, bytes, at, bytes.length);
    if (!head) break;
    if (!aborted.includes(bytes, head) && !head.isControl) counted.push(head.baseOffset);
    at = head.end;
  }
  assert.deepEqual(counted, [2, 4, 7]);
});
