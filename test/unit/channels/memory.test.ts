import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MemoryQueue } from '../../../channels/memory-queue.ts';
import { memoryChannel, slotsFor } from '../../../channels/memory.ts';
import { Batch } from '../../../core/batch.ts';
import type { Channel, Transaction } from '../../../core/component.ts';
import { ChannelFullError, TooLargeError } from '../../../core/errors.ts';
import { readOptions } from '../../../core/read-options.ts';
import { channelConformance } from '../../conformance/channel.ts';
import { batchOf, bodiesOf, create, FakeContext, isOpen, never, takeNow } from '../../conformance/fakes.ts';

channelConformance('memory', {
  create: async ({ capacity, transactionCapacity, keepAliveMs }) => {
    const { MemoryChannel } = await import('../../../channels/memory.ts');
    return new MemoryChannel({ capacity, transactionCapacity, keepAliveMs, slots: 1_000_000 });
  },
});

const body405 = 'x'.repeat(405);

describe('memory channel', () => {
  test('MEM-01 the same bytes come back that were put', async () => {
    const channel = await make({});
    const batch = batchOf('event');
    await channel.put(batch, never);
    assert.equal((await takeNow(channel, 1))?.batch, batch);
  });

  test('MEM-03 ten put, eleven asked for: ten in order, then nothing', async () => {
    const channel = await make({ capacity: '100', transactionCapacity: '50', 'keep-alive': '1' });
    const bodies = Array.from({ length: 10 }, (_, index) => `e${index}`);
    await channel.put(batchOf(...bodies), never);
    const loan = await takeNow(channel, 11);
    assert.deepEqual(bodiesOf(loan?.batch ?? batchOf()), bodies);
    assert.equal(await takeNow(channel, 1), undefined);
  });

  test('MEM-04 a put that failed left nothing to take', async () => {
    const channel = await make({ capacity: '2', transactionCapacity: '2', 'keep-alive': '0' });
    await channel.put(batchOf('a', 'b'), never);
    await assert.rejects(channel.put(batchOf('c'), never), ChannelFullError);
    await (await takeNow(channel, 2))?.commit();
    assert.equal(await takeNow(channel, 1), undefined);
  });

  test('MEM-05 ten taken and rolled back come again in the same order', async () => {
    const channel = await make({});
    const bodies = Array.from({ length: 10 }, (_, index) => `e${index}`);
    await channel.put(batchOf(...bodies), never);
    await (await takeNow(channel, 10))?.rollback();
    assert.deepEqual(bodiesOf((await takeNow(channel, 10))?.batch ?? batchOf()), bodies);
  });

  test('MEM-06 one more than the capacity is refused, in the words of Flume', async () => {
    const channel = await make({ capacity: '5', transactionCapacity: '5', 'keep-alive': '0' });
    await channel.put(batchOf('a', 'b', 'c', 'd', 'e'), never);
    await assert.rejects(channel.put(batchOf('f'), never), {
      message:
        "Space for commit to queue couldn't be acquired. Sinks are likely not keeping up with sources, or the buffer size is too tight",
    });
  });

  test('MEM-09 more than transactionCapacity in one put is refused at once', async () => {
    const channel = await make({ capacity: '5', transactionCapacity: '2' });
    await assert.rejects(channel.put(batchOf('a', 'b', 'c'), never), TooLargeError);
    assert.equal(channel.status().size, 0);
  });

  test('MEM-10 a second batch that does not fit beside the first is refused', async () => {
    const channel = await make({ capacity: '5', transactionCapacity: '3', 'keep-alive': '0' });
    await channel.put(batchOf('a', 'b', 'c'), never);
    await assert.rejects(channel.put(batchOf('d', 'e', 'f'), never), ChannelFullError);
  });

  test('MEM-11 what a sink committed is room for the next put', async () => {
    const channel = await make({ capacity: '3', transactionCapacity: '3', 'keep-alive': '0' });
    await channel.put(batchOf('a', 'b', 'c'), never);
    await (await takeNow(channel, 2))?.commit();
    await channel.put(batchOf('d', 'e'), never);
    assert.equal(channel.status().size, 3);
  });

  test('MEM-12 a put that failed costs no room', async () => {
    const channel = await make({ capacity: '3', transactionCapacity: '3', 'keep-alive': '0' });
    await channel.put(batchOf('a'), never);
    await assert.rejects(channel.put(batchOf('b', 'c', 'd'), never), ChannelFullError);
    await (await takeNow(channel, 1))?.commit();
    await channel.put(batchOf('b', 'c', 'd'), never);
  });

  test('MEM-13 bytes are counted in slots of 100: two bodies of 405 beside three do not fit into 16 slots', async () => {
    assert.equal(slotsFor(2000, 20), 16);
    const channel = await make({ byteCapacity: '2000', byteCapacityBufferPercentage: '20', 'keep-alive': '0' });
    await channel.put(batchOf(body405, body405, body405), never);
    await assert.rejects(channel.put(batchOf(body405, body405), never), ChannelFullError);
  });

  test('MEM-14 MEM-15 a refused put gives its slots back', async () => {
    assert.equal(slotsFor(1000, 20), 8);
    const channel = await make({ byteCapacity: '2000', 'keep-alive': '0' });
    await channel.put(batchOf(body405), never);
    await assert.rejects(channel.put(batchOf(body405, body405, body405), never), ChannelFullError);
    await (await takeNow(channel, 1))?.commit();
    await channel.put(batchOf(body405, body405, body405), never);
  });

  test('MEM-19 an empty body takes one slot', async () => {
    const channel = await make({ byteCapacity: '1000', 'keep-alive': '0' });
    await channel.put(batchOf(...Array.from({ length: 8 }, () => '')), never);
    await assert.rejects(channel.put(batchOf(''), never), ChannelFullError);
  });

  test('MEM-20 negative capacities are warned of, and the defaults are used', () => {
    const { values, problems } = readOptions(memoryChannel, new Map([['capacity', '-3'], ['transactionCapacity', '-1']]));
    assert.equal(values?.capacity, 100);
    assert.equal(values?.transactionCapacity, 100);
    assert.deepEqual(
      problems.map(({ key, effect }) => [key, effect]),
      [
        ['capacity', 'warn'],
        ['transactionCapacity', 'warn'],
      ],
    );
  });

  test('MEM-21 C22 a capacity below the transaction capacity is an error that states the rule', () => {
    const { values, problems } = readOptions(memoryChannel, new Map([['capacity', '50']]));
    assert.equal(values, undefined);
    assert.match(problems[0]?.sentence ?? '', /100, above the capacity of 50/);
  });

  test('a byteCapacity of 0, or of less than a slot, is no limit', () => {
    assert.equal(slotsFor(0, 20), 2 ** 31 - 1);
    assert.equal(slotsFor(100, 20), 2 ** 31 - 1);
    assert.equal(slotsFor(Number.MAX_SAFE_INTEGER, 0), 2 ** 31 - 1);
  });

  test('C20 a batch whose bodies never fit is told apart from a full channel', async () => {
    const channel = await make({ byteCapacity: '1000' });
    await assert.rejects(channel.put(batchOf('x'.repeat(801)), never), TooLargeError);
    await channel.put(batchOf('x'.repeat(800)), never);
  });

  test('a keep-alive longer than timers go does not end at once', async () => {
    const channel = await make({ capacity: '1', transactionCapacity: '1', 'keep-alive': '2147483647' });
    await channel.put(batchOf('a'), never);
    const put = channel.put(batchOf('b'), never);
    assert.ok(await isOpen(put));
    await (await takeNow(channel, 1))?.commit();
    await put;
  });

  test('R1 a few events do not keep the large chunk alive that they came in', async () => {
    const channel = await make({});
    const chunk = Buffer.alloc(1024 * 1024, 'x');
    await channel.put(Batch.over(chunk, Uint32Array.of(0, 5, 5, 10), 2), never);
    const loan = await takeNow(channel, 2);
    assert.ok((loan?.batch.bytes.buffer.byteLength ?? Infinity) < 1024);
    assert.deepEqual(bodiesOf(loan?.batch ?? batchOf()), ['xxxxx', 'xxxxx']);
  });

  test('small batches are lent together, large ones one by one', async () => {
    const channel = await make({ capacity: '1000', transactionCapacity: '100' });
    for (let index = 0; index < 20; index++) await channel.put(batchOf(`a${index}`), never);
    assert.equal((await takeNow(channel, 20))?.batch.size, 20);
  });

  test('the picture says what would be lost', async () => {
    const { lostOnPowerCut, summary } = (await make({})).describe?.() ?? {};
    assert.equal(lostOnPowerCut, 'every event it holds');
    assert.match(summary ?? '', /up to 100 events/);
  });
});

async function make(properties: Record<string, string>): Promise<Channel> {
  return create(memoryChannel, properties, new FakeContext()) as Promise<Channel>;
}

test('peek shows the oldest events in order, lent ones too, and takes nothing', async () => {
  const channel = await create(memoryChannel, { capacity: '1000', transactionCapacity: '100' }, new FakeContext());
  for (const letters of ['abc', 'de', 'fgh']) await channel.put(batchOf(...letters), never);
  const shown = async (max: number): Promise<string> => [...((await channel.peek?.(max)) ?? [])].map(({ body }) => body.toString()).join('');
  assert.equal(await shown(4), 'abcd');
  const first = await channel.take(2, never);
  const second = await channel.take(2, never);
  assert.equal(await shown(100), 'abcdefgh');
  await first?.rollback();
  assert.equal(await shown(100), 'abcdefgh');
  await second?.commit();
  assert.equal(channel.status().size, 8 - (second?.batch.size ?? 0));
  assert.equal((await shown(100)).length, channel.status().size);
  await channel.put(batchOf('x'.repeat(2 << 20), 'y'), never);
  assert.equal((await channel.peek?.(100))?.size, channel.status().size - 1);
});

test('A2 an event has the same number whenever it is lent, under a name that no other queue has', async () => {
  const queues = [0, 1].map(() => new MemoryQueue({ events: 100, slots: 1000, slotBytes: 100 }, 10));
  const [queue, other] = queues as [MemoryQueue, MemoryQueue];
  for (const bodies of [['a', 'b', 'c'], ['d', 'e']]) await queue.put(batchOf(...bodies), never);
  await other.put(batchOf('x'), never);
  const take = async (from: MemoryQueue, max: number): Promise<Transaction> => (await from.take(max, never)) as Transaction;
  const [first, second] = [await take(queue, 2), await take(queue, 1)];
  const { store } = first.origin ?? assert.fail('without numbers');
  assert.deepEqual(first.origin, { store, spans: [[0, 2]], settled: 0, fleeting: true });
  assert.deepEqual(second.origin, { store, spans: [[2, 3]], settled: 0, fleeting: true });
  assert.notEqual((await take(other, 1)).origin?.store, store);
  await second.rollback();
  await first.commit();
  const rest = await take(queue, 10);
  assert.deepEqual(bodiesOf(rest.batch), ['c', 'd', 'e']);
  assert.deepEqual(rest.origin, { store, spans: [[2, 3], [3, 5]], settled: 2, fleeting: true });
});
