/** What every source owes its channels and its runner. Call `sourceConformance` in the source's own test file. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Source, SourceContext } from '../../core/component.ts';
import { eventually, FakeSourceContext, isOpen } from './fakes.ts';

export interface SourceSubject {
  /** A source that is not started. Each gets a place of its own to read from. */
  create(context: SourceContext): Source;
  /** Gives it an event. `source` has been started. */
  feed(source: Source, body: string): Promise<void> | void;
  /** Makes a start fail: the port is taken, the directory is missing. Returns how to make it possible again. */
  obstruct?(source: Source): Promise<() => Promise<void> | void>;
  /** What comes out of an empty body, where that is never empty. */
  readonly ofEmpty?: string;
  /** After a failed delivery: `again` delivers the same events until they are stored, `next` goes on and leaves them to the client. */
  readonly afterFailure: 'again' | 'next';
}

export function sourceConformance(name: string, subject: SourceSubject): void {
  describe(`${name} keeps what every source promises`, () => {
    test('stop is safe without start', async () => {
      await subject.create(new FakeSourceContext()).stop();
    });
    test('start, then stop, leaves nothing open', async () => {
      const source = subject.create(new FakeSourceContext());
      await source.start();
      await source.stop();
    });
    test('events arrive once and in order', () =>
      running(subject, async (source, context) => {
        await feedAll(subject, source, context, ['a', 'b', '', 'c']);
        assert.deepEqual(context.bodies, ['a', 'b', subject.ofEmpty ?? '', 'c']);
        assert.equal(context.counted('EventAcceptedCount'), 4);
      }));
    test('a picture can be shown while it runs', () => running(subject, async (source) => assert.ok(source.describe?.() ?? {})));
    test('a delivery that fails does not end the source', () => failing(subject));
    test('a delivery that hangs does not keep a stop from ending, once it is given up', () => hanging(subject));
    test('nothing is delivered after stop', async () => {
      const context = new FakeSourceContext();
      const source = subject.create(context);
      const stop = await run(source);
      await subject.feed(source, 'before');
      await eventually(() => context.bodies.includes('before'), 'the event before the stop');
      await stop();
      const { length } = context.delivered;
      await Promise.resolve(subject.feed(source, 'after')).catch(() => undefined);
      await sleep(30);
      assert.equal(context.delivered.length, length);
    });
    const { obstruct } = subject;
    if (obstruct) {
      test('a start that failed leaves nothing behind: another source can start in its place', async () => {
        const source = subject.create(new FakeSourceContext());
        const clear = await obstruct(source);
        await assert.rejects(source.start());
        await source.stop();
        await clear();
        const next = subject.create(new FakeSourceContext());
        await next.start();
        await next.stop();
      });
    }
  });
}

async function failing(subject: SourceSubject): Promise<void> {
  await running(subject, async (source, context) => {
    let failures = 1;
    context.answer = async () => {
      if (failures-- > 0) throw new Error('made to fail');
    };
    await subject.feed(source, 'first');
    await eventually(() => context.delivered.length >= 1, 'the first delivery');
    await subject.feed(source, 'second');
    await eventually(() => context.bodies.includes('second'), 'the event after the failure', 20_000);
    const expected = subject.afterFailure === 'again' ? ['first', 'first', 'second'] : ['first', 'second'];
    assert.deepEqual(context.bodies, expected);
  });
}

async function hanging(subject: SourceSubject): Promise<void> {
  const context = new FakeSourceContext();
  let giveUp: (error: Error) => void = () => undefined;
  context.answer = () => new Promise((_resolve, reject) => (giveUp = reject));
  const source = subject.create(context);
  const stop = await run(source);
  await subject.feed(source, 'hangs');
  await eventually(() => context.delivered.length === 1, 'the delivery');
  const stopped = stop();
  await isOpen(stopped);
  giveUp(new DOMException('the source stops', 'AbortError'));
  await stopped;
  assert.deepEqual(context.failures, []);
}

async function running(subject: SourceSubject, body: (source: Source, context: FakeSourceContext) => Promise<unknown>): Promise<void> {
  const context = new FakeSourceContext();
  const source = subject.create(context);
  const stop = await run(source);
  try {
    await body(source, context);
  } finally {
    await stop();
  }
  assert.deepEqual(context.failures, []);
}

async function feedAll(subject: SourceSubject, source: Source, context: FakeSourceContext, bodies: readonly string[]): Promise<void> {
  for (const body of bodies) await subject.feed(source, body);
  await eventually(() => context.counted('EventAcceptedCount') >= bodies.length, `${bodies.length} events`);
}

/** Starts the source and polls it, if it wants to be. Returns how to end both. */
async function run(source: Source): Promise<() => Promise<void>> {
  await source.start();
  const stopping = new AbortController();
  const polling = pollUntil(source, stopping.signal);
  return async () => {
    stopping.abort();
    await Promise.all([polling, source.stop()]);
  };
}

async function pollUntil(source: Source, signal: AbortSignal): Promise<void> {
  while (source.poll && !signal.aborted) {
    const answer = await source.poll(signal).catch(() => 'failed' as const);
    if (answer !== 'more') await sleep(2);
  }
}
