import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bar, duration, eventLine, rows, size } from '../../../../agent/channel-tools/words.ts';

test('sizes and times are said as people say them', () => {
  assert.deepEqual([0, 999, 1000, 1499, 99_400, 123_456, 999_400, 999_999, 16_777_216, 5e12, 5e15].map(size), ['0 B', '999 B', '1.0 KB', '1.5 KB', '99.4 KB', '123 KB', '999 KB', '1.0 MB', '16.8 MB', '5.0 TB', '5000 TB']);
  assert.deepEqual([-5, 400, 59_000, 60_000, 3_599_000, 3_600_000, 5_400_000, 86_400_000, 97_200_000].map(duration), ['0 s', '0 s', '59 s', '1 min', '59 min', '1 h', '1 h 30 min', '1 d', '1 d 3 h']);
});

test('a bar and rows are lined up', () => {
  assert.deepEqual([-1, 0, 0.5, 1, 2].map((part) => bar(part, 4)), ['----', '----', '##--', '####', '####']);
  assert.equal(rows([['a', '1'], ['longer', '2'], ['absent', undefined]]), '  a       1\n  longer  2\n');
});

test('X14 an event is one line, whatever it holds', () => {
  assert.equal(eventLine({ number: 7, headers: { a: 'b\n', 'c\u001b[2J': 'd' }, body: 'x\r\ny\u001b]0;t\u0007' }), '7  {a=b\\n, c\\u001b[2J=d} x\\r\\ny\\u001b]0;t\\u0007\n');
  assert.equal(eventLine({ headers: {}, base64: '/w==', bytes: 70_000 }), '(base64) /w== (70000 bytes in all)\n');
  assert.ok(eventLine({ headers: { h: 'v'.repeat(5000) }, body: 'b'.repeat(5000) }).length < 500);
});
