import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { PutOnce } from '../../../channels/put-once.ts';
import { SeenEvents } from '../../../channels/seen-events.ts';
import { Batch } from '../../../core/batch.ts';
import { sliceOrigin } from '../../../core/event-numbers.ts';
import { bodiesOf, isOpen } from '../../conformance/fakes.ts';

describe('events that are put once', () => {
  test('A2 what was put is not put again, in whole or in part, whatever the batches', async () => {
    const span = fc.tuple(fc.nat(40), fc.integer({ min: 1, max: 8 }));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(span, { minLength: 1, maxLength: 3 }), { maxLength: 20 }), async (batches) => {
        const stored: string[] = [];
        const model = new Set<string>();
        let repeated = 0;
        const once = new PutOnce((events) => (repeated += events));
        let sent = 0;
        for (const spans of batches) {
          const apart = spans.map(([first, length], index) => [100 * index + first, 100 * index + first + length] as const);
          const batch = numbered('s', apart);
          sent += batch.size;
          bodiesOf(batch).forEach((body) => model.add(body));
          await once.put(batch, async (fresh) => void stored.push(...bodiesOf(fresh)));
        }
        assert.deepEqual([...stored].sort(), [...model].sort());
        assert.equal(stored.length + repeated, sent);
        const restored = new SeenEvents();
        once.seen.all.forEach((origin) => restored.add(origin));
        for (const spans of batches) {
          const apart = spans.map(([first, length], index) => [100 * index + first, 100 * index + first + length] as const);
          assert.equal(restored.unseen(numbered('s', apart)).size, 0);
        }
      }),
    );
  });

  test('the numbers of one store say nothing of another, and events without numbers pass', async () => {
    const stored: string[] = [];
    const once = new PutOnce(() => undefined);
    const store = async (batch: Batch): Promise<void> => void stored.push(...bodiesOf(batch));
    await once.put(numbered('a', [[0, 2]]), store);
    await once.put(numbered('b', [[0, 2]]), store);
    for (let round = 0; round < 2; round++) await once.put(Batch.of([{ body: Buffer.from('x'), headers: new Map() }]), store);
    assert.deepEqual(stored, ['a0', 'a1', 'b0', 'b1', 'x', 'x']);
  });

  test('A2 sent again while the first put is still open: the outcome of the first is waited for', async () => {
    for (const fails of [false, true]) {
      const stored: string[][] = [];
      const once = new PutOnce(() => undefined);
      let end: (error?: Error) => void = () => undefined;
      const first = once.put(numbered('a', [[0, 2]]), (batch) => new Promise((resolve, reject) => {
        end = (error) => (error ? reject(error) : (stored.push(bodiesOf(batch)), resolve()));
      }));
      first.catch(() => undefined);
      const again = once.put(numbered('a', [[1, 3]]), async (batch) => void stored.push(bodiesOf(batch)));
      assert.ok(await isOpen(again));
      end(fails ? new Error('full') : undefined);
      await again;
      assert.deepEqual(stored, fails ? [['a1', 'a2']] : [['a0', 'a1'], ['a2']]);
    }
  });

  test('A2 what the sender says is settled counts as put: a copy of it that comes late is nothing new', () => {
    const seen = new SeenEvents();
    seen.add({ store: 'a', spans: [[0, 10], [20, 30]] });
    seen.add({ store: 'a', spans: [[40, 50]], settled: 30 });
    assert.deepEqual(seen.all, [{ store: 'a', spans: [[0, 30], [40, 50]] }]);
    // This one was stored by another receiver.
    assert.equal(seen.unseen(numbered('a', [[10, 20]])).size, 0);
    assert.equal(seen.unseen(numbered('a', [[30, 45]])).size, 10);
  });

  test('senders and gaps that somebody makes up cost bounded memory: the ones heard of last are remembered', () => {
    const seen = new SeenEvents();
    for (let store = 0; store < 45; store++) {
      seen.add({ store: `s${store}`, spans: Array.from({ length: 9_000 }, (_, index): [number, number] => [2 * index, 2 * index + 1]) });
    }
    assert.ok(seen.all.reduce((sum, { spans }) => sum + spans.length, 0) <= 200_000);
    assert.equal(seen.unseen(numbered('s44', [[0, 1]])).size, 0);
    assert.equal(seen.unseen(numbered('s0', [[0, 1]])).size, 1);
    assert.equal(seen.takeChanges().get('s0'), undefined);
  });

  test('a part of an origin', () => {
    const origin = { store: 'a', spans: [[5, 8], [20, 22]], settled: 3 } as const;
    assert.deepEqual(sliceOrigin(origin, 0, 5), origin);
    assert.deepEqual(sliceOrigin(origin, 1, 4), { ...origin, spans: [[6, 8], [20, 21]] });
    assert.deepEqual(sliceOrigin(origin, 3, 4).spans, [[20, 21]]);
  });

  test('numbers stay with their events through selections, slices and new headers', () => {
    const batch = numbered('a', [[5, 8], [20, 22]]);
    const headers = batch.select(Uint32Array.of(0, 3, 4)).withHeaders([new Map([['n', '5']]), new Map([['n', '20']]), new Map([['n', '21']])]);
    assert.deepEqual(headers.origin?.spans, [[5, 6], [20, 22]]);
    assert.deepEqual(headers.slice(1, 3).origin?.spans, [[20, 22]]);
    assert.equal(headers.slice(1, 3).header(1, 'n'), '21');
    assert.deepEqual(headers.withHeader('x', 'y', false).withBodies([Buffer.alloc(1), Buffer.alloc(1), Buffer.alloc(1)]).origin?.spans, [[5, 6], [20, 22]]);
  });
});

/** Events whose bodies are the name of the store and their number. */
function numbered(store: string, spans: readonly (readonly [number, number])[]): Batch {
  const events = spans.flatMap(([from, to]) => Array.from({ length: to - from }, (_, index) => ({ body: Buffer.from(`${store}${from + index}`), headers: new Map<string, string>() })));
  return Batch.numbered(Batch.of(events), { store, spans });
}
