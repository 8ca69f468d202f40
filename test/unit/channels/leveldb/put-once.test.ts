import assert from 'node:assert/strict';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileChannel } from '../../../../channels/leveldb/index.ts';
import { Batch } from '../../../../core/batch.ts';
import type { Channel } from '../../../../core/component.ts';
import { bodiesOf, create, FakeContext, never, takeNow } from '../../../conformance/fakes.ts';

const folders: string[] = [];
after(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

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
      const killed = await newFolder();
      await cp(folder, killed, { recursive: true });
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

function numbered(from: number, to: number): Batch {
  return Batch.numbered(Batch.of(bodies(from, to).map((body) => ({ body: Buffer.from(body), headers: new Map([['n', body]]) }))), { store: 'elsewhere', spans: [[from, to]] });
}
