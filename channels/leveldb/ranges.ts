/** Events by number, from `from` up to but not including `to`, with the bytes of their bodies. */
export interface Range {
  readonly from: number;
  readonly to: number;
  readonly bytes: number;
}

/**
 * Which events are done with: all below `head`, and ranges above it that were committed out of turn or are lost. Ranges are kept in order,
 * apart from one another; one that touches the head moves it.
 */
export class DoneEvents {
  #head: number;
  /** Body bytes of all events below the head since the store began. */
  #headBytes: number;
  readonly #ranges: Range[];

  constructor(head = 0, headBytes = 0, ranges: readonly Range[] = []) {
    this.#head = head;
    this.#headBytes = headBytes;
    this.#ranges = [];
    for (const range of ranges) this.add(range);
  }

  get head(): number {
    return this.#head;
  }

  get headBytes(): number {
    return this.#headBytes;
  }

  get ranges(): readonly Range[] {
    return this.#ranges;
  }

  /** Events and bytes of the ranges above the head. */
  aboveHead(): { events: number; bytes: number } {
    let events = 0;
    let bytes = 0;
    for (const range of this.#ranges) {
      events += range.to - range.from;
      bytes += range.bytes;
    }
    return { events, bytes };
  }

  /** `range` must not overlap what is done already. */
  add(range: Range): void {
    if (range.to <= range.from) return;
    if (range.from < this.#head) throw new RangeError(`events ${range.from} to ${range.to - 1} are done already: the head is ${this.#head}`);
    const at = this.#placeOf(range.from);
    const before = this.#ranges[at - 1];
    const after = this.#ranges[at];
    if ((before && before.to > range.from) || (after && after.from < range.to)) {
      throw new RangeError(`events ${range.from} to ${range.to - 1} are done already, in part`);
    }
    let { from, to, bytes } = range;
    const joinsBefore = before?.to === from;
    const joinsAfter = after?.from === to;
    if (joinsBefore) {
      from = before.from;
      bytes += before.bytes;
    }
    if (joinsAfter) {
      to = after.to;
      bytes += after.bytes;
    }
    this.#ranges.splice(joinsBefore ? at - 1 : at, Number(joinsBefore) + Number(joinsAfter), { from, to, bytes });
    this.#moveHead();
  }

  /** The parts of `from` … `to` that are not done, in order. */
  open(from: number, to: number): { from: number; to: number }[] {
    const open: { from: number; to: number }[] = [];
    let at = Math.max(from, this.#head);
    for (let index = Math.max(0, this.#placeOf(at) - 1); index < this.#ranges.length && at < to; index++) {
      const range = this.#ranges[index] as Range;
      if (range.from >= to) break;
      if (range.from > at) open.push({ from: at, to: range.from });
      at = Math.max(at, range.to);
    }
    if (at < to) open.push({ from: at, to });
    return open;
  }

  #moveHead(): void {
    const first = this.#ranges[0];
    if (first?.from !== this.#head) return;
    this.#ranges.shift();
    this.#head = first.to;
    this.#headBytes += first.bytes;
  }

  /** Index of the first range that begins at `event` or later. */
  #placeOf(event: number): number {
    let low = 0;
    let high = this.#ranges.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#ranges[middle] as Range).from < event) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
