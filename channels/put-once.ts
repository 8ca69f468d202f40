import type { Batch } from '../core/batch.ts';
import type { Origin } from '../core/component.ts';
import { SeenEvents } from './seen-events.ts';

interface OpenPut {
  readonly origin: Origin;
  /** Never rejects. */
  readonly settled: Promise<unknown>;
}

/**
 * Puts of events that have numbers in another agent's store: each event is put once, however often and over however many connections it
 * is sent. A put of events of which some are just being put waits for the outcome of that. Events without numbers pass.
 */
export class PutOnce {
  readonly seen: SeenEvents;
  /** Told of events that were put before and are not put again. */
  readonly #repeated: (events: number) => void;
  readonly #open = new Set<OpenPut>();

  constructor(repeated: (events: number) => void, seen = new SeenEvents()) {
    this.#repeated = repeated;
    this.seen = seen;
  }

  put(batch: Batch, store: (batch: Batch) => Promise<void>): Promise<void> {
    const { origin } = batch;
    return origin ? this.#put(batch, origin, store) : store(batch);
  }

  async #put(batch: Batch, origin: Origin, store: (batch: Batch) => Promise<void>): Promise<void> {
    for (let same = this.#sameAs(origin); same; same = this.#sameAs(origin)) await same.settled;
    const unseen = this.seen.unseen(batch);
    if (unseen.size < batch.size) this.#repeated(batch.size - unseen.size);
    if (unseen.size === 0) return;
    const stored = store(unseen);
    const open = { origin, settled: stored.catch(() => undefined) };
    this.#open.add(open);
    try {
      await stored;
      this.seen.add(origin);
    } finally {
      this.#open.delete(open);
    }
  }

  #sameAs(origin: Origin): OpenPut | undefined {
    for (const open of this.#open) if (open.origin.store === origin.store && overlap(open.origin, origin)) return open;
    return undefined;
  }
}

function overlap(a: Origin, b: Origin): boolean {
  // Those that are under way together lie one behind the other, as a rule.
  const [beginA, endA] = bounds(a);
  const [beginB, endB] = bounds(b);
  if (endA <= beginB || endB <= beginA) return false;
  return a.spans.some(([from, to]) => b.spans.some(([first, end]) => first < to && from < end));
}

function bounds({ spans }: Origin): readonly [number, number] {
  let [begin, end] = [Infinity, 0];
  for (const [first, last] of spans) [begin, end] = [Math.min(begin, first), Math.max(end, last)];
  return [begin, end];
}
