import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SinkRunner } from '../../../../agent/running/sink-runner.ts';
import { MemoryChannel } from '../../../../channels/memory.ts';
import type { Batch } from '../../../../core/batch.ts';
import type { Sink } from '../../../../core/component.ts';
import { RejectedError } from '../../../../core/errors.ts';
import { batchOf, bodiesOf, drain, fakeLog } from '../fakes.ts';

const never = new AbortController().signal;

function setUp(write: (batch: Batch, signal: AbortSignal) => Promise<void>, setAside?: (batch: Batch) => Promise<void>) {
  const channel = new MemoryChannel({ capacity: 100, transactionCapacity: 100, keepAliveMs: 10, slots: 1000 });
  const counted = new Map<string, number>();
  const aside: string[] = [];
  const sink: Sink = { batchSize: 3, start: async () => undefined, stop: async () => undefined, write };
  const runner = new SinkRunner({
    channel,
    log: fakeLog(),
    countsBatches: true,
    count: (counter, amount) => void counted.set(counter, (counted.get(counter) ?? 0) + amount),
    setAside: setAside ?? (async (batch) => void aside.push(...bodiesOf(batch))),
  });
  return { channel, counted, aside, sink, runner };
}

test('a batch is taken, written and committed', async () => {
  const written: string[] = [];
  const { channel, counted, sink, runner } = setUp(async (batch) => void written.push(...bodiesOf(batch)));
  await channel.put(batchOf('1', '2', '3', '4'), never);
  assert.equal(await runner.move(sink, never), true);
  assert.equal(await runner.move(sink, never), true);
  assert.deepEqual(written, ['1', '2', '3', '4']);
  assert.equal(channel.status().size, 0);
  assert.deepEqual(
    ['EventDrainAttemptCount', 'EventDrainSuccessCount', 'BatchCompleteCount', 'BatchUnderflowCount'].map((name) => counted.get(name)),
    [4, 4, 1, 1],
  );
});

test('S1 what a sink did not accept goes back in front, in order', async () => {
  const { channel, counted, sink, runner } = setUp(() => Promise.reject(new Error('refused')));
  await channel.put(batchOf('1', '2', '3', '4'), never);
  await assert.rejects(runner.move(sink, never), /refused/);
  assert.equal(counted.get('EventWriteFail'), 1);
  assert.deepEqual(await drain(channel), ['1', '2', '3', '4']);
});

test('S26 events rejected for good are set aside, and the others of their batch are committed', async () => {
  const { channel, counted, aside, sink, runner } = setUp(() => Promise.reject(new RejectedError([1], 'no schema')));
  await channel.put(batchOf('1', 'bad', '3'), never);
  assert.equal(await runner.move(sink, never), true);
  assert.deepEqual(aside, ['bad']);
  assert.equal(counted.get('EventRejectedCount'), 1);
  assert.equal(channel.status().size, 0);
});

test('S26 rejected events that cannot be set aside stay in the channel', async () => {
  const { channel, sink, runner } = setUp(
    () => Promise.reject(new RejectedError([0], 'no schema')),
    () => Promise.reject(new Error('ENOSPC')),
  );
  await channel.put(batchOf('bad'), never);
  await assert.rejects(runner.move(sink, never), /ENOSPC/);
  assert.deepEqual(await drain(channel), ['bad']);
});

test('G8 a write that hangs is given up, and its events go back', async () => {
  const { channel, sink, runner } = setUp(() => new Promise(() => undefined));
  await channel.put(batchOf('1'), never);
  const moving = runner.move(sink, never);
  await new Promise((resolve) => setImmediate(resolve));
  runner.giveUp();
  await assert.rejects(moving, { name: 'AbortError' });
  assert.deepEqual(await drain(channel), ['1']);
});

test('an empty channel is left after the wait of a group', async () => {
  const { counted, sink, runner } = setUp(async () => undefined);
  assert.equal(await runner.move(sink, never, 5), false);
  assert.equal(counted.get('BatchEmptyCount'), 1);
});

test('FR-05 a channel that fails to lend is counted, and the failure goes to the runner', async () => {
  const counted = new Map<string, number>();
  const channel = new MemoryChannel({ capacity: 10, transactionCapacity: 10, keepAliveMs: 10, slots: 100 });
  channel.take = () => Promise.reject(new Error('store broken'));
  const runner = new SinkRunner({
    channel,
    log: fakeLog(),
    countsBatches: true,
    count: (counter, amount) => void counted.set(counter, (counted.get(counter) ?? 0) + amount),
    setAside: async () => undefined,
  });
  const sink: Sink = { batchSize: 3, start: async () => undefined, stop: async () => undefined, write: async () => undefined };
  await assert.rejects(runner.move(sink, never), /store broken/);
  assert.equal(counted.get('ChannelReadFail'), 1);
});

test('FR-06 MEM-22 a sink whose batch is larger than a transaction gets what a transaction holds', async () => {
  const written: number[] = [];
  const channel = new MemoryChannel({ capacity: 100, transactionCapacity: 5, keepAliveMs: 10, slots: 100 });
  for (let event = 0; event < 50; event++) await channel.put(batchOf(`${event}`), never);
  const runner = new SinkRunner({ channel, log: fakeLog(), countsBatches: true, count: () => undefined, setAside: async () => undefined });
  const sink: Sink = { batchSize: 1000, start: async () => undefined, stop: async () => undefined, write: async ({ size }) => void written.push(size) };
  while (channel.status().size > 0) await runner.move(sink, never);
  assert.ok(written.every((size) => size <= 5));
  assert.equal(written.reduce((sum, size) => sum + size, 0), 50);
});
