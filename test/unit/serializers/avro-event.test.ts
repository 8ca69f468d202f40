import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Batch } from '../../../core/batch.ts';
import type { Serializer } from '../../../core/component.ts';
import { avroEventSerializer } from '../../../serializers/avro-event.ts';
import { serializers } from '../../../serializers/index.ts';
import { make, problemsOf, recordingContext } from '../recording-context.ts';
import { readAvroEvents, readAvroFile } from './avro-file.ts';

const never = (): never => assert.fail('rejected');

function batchOf(...events: [string, Record<string, string>?][]): Batch {
  return Batch.of(events.map(([body, headers]) => ({ body: Buffer.from(body), headers: new Map(Object.entries(headers ?? {})) })));
}

function serializer(properties: Record<string, string> = {}): Promise<Serializer> {
  return make(avroEventSerializer, properties, recordingContext());
}

async function fileOf(target: Serializer, ...batches: Batch[]): Promise<Buffer> {
  const parts = [target.begin()];
  for (const batch of batches) parts.push(Buffer.from(await target.encode(batch, never)));
  return Buffer.concat([...parts, target.end()]);
}

test('C8.4 SER-05 three records come back with every codec', async () => {
  for (const codec of [undefined, 'null', 'deflate', 'snappy', 'bzip2', 'zstandard']) {
    const target = await serializer(codec === undefined ? {} : { compressionCodec: codec });
    const file = readAvroFile(await fileOf(target, batchOf(['yo man!'], ['2nd event!'], ['last one!'])));
    assert.deepEqual(readAvroEvents(file).map(({ body }) => body), ['yo man!', '2nd event!', 'last one!']);
    assert.equal(file.metadata.get('avro.codec'), codec ?? 'null');
    assert.equal(file.blocks.length, 1);
  }
});

test('C8.5 the header is 185 bytes for null, 188 for deflate, 169 for an unknown codec', async () => {
  for (const [codec, length, names] of [
    ['null', 185, 'avro.schema avro.codec'],
    ['deflate', 188, 'avro.schema avro.codec'],
    ['lzo', 169, 'avro.schema'],
  ] as const) {
    const target = await serializer({ compressionCodec: codec });
    assert.equal(target.begin().length, length);
    const file = readAvroFile(await fileOf(target, batchOf(['a'])));
    assert.equal([...file.metadata.keys()].join(' '), names);
    assert.equal(file.headerLength, length);
    assert.equal(readAvroEvents(file)[0]?.body, 'a');
  }
});

test('C8.5 bytes of the header and of a block', async () => {
  const target = await serializer();
  const header = target.begin();
  assert.equal(header.subarray(0, 5).toString('hex'), '4f626a0104');
  assert.ok(header.includes('{"type":"record","name":"Event","fields":[{"name":"headers","type":{"type":"map","values":"string"}},'));
  const block = await target.encode(batchOf(['ab', { k: 'v' }], ['c']), never);
  assert.equal(block.subarray(0, -16).toString('hex'), '041802026b027600046162000263');
  assert.deepEqual(block.subarray(-16), header.subarray(-16));
});

test('C8.6 a closed file cannot be continued', async () => {
  assert.equal((await serializer()).canAppend, false);
});

test('shared headers are written like those of single events, in hash order', async () => {
  const own = batchOf(['a', { header1: 'x', header2: 'y' }], ['b', { header1: 'x', header2: 'y' }]);
  const shared = batchOf(['a'], ['b']).withHeader('header1', 'x', false).withHeader('header2', 'y', false);
  const target = await serializer();
  const first = Buffer.from(await target.encode(own, never));
  assert.deepEqual(Buffer.from(await target.encode(shared, never)), first);
  assert.ok(first.indexOf('header2') < first.indexOf('header1'));
});

test('every batch ends its block, and a block ends when it is large enough', async () => {
  const target = await serializer({ syncIntervalBytes: '32' });
  const events = Array.from({ length: 5 }, (_, index): [string] => [`event number ${index}`]);
  const file = readAvroFile(await fileOf(target, batchOf(...events), batchOf(['x']), Batch.of([])));
  assert.deepEqual(file.blocks.map(({ objects }) => objects), [2, 2, 1, 1]);
  assert.equal(readAvroEvents(file).length, 6);
});

test('large batches grow the memory and are let go again', async () => {
  const target = await serializer({ compressionCodec: 'deflate' });
  const large = 'x'.repeat(9 << 20);
  const file = readAvroFile(await fileOf(target, batchOf([large], ['y'], [large]), batchOf(['z'])));
  assert.deepEqual(readAvroEvents(file).map(({ body }) => body.length), [large.length, 1, large.length, 1]);
});

test('S26 an event that cannot be written is rejected, the others are written', async () => {
  const bodies = batchOf(['a'], ['b'], ['c']);
  const headers = [new Map(), new Map<string, unknown>([['k', null]]), new Map()] as Map<string, string>[];
  const batch = Batch.over(bodies.bytes, bodies.bounds, 3, {
    at(row) {
      if (row === 2) throw new Error('torn header bytes');
      return headers[row] as Map<string, string>;
    },
    get: () => undefined,
  });
  const rejected: [number, string][] = [];
  const target = await serializer();
  const bytes = await target.encode(batch, (index, reason) => rejected.push([index, reason]));
  const file = readAvroFile(Buffer.concat([target.begin(), bytes]));
  assert.deepEqual(readAvroEvents(file).map(({ body }) => body), ['a']);
  assert.deepEqual(rejected, [
    [1, 'the event cannot be written: header "k" is not text'],
    [2, 'the event cannot be written: torn header bytes'],
  ]);
});

test('X11 a header named __proto__ is written', async () => {
  const target = await serializer();
  const headers = new Map([['__proto__', 'x']]);
  const bytes = await target.encode(Batch.of([{ body: Buffer.from('a'), headers }]), never);
  assert.ok(bytes.includes('__proto__'));
});

test('options that Flume fails with are refused, those it passes over are warned of', () => {
  assert.deepEqual(problemsOf(avroEventSerializer, { syncIntervalBytes: '31' }), ['refuse syncIntervalBytes: is outside of 32 to 1073741824']);
  assert.deepEqual(problemsOf(avroEventSerializer, { compressionCodec: 'Deflate' }), [
    'warn compressionCodec: is none of null, deflate, snappy, bzip2, zstandard; nothing is compressed',
  ]);
  assert.match(problemsOf(avroEventSerializer, { compressionCodec: 'xz' })[0] ?? '', /^refuse compressionCodec: is a codec that Millrace does not have/);
  assert.equal(serializers.find('Avro_Event'), avroEventSerializer);
  assert.equal(serializers.find('org.apache.flume.serialization.FlumeEventAvroEventSerializer$Builder'), avroEventSerializer);
});
