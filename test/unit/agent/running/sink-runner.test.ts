import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SinkRunner } from '../../../../agent/running/sink-runner.ts';
import { MemoryChannel } from '../../../../channels/memory.ts';
import type { Batch } from '../../../../core/batch.ts';
import type { Origin, Sink } from '../../../../core/component.ts';
import { RejectedError } from '../../../../core/errors.ts';
import { eventually } from '../../../conformance/fakes.ts';
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

test('numbers that end with the process are told only to sinks that ask for them', async () => {
  for (const takesFleetingNumbers of [undefined, true] as const) {
    const told: (Origin | undefined)[] = [];
    const { channel, sink, runner } = setUp(async () => undefined);
    await channel.put(batchOf('1'), never);
    const write = async (_batch: Batch, _signal: AbortSignal, origin?: Origin): Promise<void> => void told.push(origin);
    await runner.move({ ...sink, write, ...(takesFleetingNumbers && { takesFleetingNumbers }) }, never);
    assert.deepEqual(told.map((origin) => origin?.fleeting), [takesFleetingNumbers]);
  }
});

describe('several writes at a time', () => {
  interface Gate {
    readonly bodies: readonly string[];
    readonly open: () => void;
    readonly shut: (error: Error) => void;
  }

  async function underWay(most: number, puts: number) {
    const gates: Gate[] = [];
    const parts = setUp((batch) => new Promise((open, shut) => void gates.push({ bodies: bodiesOf(batch), open, shut })));
    const sink: Sink = { ...parts.sink, batchSize: 1, mostWrites: most };
    for (let put = 0; put < puts; put++) await parts.channel.put(batchOf(`${put}`), never);
    const stop = new AbortController();
    const moved: number[] = [];
    const moving = parts.runner.move(sink, stop.signal, undefined, async () => void moved.push(parts.channel.status().size));
    const result = moving.then(
      () => undefined,
      (error: unknown) => error,
    );
    await eventually(() => gates.length === Math.min(most, puts), 'as many writes as may be are under way');
    return { ...parts, gates, result, stop, moved };
  }

  test('as many as the sink wants, committed in the order of the events, whatever the order of the outcomes', async () => {
    const { channel, gates, result, stop, moved, counted } = await underWay(3, 4);
    gates[2]?.open();
    gates[1]?.open();
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(channel.status().size, 4);
    gates[0]?.open();
    await eventually(() => gates.length === 4, 'the fourth begins once there is room');
    assert.deepEqual(moved, [3, 2, 1]);
    stop.abort();
    gates[3]?.open();
    assert.equal(await result, undefined);
    assert.equal(channel.status().size, 0);
    assert.equal(counted.get('EventDrainSuccessCount'), 4);
  });

  test('S1 where one fails, those behind it go back with it, in order, and no other begins', async () => {
    const { channel, gates, result, runner } = await underWay(3, 5);
    gates[0]?.open();
    await eventually(() => gates.length === 4, 'the fourth is under way');
    gates[1]?.shut(new Error('refused'));
    gates[2]?.shut(new Error('closed'));
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(channel.status().size, 4, 'none is given back before all have their outcome');
    gates[3]?.shut(new Error('closed'));
    assert.match(String(await result), /refused/);
    assert.equal(gates.length, 4);
    assert.equal(runner.busySinceMs, undefined);
    assert.deepEqual(await drain(channel), ['1', '2', '3', '4']);
  });

  test('one that was written behind a failure all the same is not written twice', async () => {
    const { channel, gates, result } = await underWay(3, 3);
    gates[1]?.open();
    gates[0]?.shut(new Error('refused'));
    gates[2]?.shut(new Error('closed'));
    assert.match(String(await result), /refused/);
    assert.deepEqual(await drain(channel), ['0', '2']);
  });

  test('G8 writes that hang are given up together, and their events go back in order', async () => {
    const { channel, result, runner, stop } = await underWay(3, 3);
    assert.ok(runner.busySinceMs !== undefined);
    stop.abort();
    runner.giveUp();
    assert.equal(((await result) as Error).name, 'AbortError');
    assert.equal(runner.busySinceMs, undefined);
    assert.deepEqual(await drain(channel), ['0', '1', '2']);
  });

  test('a channel that fails to lend meanwhile: what is under way is finished first', async () => {
    const { channel, gates, result } = await underWay(2, 3);
    channel.take = () => Promise.reject(new Error('store broken'));
    gates[0]?.open();
    await eventually(() => gates.length === 3, 'the third, which was lent before, is under way');
    gates[1]?.open();
    gates[2]?.open();
    assert.match(String(await result), /store broken/);
    assert.equal(channel.status().size, 0);
  });

  test('for a member of a group: one batch, however many the sink would take', async () => {
    const { channel, sink, runner } = setUp(async () => undefined);
    for (const body of ['1', '2', '3', '4']) await channel.put(batchOf(body), never);
    assert.equal(await runner.move({ ...sink, mostWrites: 8 }, never), true);
    assert.equal(channel.status().size, 1);
  });
});
