import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readOptions } from '../../../../core/read-options.ts';
import { sinkProcessors } from '../../../../sinks/groups/index.ts';
import { LoadBalanceProcessor, loadBalanceProcessor } from '../../../../sinks/groups/load-balance.ts';
import { make, problemsOf, recordingContext } from '../../recording-context.ts';
import { FakeMembers } from './fake-members.ts';

const THREE = ['s1', 's2', 's3'];

function group(properties: Record<string, string>, members: readonly string[] = THREE): { fakes: FakeMembers; processor: LoadBalanceProcessor } {
  const { values } = readOptions(loadBalanceProcessor, new Map(Object.entries(properties)));
  assert.ok(values);
  const fakes = new FakeMembers();
  return { fakes, processor: new LoadBalanceProcessor({ ...recordingContext(), members }, values, fakes.now) };
}

test('C6.2 found by alias and by class name', () => {
  assert.equal(sinkProcessors.find('Load_Balance'), loadBalanceProcessor);
  assert.equal(sinkProcessors.find('org.apache.flume.sink.LoadBalancingSinkProcessor'), loadBalanceProcessor);
});

test('C6.3 by default the sinks take turns', async () => {
  const { fakes, processor } = group({});
  await fakes.run(processor, 300);
  assert.deepEqual(fakes.counts(...THREE), [100, 100, 100]);
  assert.deepEqual(fakes.offers.slice(0, 4), ['s1', 's2', 's3', 's1']);
});

test('C6.4 C6.5 the only sink that works gets everything', async () => {
  for (const selector of ['round_robin', 'RANDOM']) {
    const { fakes, processor } = group({ selector });
    fakes.broken.add('s1').add('s3');
    await fakes.run(processor, 10);
    assert.deepEqual(fakes.counts(...THREE), [0, 10, 0]);
  }
});

test('C6.6 round robin: the share of a failing sink goes to the one after it', async () => {
  const { fakes, processor } = group({});
  fakes.broken.add('s2');
  await fakes.run(processor, 300);
  assert.deepEqual(fakes.counts(...THREE), [100, 0, 200]);
});

test('C6.7 random: nothing is lost with a failing sink', async () => {
  const { fakes, processor } = group({ selector: 'random' });
  fakes.broken.add('s2');
  await fakes.run(processor, 300);
  assert.equal(fakes.count('s1') + fakes.count('s3'), 300);
  assert.equal(fakes.count('s2'), 0);
});

test('C6.8 round robin with back-off: a sink that works again is left out until its time has passed', async () => {
  const { fakes, processor } = group({ backoff: 'true' });
  await fakes.run(processor, 3);
  fakes.broken.add('s2');
  await fakes.run(processor, 3);
  fakes.broken.delete('s2');
  await fakes.run(processor, 294);
  assert.deepEqual(fakes.counts(...THREE), [150, 1, 149]);
});

test('C6.9 S28 round robin with back-off: the exclusion doubles, and successes of others do not shorten it', async () => {
  const { fakes, processor } = group({ backoff: 'true' });
  await fakes.run(processor, 3);
  fakes.broken.add('s2');
  await fakes.run(processor, 3);
  fakes.nowMs += 2100;
  await fakes.run(processor, 3);
  fakes.broken.delete('s2');
  fakes.nowMs += 2100;
  await fakes.run(processor, 3);
  fakes.nowMs += 2100;
  await fakes.run(processor, 300 - 12);
  assert.deepEqual(fakes.counts(...THREE), [102, 97, 101]);
});

test('C6.10 round robin with back-off: used again after 2 s', async () => {
  const { fakes, processor } = group({ backoff: 'true' });
  fakes.broken.add('s2');
  await fakes.run(processor, 3);
  fakes.broken.delete('s2');
  fakes.nowMs += 2001;
  await fakes.run(processor, 297);
  assert.deepEqual(fakes.counts(...THREE), [101, 99, 100]);
});

test('C6.11 random with back-off: a sink that works but is left out is not used', async () => {
  const { fakes, processor } = group({ backoff: 'true', selector: 'random' });
  fakes.broken.add('s1').add('s3');
  // Both are excluded once each of them was asked.
  while (new Set(fakes.offers).size < 3) await fakes.run(processor, 1);
  const first = fakes.count('s2');
  await fakes.run(processor, 50 - first);
  assert.deepEqual(fakes.counts(...THREE), [0, 50, 0]);
  fakes.broken.delete('s1');
  fakes.broken.add('s2');
  await assert.rejects(fakes.run(processor, 1), /all sinks of the group that may be used have failed/);
  fakes.nowMs += 2100;
  await fakes.run(processor, 50);
  assert.deepEqual(fakes.counts(...THREE), [50, 50, 0]);
});

test('C6.12 random over ten sinks: nothing is lost and the shares differ', async () => {
  const members = Array.from({ length: 10 }, (_, index) => `s${index}`);
  const { fakes, processor } = group({ selector: 'random' }, members);
  await fakes.run(processor, 10_000);
  const counts = fakes.counts(...members);
  assert.equal(counts.reduce((a, b) => a + b), 10_000);
  assert.ok(new Set(counts).size > 1);
});

test('C6.13 a selector class cannot be loaded and is an error at its key', () => {
  assert.deepEqual(problemsOf(loadBalanceProcessor, { selector: 'com.acme.MySelector' }), [
    'drop selector: is none of round_robin, random',
  ]);
});

test('C6.14 a group of one sink is refused', async () => {
  await assert.rejects(make(loadBalanceProcessor, {}, { ...recordingContext(), members: ['s1'] }), /at least two/);
  const values = { selector: 'random', backoff: false, 'selector.maxTimeOut': 0 } as const;
  assert.deepEqual(loadBalanceProcessor.checkNames?.(values, ['s1']).map(({ effect }) => effect), ['drop']);
  assert.deepEqual(loadBalanceProcessor.checkNames?.(values, ['s1', 's2']), []);
});

test('C6.19 all sinks left out: an error, in turn and at random', async () => {
  for (const selector of ['round_robin', 'random']) {
    const { fakes, processor } = group({ backoff: 'true', selector });
    THREE.forEach((name) => fakes.broken.add(name));
    await assert.rejects(fakes.run(processor, 1), /that may be used have failed/);
    await assert.rejects(fakes.run(processor, 1), /are left out for a while/);
    assert.equal(fakes.offers.length, 3);
  }
});

test('the exclusion grows to its cap, which 0 leaves at 30 s, and an hour without failures ends it', async () => {
  const { fakes, processor } = group({ backoff: 'true', 'selector.maxTimeOut': '0' }, ['s1', 's2']);
  fakes.broken.add('s1').add('s2');
  const excludedFor = async (): Promise<number> => {
    const start = fakes.nowMs;
    fakes.offers = [];
    while (fakes.offers.length === 0) {
      fakes.nowMs += 1000;
      await fakes.run(processor, 1).catch(() => undefined);
    }
    return fakes.nowMs - start;
  };
  await fakes.run(processor, 1).catch(() => undefined);
  const pauses: number[] = [];
  for (let failure = 0; failure < 6; failure++) pauses.push(await excludedFor());
  assert.deepEqual(pauses, [3000, 5000, 9000, 17_000, 31_000, 31_000]);
  fakes.nowMs += 3_700_000;
  await fakes.run(processor, 1).catch(() => undefined);
  assert.equal(await excludedFor(), 3000);
});
