import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Batch } from '../../../core/batch.ts';
import type { Serializer } from '../../../core/component.ts';
import { AvroWriter } from '../../../protocols/avro-writer.ts';
import { avroDatumSerializer } from '../../../serializers/avro-datum.ts';
import { make, problemsOf, recordingContext } from '../recording-context.ts';
import { AvroReader, readAvroFile, type AvroFile } from './avro-file.ts';

const SCHEMA = '{"type":"record","name":"M","fields":[{"name":"message","type":"string"}]}';
const URL = 'flume.avro.schema.url';
const LITERAL = 'flume.avro.schema.literal';
const never = (): never => assert.fail('rejected');

/** Three records of the schema. */
function records(headers: Record<string, string>): Batch {
  return Batch.of(
    [0, 1, 2].map((number) => {
      const writer = new AvroWriter(16);
      writer.string(`Hello ${number}`);
      return { body: writer.view(0), headers: new Map(Object.entries(headers)) };
    }),
  );
}

function messages(file: AvroFile): string[] {
  return file.blocks.flatMap(({ objects, data }) => {
    const reader = new AvroReader(data);
    return Array.from({ length: objects }, () => reader.bytes().toString());
  });
}

async function serializer(properties: Record<string, string>, texts: Record<string, string> = {}): Promise<{ target: Serializer; asked: string[] }> {
  const asked: string[] = [];
  const readText = (url: string): Promise<string> => {
    asked.push(url);
    const text = texts[url];
    return text === undefined ? Promise.reject(new Error(`cannot read ${url}`)) : Promise.resolve(text);
  };
  return { target: await make(avroDatumSerializer, properties, { ...recordingContext(), readText }), asked };
}

test('C8.7 SER-06 records with a literal schema, with every codec', async () => {
  for (const compressionCodec of ['null', 'deflate', 'snappy']) {
    const { target } = await serializer({ compressionCodec });
    assert.equal(target.begin().length, 0);
    const file = readAvroFile(await target.encode(records({ [LITERAL]: SCHEMA }), never));
    assert.deepEqual(messages(file), ['Hello 0', 'Hello 1', 'Hello 2']);
    assert.equal(file.metadata.get('avro.schema'), SCHEMA);
    assert.equal(file.metadata.get('avro.codec'), compressionCodec);
  }
});

test('C8.7 SER-06 the URL header comes before the literal, and both before schemaURL', async () => {
  const texts = { 'file:/header': '"string"', 'http://h/static': '{"type":"string"}' };
  for (const [headers, schema] of [
    [{ [URL]: 'file:/header' }, '"string"'],
    [{ [URL]: 'file:/header', [LITERAL]: SCHEMA }, '"string"'],
    [{ [LITERAL]: SCHEMA }, SCHEMA],
    [{}, '{"type":"string"}'],
  ] as [Record<string, string>, string][]) {
    const { target } = await serializer({ schemaURL: 'http://h/static' }, texts);
    const file = readAvroFile(await target.encode(records(headers), never));
    assert.equal(file.metadata.get('avro.schema'), schema);
    assert.equal(messages(file).length, 3);
  }
});

test('the header of the file comes once, with its first event; later schemas are not looked at', async () => {
  const { target, asked } = await serializer({ schemaURL: 'file:/static' }, { 'file:/static': SCHEMA });
  const first = Buffer.from(await target.encode(records({}), never));
  const second = Buffer.from(await target.encode(records({ [URL]: 'file:/other' }), never));
  const file = readAvroFile(Buffer.concat([first, second, target.end()]));
  assert.equal(messages(file).length, 6);
  assert.deepEqual(asked, ['file:/static']);
});

test('a batch that was taken out of the file again does not take its header along', async () => {
  const { target } = await serializer({});
  await target.encode(records({ [LITERAL]: SCHEMA }), never);
  target.undo?.();
  const again = Buffer.from(await target.encode(records({ [LITERAL]: SCHEMA }), never));
  assert.equal(messages(readAvroFile(again)).length, 3);
  await target.encode(records({}), never);
  target.undo?.();
  const more = Buffer.from(await target.encode(records({}), never));
  assert.equal(messages(readAvroFile(Buffer.concat([again, more]))).length, 6);
});

test('SER-08 S26 events without a schema at the head of a file are rejected, with the reason', async () => {
  const { target } = await serializer({});
  const batch = Batch.concat([records({}).slice(0, 1), records({ [LITERAL]: '{' }).slice(1, 2), records({ [LITERAL]: SCHEMA }).slice(2, 3)]);
  const rejected: [number, string][] = [];
  const bytes = await target.encode(batch, (index, reason) => rejected.push([index, reason]));
  assert.deepEqual(messages(readAvroFile(bytes)), ['Hello 2']);
  assert.match(rejected[0]?.[1] ?? '', /no schema/);
  assert.match(rejected[1]?.[1] ?? '', /not JSON/);
  const other = (await serializer({})).target;
  const none = await other.encode(records({}), (index) => rejected.push([index, '']));
  assert.equal(none.length, 0);
  assert.equal(rejected.length, 5);
});

test('a schema that cannot be read now is an error, so that the batch is offered again', async () => {
  const texts: Record<string, string> = {};
  const { target } = await serializer({ schemaURL: 'file:/static' }, texts);
  await assert.rejects(async () => target.encode(records({}), never), /cannot read file:\/static/);
  texts['file:/static'] = SCHEMA;
  assert.equal(messages(readAvroFile(await target.encode(records({}), never))).length, 3);
});

test('a schema in HDFS is refused by name, in the configuration and in events', async () => {
  assert.match(problemsOf(avroDatumSerializer, { schemaURL: 'hdfs://nn/schema' })[0] ?? '', /^refuse schemaURL: is read through Hadoop/);
  assert.match(problemsOf(avroDatumSerializer, { schemaURL: 'schema.avsc' })[0] ?? '', /^refuse schemaURL: is not a file/);
  const { target } = await serializer({});
  const reasons: string[] = [];
  await target.encode(records({ [URL]: 'hdfs://nn/schema' }), (_, reason) => reasons.push(reason));
  assert.match(reasons[0] ?? '', /"hdfs:\/\/nn\/schema" is read through Hadoop/);
});
