import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Origin } from '../../../../core/component.ts';
import { eventually } from '../../../conformance/fakes.ts';
import { TailRig } from './rig.ts';

test('lines of a file that were under way when the process ended have the same numbers afterwards, even its first ones; others have others', async (t) => {
  const rig = new TailRig(t, { exactlyOnce: 'true' });
  const origins: Origin[] = [];
  const giveUp: (() => void)[] = [];
  rig.context.deliver = (batch) => {
    origins.push(batch.origin as Origin);
    return new Promise((_resolve, reject) => giveUp.push(() => reject(new DOMException('the end', 'AbortError'))));
  };
  /** What is sent of the file by a process of its own, which ends before it hears of anything. */
  const sent = async (): Promise<Origin | undefined> => {
    await rig.start();
    await eventually(() => origins.length > 0, 'a batch');
    giveUp.splice(0).forEach((end) => end());
    await rig.stop();
    return origins.splice(0)[0];
  };
  rig.write('a.log', 'one\ntwo\n');
  const first = await sent();
  assert.deepEqual(first?.spans, [[3, 4], [7, 8]]);
  rig.append('a.log', 'three\n');
  assert.deepEqual(await sent(), { ...first, spans: [...first.spans, [13, 14]] });
  rig.write('a.log', 'TWO\none\n');
  assert.notEqual((await sent())?.store, first.store);
});

test('numbers go with neither events of several lines nor very large batches', async (t) => {
  const rig = new TailRig(t, { exactlyOnce: 'true' });
  await assert.rejects(rig.start({ 'multiline.firstLine': '^x' }), /multiline\.firstLine/);
  await assert.rejects(new TailRig(t, { exactlyOnce: 'true' }).start({ batchSize: '200000' }), /batchSize/);
});
