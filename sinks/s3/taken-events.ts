import type { Batch } from '../../core/batch.ts';
import type { Origin } from '../../core/component.ts';

/** Spans of one store that are remembered; beyond it the lowest is forgotten, long after the channel was done with it. */
const MOST_SPANS = 1000;
/** Stores that are remembered: a channel that is set up anew has another one. */
const MOST_STORES = 16;

export type Spans = readonly (readonly [first: number, end: number])[];

/** Which events of which channel were taken for good: what is offered again after a crash is told from what is new. */
export class TakenEvents {
  /** Sorted, apart from one another. */
  readonly #stores = new Map<string, [number, number][]>();

  add({ store, spans }: Origin): void {
    let taken = this.#stores.get(store) ?? [];
    this.#stores.delete(store);
    this.#stores.set(store, taken);
    for (const [first, end] of spans) taken = insert(taken, first, end);
    this.#stores.set(store, taken);
    for (const oldest of this.#stores.keys()) {
      if (this.#stores.size <= MOST_STORES) break;
      this.#stores.delete(oldest);
    }
  }

  /** The events of a batch that were not taken yet, by their indices; `undefined` where that is all of them. */
  missing({ store, spans }: Origin): Uint32Array | undefined {
    const taken = this.#stores.get(store);
    if (!taken || spans.every(([first, end]) => !taken.some(([from, to]) => from < end && first < to))) return undefined;
    const indices: number[] = [];
    let at = 0;
    for (const [first, end] of spans) {
      for (let event = first; event < end; event++, at++) if (!taken.some(([from, to]) => from <= event && event < to)) indices.push(at);
    }
    return Uint32Array.from(indices);
  }

  toJSON(): Record<string, Spans> {
    return Object.fromEntries(this.#stores);
  }

  static from(json: Record<string, Spans>): TakenEvents {
    const taken = new TakenEvents();
    for (const [store, spans] of Object.entries(json)) taken.add({ store, spans });
    return taken;
  }
}

/** The events at `indices` of the batch, and where they stand. */
export function selectTaken(batch: Batch, origin: Origin, indices: Uint32Array): { batch: Batch; origin: Origin } {
  return { batch: batch.select(indices), origin: { store: origin.store, spans: singles(origin, indices) } };
}

/** Where the events of a batch stand but those at some indices. */
export function originWithout(origin: Origin, indices: ReadonlyMap<number, unknown>): Origin {
  if (indices.size === 0) return origin;
  const size = origin.spans.reduce((sum, [first, end]) => sum + end - first, 0);
  const rest = Array.from({ length: size }, (_, index) => index).filter((index) => !indices.has(index));
  return { store: origin.store, spans: singles(origin, rest) };
}

/** Where the events of several batches stand, which have one store or none. */
export function joinedOrigin(origins: readonly (Origin | undefined)[]): Origin | undefined {
  const [first] = origins;
  if (!first || origins.length === 1) return first;
  const spans: [number, number][] = [];
  for (const [from, end] of origins.flatMap((origin) => origin?.spans ?? [])) {
    const last = spans.at(-1);
    if (last?.[1] === from) last[1] = end;
    else spans.push([from, end]);
  }
  return { store: first.store, spans };
}

function singles({ spans }: Origin, indices: Iterable<number>): Spans {
  const numbers = spans.flatMap(([first, end]) => Array.from({ length: end - first }, (_, at) => first + at));
  return Array.from(indices, (index) => [numbers[index] as number, (numbers[index] as number) + 1] as const);
}

function insert(spans: [number, number][], first: number, end: number): [number, number][] {
  const last = spans.at(-1);
  // As a rule events follow one another.
  if (last && first === last[1]) {
    last[1] = end;
    return spans;
  }
  const apart = spans.filter(([from, to]) => to < first || from > end);
  const touched = spans.filter(([from, to]) => to >= first && from <= end);
  apart.push([Math.min(first, ...touched.map(([from]) => from)), Math.max(end, ...touched.map(([, to]) => to))]);
  apart.sort(([a], [b]) => a - b);
  if (apart.length > MOST_SPANS) apart.shift();
  return apart;
}
