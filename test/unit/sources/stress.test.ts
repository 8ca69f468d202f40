import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Source } from '../../../core/component.ts';
import { ChannelFullError } from '../../../core/errors.ts';
import { RateLimit } from '../../../core/rate-limit.ts';
import { stressSource } from '../../../sources/stress.ts';
import { create, FakeSourceContext, never } from '../../conformance/fakes.ts';

describe('stress source', () => {
  test('SS-01 maxTotalEvents=35, 50 rounds: 35 puts', async () => {
    const { context, poll } = make({ maxTotalEvents: '35' });
    for (let round = 0; round < 50; round++) assert.equal(await poll(), round < 35 ? 'more' : 'idle');
    assert.equal(context.delivered.length, 35);
  });

  for (const batchSize of [1, 3]) {
    test(`SS-02 20 events at 20 per second by ${batchSize} are spread over about a second`, () => {
      const limit = new RateLimit(20);
      let nowMs = 1000;
      for (let left = 20; left > 0; left -= batchSize) nowMs += limit.request(Math.min(batchSize, left), nowMs);
      assert.ok(nowMs >= 1700 && nowMs <= 2300, `${nowMs - 1000} ms`);
    });
  }

  test('SS-02 the source keeps to the rate', async () => {
    const { poll } = make({ maxTotalEvents: '6', maxEventsPerSecond: '100', batchSize: '3' });
    const began = performance.now();
    await poll();
    await poll();
    assert.ok(performance.now() - began >= 25);
  });

  test('SS-03 without a rate nothing waits', () => {
    const { poll, context } = make({ maxTotalEvents: '20' });
    for (let round = 0; round < 20; round++) void poll();
    assert.equal(context.delivered.length, 20);
  });

  test('SS-04 total 35 by 10: 10, 10, 10, 5, then idle', async () => {
    const { context, poll } = make({ maxTotalEvents: '35', batchSize: '10' });
    const rounds: string[] = [];
    for (let round = 0; round < 5; round++) rounds.push(await poll());
    assert.deepEqual(rounds, ['more', 'more', 'more', 'more', 'idle']);
    assert.deepEqual(context.delivered.map(({ size }) => size), [10, 10, 10, 5]);
    assert.equal(context.counted('EventAcceptedCount'), 35);
    assert.equal(context.counted('ChannelWriteFail'), 0);
  });

  test('SS-05 by 10 without a limit: never idle, 100 after ten rounds', async () => {
    const { context, poll } = make({ batchSize: '10' });
    for (let round = 0; round < 10; round++) assert.equal(await poll(), 'more');
    assert.equal(context.counted('EventAcceptedCount'), 100);
  });

  test('SS-06 maxSuccessfulEvents=35, two puts fail: 37 puts; a failure is idle, and its events are not made again', async () => {
    const { context, poll } = make({ maxSuccessfulEvents: '35' });
    let failing = false;
    context.answer = async () => {
      if (failing) throw new ChannelFullError('full');
    };
    const rounds = async (count: number): Promise<string[]> => {
      const answers: string[] = [];
      for (let round = 0; round < count; round++) answers.push(await poll());
      return answers;
    };
    await rounds(10);
    failing = true;
    assert.deepEqual(await rounds(1), ['idle']);
    failing = false;
    await rounds(10);
    failing = true;
    await rounds(1);
    failing = false;
    await rounds(50);
    assert.equal(context.delivered.length, 37);
    assert.equal(context.counted('EventAcceptedCount'), 35);
  });

  test('bodies are 7F, all over the same bytes, without headers', async () => {
    const { context, poll } = make({ size: '3', batchSize: '2' });
    await poll();
    const [batch] = context.delivered;
    assert.deepEqual(batch?.body(0), Buffer.from([0x7f, 0x7f, 0x7f]));
    assert.deepEqual(batch?.body(1), batch?.body(0));
    assert.equal(batch?.bytes.length, 3);
    assert.equal(batch?.headers(0).size, 0);
    assert.equal(batch?.byteLength, 6);
  });

  test('a stop ends the wait for the rate', async () => {
    const context = new FakeSourceContext();
    const source = create(stressSource, { maxEventsPerSecond: '1', batchSize: '1000' }, context) as Source;
    const stop = new AbortController();
    await source.poll?.(stop.signal);
    const poll = source.poll?.(stop.signal);
    stop.abort();
    await assert.rejects(Promise.resolve(poll), { name: 'AbortError' });
  });
});

function make(properties: Record<string, string>): { context: FakeSourceContext; poll(): Promise<'more' | 'idle'> } {
  const context = new FakeSourceContext();
  const source = create(stressSource, properties, context) as Source;
  return { context, poll: () => source.poll?.(never) ?? Promise.reject(new Error('stress is a polled source')) };
}
