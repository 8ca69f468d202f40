import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import { joinCrc } from '../../../../sinks/s3/crc-join.ts';

test('the checksum of two pieces is that of the whole', () => {
  const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, index) => (index * 31) ^ (index >> 3)));
  for (const cut of [0, 1, 7, 255, 256, 4096, 65_537, 70_000]) {
    const [a, b] = [bytes.subarray(0, cut), bytes.subarray(cut)];
    assert.equal(joinCrc(crc32(a), crc32(b), b.length), crc32(bytes), String(cut));
  }
});
