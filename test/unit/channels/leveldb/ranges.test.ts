import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeDone, encodeDone } from '../../../../channels/leveldb/keys.ts';
import { DoneEvents } from '../../../../channels/leveldb/ranges.ts';

test('ranges added in any order end as one head, and in between are what a set of numbers says', () => {
  const pieces = fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { maxLength: 12 }).map((cuts) => [0, ...cuts.toSorted((a, b) => a - b), 61]);
  fc.assert(
    fc.property(pieces, fc.infiniteStream(fc.nat()), (cuts, chance) => {
      const left = cuts.slice(1).map((to, index) => ({ from: cuts[index] as number, to, bytes: 10 * (to - (cuts[index] as number)) }));
      const done = new DoneEvents();
      const numbers = new Set<number>();
      while (left.length > 0) {
        const [range] = left.splice((chance.next().value as number) % left.length, 1);
        assert.ok(range);
        done.add(range);
        for (let number = range.from; number < range.to; number++) numbers.add(number);
        const open = done.open(0, 61).flatMap(({ from, to }) => Array.from({ length: to - from }, (_, index) => from + index));
        assert.deepEqual(open, Array.from({ length: 61 }, (_, number) => number).filter((number) => !numbers.has(number)));
        assert.equal(done.headBytes + done.aboveHead().bytes, 10 * numbers.size);
        assert.equal(done.head + done.aboveHead().events, numbers.size);
        const again = decodeDone(encodeDone(done, 100));
        assert.deepEqual(again, { head: done.head, headBytes: done.headBytes, ranges: done.ranges });
      }
      assert.equal(done.head, 61);
      assert.throws(() => done.add({ from: 60, to: 62, bytes: 0 }), RangeError);
    }),
  );
});
