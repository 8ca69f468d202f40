import type { Batch } from '../core/batch.ts';
import type { Origin } from '../core/component.ts';
import { indicesOutside, insertRange, type NumberRange } from '../core/number-ranges.ts';

/** Most senders that are remembered; the one that was not heard of for the longest time is forgotten first. */
const MOST_STORES = 10_000;
/** Most ranges that are remembered of one sender: they grow only while it sends with gaps, to several receivers. The lowest that are not settled are forgotten first. */
const MOST_RANGES = 10_000;

/** Of all senders together, about 100 B each: whoever makes up senders and gaps costs no more memory than this. */
const MOST_RANGES_TOGETHER = 200_000;

/**
 * Which events of other agents' stores were put here, by the numbers they have there: a batch that is sent again, because its answer was
 * lost or somebody was killed, is put once. What a sender says is settled counts as put, wherever it was.
 */
export class SeenEvents {
  /** In the order in which they were heard of last. */
  readonly #stores = new Map<string, NumberRange[]>();
  readonly #changed = new Set<string>();
  #ranges = 0;

  /** The events that were not put before; the batch itself where that is all of them. */
  unseen(batch: Batch): Batch {
    const { origin } = batch;
    const ranges = origin && this.#stores.get(origin.store);
    const kept = ranges && indicesOutside(ranges, origin.spans);
    return kept ? batch.select(kept) : batch;
  }

  /** The events of `origin` were put. */
  add({ store, spans, settled = 0 }: Origin): void {
    const ranges = this.#stores.get(store) ?? [];
    const before = ranges.length;
    this.#stores.delete(store);
    this.#stores.set(store, ranges);
    this.#changed.add(store);
    // A copy that was on its way for long may come after its sender has settled the events with another receiver.
    for (const [first, end] of settled > 0 ? [[0, settled] as const, ...spans] : spans) insertRange(ranges, first, end);
    while (ranges.length > MOST_RANGES) ranges.splice(1, 1);
    this.#ranges += ranges.length - before;
    for (const [oldest, { length }] of this.#stores) {
      if (this.#stores.size <= MOST_STORES && this.#ranges <= MOST_RANGES_TOGETHER) break;
      this.#stores.delete(oldest);
      this.#ranges -= length;
      this.#changed.add(oldest);
    }
  }

  /** What changed since this was asked last, by store; `undefined` where nothing is remembered any more. */
  takeChanges(): ReadonlyMap<string, Origin | undefined> {
    const changes = new Map<string, Origin | undefined>();
    for (const store of this.#changed) {
      const spans = this.#stores.get(store);
      changes.set(store, spans && spans.length > 0 ? { store, spans } : undefined);
    }
    this.#changed.clear();
    return changes;
  }

  /** For whoever could not keep what `takeChanges` told: all of it is told again. */
  changeAll(): void {
    for (const store of this.#stores.keys()) this.#changed.add(store);
  }

  /** All that is remembered, to be added again after a restart. */
  get all(): readonly Origin[] {
    return [...this.#stores].filter(([, ranges]) => ranges.length > 0).map(([store, spans]) => ({ store, spans }));
  }
}
