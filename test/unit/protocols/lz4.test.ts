import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { compressLz4 } from '../../../protocols/lz4.ts';

/** As the format's description says it, and nothing else. */
function decompress(block: Buffer): Buffer {
  const out: number[] = [];
  let at = 0;
  const rest = (length: number): number => {
    if (length < 15) return length;
    let more: number;
    do {
      more = block[at++] as number;
      length += more;
    } while (more === 255);
    return length;
  };
  while (at < block.length) {
    const token = block[at++] as number;
    const literals = rest(token >> 4);
    for (let index = 0; index < literals; index++) out.push(block[at++] as number);
    if (at === block.length) break;
    const offset = block.readUInt16LE(at);
    at += 2;
    const match = rest(token & 15) + 4;
    assert.ok(offset > 0 && offset <= out.length);
    for (let index = 0; index < match; index++) out.push(out[out.length - offset] as number);
  }
  return Buffer.from(out);
}

test('what is compressed comes out again', () => {
  const cases = [
    Buffer.alloc(0),
    Buffer.from('a'),
    Buffer.from('abcdabcdabcd'),
    Buffer.from('abcdabcdabcdabcdabcd'),
    Buffer.alloc(100_000),
    randomBytes(5000),
    Buffer.from('the same line again\n'.repeat(5000)),
    Buffer.concat([randomBytes(70_000), Buffer.from('x'.repeat(300)), randomBytes(300)]),
  ];
  for (const bytes of cases) assert.ok(decompress(compressLz4(bytes)).equals(bytes), `${bytes.length} bytes`);
});

test('repetition becomes small, and the last five bytes are literals', () => {
  const bytes = Buffer.from('0123456789abcdef'.repeat(1000));
  const block = compressLz4(bytes);
  assert.ok(block.length < 200);
  assert.equal(block.subarray(-5).toString(), 'bcdef');
});
