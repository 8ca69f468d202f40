import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeRanges, encodeRanges, WrittenNumbers } from '../../../../protocols/kafka/written-numbers.ts';

test('numbers that were written are a text of pairs, and back', () => {
  assert.equal(encodeRanges([[0, 1000], [1003, 1010]]), '0+1000 3+7');
  assert.deepEqual(decodeRanges('0+1000 3+7'), [[0, 1000], [1003, 1010]]);
  assert.deepEqual(decodeRanges(encodeRanges([[5, 2 ** 53 - 1]])), [[5, 2 ** 53 - 1]]);
  // Of a group that somebody else uses.
  for (const text of ['', 'hello', '1+', '1+2 ']) assert.deepEqual(decodeRanges(text), []);
});

test('the offset is behind the last number; what was not committed is not kept; too many ranges are refused, settled ones left out first', () => {
  const written = new WrittenNumbers('g');
  const first = written.with([[10, 20]], 0, 't');
  assert.deepEqual(first?.offsets, {
    group: { groupId: 'g', generation: -1, memberId: '', instanceId: null },
    offsets: [{ topic: 't', partition: 0, offset: 20n, leaderEpoch: -1, metadata: '10+10' }],
  });
  assert.deepEqual(written.ranges, []);
  first.keep();
  const single = (from: number, count: number) => Array.from({ length: count }, (_, index): [number, number] => [from + 2 * index, from + 2 * index + 1]);
  const second = written.with(single(100, 900), 0, 't');
  second?.keep();
  assert.equal(written.ranges.length, 901);
  assert.equal(written.with(single(10_000, 900), 100, 't'), undefined);
  written.with(single(10_000, 900), 5000, 't')?.keep();
  assert.deepEqual([written.ranges.length, written.ranges[0]], [900, [10_000, 10_001]]);
});
