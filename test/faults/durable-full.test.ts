import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { fileChannel } from '../../channels/leveldb/index.ts';
import type { Channel } from '../../core/component.ts';
import { batchOf, create, eventually, FakeContext, never } from '../conformance/fakes.ts';

/** A small disk of its own; nothing where this machine lets nobody mount one. */
function smallDisk(t: TestContext): string | undefined {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-full-'));
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=80m', 'tmpfs', directory]);
  t.after(() => {
    if (status === 0) spawnSync('umount', [directory]);
    rmSync(directory, { recursive: true, force: true });
  });
  if (status === 0) return directory;
  t.skip('a file system in memory cannot be mounted: run as root');
  return undefined;
}

async function open(directory: string): Promise<Channel> {
  const properties = { checkpointDir: join(directory, 'c'), dataDirs: join(directory, 'd'), minimumRequiredSpace: '0', 'keep-alive': '0' };
  const channel = await create(fileChannel, properties, new FakeContext());
  await channel.start();
  return channel;
}

async function putUntilRefused(channel: Channel, acknowledged: number[], most: number): Promise<boolean> {
  for (let round = 0; round < most; round++) {
    const first = acknowledged.length;
    const numbers = Array.from({ length: 100 }, (_, index) => first + index);
    try {
      await channel.put(batchOf(...numbers.map((number) => `${number} ${'x'.repeat(1000)}`)), never);
      acknowledged.push(...numbers);
    } catch {
      return true;
    }
  }
  return false;
}

async function drain(channel: Channel): Promise<number[]> {
  const numbers: number[] = [];
  while (channel.status().size > 0) {
    const loan = await channel.take(1000, AbortSignal.timeout(10_000));
    if (!loan) break;
    for (const { body } of loan.batch) numbers.push(Number.parseInt(body.toString(), 10));
    await loan.commit();
  }
  return numbers;
}

for (const restarted of [false, true]) {
  test(`C7 C9 a disk that is full${restarted ? ', and a restart on it' : ''}: puts fail, all that was acknowledged drains, puts work again`, async (t) => {
    const directory = smallDisk(t);
    if (directory === undefined) return;
    let channel = await open(directory);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    const acknowledged: number[] = [];
    assert.ok(await putUntilRefused(channel, acknowledged, 2000), 'the disk never became full');
    if (restarted) {
      await channel.stop();
      channel = await open(directory);
    }
    assert.deepEqual(await drain(channel), acknowledged);
    const more: number[] = [];
    let stored = false;
    const attempt = async (): Promise<void> => {
      stored = !(await putUntilRefused(channel, more, 1));
      if (!stored) setTimeout(() => void attempt(), 100);
    };
    await attempt();
    await eventually(() => stored, 'a put works again');
    assert.deepEqual(await drain(channel), more);
    await channel.stop();
  });
}
