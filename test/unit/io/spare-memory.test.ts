import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SpareMemory } from '../../../io/spare-memory.ts';

const KIB = 1024;

test('memory comes again once it was given back, to whoever fits in', () => {
  const memory = new SpareMemory();
  const first = memory.take(300 * KIB);
  assert.equal(first.length, 300 * KIB);
  const second = memory.take(300 * KIB);
  assert.notEqual(second.buffer, first.buffer);
  memory.give(first);
  assert.notEqual(memory.take(600 * KIB).buffer, first.buffer);
  const again = memory.take(310 * KIB);
  assert.equal(again.buffer, first.buffer);
  assert.equal(again.length, 310 * KIB);
  assert.notEqual(memory.take(300 * KIB).buffer, first.buffer);
});

test('what is small or large is not kept, nor more than a few', () => {
  const memory = new SpareMemory();
  for (const bytes of [KIB, 3 * KIB * KIB]) {
    const taken = memory.take(bytes);
    memory.give(taken);
    assert.notEqual(memory.take(bytes).buffer, taken.buffer);
  }
  const many = Array.from({ length: 10 }, () => memory.take(100 * KIB));
  for (const bytes of many) memory.give(bytes);
  const kept = Array.from({ length: 10 }, () => memory.take(100 * KIB).buffer).filter((buffer) => many.some((bytes) => bytes.buffer === buffer));
  assert.equal(kept.length, 4);
});
