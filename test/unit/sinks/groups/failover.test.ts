import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FailoverProcessor, failoverProcessor } from '../../../../sinks/groups/failover.ts';
import { sinkProcessors } from '../../../../sinks/groups/index.ts';
import { readOptions } from '../../../../core/read-options.ts';
import { problemsOf, recordingContext } from '../../recording-context.ts';
import { FakeMembers } from './fake-members.ts';

function group(properties: Record<string, string>, ...members: string[]): { fakes: FakeMembers; processor: FailoverProcessor } {
  const { values } = readOptions(failoverProcessor, new Map(Object.entries(properties)));
  assert.ok(values);
  const fakes = new FakeMembers();
  return { fakes, processor: new FailoverProcessor({ ...recordingContext(), members }, values, fakes.now) };
}

const RANKED = { 'priority.s1': '3', 'priority.s2': '2', 'priority.s3': '1' };

test('C6.1 the best live sink gets everything, and takes its place again after its pause', async () => {
  const { fakes, processor } = group({ ...RANKED, maxpenalty: '10000' }, 's1', 's2', 's3');
  fakes.left.set('s1', 10).set('s2', 50).set('s3', 100);
  await fakes.run(processor, 15);
  assert.deepEqual(fakes.counts('s1', 's2', 's3'), [10, 5, 0]);
  await fakes.run(processor, 50);
  assert.deepEqual(fakes.counts('s1', 's2', 's3'), [10, 50, 5]);
  fakes.left.set('s2', 20);
  fakes.nowMs += 5000;
  await fakes.run(processor, 100);
  assert.deepEqual(fakes.counts('s1', 's2', 's3'), [10, 70, 85]);
});

test('C6.2 found by alias and by class name', () => {
  assert.equal(sinkProcessors.find('FAILOVER'), failoverProcessor);
  assert.equal(sinkProcessors.find('org.apache.flume.sink.FailoverSinkProcessor'), failoverProcessor);
});

test('priorities compare as signed numbers; sinks without one come last, in hash order', async () => {
  const { fakes, processor } = group({ 'priority.s1': '-5', 'priority.s2': 'x' }, 's1', 's2', 's3');
  fakes.broken.add('s1').add('s2').add('s3');
  await assert.rejects(fakes.run(processor, 1), /all sinks of the group have failed/);
  assert.deepEqual(fakes.offers, ['s3', 's2', 's1']);
});

test('of two sinks with one priority the second is never used, which is warned of', async () => {
  const { fakes, processor } = group({ 'priority.s1': '1', 'priority.s2': '1' }, 's1', 's2');
  fakes.broken.add('s1');
  await assert.rejects(fakes.run(processor, 1), (error: Error) => error.cause instanceof Error && /s1 is broken/.test(error.cause.message));
  assert.deepEqual(fakes.offers, ['s1']);
  const values = { 'priority.*': new Map([['s1', '1'], ['s2', '1'], ['k9', '4']]), maxpenalty: 30_000 };
  assert.deepEqual(failoverProcessor.checkNames?.(values, ['s1', 's2']), [
    { option: 'priority.k9', effect: 'warn', sentence: 'has no effect: "k9" is not a sink of the group' },
    { option: 'priority.s2', effect: 'warn', sentence: 'equals that of "s1", so "s2" is never used' },
  ]);
});

test('S28 the pause doubles from 2 s to its cap with each failure of the sink itself, and never overflows', async () => {
  const { fakes, processor } = group({ ...RANKED }, 's1', 's2');
  fakes.broken.add('s1');
  const pauses: number[] = [];
  await fakes.run(processor, 1);
  for (let failure = 1; failure <= 40; failure++) {
    const failedAt = fakes.nowMs;
    fakes.offers = [];
    while (!fakes.offers.includes('s1')) {
      fakes.nowMs += 500;
      await fakes.run(processor, 1);
    }
    pauses.push(fakes.nowMs - failedAt);
  }
  // Flume asks again only once the time is past, here half a second later.
  assert.deepEqual(pauses.slice(0, 6), [2500, 4500, 8500, 16_500, 30_500, 30_500]);
  assert.ok(pauses.slice(6).every((pause) => pause === 30_500));
});

test('S28 flapping: successes of the other sink leave the pause alone, its own success ends it', async () => {
  const { fakes, processor } = group({ ...RANKED }, 's1', 's2');
  fakes.broken.add('s1');
  await fakes.run(processor, 1);
  fakes.nowMs += 2001;
  await fakes.run(processor, 1);
  fakes.broken.delete('s1');
  fakes.nowMs += 3999;
  await fakes.run(processor, 100);
  assert.equal(fakes.count('s1'), 0);
  fakes.nowMs += 2;
  await fakes.run(processor, 3);
  assert.equal(fakes.count('s1'), 3);
  fakes.broken.add('s1');
  await fakes.run(processor, 1);
  fakes.broken.delete('s1');
  fakes.nowMs += 2001;
  await fakes.run(processor, 1);
  assert.equal(fakes.count('s1'), 4);
});

test('a failed sink whose channel is empty does not keep the live ones waiting', async () => {
  const { fakes, processor } = group({ ...RANKED }, 's1', 's2');
  fakes.broken.add('s1');
  await fakes.run(processor, 1);
  fakes.broken.delete('s1');
  fakes.idle.add('s1');
  fakes.nowMs += 2001;
  fakes.offers = [];
  await fakes.run(processor, 1);
  assert.deepEqual(fakes.offers, ['s1', 's2']);
  assert.equal(fakes.count('s2'), 2);
});

test('a live sink without events is not passed over', async () => {
  const { fakes, processor } = group({ ...RANKED }, 's1', 's2');
  fakes.idle.add('s1');
  assert.equal(await processor.process(fakes.offer, new AbortController().signal), false);
  assert.deepEqual(fakes.offers, ['s1']);
});

test('without a pause each sink is still tried once a call', async () => {
  const { fakes, processor } = group({ ...RANKED, maxpenalty: '0' }, 's1', 's2');
  fakes.broken.add('s1').add('s2');
  await assert.rejects(fakes.run(processor, 1));
  assert.deepEqual(fakes.offers, ['s1', 's2']);
});

test('stopping is no failure of a sink', async () => {
  const { fakes, processor } = group({ ...RANKED }, 's1', 's2');
  const stopped = new DOMException('stopped', 'AbortError');
  await assert.rejects(processor.process(() => Promise.reject(stopped), AbortSignal.abort()), stopped);
  await fakes.run(processor, 1);
  assert.deepEqual(fakes.offers, ['s1']);
});

test('values that Flume would not read are reported', () => {
  assert.deepEqual(problemsOf(failoverProcessor, { 'priority.s1': 'high', maxpenalty: '5s' }), [
    'warn maxpenalty: is not a whole number of 32 bits; 30000 is used',
    'warn priority.s1: is not a whole number of 32 bits; the sink comes last',
  ]);
  assert.deepEqual(problemsOf(failoverProcessor, { maxpenalty: '-1' }), ['refuse maxpenalty: is less than 0']);
});
