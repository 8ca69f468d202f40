import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { indicesOutside, insertRange, meetsRanges, type NumberRange } from '../../../core/number-ranges.ts';

test('ranges are what a set of numbers is, in order and joined', () => {
  const range = fc.tuple(fc.nat(60), fc.integer({ min: 1, max: 9 })).map(([from, length]): NumberRange => [from, from + length]);
  fc.assert(
    fc.property(fc.array(range, { maxLength: 12 }), range, (inserted, [from, to]) => {
      const ranges: NumberRange[] = [];
      const numbers = new Set<number>();
      for (const [begin, end] of inserted) {
        insertRange(ranges, begin, end);
        for (let number = begin; number < end; number++) numbers.add(number);
      }
      assert.deepEqual(ranges.flatMap(([begin, end]) => Array.from({ length: end - begin }, (_, index) => begin + index)), [...numbers].sort((a, b) => a - b));
      assert.ok(ranges.every(([begin], index) => index === 0 || begin > (ranges[index - 1] as NumberRange)[1]));
      const asked = Array.from({ length: to - from }, (_, index) => from + index);
      assert.equal(meetsRanges(ranges, from, to), asked.some((number) => numbers.has(number)));
      const outside = indicesOutside(ranges, [[from, to]]);
      assert.deepEqual(outside && [...outside], meetsRanges(ranges, from, to) ? asked.flatMap((number, index) => (numbers.has(number) ? [] : [index])) : undefined);
    }),
  );
});
