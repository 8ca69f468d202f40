import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileChannel } from '../../../../channels/leveldb/index.ts';
import type { Channel } from '../../../../core/component.ts';
import { ChannelFullError } from '../../../../core/errors.ts';
import { storeFiles, type StoreFile, type StoreFiles } from '../../../../io/store-files.ts';
import { DurableChannel } from '../../../../channels/leveldb/channel.ts';
import { LevelStore } from '../../../../channels/leveldb/level-store.ts';
import { channelConformance, type ChannelLimits } from '../../../conformance/channel.ts';
import { batchOf, bodiesOf, create, FakeContext, never, takeNow } from '../../../conformance/fakes.ts';

const top = mkdtempSync(join(tmpdir(), 'millrace-durable-'));
after(() => rmSync(top, { recursive: true, force: true }));
let count = 0;
const made = new WeakMap<Channel, { directory: string; limits: ChannelLimits }>();

async function open(directory: string, limits: ChannelLimits): Promise<Channel> {
  const settings = {
    dataDirectory: join(directory, 'data'),
    checkpointDirectory: join(directory, 'checkpoint'),
    unusedDirectories: [],
    ...limits,
    requiredBytes: 1024 * 1024,
    reserveBytes: 0,
    syncIntervalMs: 0,
  };
  const channel = new DurableChannel(new FakeContext(), { store: (path) => new LevelStore(path), files: storeFiles, settings });
  await channel.start();
  made.set(channel, { directory, limits });
  return channel;
}

channelConformance('file', {
  create: (limits) => open(join(top, String(count++)), limits),
  reopen: async (channel) => {
    const { directory, limits } = made.get(channel) as { directory: string; limits: ChannelLimits };
    await channel.stop();
    return open(directory, limits);
  },
  modelRuns: 15,
});

describe('file channel', () => {
  async function configured(properties: Record<string, string>): Promise<{ channel: Channel; context: FakeContext; directory: string }> {
    const directory = join(top, String(count++));
    const context = new FakeContext();
    const all = { checkpointDir: join(directory, 'checkpoint'), dataDirs: join(directory, 'data'), minimumRequiredSpace: '0', ...properties };
    const channel = await create(fileChannel, all, context);
    await channel.start();
    return { channel, context, directory };
  }

  test('FC-03 a channel that is full says so in the words of Flume; what is there can be taken', async () => {
    const { channel, context } = await configured({ capacity: '5', transactionCapacity: '5', 'keep-alive': '0' });
    await channel.put(batchOf('a', 'b', 'c', 'd', 'e'), never);
    await assert.rejects(channel.put(batchOf('f'), never), (error: Error) => {
      assert.ok(error instanceof ChannelFullError);
      assert.match(error.message, /^The channel has reached it's capacity/);
      return error.message.endsWith(`[channel=${context.name}]`);
    });
    assert.deepEqual(bodiesOf((await takeNow(channel, 5))?.batch ?? batchOf()), ['a', 'b', 'c', 'd', 'e']);
    await channel.stop();
  });

  test('FC-07 FC-08 an empty channel opens again, empty', async () => {
    const { channel, directory } = await configured({});
    await channel.stop();
    const again = await create(fileChannel, { checkpointDir: join(directory, 'checkpoint'), dataDirs: join(directory, 'data') }, new FakeContext());
    await again.start();
    assert.equal(await takeNow(again, 1), undefined);
    await again.stop();
  });

  test('FC-26 C10 too little room: puts fail in the words of Flume and say what is free and what is required', async () => {
    const { channel, context, directory } = await configured({ minimumRequiredSpace: '9000000000000000' });
    await assert.rejects(channel.put(batchOf('a'), never), /^Error: Usable space exhausted|^ChannelFullError: Usable space exhausted/);
    const [warning] = context.log.lines.filter(({ level }) => level === 'warn');
    assert.equal(warning?.facts.directory, join(directory, 'data'));
    assert.equal(warning?.facts.requiredBytes, 9_000_000_000_000_000 > Number.MAX_SAFE_INTEGER ? Number.MAX_SAFE_INTEGER : 9_000_000_000_000_000);
    await channel.stop();
  });

  test('of several data directories the first is used, and that is said', async () => {
    const directory = join(top, 'several');
    const { channel, context } = await configured({ dataDirs: `${directory}/1, ${directory}/2` });
    assert.ok(existsSync(join(directory, '1')));
    assert.ok(!existsSync(join(directory, '2')));
    assert.ok(context.log.complaints.includes('of several data directories the first is used'));
    await channel.stop();
  });

  test('without fsyncPerTransaction it says what a power cut can lose', async () => {
    const { channel } = await configured({ fsyncPerTransaction: 'false', fsyncInterval: '7' });
    assert.match(channel.describe?.().lostOnPowerCut ?? '', /last 7 s/);
    await channel.put(batchOf('a'), never);
    assert.equal((await takeNow(channel, 1))?.batch.size, 1);
    await channel.stop();
  });

  test('it can be looked into: the oldest events, lent ones included, are shown and stay', async () => {
    const { channel } = await configured({});
    await channel.put(batchOf('a', 'b'), never);
    await channel.put(batchOf('c', 'd').withHeader('k', 'v', false), never);
    await (await takeNow(channel, 1))?.commit();
    await takeNow(channel, 1);
    const shown = await channel.peek?.(2);
    assert.deepEqual(bodiesOf(shown ?? batchOf()), ['b', 'c']);
    assert.equal(shown?.header(1, 'k'), 'v');
    const facts = (await channel.stat?.()) ?? {};
    assert.equal(facts['head'], 1);
    assert.equal(facts['tail'], 4);
    assert.ok(Math.abs(Date.parse(String(facts['oldest'])) - Date.now()) < 60_000);
    assert.equal(channel.status().size, 3);
    await channel.stop();
  });

  test('what is read while more is stored comes whole and in order', async () => {
    const directory = join(top, 'both');
    const limits = { capacity: 100_000, transactionCapacity: 1000, keepAliveMs: 0, readyBytes: 2000, segmentBytes: 64 * 1024 };
    const settings = { dataDirectory: directory, checkpointDirectory: directory, unusedDirectories: [], requiredBytes: 0, reserveBytes: 0, syncIntervalMs: 0, ...limits };
    const channel = new DurableChannel(new FakeContext(), { store: (path) => new LevelStore(path), files: storeFiles, settings });
    await channel.start();
    const putters = Array.from({ length: 4 }, async (_, putter) => {
      for (let round = 0; round < 100; round++) await channel.put(batchOf(...Array.from({ length: 5 }, (_, index) => `${putter} ${5 * round + index} ${'x'.repeat(100)}`)), never);
    });
    const next = [0, 0, 0, 0];
    for (let taken = 0; taken < 2000; ) {
      const loan = await channel.take(50, AbortSignal.timeout(5000));
      assert.ok(loan, `only ${taken} events came`);
      for (const body of bodiesOf(loan.batch)) {
        const [putter = 0, number] = body.split(' ').map(Number);
        assert.equal(number, next[putter]);
        next[putter] = (next[putter] as number) + 1;
      }
      taken += loan.batch.size;
      await loan.commit();
    }
    await Promise.all(putters);
    assert.equal(channel.status().size, 0);
    await channel.stop();
  });

  test('C30 puts that come while a sync runs share the next one', async () => {
    const directory = join(top, 'slow');
    let writes = 0;
    const files: StoreFiles = {
      ...storeFiles,
      create: async (path, length) => {
        const file = await storeFiles.create(path, length);
        const sync = async (): Promise<void> => {
          writes++;
          await new Promise((resolve) => setTimeout(resolve, 20));
          return file.sync();
        };
        return { ...bound(file), sync };
      },
    };
    const settings = { dataDirectory: directory, checkpointDirectory: directory, unusedDirectories: [], capacity: 1000, transactionCapacity: 10, keepAliveMs: 0 };
    const channel = new DurableChannel(new FakeContext(), { store: (path) => new LevelStore(path), files, settings: { ...settings, requiredBytes: 0, reserveBytes: 0, syncIntervalMs: 0 } });
    await channel.start();
    writes = 0;
    const first = channel.put(batchOf('first'), never);
    await new Promise((resolve) => setTimeout(resolve, 5));
    await Promise.all([first, ...Array.from({ length: 50 }, (_, index) => channel.put(batchOf(String(index)), never))]);
    assert.equal(writes, 2);
    await channel.stop();
  });
});

function bound(file: StoreFile): StoreFile {
  return {
    path: file.path,
    facts: () => file.facts(),
    read: (...args) => file.read(...args),
    write: (...args) => file.write(...args),
    truncate: (length) => file.truncate(length),
    sync: () => file.sync(),
    close: () => file.close(),
  };
}
