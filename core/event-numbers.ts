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

  /** The numbers of `rows` rows from `from` on, as few spans. */
  spans(from: number, rows: number): [number, number][] {
    const spans: [number, number][] = [];
    for (let index = this.#spanOf(from), row = from, end = from + rows; row < end; index++) {
      const next = Math.min(end, this.#rows[index + 1] ?? end);
      const first = (this.#firsts[index] as number) + row - (this.#rows[index] as number);
      const last = spans.at(-1);
      if (last?.[1] === first) last[1] += next - row;
      else spans.push([first, first + next - row]);
      row = next;
    }
    return spans;
  }

  at(row: number): number {
    const index = this.#spanOf(row);
    return (this.#firsts[index] as number) + row - (this.#rows[index] as number);
  }

  #spanOf(row: number): number {
    let low = 0;
    let high = this.#rows.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#rows[middle] as number) <= row) low = middle;
      else high = middle - 1;
    }
    return low;
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
