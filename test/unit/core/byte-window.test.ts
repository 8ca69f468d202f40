import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ByteWindow } from '../../../core/byte-window.ts';

test('R1 readers that wait are resumed in order, and no more of them than there is room for', () => {
  const window = new ByteWindow(100, 50);
  const resumed: string[] = [];
  window.take(120);
  assert.equal(window.isFull, true);
  for (const name of ['a', 'b', 'c']) window.whenRoom(() => resumed.push(name));
  window.giveBack(10);
  assert.deepEqual(resumed, []);
  window.giveBack(50);
  assert.deepEqual(resumed, ['a']);
  window.giveBack(60);
  assert.deepEqual(resumed, ['a', 'b', 'c']);
  assert.equal(window.usedBytes, 0);
});

test('a reader that is gone is not resumed', () => {
  const window = new ByteWindow(10, 10);
  window.take(10);
  const resume = (): never => assert.fail('resumed');
  window.whenRoom(resume);
  window.forget(resume);
  window.giveBack(10);
});
