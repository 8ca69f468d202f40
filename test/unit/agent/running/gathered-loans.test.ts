import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gatherLoans } from '../../../../agent/running/gathered-loans.ts';
import { MemoryChannel } from '../../../../channels/memory.ts';
import type { Transaction } from '../../../../core/component.ts';
import { batchOf, bodiesOf, drain } from '../fakes.ts';

const never = new AbortController().signal;

async function lentFrom(...puts: readonly (readonly string[])[]): Promise<{ channel: MemoryChannel; first: Transaction }> {
  const channel = new MemoryChannel({ capacity: 100, transactionCapacity: 3, keepAliveMs: 10, slots: 1000 });
  for (const bodies of puts) await channel.put(batchOf(...bodies), never);
  const first = await channel.take(2, never);
  assert.ok(first);
  return { channel, first };
}

test('a loan grows by what the channel has, beyond the capacity of a transaction, and is committed as one', async () => {
  const { channel, first } = await lentFrom(['1', '2', '3'], ['4', '5'], ['6']);
  const all = await gatherLoans(channel, first, 1000, never);
  assert.deepEqual(bodiesOf(all.batch), ['1', '2', '3', '4', '5', '6']);
  await all.commit();
  assert.equal(channel.status().size, 0);
});

test('rolled back, everything is in its place again', async () => {
  const { channel, first } = await lentFrom(['1', '2', '3'], ['4', '5']);
  const all = await gatherLoans(channel, first, 1000, never);
  await channel.put(batchOf('6'), never);
  await all.rollback();
  assert.deepEqual(await drain(channel), ['1', '2', '3', '4', '5', '6']);
});

test('no more bytes than wanted are gathered, and nothing is waited for', async () => {
  const { channel, first } = await lentFrom(['aaaa', 'bbbb', 'cccc'], ['dddd']);
  const some = await gatherLoans(channel, first, 12, never);
  assert.deepEqual(bodiesOf(some.batch), ['aaaa', 'bbbb', 'cccc']);
  await some.rollback();
  const whole = await gatherLoans(channel, (await channel.take(3, never)) as Transaction, 1000, never);
  assert.equal(await gatherLoans(channel, whole, 1000, never), whole);
});

test('a loan that is large enough already stays as it is', async () => {
  const { channel, first } = await lentFrom(['aaaa', 'bbbb', 'cccc']);
  assert.equal(await gatherLoans(channel, first, 4, never), first);
});
