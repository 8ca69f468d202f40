import type { Origin } from './component.ts';

/** Numbers of events in the store they come from: row i of the batch that was read has number `at(i)`. */
export class EventNumbers {
  readonly store: string;
  /** No event below this number is ever sent again. */
  readonly settled: number;
  readonly #firsts: Float64Array;
  /** Row of the first event of each span. */
  readonly #rows: Uint32Array;

  /** `spans` make up all rows. */
  constructor({ store, spans, settled = 0 }: Origin) {
    this.store = store;
    this.settled = settled;
    this.#firsts = Float64Array.from(spans, ([first]) => first);
    this.#rows = new Uint32Array(spans.length);
    let row = 0;
    for (const [index, [first, end]] of spans.entries()) {
      this.#rows[index] = row;
      row += end - first;
    }
  }

  at(row: number): number {
    let low = 0;
    let high = this.#rows.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#rows[middle] as number) <= row) low = middle;
      else high = middle - 1;
    }
    return (this.#firsts[low] as number) + row - (this.#rows[low] as number);
  }
}

/** The origin of the events `from` up to but not including `to` of those that `origin` is of. */
export function sliceOrigin(origin: Origin, from: number, to: number): Origin {
  const spans: [number, number][] = [];
  let index = 0;
  for (const [first, end] of origin.spans) {
    const begin = Math.max(first, first + from - index);
    const stop = Math.min(end, first + to - index);
    if (begin < stop) spans.push([begin, stop]);
    index += end - first;
  }
  return { ...origin, spans };
}
