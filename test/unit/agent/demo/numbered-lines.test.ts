import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lineOf, settle } from '../../../../agent/demo/numbered-lines.ts';

const file = (...lines: readonly string[]): Buffer => Buffer.from(lines.map((line) => `${line}\n`).join(''));
const numbers = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, index) => lineOf(from + index));

test('what was acknowledged and is in a file is not lost, whether or not more came', () => {
  const account = settle(30, [{ from: 0, to: 10 }, { from: 20, to: 25 }], [file(...numbers(0, 12)), file(...numbers(20, 26))]);
  assert.deepEqual(account, { sent: 30, acknowledged: 15, delivered: 18, duplicate: 0, altered: 0, cut: 0, lost: 0 });
});

test('lost, doubled, altered, invented and cut lines are counted', () => {
  const lines = numbers(0, 10).filter((_, number) => number !== 4);
  lines[2] = lines[2]?.replace('2 ', '2  ') as string;
  const account = settle(10, [{ from: 0, to: 10 }], [file(...lines, ...numbers(7, 9), lineOf(99), ''), Buffer.from(lineOf(5).slice(0, 3))]);
  assert.deepEqual(account, { sent: 10, acknowledged: 10, delivered: 8, duplicate: 2, altered: 3, cut: 1, lost: 2 });
});

test('lines differ in length and fit into a line of the netcat source', () => {
  const lengths = new Set(numbers(0, 2000).map(({ length }) => length));
  assert.ok(lengths.size > 100);
  assert.ok(Math.max(...lengths) < 512);
});
