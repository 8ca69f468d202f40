/** What every sink owes its runner. Call `sinkConformance` in the sink's own test file. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Batch } from '../../core/batch.ts';
import type { Sink } from '../../core/component.ts';
import { RejectedError } from '../../core/errors.ts';
import { batchOf, eventually, isOpen, never } from './fakes.ts';

/** A sink that is not started, and the place it writes to. */
export interface SinkUnderTest {
  readonly sink: Sink;
  /** Bodies that the destination has, in its order. */
  received(): Promise<string[]> | string[];
}

export interface SinkSubject {
  create(): Promise<SinkUnderTest>;
  /** The next write fails in a way that may pass. Absent: nothing at the destination can fail. */
  failNext?(subject: SinkUnderTest): void;
  /** The destination takes part of the next write, and fails then. */
  failPartly?(subject: SinkUnderTest): void;
  /** The destination answers no more. */
  hang?(subject: SinkUnderTest): void;
  /** An event that this destination can never accept. */
  readonly unacceptable?: Batch;
  /** As Flume's does. */
  readonly refusesEmptyBodies?: boolean;
  /** A part that was taken before a failure may be there twice, because the destination cannot take it back. */
  readonly mayRepeat?: boolean;
}

export function sinkConformance(name: string, subject: SinkSubject): void {
  describe(`${name} keeps what every sink promises`, () => {
    test('stop is safe without start', async () => {
      await (await subject.create()).sink.stop();
    });
    test('start, then stop, leaves nothing open', async () => {
      const { sink } = await subject.create();
      await sink.start();
      await sink.stop();
    });
    test('it takes at least one event at a time', async () => {
      assert.ok((await subject.create()).sink.batchSize >= 1);
    });
    test('batches arrive whole and in order', () =>
      running(subject, async (it) => {
        await it.sink.write(batchOf('a', 'b'), never);
        await it.sink.write(batchOf('c'), never);
        assert.deepEqual(await it.received(), ['a', 'b', 'c']);
      }));
    test('the memory of a batch that was written may be used again, where the sink says so', () =>
      running(subject, async (it) => {
        for (const batch of [batchOf('a', 'b'), batchOf('c', 'd')]) {
          await it.sink.write(batch, never);
          if (it.sink.releasesBatches) batch.bytes.fill('?');
        }
        assert.deepEqual(await it.received(), ['a', 'b', 'c', 'd']);
      }));
    test('an event without a body arrives, and a batch without events changes nothing', () =>
      running(subject, async (it) => {
        if (!subject.refusesEmptyBodies) await it.sink.write(batchOf(''), never);
        await it.sink.write(batchOf(), never);
        assert.deepEqual(await it.received(), subject.refusesEmptyBodies ? [] : ['']);
      }));
    test('a picture can be shown while it runs', () => running(subject, async ({ sink }) => assert.ok(sink.describe?.() ?? {})));
    if (subject.failNext) failing(subject, 'a write that fails', subject.failNext);
    if (subject.failPartly) failing(subject, 'a write that fails in the middle', subject.failPartly);
    if (subject.hang) hanging(subject, subject.hang);
    if (subject.unacceptable) rejecting(subject, subject.unacceptable);
  });
}

function failing(subject: SinkSubject, title: string, fail: (subject: SinkUnderTest) => void): void {
  test(`${title} throws; the same batch again arrives, in order`, () =>
    running(subject, async (it) => {
      await it.sink.write(batchOf('a', 'b'), never);
      fail(it);
      await assert.rejects(it.sink.write(batchOf('c', 'd', 'e'), never), (error) => !(error instanceof RejectedError));
      await it.sink.write(batchOf('c', 'd', 'e'), never);
      await it.sink.write(batchOf('f'), never);
      const received = await it.received();
      if (!subject.mayRepeat) return assert.deepEqual(received, ['a', 'b', 'c', 'd', 'e', 'f']);
      assert.deepEqual(new Set(received), new Set(['a', 'b', 'c', 'd', 'e', 'f']));
    }));
}

function hanging(subject: SinkSubject, hang: (subject: SinkUnderTest) => void): void {
  test('a write to a destination that answers no more ends once its signal aborts', () =>
    running(subject, async (it) => {
      hang(it);
      const stop = new AbortController();
      const written = it.sink.write(batchOf('a'), stop.signal);
      assert.ok(await isOpen(written));
      stop.abort();
      let ended = false;
      written.then(
        () => (ended = true),
        () => (ended = true),
      );
      await eventually(() => ended, 'the write ends');
    }));
}

function rejecting(subject: SinkSubject, unacceptable: Batch): void {
  test('an event that can never be accepted is named, and the others arrive', () =>
    running(subject, async (it) => {
      const before = batchOf('a');
      await it.sink.write(before, never);
      const error: unknown = await it.sink.write(unacceptable, never).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      assert.ok(error instanceof RejectedError);
      assert.deepEqual(error.indices, [0]);
      assert.deepEqual(await it.received(), ['a']);
    }));
}

async function running(subject: SinkSubject, body: (it: SinkUnderTest) => Promise<unknown>): Promise<void> {
  const it = await subject.create();
  await it.sink.start();
  try {
    await body(it);
  } finally {
    await it.sink.stop();
  }
}
