import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Batch } from '../../../../core/batch.ts';
import { readBlock, writeBlock } from '../../../../protocols/avro-rpc/block.ts';
import { AvroCursor, AvroFormatError } from '../../../../protocols/avro-rpc/cursor.ts';
import { TooManyEventsError } from '../../../../protocols/avro-rpc/events.ts';
import { AvroWriter } from '../../../../protocols/avro-writer.ts';

const headers = fc.dictionary(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), { maxKeys: 4 });
const events = fc.array(fc.record({ headers, body: fc.uint8Array({ maxLength: 300 }) }), { minLength: 1, maxLength: 30 });

describe('a block of events', () => {
  test('what is written is read again, headers and bodies, wherever it begins', () => {
    fc.assert(
      fc.property(events, fc.nat(9), (list, before) => {
        const batch = Batch.of(list.map((event) => ({ headers: new Map(Object.entries(event.headers)), body: Buffer.from(event.body) })));
        const message = Buffer.concat([Buffer.alloc(before, 1), encoded(batch)]);
        assert.deepEqual(facts(readBlock(new AvroCursor(message, before), 1000)), facts(batch));
      }),
    );
  });

  test('any part of a batch, in any order', () => {
    const list = ['a', '', 'ccc', 'dd', 'e'].map((body, index) => ({ headers: new Map(index % 2 ? [['n', `${index}`]] : []), body: Buffer.from(body) }));
    const batch = Batch.of(list).withHeader('host', 'h', true);
    for (const part of [batch.slice(1, 4), batch.select(Uint32Array.of(4, 0, 2)), batch.slice(2, 3)]) {
      assert.deepEqual(facts(readBlock(new AvroCursor(encoded(part)), 10)), facts(part));
    }
  });

  test('lines travel with their line feeds, and bodies that lie one behind the other as they lie', () => {
    const lines = Batch.over(Buffer.from('x\nyy\n\nzzz\n'), Uint32Array.of(0, 1, 2, 4, 5, 5, 6, 9), 4);
    const read = readBlock(new AvroCursor(encoded(lines)), 10);
    assert.deepEqual(facts(read), facts(lines));
    assert.equal(read.bytes.toString('latin1', read.bounds[0], (read.bounds[7] as number) + 1), 'x\nyy\n\nzzz\n');
    const writer = new AvroWriter();
    const run = writeBlock(writer, Batch.of([{ headers: new Map(), body: Buffer.from('a') }, { headers: new Map(), body: Buffer.from('b') }]));
    assert.equal(run.toString(), 'ab');
    assert.equal(writer.length, 10 + 2 * 4);
  });

  test('N18 headers stay encoded on their way through', () => {
    const batch = Batch.of([
      { headers: new Map([['a', '1']]), body: Buffer.from('x') },
      { headers: new Map([['b', 'zwei']]), body: Buffer.from('y') },
    ]);
    const bytes = encoded(batch);
    const read = readBlock(new AvroCursor(bytes), 10);
    assert.equal(read.encodedHeaders(1)?.toString('latin1'), '\x02\x02b\x08zwei\0');
    assert.deepEqual(encoded(read), bytes);
  });

  test('more events than can be stored are told apart from garbage', () => {
    const batch = Batch.of(Array.from({ length: 11 }, () => ({ headers: new Map(), body: Buffer.alloc(1) })));
    assert.throws(() => readBlock(new AvroCursor(encoded(batch)), 10), TooManyEventsError);
  });

  test('N18 cut at each byte, with each byte changed, or with more behind it: an AvroFormatError, or events as large as the message', () => {
    const batch = Batch.of([
      { headers: new Map([['k', 'v']]), body: Buffer.from('first') },
      { headers: new Map(), body: Buffer.from('') },
      { headers: new Map([['k', 'w']]), body: Buffer.from('third') },
    ]);
    const whole = encoded(batch);
    const tryOut = (message: Buffer, what: string): void => {
      try {
        const read = readBlock(new AvroCursor(message), 1000);
        for (let index = 0; index < read.size; index++) read.headers(index);
        assert.ok(read.byteLength <= message.length, what);
      } catch (error) {
        assert.ok(error instanceof AvroFormatError || error instanceof TooManyEventsError, `${what}: ${String(error)}`);
      }
    };
    for (let length = 0; length < whole.length; length++) {
      assert.throws(() => readBlock(new AvroCursor(whole.subarray(0, length)), 1000), AvroFormatError, `${length} bytes`);
    }
    for (let at = 0; at < whole.length; at++) {
      for (const value of [0, 1, 2, 0x7f, 0x80, 0xff]) {
        const changed = Buffer.from(whole);
        changed[at] = value;
        tryOut(changed, `byte ${at} is ${value}`);
      }
    }
    assert.throws(() => readBlock(new AvroCursor(Buffer.concat([whole, Buffer.alloc(1)])), 1000), AvroFormatError);
  });

  test('N18 four thousand million events of nothing take no memory', () => {
    const head = Buffer.alloc(10);
    head[1] = 2;
    head.writeUInt32LE(2 ** 32 - 1, 2);
    assert.throws(() => readBlock(new AvroCursor(head), 2 ** 33), AvroFormatError);
  });
});

function encoded(batch: Batch): Buffer {
  const writer = new AvroWriter(16);
  const bodies = writeBlock(writer, batch);
  return Buffer.concat([writer.view(0), bodies]);
}

function facts(batch: Batch): unknown {
  return [...batch].map(({ headers: own, body }) => [[...own], body.toString('latin1')]);
}
