import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Rig, SINK_BATCH } from './durable-agent.ts';
import { gateSink, openGate } from './gate.ts';
import { CLEAN, harmOf, reportOf } from './referee/referee.ts';
import type { Sender } from './referee/referee.ts';
import { Ballast, mountSmall, type Kind } from './small-disk.ts';
import { long } from './watch.ts';

const DISK_MB = 128;
/** Left for the store, of which the channel keeps some for worse times. */
const ROOM_MB = 72;

interface FullDisk {
  readonly rig: Rig;
  readonly sender: Sender;
  /** What fills the disk, and all that it leaves. */
  readonly ballasts: readonly [Ballast, Ballast];
}

/** An agent whose sink waits and whose store is on a disk without a byte left; nothing where no disk can be had. */
async function fillUp(t: TestContext, kind: Kind): Promise<FullDisk | undefined> {
  const rig = new Rig(t, { lengths: 'edges', sink: gateSink('hangs', SINK_BATCH, '@FOLDER@/out/out.txt') });
  const reason = mountSmall(kind, DISK_MB, rig.store, rig.atEnd);
  if (reason !== undefined) {
    t.skip(reason);
    return undefined;
  }
  const ballasts = [new Ballast(rig.store, 'ballast'), new Ballast(rig.store, 'more')] as const;
  ballasts[0].take((DISK_MB - ROOM_MB) * 1024 * 1024);
  await rig.start();
  const [sender] = rig.send(1, Infinity) as [Sender];
  await rig.until('a refusal', () => sender.refusals.length > 0, 60_000);
  rig.referee.fault('the disk is full');
  // The channel stops before the last byte is gone; another process takes that too, and the channel has to bear it.
  ballasts[1].take();
  await sleep(500);
  assert.ok(rig.agent?.running());
  return { rig, sender, ballasts };
}

function free({ rig, ballasts }: FullDisk): void {
  for (const ballast of ballasts) ballast.drop();
  rig.referee.fault('the disk has room again');
}

async function putAgain({ rig, sender }: FullDisk, events: number): Promise<void> {
  const before = sender.acknowledged;
  await rig.until(`${events} more events to be stored`, () => sender.acknowledged >= before + events, 60_000);
}

async function conclude(t: TestContext, { rig }: FullDisk, mostDuplicates: number): Promise<void> {
  const conclusion = await rig.referee.conclude();
  t.diagnostic(reportOf(conclusion));
  assert.deepEqual(harmOf(conclusion), CLEAN);
  assert.ok(conclusion.duplicates <= mostDuplicates, `${conclusion.duplicates} duplicates`);
}

function played(title: string, usual: Kind, play: (t: TestContext, disk: FullDisk) => Promise<void>): void {
  for (const kind of long ? (['tmpfs', 'ext4'] as const) : [usual]) {
    test(`${title} (${kind})`, async (t) => {
      const disk = await fillUp(t, kind);
      if (disk) await play(t, disk);
    });
  }
}

played('C7 the disk is full: nothing is acknowledged that is not stored, all drains, and puts work again by themselves', 'ext4', async (t, disk) => {
  const { rig, sender } = disk;
  assert.ok(rig.agent?.lines.some((line) => line.includes(rig.store) && / (WARN|ERROR) /.test(line)), 'the log does not name the place');
  await openGate(rig);
  const before = sender.acknowledged;
  await rig.until('the channel to drain on the full disk', async () => (await rig.referee.look()).distinct >= before, 60_000);
  free(disk);
  await putAgain(disk, 2000);
  await conclude(t, disk, 0);
});

played('C9 the disk is full and freed; 10,000 events later the agent is killed: all are there', 'tmpfs', async (t, disk) => {
  const { rig } = disk;
  free(disk);
  await putAgain(disk, 10_000);
  await rig.kill();
  rig.referee.fault('kill -9');
  await openGate(rig);
  await rig.start();
  await conclude(t, disk, SINK_BATCH);
});

played('C8 the disk is full and the agent is killed: it starts without room, drains, and goes on when there is some', 'ext4', async (t, disk) => {
  const { rig, sender } = disk;
  await rig.kill();
  rig.referee.fault('kill -9');
  await openGate(rig);
  await rig.start();
  const before = sender.acknowledged;
  await rig.until('the channel to drain on the full disk', async () => (await rig.referee.look()).lost === 0, 60_000);
  free(disk);
  await rig.until('a put after there is room', () => sender.acknowledged > before, 60_000);
  await conclude(t, disk, SINK_BATCH);
});

played('C8 another process takes every byte that the channel gives up: all drains all the same', 'tmpfs', async (t, disk) => {
  const { rig, sender } = disk;
  const eating = setInterval(() => disk.ballasts[1].take(), 20);
  rig.atEnd.push(() => clearInterval(eating));
  await sleep(1000);
  await rig.kill();
  rig.referee.fault('kill -9');
  await openGate(rig);
  await rig.start();
  const before = sender.acknowledged;
  await rig.until('the channel to drain on the full disk', async () => (await rig.referee.look()).lost === 0, 60_000);
  clearInterval(eating);
  free(disk);
  await rig.until('a put after there is room', () => sender.acknowledged > before, 60_000);
  await conclude(t, disk, SINK_BATCH);
});
