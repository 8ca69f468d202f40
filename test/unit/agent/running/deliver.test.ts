import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { Delivery, type DeliveryParts } from '../../../../agent/running/deliver.ts';
import { MemoryChannel } from '../../../../channels/memory.ts';
import type { Batch } from '../../../../core/batch.ts';
import type { Channel, GroupPosition, Route } from '../../../../core/component.ts';
import { ChannelFullError, RejectedError } from '../../../../core/errors.ts';
import { batchOf, bodiesOf, drain, fakeLog } from '../fakes.ts';

function memory(capacity: number, transactionCapacity = capacity, slots = 1000): MemoryChannel {
  return new MemoryChannel({ capacity, transactionCapacity, keepAliveMs: 10, slots });
}

function delivery(channels: Record<string, Channel>, parts: Partial<DeliveryParts> = {}) {
  const counted = new Map<string, number>();
  const aside: string[] = [];
  const log = fakeLog();
  const names = Object.keys(channels);
  const made = new Delivery({
    interceptors: [],
    selector: { route: (batch): readonly Route[] => names.map((channel) => ({ channel, batch, optional: false })) },
    channels: new Map(Object.entries(channels)),
    log,
    signal: new AbortController().signal,
    setAside: async (batch: Batch) => void aside.push(...bodiesOf(batch)),
    count: (counter, amount) => void counted.set(counter, (counted.get(counter) ?? 0) + amount),
    ...parts,
  });
  return { made, counted, aside, log };
}

test('C4.13 every required and optional channel of a replicating source gets one event and then a batch of 100', async () => {
  const channels = { a: memory(200), b: memory(200), c: memory(200), d: memory(200) };
  const { made } = delivery(channels, {
    selector: { route: (batch) => ['a', 'b', 'c', 'd'].map((channel, index) => ({ channel, batch, optional: index > 1 })) },
  });
  await made.deliver(batchOf('one'));
  await made.deliver(batchOf(...Array.from({ length: 100 }, (_, index) => `${index}`)));
  for (const channel of Object.values(channels)) assert.equal(channel.status().size, 101);
});

test('C4.14 a required channel that is full fails the delivery; the other has the events', async () => {
  const channels = { a: memory(10), b: memory(1) };
  const { made } = delivery(channels);
  await made.deliver(batchOf('first'));
  await assert.rejects(made.deliver(batchOf('second')), ChannelFullError);
  assert.deepEqual([channels.a.status().size, channels.b.status().size], [2, 1]);
});

test('S27 while the first channel is full nothing goes to those behind it, however often the sender tries', async () => {
  const channels = { a: memory(1), b: memory(100) };
  const { made } = delivery(channels);
  await made.deliver(batchOf('first'));
  for (let attempt = 0; attempt < 5; attempt++) await assert.rejects(made.deliver(batchOf('again')), ChannelFullError);
  assert.equal(channels.b.status().size, 1);
});

test('C4.15 S27 an optional channel that is full fails nothing, and what it did not take is counted', async () => {
  const channels = { a: memory(10), b: memory(1) };
  const { made, counted } = delivery(channels, {
    selector: { route: (batch) => [{ channel: 'a', batch, optional: false }, { channel: 'b', batch, optional: true }] },
  });
  await made.deliver(batchOf('first'));
  await made.deliver(batchOf('second'));
  assert.deepEqual([channels.a.status().size, channels.b.status().size], [2, 1]);
  assert.equal(counted.get('EventOptionalDroppedCount'), 1);
});

test('C4.16 events that no route takes are stored nowhere, and are counted', async () => {
  const { made, counted, log } = delivery({ a: memory(10) }, { selector: { route: () => [] } });
  await made.deliver(batchOf('x', 'y'));
  assert.equal(counted.get('EventUnroutedCount'), 2);
  assert.equal(log.lines[0]?.level, 'warn');
});

test('C7.20 interceptors run in order before any channel is touched; what they drop is a success', async () => {
  const channel = memory(10);
  const { made } = delivery({ a: channel }, {
    interceptors: [
      { intercept: (batch) => batch.withHeader('h', '1', false) },
      { intercept: (batch) => (batch.header(0, 'h') === '1' && batch.body(0).toString() === 'keep' ? batch : batch.slice(0, 0)) },
    ],
  });
  await made.deliver(batchOf('drop'));
  await made.deliver(batchOf('keep'));
  assert.deepEqual(await drain(channel), ['keep']);
});

test('an interceptor that throws fails the delivery and stores nothing', async () => {
  const channel = memory(10);
  const thrower = { intercept: (): Batch => { throw new Error('broken'); } };
  const { made } = delivery({ a: channel }, { interceptors: [thrower] });
  await assert.rejects(made.deliver(batchOf('x')), /broken/);
  assert.equal(channel.status().size, 0);
});

test('a batch above the transaction capacity is put in pieces, in order', async () => {
  const channel = memory(10, 3);
  await delivery({ a: channel }).made.deliver(batchOf('1', '2', '3', '4', '5', '6', '7'));
  assert.deepEqual(await drain(channel), ['1', '2', '3', '4', '5', '6', '7']);
});

test('N8 a delivery that may wait stays pending while the channel is full, keeps the order and repeats nothing where it was stored', async () => {
  const full = memory(2);
  const roomy = memory(100);
  const { made } = delivery({ full, roomy });
  const all = [1, 2, 3, 4, 5, 6].map((number) => made.deliver(batchOf(`${number}`), { wait: true }));
  let settled = false;
  void Promise.all(all).then(() => (settled = true));
  await new Promise((resolve) => setTimeout(resolve, 60));
  assert.equal(settled, false);
  const got: string[] = [];
  while (got.length < 6) {
    got.push(...(await drain(full)));
    await turn();
  }
  await Promise.all(all);
  assert.deepEqual(got, ['1', '2', '3', '4', '5', '6']);
  assert.deepEqual(await drain(roomy), ['1', '2', '3', '4', '5', '6']);
});

test('C20 an event that no empty channel could hold is set aside; the rest of its batch is stored', async () => {
  const channel = memory(10, 10, 3);
  const { made, aside, log } = delivery({ a: channel });
  await made.deliver(batchOf('small', 'x'.repeat(400), 'tiny'));
  assert.deepEqual(await drain(channel), ['small', 'tiny']);
  assert.deepEqual(aside.map((body) => body.length), [400]);
  assert.equal(log.lines[0]?.level, 'error');
});

test('a delivery that waits ends when its source stops', async () => {
  const abort = new AbortController();
  const { made } = delivery({ a: memory(1) }, { signal: abort.signal });
  await made.deliver(batchOf('1'), { wait: true });
  const waiting = made.deliver(batchOf('2'), { wait: true });
  abort.abort();
  await assert.rejects(waiting, { name: 'AbortError' });
});

test('a delivery that waits tells of each put that failed, and pauses no longer than it was told to', async () => {
  const a = memory(1);
  const { made } = delivery({ a });
  await made.deliver(batchOf('first'));
  const refusals: unknown[] = [];
  const waiting = made.deliver(batchOf('second'), { wait: true, longestPauseMs: 5, refused: (error) => void refusals.push(error) });
  while (refusals.length < 20) await turn();
  assert.ok(refusals.every((error) => error instanceof ChannelFullError));
  const loan = await a.take(1, AbortSignal.timeout(1000));
  await loan?.commit();
  await waiting;
  assert.equal(a.status().size, 1);
});

test('S26 what an interceptor rejects is set aside as it came to it, and the others go on', async () => {
  const channels = { a: memory(10) };
  const picky = {
    intercept(batch: Batch): Batch {
      const bad = bodiesOf(batch).flatMap((body, index) => (body.startsWith('bad') ? [index] : []));
      if (bad.length > 0) throw new RejectedError(bad, 'it is bad', { details: bad.map((index) => ({ reason: `bad number ${index}` })) });
      return batch.withHeader('seen', 'yes', false);
    },
  };
  const mark = { intercept: (batch: Batch) => batch.withHeader('first', 'yes', false) };
  const reasons: unknown[] = [];
  const { made, counted } = delivery(channels, {
    interceptors: [mark, picky],
    setAside: async (batch, reason, details) => void reasons.push(bodiesOf(batch), batch.header(0, 'first'), reason, details),
  });
  await made.deliver(batchOf('1', 'bad2', '3', 'bad4'));
  assert.deepEqual(reasons, [['bad2', 'bad4'], 'yes', 'it is bad', [{ reason: 'bad number 1' }, { reason: 'bad number 3' }]]);
  assert.equal(counted.get('EventRejectedCount'), 2);
  await made.deliver(batchOf('bad'));
  assert.deepEqual(await drain(channels.a), ['1', '3']);
});

test('the position of a group goes with a batch that one channel stores whole, and such a put is not repeated; it goes with no part of one', async () => {
  const group: GroupPosition = { cluster: 'c', group: { groupId: 'g', generation: 1, memberId: 'm', instanceId: null }, offsets: [] };
  const puts: [string[], GroupPosition | undefined][] = [];
  let failure: Error | undefined;
  const take = (batch: Batch, position?: GroupPosition): Promise<void> => {
    puts.push([bodiesOf(batch), position]);
    return failure ? Promise.reject(failure) : Promise.resolve();
  };
  const channel = Object.assign(memory(100, 2), { commitsGroups: true, put: (batch: Batch, _signal: AbortSignal, position?: GroupPosition) => take(batch, position) });
  const { made } = delivery({ a: channel });
  let commits = 0;
  const committed = (): void => void commits++;
  await made.deliver(batchOf('1'), { wait: true, group, committed });
  assert.deepEqual(puts.splice(0), [[['1'], group]]);
  assert.equal(commits, 1);
  failure = new Error('unknown outcome');
  await assert.rejects(made.deliver(batchOf('2'), { wait: true, group }), failure);
  assert.equal(puts.splice(0).length, 1);
  failure = undefined;
  await made.deliver(batchOf('3', '4', '5'), { wait: true, group, committed });
  assert.equal(commits, 1);
  assert.deepEqual(puts.splice(0), [[['3', '4'], undefined], [['5'], undefined]]);
  await delivery({ a: channel, b: memory(10) }).made.deliver(batchOf('6'), { wait: true, group });
  assert.deepEqual(puts.splice(0), [[['6'], undefined]]);
});
