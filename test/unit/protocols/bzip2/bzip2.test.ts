import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { compressBzip2 } from '../../../../protocols/bzip2/bzip2.ts';
import { codeLengths } from '../../../../protocols/bzip2/huffman.ts';
import { decompressBzip2 } from './bzip2-decoder.ts';

const SAMPLES: readonly (readonly [name: string, bytes: Buffer])[] = [
  ['nothing', Buffer.alloc(0)],
  ['one byte', Buffer.from('a')],
  ['what repeats itself, so that no order of its rotations is the only one', Buffer.from('abab'.repeat(500))],
  ['runs of three, four and five', Buffer.from('aaabbbbccccc'.repeat(100))],
  ['a run that ends with a block', Buffer.concat([randomBytes(99_970), Buffer.alloc(600, 'x'), Buffer.from('behind')])],
  ['lines that are all alike, over several blocks of what they become', Buffer.alloc(303_000, `${'x'.repeat(100)}\n`)],
  ['every byte', Buffer.from(Array.from({ length: 1024 }, (_, index) => index & 255))],
  ['lines of a log', Buffer.from(Array.from({ length: 3000 }, (_, index) => `${1_700_000_000 + index * 7} GET /page/${(index * 7919) % 1013} 200\n`).join(''))],
];

for (const [name, bytes] of SAMPLES) {
  test(`comes back: ${name}`, async () => assert.ok(decompressBzip2(await compressBzip2(bytes)).equals(bytes)));
}

test('comes back: whatever it is', async () => {
  const some = fc.array(fc.tuple(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 1, max: 300 })), { maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(some, async (runs) => {
      const bytes = Buffer.concat(runs.map(([byte, count]) => Buffer.alloc(count, byte)));
      assert.ok(decompressBzip2(await compressBzip2(bytes)).equals(bytes));
    }),
    { numRuns: 50 },
  );
});

test('no code is longer than readers take, however uneven the symbols are, and all codes together are whole', () => {
  const frequencies = Array.from({ length: 60 }, (_, index) => Math.round(1.6 ** Math.min(index, 40)));
  const lengths = codeLengths(frequencies);
  assert.ok(Math.max(...lengths) <= 17);
  assert.equal(lengths.reduce((sum, length) => sum + 2 ** -length, 0), 1);
});

test('bunzip2 reads it, and two streams one behind the other', { skip: spawnSync('bunzip2', ['--help']).error ? 'there is no bunzip2' : false }, async () => {
  const [first, second] = [SAMPLES[7]?.[1] as Buffer, SAMPLES[3]?.[1] as Buffer];
  const { stdout, status } = spawnSync('bunzip2', ['-c'], { input: Buffer.concat([await compressBzip2(first), await compressBzip2(second)]) });
  assert.equal(status, 0);
  assert.ok(stdout.equals(Buffer.concat([first, second])));
});
