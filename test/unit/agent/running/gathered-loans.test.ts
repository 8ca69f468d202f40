import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gatherLoans } from '../../../../agent/running/gathered-loans.ts';
import { MemoryChannel } from '../../../../channels/memory.ts';
import type { Transaction } from '../../../../core/component.ts';
import { SpareMemory } from '../../../../io/spare-memory.ts';
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

test('its memory is used again once it is released, and not before', async () => {
  const memory = new SpareMemory();
  const gather = async (): Promise<Transaction> => {
    const channel = new MemoryChannel({ capacity: 10, transactionCapacity: 3, keepAliveMs: 10, slots: 10_000 });
    for (let put = 0; put < 2; put++) await channel.put(batchOf('x'.repeat(100_000)), never);
    return gatherLoans(channel, (await channel.take(1, never)) as Transaction, 1_000_000, never, memory);
  };
  const kept = await gather();
  await kept.commit();
  const released = await gather();
  assert.notEqual(released.batch.bytes.buffer, kept.batch.bytes.buffer);
  await released.commit(true);
  assert.equal((await gather()).batch.bytes.buffer, released.batch.bytes.buffer);
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

test('loans of one membership in a group have the last offset of each partition; those of two have none', async () => {
  const loanOf = (body: string, generation: number, ...offsets: [number, bigint][]): Transaction => ({
    batch: batchOf(body),
    group: {
      cluster: 'c',
      group: { groupId: 'g', generation, memberId: 'm', instanceId: null },
      offsets: offsets.map(([partition, offset]) => ({ topic: 't', partition, offset, leaderEpoch: 0 })),
    },
    commit: async () => {},
    rollback: async () => {},
  });
  const channelOf = (next: Transaction) => ({ ...new MemoryChannel({ capacity: 1, transactionCapacity: 1, keepAliveMs: 10, slots: 10 }), take: async () => next, status: () => ({ size: 2, capacity: 0, byteLength: 2 }) }) as unknown as MemoryChannel;
  const gather = (first: Transaction, next: Transaction) => gatherLoans(channelOf(next), first, 1000, never);
  const joined = await gather(loanOf('a', 3, [0, 5n], [1, 7n]), loanOf('b', 3, [0, 9n]));
  assert.deepEqual(joined.group?.offsets.map(({ partition, offset }) => [partition, offset]), [[0, 9n], [1, 7n]]);
  assert.equal((await gather(loanOf('a', 3, [0, 5n]), loanOf('b', 4, [0, 9n]))).group, undefined);
});

test('A2 events that are numbered under another name, or not at all, wait for the next write', async () => {
  const numbered = (loan: Transaction, name: string | undefined, number: number): Transaction => ({ ...loan, ...(name !== undefined && { origin: { store: name, spans: [[number, number + 1]] } }) });
  for (const [next, together] of [['a', 2], ['b', 1], [undefined, 1]] as const) {
    const channel = new MemoryChannel({ capacity: 100, transactionCapacity: 1, keepAliveMs: 10, slots: 1000 });
    for (const body of ['1', '2']) await channel.put(batchOf(body), never);
    const first = numbered((await channel.take(1, never)) as Transaction, 'a', 0);
    const lending = { status: () => channel.status(), take: async () => numbered((await channel.take(1, never)) as Transaction, next, 5) } as unknown as MemoryChannel;
    const all = await gatherLoans(lending, first, 1000, never);
    assert.deepEqual(all.origin?.spans, together === 2 ? [[0, 1], [5, 6]] : [[0, 1]]);
    assert.equal(all.batch.size, together);
    await all.commit();
    assert.equal(channel.status().size, 2 - together);
  }
});
