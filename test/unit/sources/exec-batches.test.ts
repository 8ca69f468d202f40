import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LineBatches } from '../../../sources/exec-batches.ts';
import { batchOf, bodiesOf, FakeSourceContext } from '../../conformance/fakes.ts';

void test('EX-15 after a quiet time the first line goes at once by itself, the next by the timer', (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const { tick, batches, delivered } = make(100, 300, (ms) => context.mock.timers.tick(ms));
  batches.add(batchOf('1'));
  assert.deepEqual(delivered(), []);
  tick(300);
  assert.deepEqual(delivered(), [['1']]);
  tick(700);
  batches.add(batchOf('2', '3'));
  assert.deepEqual(delivered(), [['1'], ['2']]);
  tick(299);
  assert.deepEqual(delivered(), [['1'], ['2']]);
  tick(1);
  assert.deepEqual(delivered(), [['1'], ['2'], ['3']]);
});

void test('a full batch goes at once, and a chunk of many lines goes in full batches', (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const { tick, batches, delivered } = make(3, 300, (ms) => context.mock.timers.tick(ms));
  batches.add(batchOf('a'));
  batches.add(batchOf('b', 'c', 'd', 'e', 'f', 'g'));
  assert.deepEqual(delivered(), [
    ['a', 'b', 'c'],
    ['d', 'e', 'f'],
  ]);
  tick(300);
  assert.deepEqual(delivered().at(-1), ['g']);
});

void test('with a batchTimeout of 0 nothing waits', () => {
  const { batches, delivered } = make(3, 0, () => undefined);
  batches.add(batchOf('a', 'b', 'c', 'd'));
  assert.deepEqual(delivered(), [['a', 'b', 'c'], ['d']]);
});

function make(batchSize: number, batchTimeoutMs: number, tickTimers: (ms: number) => void) {
  const context = new FakeSourceContext();
  let nowMs = 1000;
  const batches = new LineBatches(context, { batchSize, batchTimeoutMs, now: () => nowMs }, () => undefined);
  const tick = (ms: number): void => {
    nowMs += ms;
    tickTimers(ms);
  };
  return { batches, tick, delivered: () => context.delivered.map(bodiesOf) };
}
