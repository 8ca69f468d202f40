import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { TurnBudget } from '../../../core/turn-budget.ts';

test('R4 once its time has passed a turn is spent, and the next one is not', async () => {
  const budget = new TurnBudget(1);
  assert.equal(budget.isSpent, false);
  const began = performance.now();
  while (performance.now() - began < 2);
  assert.equal(budget.isSpent, true);
  await turn();
  assert.equal(budget.isSpent, false);
});

test('a turn with time left is not spent', () => {
  const budget = new TurnBudget(60_000);
  assert.equal(budget.isSpent, false);
  assert.equal(budget.isSpent, false);
});
