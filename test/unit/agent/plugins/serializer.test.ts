import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isolating } from '../../../../agent/plugins/serializer.ts';
import { Batch } from '../../../../core/batch.ts';
import type { Serializer } from '../../../../core/component.ts';

/** Rejects bodies that begin with R, throws for those that begin with T; numbers what it wrote. */
function numbering(): Serializer {
  let count = 0;
  let before = 0;
  return {
    canAppend: false,
    begin: () => Buffer.alloc(0),
    end: () => Buffer.alloc(0),
    encode(batch, reject) {
      before = count;
      let text = '';
      for (let index = 0; index < batch.size; index++) {
        const body = batch.body(index).toString();
        if (body.startsWith('T')) {
          count = before;
          throw new TypeError(`no ${body}`);
        }
        if (body.startsWith('R')) reject(index, `not ${body}`);
        else text += `${count++}${body} `;
      }
      return Buffer.from(text);
    },
    undo: () => void (count = before),
  };
}

async function run(serializer: Serializer, ...bodies: string[]): Promise<{ text: string; rejected: [number, string][] }> {
  const rejected: [number, string][] = [];
  const batch = Batch.of(bodies.map((body) => ({ body: Buffer.from(body), headers: new Map<string, string>() })));
  const bytes = await serializer.encode(batch, (index, reason) => rejected.push([index, reason]));
  return { text: bytes.toString(), rejected: rejected.sort(([a], [b]) => a - b) };
}

test('S26 C8.8 events that a plug-in serializer throws for are rejected with the reason, the others are written once, in order', async () => {
  const serializer = isolating(numbering());
  assert.deepEqual(await run(serializer, 'a', 'T1', 'R', 'b', 'T2', 'c'), {
    text: '0a 1b 2c ',
    rejected: [
      [1, 'the serializer failed for it: no T1'],
      [2, 'not R'],
      [4, 'the serializer failed for it: no T2'],
    ],
  });
  assert.deepEqual(await run(serializer, 'd', 'R'), { text: '3d ', rejected: [[1, 'not R']] });
});

test('S26 a serializer that throws for every event is tried again, and nothing is rejected meanwhile', async () => {
  const serializer = isolating(numbering());
  const rejected: number[] = [];
  for (const bodies of [['T1'], ['T1', 'T2']]) {
    const batch = Batch.of(bodies.map((body) => ({ body: Buffer.from(body), headers: new Map<string, string>() })));
    await assert.rejects(async () => serializer.encode(batch, (index) => rejected.push(index)), /no T1/);
  }
  assert.deepEqual(rejected, []);
});
