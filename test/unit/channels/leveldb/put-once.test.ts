import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileChannel } from '../../../../channels/leveldb/index.ts';
import { memoryChannel } from '../../../../channels/memory.ts';
import { Batch } from '../../../../core/batch.ts';
import type { Channel } from '../../../../core/component.ts';
import { batchOf, bodiesOf, create, FakeContext, never, takeNow } from '../../../conformance/fakes.ts';

const folders: string[] = [];
after(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

/** Of a store that is in use, files of which come and go. */
async function copyOf(folder: string): Promise<string> {
  for (let tries = 1; ; tries++) {
    const copy = await newFolder();
    try {
      await cp(folder, copy, { recursive: true });
      return copy;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || tries === 20) throw error;
    }
  }
}

describe('the durable channel puts events of another agent once', () => {
  test('A2 over a restart, whether the events are still held or delivered long ago', async () => {
    const folder = await newFolder();
    const { channel } = await open(folder);
    await channel.put(numbered(0, 10), never);
    await channel.put(numbered(10, 20), never);
    const loan = await takeNow(channel, 8);
    await loan?.commit();
    await channel.stop();
    const { channel: again, context } = await open(folder);
    await again.put(numbered(5, 22), never);
    assert.equal(context.counted('EventRepeatedCount'), 15);
    assert.deepEqual(await all(again), bodies(8, 22));
    await again.stop();
  });

  for (const waitMs of [0, 250]) {
    test(`A2 after kill -9, ${waitMs} ms after the last put`, async () => {
      const folder = await newFolder();
      const { channel } = await open(folder);
      await channel.put(numbered(0, 10), never);
      await (await takeNow(channel, 4))?.commit();
      await channel.put(numbered(10, 30), never);
      await (await takeNow(channel, 100))?.commit();
      await channel.put(numbered(30, 40), never);
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      const killed = await copyOf(folder);
      await channel.stop();
      const { channel: again, context } = await open(killed);
      await again.put(numbered(0, 45), never);
      const held = await all(again);
      assert.deepEqual(new Set(held), new Set([...bodies(30, 45), ...held]));
      assert.equal(held.length, new Set(held).size);
      assert.equal(context.counted('EventRepeatedCount'), 40);
      await again.stop();
    });
  }

  test('A2 with the index lost, as far as the records are still there', async () => {
    const folder = await newFolder();
    const { channel } = await open(folder);
    await channel.put(numbered(0, 10), never);
    await channel.stop();
    await rm(join(folder, 'data', 'millrace-index'), { recursive: true });
    const { channel: again, context } = await open(folder);
    await again.put(numbered(0, 12), never);
    assert.equal(context.counted('EventRepeatedCount'), 10);
    assert.deepEqual(await all(again), bodies(0, 12));
    await again.stop();
  });

  test('a loan says below which number nothing comes again', async () => {
    const { channel } = await open(await newFolder());
    await channel.put(numbered(0, 10), never);
    await (await takeNow(channel, 6))?.commit();
    const loan = await takeNow(channel, 2);
    assert.deepEqual(loan?.origin?.spans, [[6, 8]]);
    assert.equal(loan?.origin?.settled, 6);
    await loan?.rollback();
    await channel.stop();
  });

  test('A5 what a power cut could take, whose numbers others would get then, is lent without numbers', async () => {
    const folder = await newFolder();
    const { channel } = await open(folder, { fsyncPerTransaction: 'false', fsyncInterval: '3600' });
    await channel.put(numbered(0, 10), never);
    assert.equal((await takeNow(channel, 6))?.origin, undefined);
    await channel.stop();
    const { channel: again } = await open(folder, { fsyncPerTransaction: 'false', fsyncInterval: '3600' });
    assert.deepEqual((await takeNow(again, 6))?.origin?.spans, [[0, 6]]);
    await again.stop();
  });
});

describe('the names under which numbers of events are told', () => {
  test('a copy of a store and the original, and one that was put back to an older state, lose nothing at a receiver that stores each number once', async () => {
    const folder = await newFolder();
    const receiver = await create(memoryChannel, { capacity: '1000', transactionCapacity: '100' }, new FakeContext());
    await receiver.start();
    const sendAll = async (from: Channel): Promise<void> => {
      for (let loan = await takeNow(from, 7); loan; loan = await takeNow(from, 7)) {
        assert.ok(loan.origin);
        await receiver.put(Batch.numbered(batchOf(...bodiesOf(loan.batch)), loan.origin), never);
        await loan.commit();
      }
    };
    const { channel } = await open(folder);
    await channel.put(plain('both', 10), never);
    const copy = await copyOf(folder);
    await channel.put(plain('original', 10), never);
    await sendAll(channel);
    await channel.stop();
    for (const life of ['copy', 'copied again']) {
      const { channel: other } = await open(copy);
      await other.put(plain(life, 10), never);
      await sendAll(other);
      await other.stop();
      // As it was before.
      await rm(copy, { recursive: true });
      await cp(folder, copy, { recursive: true });
    }
    const got = (await all(receiver)).map((body) => body.replace(/ \d+$/, ''));
    assert.deepEqual(['both', 'original', 'copy', 'copied again'].map((name) => got.filter((one) => one === name).length), [10, 10, 10, 10]);
  });

  test('A2 A5 an event keeps its name and number over restarts, and events of two names are not lent together', async () => {
    const folder = await newFolder();
    const names: (string | undefined)[] = [];
    for (let start = 0; start < 3; start++) {
      const { channel } = await open(folder);
      const loan = await takeNow(channel, 100);
      names.push(loan?.origin?.store);
      assert.deepEqual(loan?.origin?.spans, start === 0 ? undefined : [[0, 10]]);
      await channel.put(plain(`start ${start}`, 10), never);
      await channel.stop();
    }
    assert.equal(names[1], names[2]);
    const { channel } = await open(folder);
    const found: (readonly (readonly [number, number])[] | undefined)[] = [];
    for (let loan = await takeNow(channel, 100); loan; loan = await takeNow(channel, 100)) {
      found.push(loan.origin?.spans);
      names.push(loan.origin?.store);
      await loan.commit();
    }
    assert.deepEqual(found, [[[0, 10]], [[10, 20]], [[20, 30]]]);
    assert.equal(new Set(names.slice(2)).size, 3);
    assert.equal(names[3], names[1]);
    await channel.stop();
  });

  for (const how of ['missing', 'damaged'] as const) {
    test(`names that are ${how}: what waits is lent without numbers, what comes is not`, async () => {
      const folder = await newFolder();
      const path = join(folder, 'data', 'millrace-epochs');
      const { channel } = await open(folder);
      await channel.put(plain('old', 10), never);
      await channel.stop();
      if (how === 'missing') await rm(path);
      else await writeFile(path, (await readFile(path)).map((byte, at) => (at % 4096 === 9 ? byte ^ 1 : byte)));
      const { channel: again, context } = await open(folder);
      assert.match(JSON.stringify(context.log.lines), new RegExp(`millrace-epochs is ${how}: events 0 to 9`));
      await again.put(plain('new', 10), never);
      const old = await takeNow(again, 100);
      assert.deepEqual([old?.batch.size, old?.origin], [10, undefined]);
      assert.deepEqual((await takeNow(again, 100))?.origin?.spans, [[10, 20]]);
      await again.stop();
    });
  }
});

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-once-'));
  folders.push(folder);
  return folder;
}

async function open(folder: string, options: Record<string, string> = {}): Promise<{ channel: Channel; context: FakeContext }> {
  const context = new FakeContext();
  const channel = await create(fileChannel, { checkpointDir: join(folder, 'checkpoint'), dataDirs: join(folder, 'data'), ...options }, context);
  await channel.start();
  return { channel, context };
}

async function all(channel: Channel): Promise<string[]> {
  const found: string[] = [];
  for (let loan = await takeNow(channel, 100); loan; loan = await takeNow(channel, 100)) {
    found.push(...bodiesOf(loan.batch));
    await loan.commit();
  }
  return found;
}

function bodies(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, index) => `event ${from + index}`);
}

function plain(name: string, events: number): Batch {
  return batchOf(...Array.from({ length: events }, (_, index) => `${name} ${index}`));
}

function numbered(from: number, to: number): Batch {
  return Batch.numbered(Batch.of(bodies(from, to).map((body) => ({ body: Buffer.from(body), headers: new Map([['n', body]]) }))), { store: 'elsewhere', spans: [[from, to]] });
}
