import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compressSnappy } from '../../../protocols/snappy.ts';
import { decompressSnappy } from './snappy-decoder.ts';

function assertRoundTrip(bytes: Buffer): void {
  const compressed = compressSnappy(bytes);
  assert.ok(decompressSnappy(compressed).equals(bytes));
  assert.ok(compressed.length <= 32 + bytes.length + Math.ceil(bytes.length / 6));
}

test('empty, short and repeated bytes', () => {
  assert.equal(compressSnappy(Buffer.alloc(0)).toString('hex'), '00');
  assert.equal(compressSnappy(Buffer.from('abc')).toString('hex'), '0308616263');
  for (let length = 1; length < 300; length++) assertRoundTrip(Buffer.alloc(length, 'a'));
  assert.ok(compressSnappy(Buffer.alloc(100_000, 'ab')).length < 6000);
});

test('lengths around the size of a piece, with and without repetition', () => {
  let seed = 7;
  const random = Buffer.from(Array.from({ length: 131_100 }, () => (seed = (seed * 1_103_515_245 + 12_345) & 0x7fff_ffff) >> 16));
  for (const length of [59, 60, 61, 62, 255, 256, 257, 65_535, 65_536, 65_537, 131_072, 131_100]) {
    assertRoundTrip(random.subarray(0, length));
    assertRoundTrip(Buffer.from('the quick brown fox, '.repeat(7000).slice(0, length)));
  }
});

test('any bytes come back', () => {
  const pieces = fc.array(fc.tuple(fc.uint8Array({ maxLength: 90 }), fc.integer({ min: 1, max: 30 })), { maxLength: 12 });
  fc.assert(
    fc.property(pieces, (parts) => {
      assertRoundTrip(Buffer.concat(parts.flatMap(([bytes, times]) => Array.from({ length: times }, () => bytes))));
    }),
    { numRuns: 300 },
  );
});
