import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Batch } from '../../../../core/batch.ts';
import type { GroupPosition, Origin } from '../../../../core/component.ts';
import type { BatchSender, Rejected } from '../../../../protocols/kafka/batch-sender.ts';
import { ExactlyOnceSender } from '../../../../protocols/kafka/exactly-once-sender.ts';
import type { KafkaProducer } from '../../../../protocols/kafka/producer.ts';
import { TransactionLostError, type GroupOffsets } from '../../../../protocols/kafka/transactions.ts';
import { bodiesOf } from '../../recording-context.ts';

const never = new AbortController().signal;
const batchOf = (from: number, to: number): Batch => Batch.of(Array.from({ length: to - from }, (_, index) => ({ body: Buffer.from(String(from + index)), headers: new Map() })));
const originOf = (...spans: [number, number][]): Origin => ({ store: 's', spans, settled: 0 });

/** Brokers that keep what was committed. `ending` decides what becomes of each end of a transaction, and what the writer is told. */
function brokers(ending: (commit: boolean) => 'done' | 'lost before' | 'lost after' = () => 'done') {
  const committed: string[] = [];
  const offsets = new Map<string, GroupOffsets>();
  const begun: string[] = [];
  let open: string[] = [];
  let pending: GroupOffsets | undefined;
  let isOpen = false;
  const transactions = {
    get included() {
      return isOpen ? [{ topic: 't', partition: 0 }] : [];
    },
    commitOffsets: async (given: GroupOffsets) => void (pending = given),
    end: async (commit: boolean) => {
      const outcome = ending(commit);
      if (commit && outcome !== 'lost before') {
        committed.push(...open);
        if (pending) offsets.set(pending.group.groupId, pending);
      }
      [open, pending, isOpen] = [[], undefined, false];
      if (outcome !== 'done') throw new TransactionLostError('nobody knows');
    },
  };
  const coordinators = {
    ask: async (_kind: string, groupId: string) => {
      const own = offsets.get(groupId)?.offsets ?? [];
      return { topics: [{ name: 't', partitions: own.map(({ partition, offset, metadata }) => ({ partitionIndex: partition, committedOffset: offset, metadata })) }], groups: [] };
    },
  };
  const producer = {
    coordinators: () => coordinators,
    checkCluster: async (id: string) => assert.equal(id, 'c'),
    beginTransactions: async (_coordinators: unknown, id: string) => {
      begun.push(id);
      [open, pending, isOpen] = [[], undefined, false];
      return transactions;
    },
  };
  const rejects = new Set<string>();
  const sender = {
    send: async (batch: Batch): Promise<Rejected[]> => {
      const bodies = bodiesOf(batch);
      const rejected = bodies.flatMap((body, index) => (rejects.has(body) ? [{ index, reason: 'never' }] : []));
      open.push(...bodies.filter((body) => !rejects.has(body)));
      isOpen = open.length > 0;
      return rejected;
    },
  };
  const make = (allOrNothing = false) => new ExactlyOnceSender(producer as unknown as KafkaProducer, sender as unknown as BatchSender, { idOf: ({ origin }) => `id-${origin?.store}`, allOrNothing });
  return { make, committed, offsets, begun, rejects };
}

test('S9 whatever becomes of a transaction, and whatever the writer is told, each event is there once', async () => {
  for (const outcome of ['lost before', 'lost after'] as const) {
    let ends = 0;
    const { make, committed, begun } = brokers((commit) => (commit && ++ends === 2 ? outcome : 'done'));
    const sender = make();
    await sender.send(batchOf(0, 3), { origin: originOf([0, 3]) }, never);
    await assert.rejects(sender.send(batchOf(3, 6), { origin: originOf([3, 6]) }, never), TransactionLostError);
    // A transaction that is left open would keep readers waiting.
    assert.equal(begun.length, 2);
    await sender.send(batchOf(3, 8), { origin: originOf([3, 8]) }, never);
    await make().send(batchOf(0, 9), { origin: originOf([0, 9]) }, never);
    assert.deepEqual(committed, ['0', '1', '2', '3', '4', '5', '6', '7', '8'], outcome);
  }
});

test('rejected events are told with their places in the batch, and tried again when they come again', async () => {
  const { make, committed, rejects } = brokers();
  rejects.add('4');
  const sender = make();
  await sender.send(batchOf(0, 3), { origin: originOf([0, 3]) }, never);
  const told = await sender.send(batchOf(1, 6), { origin: originOf([1, 6]) }, never);
  assert.deepEqual(told.map(({ index }) => index), [3]);
  rejects.clear();
  await make().send(batchOf(1, 6), { origin: originOf([1, 6]) }, never);
  assert.deepEqual(committed, ['0', '1', '2', '3', '5', '4']);
});

test('a group moves on with what was written, stays where an event was rejected, and a channel writes nothing of such a batch', async () => {
  const group: GroupPosition = { cluster: 'c', group: { groupId: 'g', generation: 2, memberId: 'm', instanceId: null }, offsets: [{ topic: 'in', partition: 1, offset: 7n, leaderEpoch: 0 }] };
  const { make, committed, offsets, rejects } = brokers();
  await make().send(batchOf(0, 2), { group }, never);
  assert.deepEqual([committed.splice(0), offsets.get('g')], [['0', '1'], group]);
  offsets.clear();
  rejects.add('3');
  assert.equal((await make().send(batchOf(2, 4), { group }, never)).length, 1);
  assert.deepEqual([committed.splice(0), offsets.size], [['2'], 0]);
  assert.equal((await make(true).send(batchOf(2, 4), { group }, never)).length, 1);
  assert.deepEqual(committed, []);
});

test('writes wait for one another, also for one that was given up', async () => {
  const { make, committed } = brokers();
  const sender = make();
  await Promise.all([sender.send(batchOf(0, 3), { origin: originOf([0, 3]) }, never), sender.send(batchOf(0, 5), { origin: originOf([0, 5]) }, never)]);
  assert.deepEqual(committed, ['0', '1', '2', '3', '4']);
});
