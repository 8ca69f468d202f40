import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Group } from '../../../../channels/leveldb/group.ts';
import { eventsOf, faultOf, headerAt, plainCodec, type RecordHeader } from '../../../../channels/leveldb/record.ts';
import { Batch } from '../../../../core/batch.ts';
import { batchOf, bodiesOf } from '../../../conformance/fakes.ts';

const IDENTITY = Buffer.from('0123456789abcdef', 'hex');
const header = fc.tuple(fc.string({ unit: 'grapheme', maxLength: 5 }), fc.string({ unit: 'grapheme', maxLength: 20 }));
const event = fc.record({ body: fc.uint8Array({ maxLength: 40 }), headers: fc.array(header, { maxLength: 3 }) });

function encode(batches: readonly Batch[], first = 0, firstByte = 0): Buffer {
  const group = new Group(plainCodec);
  for (const batch of batches) assert.ok(group.add({ batch, stored: () => undefined, failed: () => undefined }));
  return Buffer.from(group.finish({ identity: IDENTITY, generation: 3 }, { event: first, byte: firstByte }, first, () => undefined));
}

function soundHeader(record: Buffer): RecordHeader {
  const found = headerAt(record, 0, IDENTITY);
  assert.ok(found);
  assert.equal(faultOf(record, found), undefined);
  return found;
}

function decode(record: Buffer): Batch {
  return eventsOf(record, soundHeader(record), plainCodec) ?? assert.fail('it was altered');
}

test('C21 any batches, through a record and back, at any alignment, and the same from memory', () => {
  fc.assert(
    fc.property(fc.array(fc.array(event, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 5 }), fc.nat({ max: 7 }), (puts, shift) => {
      const batches = puts.map((events) => Batch.of(events.map(({ body, headers }) => ({ body: Buffer.from(body), headers: new Map(headers) }))));
      const record = encode(batches, 2 ** 40 + 5, 77);
      const moved = Buffer.alloc(record.length + shift).subarray(shift);
      record.copy(moved);
      const wanted = batches.flatMap((one) => [...one]);
      const bytes = wanted.reduce((sum, { body }) => sum + body.length, 0);
      const { written, ...facts } = soundHeader(moved);
      assert.ok(Math.abs(written - Date.now()) < 60_000);
      assert.deepEqual(facts, { first: 2 ** 40 + 5, events: wanted.length, firstByte: 77, bytes, synced: 2 ** 40 + 5, generation: 3, length: record.length });
      const group = new Group(plainCodec);
      for (const batch of batches) group.add({ batch, stored: () => undefined, failed: () => undefined });
      for (const batch of [decode(moved), ...group.pieces(0).map((piece) => piece.batch)]) {
        assert.deepEqual([...batch].map(({ body }) => body.toString('hex')), wanted.map(({ body }) => body.toString('hex')));
        assert.deepEqual([...batch].map(({ headers }) => new Map(headers)), wanted.map(({ headers }) => new Map(headers)));
      }
    }),
  );
});

test('lines come back with what stood between them, so that a sink can write them as they lie', () => {
  const bytes = Buffer.from('ab\ncde\n\n');
  const batch = decode(encode([Batch.over(bytes, new Uint32Array([0, 2, 3, 6, 7, 7]), 3)]));
  assert.deepEqual(bodiesOf(batch), ['ab', 'cde', '']);
  assert.equal(batch.bytes.toString('latin1', batch.bounds[0], (batch.bounds[5] as number) + 1), 'ab\ncde\n\n');
});

test('headers that all events share are shared again; others stay encoded until asked for', () => {
  const shared = batchOf('a', 'b').withHeader('k', 'v', false);
  const batch = decode(encode([shared, shared]));
  assert.equal(batch.hasOwnHeaders, false);
  assert.equal(batch.header(3, 'k'), 'v');
  const mixed = decode(encode([shared, batchOf('c')]));
  assert.deepEqual([0, 1, 2].map((index) => mixed.header(index, 'k')), ['v', 'v', undefined]);
});

test('C5 every single bit of a record matters', () => {
  const record = encode([batchOf('some body', '').withHeader('n', '1', false), batchOf('x')], 9);
  const fault = (bytes: Buffer): string | undefined => {
    const found = headerAt(bytes, 0, IDENTITY);
    return found ? faultOf(bytes, found) : 'has no header';
  };
  assert.equal(fault(record), undefined);
  for (let bit = 0; bit < 8 * record.length; bit++) {
    const changed = Buffer.from(record);
    changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
    assert.notEqual(fault(changed), undefined, `bit ${bit}`);
  }
  for (let length = 0; length < record.length; length++) assert.notEqual(fault(record.subarray(0, length)), undefined);
  assert.equal(headerAt(record, 0, Buffer.from('0123456789abcdee', 'hex')), undefined, 'of another store');
});

test('a group takes puts until it is full, and a put that is larger than a group comes alone', () => {
  const group = new Group(plainCodec);
  const put = (bytes: number) => ({ batch: batchOf('x'.repeat(bytes)), stored: () => undefined, failed: () => undefined });
  assert.ok(group.add(put(5_000_000)));
  assert.equal(group.add(put(1)), false);
  group.clear();
  let count = 0;
  while (group.add(put(100_000))) count++;
  assert.ok(count > 10 && count < 25, `${count} puts of 100 KB`);
  const firsts: number[] = [];
  const ats: number[] = [];
  const bytes = group.finish({ identity: IDENTITY, generation: 1 }, { event: 0, byte: 0 }, 0, (first, at) => {
    firsts.push(first);
    ats.push(at);
  });
  assert.equal(bytes.length, group.length);
  assert.equal(firsts.length, count);
  for (const [index, at] of ats.entries()) assert.equal(headerAt(bytes, at, IDENTITY)?.first, firsts[index]);
});
