import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ByteWindow } from '../../../core/byte-window.ts';

test('R1 readers that wait are called in order, and no more of them than there is room for', () => {
  const window = new ByteWindow(100);
  const called: string[] = [];
  window.take(120);
  assert.equal(window.isFull, true);
  for (const name of ['a', 'b', 'c']) {
    window.whenRoom(() => {
      called.push(name);
      window.take(50);
    });
  }
  window.giveBack(10);
  assert.deepEqual(called, []);
  window.giveBack(50);
  assert.deepEqual(called, ['a']);
  window.giveBack(60);
  assert.deepEqual(called, ['a', 'b']);
  window.giveBack(50);
  assert.deepEqual(called, ['a', 'b', 'c']);
  assert.equal(window.usedBytes, 100);
});

test('R1 readers that have nothing to read do not keep the others waiting', () => {
  const window = new ByteWindow(100);
  window.take(100);
  let called = 0;
  for (let index = 0; index < 1000; index++) window.whenRoom(() => called++);
  window.giveBack(1);
  assert.equal(called, 1000);
});

test('a reader that waits again inside the call is called at the next room, not for ever', () => {
  const window = new ByteWindow(10);
  window.take(10);
  let called = 0;
  const again = (): void => {
    called++;
    window.whenRoom(again);
  };
  window.whenRoom(again);
  window.giveBack(1);
  assert.equal(called, 1);
  window.giveBack(1);
  assert.equal(called, 2);
});

test('a reader that is gone is not called', () => {
  const window = new ByteWindow(10);
  window.take(10);
  const resume = (): never => assert.fail('called');
  window.whenRoom(resume);
  window.forget(resume);
  window.giveBack(10);
});

test('R1 readers are held at the moment the room is used up, each once', () => {
  const window = new ByteWindow(100);
  const held: string[] = [];
  window.whenFull(() => held.push('a'));
  window.whenFull(() => held.push('b'));
  window.take(99);
  assert.deepEqual(held, []);
  window.take(1);
  window.take(50);
  assert.deepEqual(held, ['a', 'b']);
});
