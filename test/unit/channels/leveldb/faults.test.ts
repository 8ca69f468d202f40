import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { DurableChannel } from '../../../../channels/leveldb/channel.ts';
import type { Transaction } from '../../../../core/component.ts';
import { batchOf, bodiesOf, FakeContext, never } from '../../../conformance/fakes.ts';
import { FaultyDisk } from '../../../conformance/faulty-store.ts';

interface Running {
  readonly channel: DurableChannel;
  readonly context: FakeContext;
  readonly kill: () => void;
}

/** So small that a few puts fill one. */
const SMALL_SEGMENT = 4096 + 1024;
/** So large that a write covers several blocks of the disk. */
const LARGE_SEGMENT = 4096 + 32_768;

async function start(disk: FaultyDisk, { capacity = 1000, segmentBytes = SMALL_SEGMENT, readyBytes = 1_000_000, accountMs = 100 } = {}): Promise<Running> {
  const { store, files, kill } = disk.process();
  const context = new FakeContext();
  const settings = {
    dataDirectory: '/data',
    checkpointDirectory: '/checkpoint',
    unusedDirectories: [],
    capacity,
    transactionCapacity: 100,
    keepAliveMs: 3000,
    requiredBytes: 1024 * 1024,
    reserveBytes: 0,
    syncIntervalMs: 0,
    segmentBytes,
    readyBytes,
    accountMs,
  };
  const channel = new DurableChannel(context, { store: () => store, files, settings });
  await channel.start();
  const end = (): void => {
    kill();
    // Nothing of it reaches the disk; only its timers end.
    void channel.stop();
  };
  return { channel, context, kill: end };
}

async function drain({ channel }: Running): Promise<string[]> {
  const bodies: string[] = [];
  while (channel.status().size > 0) {
    const loan = await channel.take(100, AbortSignal.timeout(5000));
    if (!loan) break;
    bodies.push(...bodiesOf(loan.batch));
    await loan.commit();
  }
  return bodies;
}

/** Puts, takes, commits, rolls back; notes what was acknowledged, refused and committed. */
async function work({ channel }: Running, notes: Notes): Promise<void> {
  for (let round = 0; round < 3; round++) {
    const puts = [1, 2, 3].map((size) => put(channel, size, notes));
    await Promise.all(puts);
    if (channel.status().size === 0) continue;
    const loan = await channel.take(2, AbortSignal.timeout(50));
    if (!loan) continue;
    if (round === 1) await loan.rollback();
    else await commit(loan, notes);
  }
}

interface Notes {
  next: number;
  readonly acknowledged: Set<string>;
  readonly refused: Set<string>;
  readonly committed: Set<string>;
}

function newNotes(): Notes {
  return { next: 0, acknowledged: new Set(), refused: new Set(), committed: new Set() };
}

/** Some are longer than a block of the disk. */
function bodyOf(number: number): string {
  return `event ${number}${number % 7 === 3 ? ` ${'abc'.repeat(1500)}` : ''}`;
}

function numberOf(body: string): number {
  return Number.parseInt(body.slice(6), 10);
}

async function put(channel: DurableChannel, size: number, notes: Notes): Promise<void> {
  const bodies = Array.from({ length: size }, () => bodyOf(notes.next++));
  try {
    await channel.put(batchOf(...bodies), never);
    for (const body of bodies) notes.acknowledged.add(body);
  } catch {
    for (const body of bodies) notes.refused.add(body);
  }
}

async function commit(loan: Transaction, notes: Notes): Promise<void> {
  await loan.commit();
  for (const body of bodiesOf(loan.batch)) notes.committed.add(body);
}

/** All that was acknowledged and not committed comes, in order, once; nothing that was refused comes unless the process died meanwhile. */
function judge(bodies: readonly string[], notes: Notes, died: boolean, what: string): void {
  const wanted = [...notes.acknowledged].filter((body) => !notes.committed.has(body));
  const got = new Set(bodies);
  assert.equal(got.size, bodies.length, `${what}: something came twice: ${bodies.join()}`);
  for (const body of wanted) assert.ok(got.has(body), `${what}: ${body} is lost`);
  for (const body of bodies) {
    assert.ok(!notes.committed.has(body), `${what}: ${body} came again`);
    assert.ok(notes.acknowledged.has(body) || (died && numberOf(body) < notes.next), `${what}: ${body} was refused and came`);
  }
  const numbers = bodies.map(numberOf);
  assert.deepEqual(numbers, numbers.toSorted((a, b) => a - b), `${what}: out of order`);
}

describe('durable channel on a disk that fails', () => {
  for (const [code, readyBytes] of [['EIO', 1_000_000], ['EIO', 100], ['ENOSPC', 1_000_000]] as const) {
    for (const aftermath of ['nothing', 'half', 'everything'] as const) {
      test(`C8 C12 operation n fails with ${code}, for every n, and leaves ${aftermath}, ${readyBytes === 100 ? 'read from disk' : 'from memory'}: nothing acknowledged is lost`, async () => {
        let operations = Infinity;
        let failed = 0;
        for (let n = 1; n <= operations; n++) {
          const disk = new FaultyDisk();
          Object.assign(disk, { code, aftermath, failAt: n });
          const notes = newNotes();
          let running: Running;
          try {
            running = await start(disk, { readyBytes });
          } catch {
            failed++;
            running = await start(disk, { readyBytes });
          }
          await work(running, notes);
          failed += notes.refused.size > 0 ? 1 : 0;
          const bodies = await drain(running);
          judge(bodies, notes, false, `operation ${n} (${disk.operations[n - 1]})`);
          await running.channel.stop();
          assert.deepEqual(disk.violations, []);
          assert.equal(running.context.counted('EventLostCount'), 0, `operation ${n} (${disk.operations[n - 1]}): a loss that was none`);
          if (disk.operations.length < n) operations = n;
          disk.failAt = Infinity;
          const again = await start(disk);
          assert.deepEqual(await drain(again), []);
          assert.deepEqual(again.context.log.complaints, []);
          await again.channel.stop();
        }
        assert.ok(failed > 5, `only ${failed} operations mattered`);
      });
    }
  }

  test('C2 C24 killed at operation n, for every n: what was acknowledged is there, what was lent is back, what was committed stays away', async () => {
    let operations = Infinity;
    for (let n = 1; n <= operations; n++) {
      const disk = new FaultyDisk();
      const notes = newNotes();
      const first = await start(disk);
      disk.failAt = disk.operations.length + n;
      Object.assign(disk, { code: 'DEAD', stays: true });
      let ended = false;
      const over = (): void => {
        ended = true;
      };
      void work(first, notes).then(over, over);
      while (!ended && disk.operations.length < disk.failAt) await new Promise((resolve) => setImmediate(resolve));
      if (disk.operations.length < disk.failAt) operations = n;
      first.kill();
      disk.failAt = Infinity;
      const second = await start(disk);
      judge(await drain(second), notes, true, `killed at operation ${n}`);
      assert.deepEqual(second.context.log.complaints, []);
      await second.channel.stop();
    }
    assert.ok(operations > 10);
  });

  test('C3 C4 a power cut leaves any part of the last write, which was never acknowledged: nothing of it is told as lost', async () => {
    // Two records in one write.
    const large = { segmentBytes: 1024 * 1024 };
    const second = 4096 + 106_496;
    for (const kept of [[4096, second], [second, 300_000], [8192, 300_000], [0, 300_000], [0, 0]] as const) {
      const disk = new FaultyDisk();
      const running = await start(disk, large);
      await running.channel.put(batchOf('first'), never);
      const path = [...disk.files.keys()].find((name) => name.endsWith('.records')) as string;
      const durable = Buffer.from((disk.files.get(path) as { durable: Buffer }).durable);
      Object.assign(disk, { failAt: disk.operations.length + 2, code: 'DEAD', stays: true });
      const puts = ['a', 'b'].map((letter) => running.channel.put(batchOf(letter.repeat(100_000)), never));
      await Promise.allSettled(puts);
      running.kill();
      const file = disk.files.get(path) as { bytes: Buffer; durable: Buffer; pending: unknown[] };
      assert.ok(!file.bytes.equals(durable), 'nothing was written');
      file.bytes.copy(durable, kept[0], kept[0], kept[1]);
      Object.assign(file, { bytes: durable, durable, pending: [] });
      disk.failAt = Infinity;
      const again = await start(disk, large);
      assert.equal(again.context.counted('EventLostCount'), 0, `bytes ${kept.join(' to ')} of the write`);
      await again.channel.put(batchOf('last'), never);
      const bodies = await drain(again);
      assert.deepEqual([bodies[0], bodies.at(-1)], ['first', 'last']);
      await again.channel.stop();
      const third = await start(disk, large);
      assert.deepEqual(await drain(third), []);
      await third.channel.stop();
    }
  });

  test('C12 the sync of the account fails while a write is under way: what that write stores stays stored', async () => {
    const disk = new FaultyDisk();
    const notes = newNotes();
    const running = await start(disk, { accountMs: 1, readyBytes: 100 });
    let syncs = 0;
    disk.failing = (name) => name === 'sync guard' && ++syncs % 4 === 0;
    const putters = Array.from({ length: 3 }, async () => {
      for (let round = 0; round < 60; round++) {
        await put(running.channel, 2, notes);
        // What is refused is so at once, and the store is open again a moment later.
        if (notes.refused.size > 0) await new Promise((resolve) => setTimeout(resolve, 5));
      }
    });
    for (let ended = false; !ended; ) {
      ended = await Promise.race([Promise.all(putters).then(() => true), new Promise<boolean>((resolve) => setTimeout(() => resolve(false), 1))]);
      const loan = await running.channel.take(2, AbortSignal.timeout(20));
      if (loan) await commit(loan, notes);
    }
    disk.failing = undefined;
    assert.ok(notes.acknowledged.size > 20, `only ${notes.acknowledged.size} were acknowledged`);
    judge(await drain(running), notes, false, `${syncs} syncs of the guard`);
    assert.equal(running.context.counted('EventLostCount'), 0);
    await running.channel.stop();
  });

  test('C16 files are used over and over; nothing of their earlier lives comes back, whenever the process is killed', async () => {
    const disk = new FaultyDisk();
    let next = 0;
    for (let life = 0; life < 20; life++) {
      const notes = { ...newNotes(), next };
      const running = await start(disk, { accountMs: 1 });
      assert.equal(running.channel.status().size, 0);
      for (let round = 0; round < 10 + life; round++) {
        await put(running.channel, 1 + (round % 3), notes);
        for (let left = running.channel.status().size; left > 0; left = running.channel.status().size) await commit((await running.channel.take(100, never)) as Transaction, notes);
        if (round % 4 === 0) await new Promise((resolve) => setTimeout(resolve, 3));
      }
      next = notes.next;
      await put(running.channel, 2, notes);
      next = notes.next;
      running.kill();
      if (life % 2 === 0) disk.cutPower(() => (life % 4 === 0 ? 0.99 : 0));
      const again = await start(disk, { accountMs: 1 });
      const bodies = await drain(again);
      assert.deepEqual(bodies.slice(-2), [next - 2, next - 1].map(bodyOf), `life ${life}`);
      assert.equal(again.context.counted('EventLostCount'), 0);
      assert.deepEqual(again.context.log.complaints, []);
      again.kill();
      next = notes.next;
      const third = await start(disk, { accountMs: 1 });
      assert.deepEqual(await drain(third), []);
      await third.channel.stop();
    }
    const files = [...disk.files.keys()].filter((name) => name.endsWith('.records'));
    assert.ok(files.length <= 6, `${files.length} files`);
  });

  test('C7 disk full: puts fail, sinks drain, puts work again by themselves', async () => {
    const disk = new FaultyDisk();
    const running = await start(disk);
    const notes = newNotes();
    await put(running.channel, 3, notes);
    Object.assign(disk, { code: 'ENOSPC', failAt: 0, stays: true, free: 0 });
    await put(running.channel, 3, notes);
    assert.equal(notes.refused.size, 3);
    Object.assign(disk, { failAt: Infinity });
    assert.deepEqual(await drain(running), [0, 1, 2].map(bodyOf));
    await put(running.channel, 1, notes);
    assert.equal(notes.refused.size, 4);
    disk.free = 1e12;
    const before = notes.acknowledged.size;
    while (notes.acknowledged.size === before) {
      await put(running.channel, 1, notes);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.equal((await drain(running)).length, 1);
    await running.channel.stop();
  });

  test('C3 model: random puts, takes, commits, kills, power cuts and failures lose nothing', async () => {
    const action = fc.oneof(
      { weight: 5, arbitrary: fc.record({ do: fc.constantFrom('put' as const, 'take' as const, 'commit' as const, 'roll back' as const), amount: fc.integer({ min: 1, max: 5 }) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('kill' as const, 'cut' as const, 'fail' as const, 'restart' as const), amount: fc.integer({ min: 1, max: 5 }) }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 40 }), fc.infiniteStream(fc.double({ min: 0, max: 0.99, noNaN: true })), async (actions, chances) => {
        await play(actions, () => chances.next().value as number);
      }),
      { numRuns: Number(process.env['MILLRACE_RUNS'] ?? 150) },
    );
  });
});

async function play(actions: readonly { do: string; amount: number }[], chance: () => number): Promise<void> {
  const disk = new FaultyDisk();
  const notes = newNotes();
  // With little memory most events are read from the disk, while others are written.
  const sizes = { segmentBytes: chance() < 0.5 ? SMALL_SEGMENT : LARGE_SEGMENT, readyBytes: chance() < 0.5 ? 1000 : 1_000_000, accountMs: chance() < 0.5 ? 1 : 100 };
  let running = await start(disk, sizes);
  let loans: Transaction[] = [];
  let pending: Promise<void>[] = [];
  let died = false;
  /** Committed before a power cut. */
  const delivered = new Set<string>();
  for (const { do: what, amount } of actions) {
    if (what === 'put') pending.push(put(running.channel, amount, notes));
    else if (what === 'take') {
      const loan = await running.channel.take(amount, AbortSignal.timeout(2));
      if (loan) loans.push(loan);
    } else if (what === 'commit' || what === 'roll back') {
      const [loan] = loans.splice(amount % Math.max(1, loans.length), 1);
      if (loan) await (what === 'commit' ? commit(loan, notes) : loan.rollback());
    } else if (what === 'fail') {
      Object.assign(disk, { failAt: disk.operations.length + amount, aftermath: (['nothing', 'half', 'everything'] as const)[Math.floor(3 * chance())] ?? 'nothing' });
    } else {
      disk.failAt = Infinity;
      if (what === 'restart') await running.channel.stop();
      running.kill();
      await Promise.all(pending);
      if (what === 'cut') {
        disk.cutPower(chance);
        // Commits are written down at once and synced a moment later: a power cut may bring them back.
        for (const body of notes.committed) delivered.add(body);
        notes.committed.clear();
      }
      died ||= what !== 'restart';
      pending = [];
      loans = [];
      running = await start(disk, sizes);
    }
  }
  disk.failAt = Infinity;
  await Promise.all(pending);
  for (const loan of loans) await loan.rollback();
  const bodies = await drain(running);
  for (const body of notes.acknowledged) if (!notes.committed.has(body) && !bodies.includes(body) && !delivered.has(body)) assert.fail(`${body} is lost`);
  assert.equal(new Set(bodies).size, bodies.length);
  for (const body of bodies) assert.ok(!notes.committed.has(body), `${body} came again`);
  for (const body of bodies) assert.ok(notes.acknowledged.has(body) || (died && notes.refused.has(body)), `${body} was refused and came`);
  await running.channel.stop();
  assert.deepEqual(disk.violations, []);
  assert.equal(running.context.counted('EventLostCount'), 0);
}
