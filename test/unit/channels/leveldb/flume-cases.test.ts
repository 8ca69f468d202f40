import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { DurableChannel } from '../../../../channels/leveldb/channel.ts';
import { fileChannel } from '../../../../channels/leveldb/index.ts';
import { LevelStore } from '../../../../channels/leveldb/level-store.ts';
import type { Batch } from '../../../../core/batch.ts';
import type { Channel, Transaction } from '../../../../core/component.ts';
import { ChannelFullError } from '../../../../core/errors.ts';
import { storeFiles, type StoreFiles } from '../../../../io/store-files.ts';
import { batchOf, bodiesOf, create, FakeContext, isOpen, never, takeNow } from '../../../conformance/fakes.ts';

interface Place {
  readonly directory: string;
  readonly context: FakeContext;
  /** A started channel on the directory. */
  open(settings?: { readonly capacity?: number; readonly transactionCapacity?: number; readonly keepAliveMs?: number; readonly segmentBytes?: number }, files?: StoreFiles): Promise<DurableChannel>;
}

function place(t: TestContext): Place {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-flume-cases-'));
  const open = new Set<Channel>();
  t.after(async () => {
    for (const channel of open) await channel.stop();
    rmSync(directory, { recursive: true, force: true });
  });
  const context = new FakeContext();
  return {
    directory,
    context,
    async open({ capacity = 1000, transactionCapacity = 1000, keepAliveMs = 0, segmentBytes = 1 << 20 } = {}, files = storeFiles) {
      const settings = {
        dataDirectory: join(directory, 'data'), checkpointDirectory: join(directory, 'checkpoint'), unusedDirectories: [],
        capacity, transactionCapacity, keepAliveMs, segmentBytes, requiredBytes: 0, reserveBytes: 0, syncIntervalMs: 0,
      };
      const channel = new DurableChannel(context, { store: (path) => new LevelStore(path), files, settings });
      await channel.start();
      open.add(channel);
      return channel;
    },
  };
}

const letters = (count: number): Batch => batchOf(...Array.from({ length: count }, (_, index) => `event ${index}`));

async function all(channel: Channel): Promise<string[]> {
  const found: string[] = [];
  while (channel.status().size > 0) {
    const loan = (await channel.take(100, AbortSignal.timeout(5000))) as Transaction;
    found.push(...bodiesOf(loan.batch));
    await loan.commit();
  }
  return found;
}

const texts = (count: number): string[] => bodiesOf(letters(count));

describe("cases of Flume's own file channel", () => {
  test('FC-02 an empty channel lends nothing; five puts of one and one of five all come back', async (t) => {
    const channel = await place(t).open();
    assert.equal(await takeNow(channel, 10), undefined);
    for (let index = 0; index < 5; index++) await channel.put(batchOf(`single ${index}`), never);
    await channel.put(letters(5), never);
    assert.deepEqual(await all(channel), [...Array.from({ length: 5 }, (_, index) => `single ${index}`), ...texts(5)]);
  });

  test('FC-04 a full channel of which one was taken and given back takes nothing, and keeps its five', async (t) => {
    const channel = await place(t).open({ capacity: 5, transactionCapacity: 5 });
    await channel.put(letters(5), never);
    await (await channel.take(1, never))?.rollback();
    await assert.rejects(channel.put(batchOf('six'), never), ChannelFullError);
    assert.deepEqual(await all(channel), texts(5));
  });

  test('FC-05 a put that waits for room gets it when an event is taken; a restart finds all', async (t) => {
    const here = place(t);
    const channel = await here.open({ capacity: 10, keepAliveMs: 10_000 });
    await channel.put(letters(10), never);
    const waiting = channel.put(batchOf('late'), never);
    assert.ok(await isOpen(waiting));
    await (await channel.take(1, never))?.commit();
    await waiting;
    await channel.stop();
    assert.deepEqual(await all(await here.open()), [...texts(10).slice(1), 'late']);
  });

  test('FC-09 events lent to two sinks when the channel stops are all there again', async (t) => {
    const here = place(t);
    const channel = await here.open();
    await channel.put(letters(5), never);
    await channel.take(2, never);
    await channel.take(3, never);
    await channel.stop();
    assert.deepEqual(await all(await here.open()), texts(5));
  });

  test('FC-10 FC-12 what overlapping puts stored is there once after each restart', async (t) => {
    const here = place(t);
    const channel = await here.open();
    await Promise.all([channel.put(batchOf('a', 'b', 'c'), never), channel.put(batchOf('d', 'e', 'f'), never)]);
    await channel.stop();
    await (await here.open()).stop();
    assert.deepEqual(await all(await here.open()), ['a', 'b', 'c', 'd', 'e', 'f']);
  });

  test('FC-11 an event that was committed does not come back, the others do', async (t) => {
    const here = place(t);
    const channel = await here.open();
    await channel.put(letters(5), never);
    await (await channel.take(1, never))?.commit();
    await channel.stop();
    assert.deepEqual(await all(await here.open()), texts(5).slice(1));
  });

  test('FC-13 files that hold lent events stay until they are committed', async (t) => {
    const here = place(t);
    const channel = await here.open({ segmentBytes: 16 * 1024 });
    const large = Array.from({ length: 15 }, (_, index) => String(index).padEnd(5000, '.'));
    for (const body of large) await channel.put(batchOf(body), never);
    assert.ok(readdirSync(join(here.directory, 'data', 'millrace-records')).length > 3);
    const loan = await channel.take(10, never);
    await channel.put(batchOf('x'.repeat(9000)), never);
    await loan?.rollback();
    assert.deepEqual(await all(channel), [...large, 'x'.repeat(9000)]);
  });

  test('FC-14 a put that failed leaves nothing; what was given back counts', async (t) => {
    const channel = await place(t).open({ capacity: 150 });
    await channel.put(letters(100), never);
    await assert.rejects(channel.put(letters(100), never), ChannelFullError);
    assert.equal(channel.status().size, 100);
    const loan = await channel.take(100, never);
    assert.equal(loan?.batch.size, 100);
    await loan?.rollback();
    assert.equal(channel.status().size, 100);
  });

  test('FC-15 a second channel on the same directories does not start, and leaves the first alone', async (t) => {
    const here = place(t);
    const channel = await here.open();
    await assert.rejects(here.open(), /M135|has it open/);
    await channel.put(letters(3), never);
    assert.deepEqual(await all(channel), texts(3));
  });

  test('FC-16 FC-17 FC-29 two changed bytes in a body of 2500: it is not delivered, it is told, and the others come', async (t) => {
    const here = place(t);
    const channel = await here.open();
    for (let index = 0; index < 3; index++) await channel.put(batchOf(String(index).repeat(2500)), never);
    await channel.stop();
    const [name = ''] = readdirSync(join(here.directory, 'data', 'millrace-records'));
    const path = join(here.directory, 'data', 'millrace-records', name);
    const bytes = readFileSync(path);
    const at = bytes.indexOf('1'.repeat(100)) + 1500;
    bytes.write('22', at);
    writeFileSync(path, bytes);
    assert.deepEqual(await all(await here.open()), ['0'.repeat(2500), '2'.repeat(2500)]);
    assert.equal(here.context.counted('EventLostCount'), 1);
  });

  test('FC-31 20 puts at a time share one sync', async (t) => {
    let syncs = 0;
    const counting: StoreFiles = {
      ...storeFiles,
      create: async (path, length) => watched(await storeFiles.create(path, length)),
      open: async (path, how) => watched(await storeFiles.open(path, how)),
    };
    function watched<F extends { sync(): Promise<void> }>(file: F): F {
      const sync = file.sync.bind(file);
      file.sync = () => {
        syncs++;
        return sync();
      };
      return file;
    }
    const channel = await place(t).open({}, counting);
    await channel.put(batchOf('first'), never);
    syncs = 0;
    await Promise.all(Array.from({ length: 20 }, (_, index) => channel.put(batchOf(String(index)), never)));
    assert.equal(syncs, 1);
  });

  test('FC-39 the data directory is deleted under the channel: the next put fails and says so, and the channel goes on in a new one', async (t) => {
    const here = place(t);
    const channel = await here.open();
    await channel.put(letters(3), never);
    rmSync(join(here.directory, 'data'), { recursive: true });
    await assert.rejects(channel.put(batchOf('not stored'), never), /\.records was deleted while it was in use/);
    let stored = false;
    for (const deadline = Date.now() + 10_000; !stored && Date.now() < deadline; ) {
      stored = await channel.put(batchOf('stored'), never).then(() => true, () => false);
      if (!stored) await new Promise((resolve) => setTimeout(resolve, 50));
    }
    // What was in memory is delivered all the same.
    assert.deepEqual(bodiesOf(((await channel.take(3, never)) as Transaction).batch), texts(3));
    await channel.stop();
    // After the end of the process only what is on the disk is there, and what is not is told.
    assert.deepEqual(await all(await here.open()), ['stored']);
    assert.equal(here.context.counted('EventLostCount'), 3);
  });

  test('FC-39 the guard is deleted under the channel: it is written anew before anything is acknowledged', async (t) => {
    const here = place(t);
    const channel = await here.open();
    await channel.put(letters(3), never);
    rmSync(join(here.directory, 'checkpoint'), { recursive: true });
    await channel.put(batchOf('more'), never);
    assert.deepEqual(readdirSync(join(here.directory, 'checkpoint')), ['millrace-guard']);
    await (await channel.take(1, never))?.commit();
    await channel.stop();
    assert.deepEqual(await all(await here.open()), [...texts(3).slice(1), 'more']);
    assert.equal(here.context.counted('EventLostCount'), 0);
  });

  test('FC-42 a ~ in a directory is a name like any other', async () => {
    const channel = await create(fileChannel, { checkpointDir: '~/x', dataDirs: '~/y' }, new FakeContext());
    assert.deepEqual(channel.describe?.().paths, [resolve('~/y'), resolve('~/x')]);
  });
});
