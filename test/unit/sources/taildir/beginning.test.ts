import assert from 'node:assert/strict';
import { copyFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { TailRig } from './rig.ts';

function lines(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, at) => `line ${from + at} ${'x'.repeat(90)}`);
}

function text(from: number, to: number): string {
  return `${lines(from, to).join('\n')}\n`;
}

test('T5 a copy of a file that begins like one that was replaced before: it waits for what it has most in common with', async (t) => {
  const rig = new TailRig(t);
  rig.write('app.log', text(0, 20));
  await rig.start();
  await rig.events(20);
  await rig.stop();
  // Replaced while nothing runs, so it is not known when the old one went: anything that begins like it may be a copy.
  writeFileSync(join(rig.folder, 'fresh'), text(0, 30));
  renameSync(join(rig.folder, 'fresh'), rig.path('app.log'));
  await rig.start();
  await rig.events(30);
  rig.append('app.log', text(30, 60));
  await rig.events(60);
  copyFileSync(rig.path('app.log'), rig.path('app.log.1'));
  // The copy is found and looked into before its original is emptied.
  await sleep(700);
  truncateSync(rig.path('app.log'));
  rig.append('app.log', text(60, 61));
  await rig.events(61);
  rig.append('app.log.1', text(61, 62));
  assert.deepEqual((await rig.events(62)).toSorted(), lines(0, 62).toSorted());
});

for (const after of ['emptied', 'emptied and longer at once', 'deleted']) {
  test(`T5 copied and ${after} while the process gets no time: the copy is known`, async (t) => {
    const rig = new TailRig(t);
    rig.write('app.log', text(0, 20));
    await rig.start();
    await rig.events(20);
    copyFileSync(rig.path('app.log'), rig.path('app.log.1'));
    // The copy is found, and waits to see what becomes of its original.
    await sleep(400);
    if (after === 'deleted') rmSync(rig.path('app.log'));
    else truncateSync(rig.path('app.log'));
    if (after === 'emptied and longer at once') rig.append('app.log', text(20, 50));
    // Nothing runs for longer than the copy waits.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1600);
    await sleep(400);
    rig.append('app.log.1', text(50, 60));
    const expected = [...lines(0, 20), ...(after === 'emptied and longer at once' ? lines(20, 50) : []), ...lines(50, 60)];
    assert.deepEqual((await rig.events(expected.length)).toSorted(), expected.toSorted());
  });
}
