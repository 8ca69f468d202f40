import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Batch } from '../../../core/batch.ts';
import type { Serializer } from '../../../core/component.ts';
import { jsonLinesSerializer } from '../../../serializers/json-lines.ts';
import { batchOf, create, FakeContext } from '../../conformance/fakes.ts';

const make = (): Serializer => create(jsonLinesSerializer, {}, new FakeContext()) as Serializer;
const encode = (batch: Batch): string => Buffer.from(make().encode(batch, assert.fail) as Buffer).toString();

test('each event is a line of JSON, with its headers in their order', () => {
  const batch = Batch.of([
    { body: Buffer.from('a "b"\n'), headers: new Map([['z', '1'], ['10', 'x\u0000'], ['__proto__', '']]) },
    { body: Buffer.from(''), headers: new Map() },
  ]);
  assert.equal(encode(batch), '{"headers":{"z":"1","10":"x\\u0000","__proto__":""},"body":"a \\"b\\"\\n"}\n{"headers":{},"body":""}\n');
});

test('headers that all events share are written with each', () => {
  assert.equal(encode(batchOf('a', 'b').withHeader('h', 'v', false)), '{"headers":{"h":"v"},"body":"a"}\n{"headers":{"h":"v"},"body":"b"}\n');
  assert.equal(encode(batchOf()), '');
});

test('a body that is not UTF-8 comes in Base64, and nothing is altered', () => {
  const body = Buffer.from([0xff, 0xfe, 10, 0xed, 0xa0, 0x80]);
  const { bodyBase64 } = JSON.parse(encode(Batch.of([{ body, headers: new Map() }]))) as { bodyBase64: string };
  assert.deepEqual(Buffer.from(bodyBase64, 'base64'), body);
});

test('a file can be continued', () => assert.equal(make().canAppend, true));
