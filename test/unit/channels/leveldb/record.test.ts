import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeRecord, encodeRecord, faultOf } from '../../../../channels/leveldb/record.ts';
import { Batch } from '../../../../core/batch.ts';
import { batchOf, bodiesOf } from '../../../conformance/fakes.ts';

const header = fc.tuple(fc.string({ unit: 'grapheme', maxLength: 5 }), fc.string({ unit: 'grapheme', maxLength: 20 }));
const event = fc.record({ body: fc.uint8Array({ maxLength: 40 }), headers: fc.array(header, { maxLength: 3 }) });

test('C21 any batches, through a record and back, at any alignment', () => {
  fc.assert(
    fc.property(fc.array(fc.array(event, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 5 }), fc.nat({ max: 7 }), (puts, shift) => {
      const batches = puts.map((events) => Batch.of(events.map(({ body, headers }) => ({ body: Buffer.from(body), headers: new Map(headers) }))));
      const { value } = encodeRecord(batches, 2 ** 40 + 5, 77);
      const moved = Buffer.alloc(value.length + shift).subarray(shift);
      value.copy(moved);
      assert.equal(faultOf(moved, 2 ** 40 + 5), undefined);
      const { batch, facts } = decodeRecord(moved);
      const wanted = batches.flatMap((one) => [...one]);
      assert.deepEqual(facts, { first: 2 ** 40 + 5, firstByte: 77, events: wanted.length, bytes: wanted.reduce((sum, { body }) => sum + body.length, 0) });
      assert.deepEqual([...batch].map(({ body }) => body.toString('hex')), wanted.map(({ body }) => body.toString('hex')));
      assert.deepEqual([...batch].map(({ headers }) => new Map(headers)), wanted.map(({ headers }) => new Map(headers)));
    }),
  );
});

test('lines come back with what stood between them, so that a sink can write them as they lie', () => {
  const bytes = Buffer.from('ab\ncde\n\n');
  const { batch } = decodeRecord(encodeRecord([Batch.over(bytes, new Uint32Array([0, 2, 3, 6, 7, 7]), 3)], 0, 0).value);
  assert.deepEqual(bodiesOf(batch), ['ab', 'cde', '']);
  assert.equal(batch.bytes.toString('latin1', batch.bounds[0], (batch.bounds[5] as number) + 1), 'ab\ncde\n\n');
});

test('headers that all events share are shared again; others stay encoded until asked for', () => {
  const shared = batchOf('a', 'b').withHeader('k', 'v', false);
  const { batch } = decodeRecord(encodeRecord([shared, shared], 0, 0).value);
  assert.equal(batch.hasOwnHeaders, false);
  assert.equal(batch.header(3, 'k'), 'v');
  const mixed = decodeRecord(encodeRecord([shared, batchOf('c')], 0, 0).value).batch;
  assert.deepEqual([0, 1, 2].map((index) => mixed.header(index, 'k')), ['v', 'v', undefined]);
});

test('C5 every single bit of a record matters', () => {
  const { value } = encodeRecord([batchOf('some body', '').withHeader('n', '1', false), batchOf('x')], 9, 0);
  assert.equal(faultOf(value, 9), undefined);
  for (let bit = 0; bit < 8 * value.length; bit++) {
    const changed = Buffer.from(value);
    changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
    assert.notEqual(faultOf(changed, 9), undefined, `bit ${bit}`);
  }
  assert.match(faultOf(value, 10) ?? '', /belongs to event 9/);
  for (let length = 0; length < value.length; length++) assert.notEqual(faultOf(value.subarray(0, length), 9), undefined);
});
