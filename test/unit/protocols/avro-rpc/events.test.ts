import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Batch } from '../../../../core/batch.ts';
import { AvroCursor, AvroFormatError } from '../../../../protocols/avro-rpc/cursor.ts';
import { readEvents, TooManyEventsError, writeEvents } from '../../../../protocols/avro-rpc/events.ts';
import { AvroWriter } from '../../../../protocols/avro-writer.ts';

const headers = fc.dictionary(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), { maxKeys: 4 });
const events = fc.array(fc.record({ headers, body: fc.uint8Array({ maxLength: 300 }) }), { maxLength: 30 });

describe('events as Avro', () => {
  test('what is written is read again, headers and bodies', () => {
    fc.assert(
      fc.property(events, (list) => {
        const batch = Batch.of(list.map((event) => ({ headers: new Map(Object.entries(event.headers)), body: Buffer.from(event.body) })));
        const read = readEvents(new AvroCursor(encoded(batch)), 1000);
        assert.deepEqual(facts(read), facts(batch));
      }),
    );
  });

  test('headers that came encoded pass on as they are, and are the same when somebody asks', () => {
    const first = Batch.of([
      { headers: new Map([['a', '1']]), body: Buffer.from('x') },
      { headers: new Map([['b', 'zwei']]), body: Buffer.from('y') },
    ]);
    const bytes = encoded(first);
    const read = readEvents(new AvroCursor(bytes), 10);
    assert.equal(read.encodedHeaders(1)?.toString('latin1'), '\x02\x02b\x08zwei\0');
    assert.deepEqual(encoded(read), bytes);
    assert.equal(read.withHeader('c', '3', false).encodedHeaders(1), undefined);
    assert.equal(read.slice(1, 2).header(0, 'b'), 'zwei');
  });

  test('headers that all events share are kept once', () => {
    const shared = new Map([['host', 'a.example'], ['kind', 'x']]);
    const batch = Batch.of(['x', 'yy', ''].map((body) => ({ headers: shared, body: Buffer.from(body) })));
    const read = readEvents(new AvroCursor(encoded(batch)), 10);
    assert.equal(read.hasOwnHeaders, false);
    assert.deepEqual(facts(read), facts(batch));
  });

  test('a block with a negative count is followed by its size, in arrays and in maps', () => {
    // 2 events in a block of 14 bytes; the first has one header in a block of 4 bytes.
    const bytes = Buffer.from('031c 0108 026b 0276 00 0261 00 0262 00'.replaceAll(' ', ''), 'hex');
    assert.deepEqual(facts(readEvents(new AvroCursor(bytes), 10)), [
      { headers: [['k', 'v']], body: 'a' },
      { headers: [], body: 'b' },
    ]);
  });

  test('several blocks make one batch', () => {
    const bytes = Buffer.from('02 00 0261 04 00 0262 00 0263 00'.replaceAll(' ', ''), 'hex');
    assert.deepEqual(facts(readEvents(new AvroCursor(bytes), 10)).map(({ body }) => body), ['a', 'b', 'c']);
  });

  test('N18 counts and lengths that lie are refused before any memory is taken for them', () => {
    for (const hex of ['fcffffff0f', 'feffffff0f', '02fcffffff0f', '0200fcffffff0f', '0200ff', '020001', 'ffffffffffffffffffff', '02']) {
      assert.throws(() => readEvents(new AvroCursor(Buffer.from(hex, 'hex')), 1e9), AvroFormatError, hex);
    }
  });

  test('AV-16 more events than can be stored together are refused as such', () => {
    const batch = Batch.of(Array.from({ length: 3 }, () => ({ headers: new Map<string, string>(), body: Buffer.from('x') })));
    assert.throws(() => readEvents(new AvroCursor(encoded(batch)), 2), TooManyEventsError);
  });

  test('N18 X24 random bytes are either events or an AvroFormatError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          facts(readEvents(new AvroCursor(Buffer.from(bytes)), 1000));
        } catch (error) {
          assert.ok(error instanceof AvroFormatError || error instanceof TooManyEventsError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

function encoded(batch: Batch): Buffer {
  const writer = new AvroWriter(16);
  writeEvents(writer, batch);
  return Buffer.from(writer.view(0));
}

function facts(batch: Batch): { headers: [string, string][]; body: string }[] {
  return Array.from({ length: batch.size }, (_, index) => ({ headers: [...batch.headers(index)], body: batch.body(index).toString('latin1') }));
}
