import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Batch } from '../../../core/batch.ts';
import { BodyTexts, detached } from '../../../interceptors/body-texts.ts';

function textsOf(batch: Batch): string[] {
  const texts = new BodyTexts(batch);
  return Array.from({ length: batch.size }, (_, index) => texts.at(index));
}

test('bodies as text, together or one by one', () => {
  const chunk = Buffer.from('one\ntwo\nthree\n');
  const batch = Batch.over(chunk, Uint32Array.from([0, 3, 4, 7, 8, 13]), 3);
  assert.deepEqual(textsOf(batch), ['one', 'two', 'three']);
  assert.deepEqual(textsOf(batch.select(Uint32Array.from([2, 0]))), ['three', 'one']);
  assert.deepEqual(textsOf(batch.slice(1, 2)), ['two']);
  assert.deepEqual(textsOf(batch.slice(1, 1)), []);
  const mixed = Batch.of(['a', 'é', '\ufefff'].map((text) => ({ body: Buffer.from(text), headers: new Map() })));
  assert.deepEqual(textsOf(mixed), ['a', 'é', '\ufefff']);
});

test('few bodies in many bytes are decoded alone', () => {
  const chunk = Buffer.alloc(1000, 0xff);
  chunk.write('ab', 10);
  chunk.write('c', 900);
  assert.deepEqual(textsOf(Batch.over(chunk, Uint32Array.from([10, 12, 900, 901]), 2)), ['ab', 'c']);
});

test('a detached part lets go of the text it was taken from', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const parts: string[] = [];
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let index = 0; index < 200; index++) {
    const text = Buffer.alloc(100_000, 'ab').toString('latin1');
    parts.push(detached(text.slice(index, index + 20)));
  }
  collect();
  assert.ok(process.memoryUsage().heapUsed - before < 10e6, 'twenty megabytes are kept alive by four kilobytes');
  assert.ok(parts.every((part) => part.length === 20));
});
