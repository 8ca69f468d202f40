import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AvroWriter } from '../../../../protocols/avro-writer.ts';
import { avroCodec } from '../../../../serializers/avro-codecs.ts';
import { AvroContainer, type AvroBlock } from '../../../../serializers/avro-container.ts';
import { avroDeserializer } from '../../../../serializers/deserializers/avro.ts';
import { openReader, readAll } from './reading.ts';

const SCHEMA = '{"type":"record","name":"MyRecord","namespace":"org.apache.flume","fields":[{"name":"foo","type":"string"}]}';

function block(...texts: readonly string[]): AvroBlock {
  const writer = new AvroWriter();
  for (const text of texts) writer.string(text);
  return { objects: texts.length, data: Buffer.from(writer.view(0)) };
}

async function container(blocks: readonly AvroBlock[], codec = 'null', schema = SCHEMA): Promise<Buffer> {
  const file = new AvroContainer(avroCodec(codec));
  const head = file.header(schema);
  return Buffer.concat([head, await file.blocks(blocks)]);
}

const text = (body: Buffer): string => body.subarray(1).toString();

test('SD-44 records come again from any place that was told', async () => {
  const bytes = await container([block('bar'), block('baz')]);
  const { bodies, reads } = await readAll(await openReader(avroDeserializer, bytes), 1);
  assert.deepEqual(bodies.map(text), ['bar', 'baz']);
  const again = await readAll(await openReader(avroDeserializer, bytes, {}, {}, reads[0]?.next), 1);
  assert.deepEqual(again.bodies.map(text), ['baz']);
  const none = await readAll(await openReader(avroDeserializer, bytes, {}, {}, reads[1]?.next), 1);
  assert.deepEqual(none.bodies, []);
});

test('SD-45 the header holds the fingerprint of the schema, or the schema', async () => {
  const bytes = await container([block('bar')]);
  const header = async (properties: Record<string, string>): Promise<ReadonlyMap<string, string> | undefined> =>
    (await (await openReader(avroDeserializer, bytes, properties)).read(1))?.batch.headers(0);
  assert.deepEqual(await header({}), new Map([['flume.avro.schema.hash', '576db290321974f9']]));
  assert.deepEqual(await header({ schemaType: 'literal' }), new Map([['flume.avro.schema.literal', SCHEMA]]));
});

test('SD-53 a place in the middle of a block is remembered, so that a full channel does not make its records come again', async () => {
  const names = Array.from({ length: 8 }, (_, index) => `r${index}`);
  for (const codec of ['null', 'deflate', 'snappy', 'zstandard']) {
    const bytes = await container([block(...names)], codec);
    const { bodies, reads } = await readAll(await openReader(avroDeserializer, bytes), 3);
    assert.deepEqual(bodies.map(text), names, codec);
    for (const [index, { next }] of reads.entries()) {
      const rest = await readAll(await openReader(avroDeserializer, bytes, {}, {}, next), 3);
      assert.deepEqual(rest.bodies.map(text), names.slice(3 * index + 3), codec);
    }
  }
});

test('a batch is filled from several blocks, and never holds more than was asked for', async () => {
  const blocks = Array.from({ length: 500 }, (_, index) => block(`a${index}`, `b${index}`, `c${index}`));
  const { bodies, reads } = await readAll(await openReader(avroDeserializer, await container(blocks)), 100);
  assert.equal(bodies.length, 1500);
  assert.deepEqual(reads.map(({ batch }) => batch.size), Array.from({ length: 15 }, () => 100));
  assert.equal(bodies.map(text)[1499], 'c499');
});

test('records of every type are told apart by the schema', async () => {
  const schema = JSON.stringify({
    type: 'record', name: 'All', fields: [
      { name: 'n', type: ['null', 'long', 'double'] }, { name: 'm', type: { type: 'map', values: 'float' } },
      { name: 'a', type: { type: 'array', items: { type: 'record', name: 'In', fields: [{ name: 'b', type: 'boolean' }, { name: 'e', type: { type: 'enum', name: 'E', symbols: ['X', 'Y'] } }] } } },
      { name: 'f', type: { type: 'fixed', name: 'F', size: 3 } }, { name: 'next', type: ['null', 'All'] }, { name: 'again', type: 'In' },
    ],
  });
  const record = (inner: boolean): Buffer => {
    const writer = new AvroWriter();
    writer.count(1);
    writer.count(300);
    writer.count(1);
    writer.string('key');
    writer.raw(Buffer.alloc(4));
    writer.count(0);
    // A block with its size in bytes in front: count negative.
    writer.raw(Buffer.from([0x03, 0x08, 0, 0, 1, 2, 0]));
    writer.raw(Buffer.from('abc'));
    writer.count(inner ? 1 : 0);
    if (inner) writer.raw(record(false));
    writer.raw(Buffer.from([1, 2]));
    return Buffer.from(writer.view(0));
  };
  const data = Buffer.concat([record(false), record(true), record(false)]);
  const { bodies } = await readAll(await openReader(avroDeserializer, await container([{ objects: 3, data }], 'null', schema)));
  assert.deepEqual(bodies, [record(false), record(true), record(false)]);
});

test('what is no container, is cut off, or does not fit its schema is said, and what stands before it is read', async () => {
  await assert.rejects(openReader(avroDeserializer, 'no avro here'), /no Avro container/);
  await assert.rejects(openReader(avroDeserializer, ''), /end at byte 0/);
  await assert.rejects(openReader(avroDeserializer, await container([], 'null', '{"type":"nothing"}')), /names the type "nothing"/);
  const bytes = await container([block('bar'), block('baz')]);
  const cut = await openReader(avroDeserializer, bytes.subarray(0, -3));
  assert.equal((await cut.read(10))?.batch.size, 1);
  await assert.rejects(async () => cut.read(10), /ends in the middle of the block/);
  const wrong = Buffer.from(bytes);
  wrong[wrong.length - 1] = (wrong[wrong.length - 1] as number) ^ 1;
  const marked = await openReader(avroDeserializer, wrong);
  await marked.read(10);
  await assert.rejects(async () => marked.read(10), /mark behind a block/);
  const longer = await openReader(avroDeserializer, await container([{ objects: 1, data: Buffer.from([6, 97, 98, 99, 0]) }]));
  await assert.rejects(async () => longer.read(10), /1 bytes behind its last record/);
  const greedy = await openReader(avroDeserializer, await container([{ objects: 2 ** 40, data: Buffer.from([0]) }]));
  await assert.rejects(async () => greedy.read(10), /more records than bytes/);
  await assert.rejects(openReader(avroDeserializer, await container([], 'null').then((file) => Buffer.from(file.toString('latin1').replace('null', 'xxxx'), 'latin1'))), /codec xxxx/);
});
