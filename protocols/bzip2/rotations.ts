/** What sorting needs, for blocks up to a size; used again for each. */
export class RotationSorter {
  readonly #order: Int32Array;
  readonly #shifted: Int32Array;
  readonly #ranks: Int32Array;
  readonly #nextRanks: Int32Array;
  readonly #counts: Int32Array;

  constructor(mostBytes: number) {
    this.#order = new Int32Array(mostBytes);
    this.#shifted = new Int32Array(mostBytes);
    this.#ranks = new Int32Array(mostBytes);
    this.#nextRanks = new Int32Array(mostBytes);
    this.#counts = new Int32Array(Math.max(256, mostBytes) + 1);
  }

  /**
   * Where each rotation of the block begins, in the order of the rotations; holds until the next call. Sorted by 1, 2, 4, … first bytes, each
   * time by ranks of the time before: what repeats itself costs no more than what does not.
   */
  sort(block: Uint8Array): Int32Array {
    const size = block.length;
    const [order, shifted] = [this.#order.subarray(0, size), this.#shifted.subarray(0, size)];
    let [ranks, nextRanks] = [this.#ranks, this.#nextRanks];
    for (let at = 0; at < size; at++) {
      ranks[at] = block[at] as number;
      shifted[at] = at;
    }
    this.#byRank(shifted, ranks, 256, order);
    let classes = rank(order, ranks, 0, nextRanks);
    for (let length = 1; classes < size && length < size; length *= 2) {
      [ranks, nextRanks] = [nextRanks, ranks];
      // By their second halves these are sorted already.
      for (let at = 0; at < size; at++) {
        const begin = (order[at] as number) - length;
        shifted[at] = begin < 0 ? begin + size : begin;
      }
      this.#byRank(shifted, ranks, classes, order);
      classes = rank(order, ranks, length, nextRanks);
    }
    return order;
  }

  /** `from` in the order of its ranks, into `into`; what has the same rank stays in its order. */
  #byRank(from: Int32Array, ranks: Int32Array, classes: number, into: Int32Array): void {
    const counts = this.#counts.fill(0, 0, classes + 1);
    const size = from.length;
    for (let at = 0; at < size; at++) counts[(ranks[at] as number) + 1]!++;
    for (let at = 1; at <= classes; at++) counts[at]! += counts[at - 1] as number;
    for (let at = 0; at < size; at++) {
      const begin = from[at] as number;
      into[counts[ranks[begin] as number]!++] = begin;
    }
  }
}

/** Ranks of rotations whose two halves of `length` bytes are ranked; without a length, of their first byte. Answers how many there are. */
function rank(order: Int32Array, ranks: Int32Array, length: number, into: Int32Array): number {
  const size = order.length;
  let classes = 0;
  let before = -1;
  let halfBefore = -1;
  for (let at = 0; at < size; at++) {
    const begin = order[at] as number;
    const behind = begin + length;
    const [first, half] = [ranks[begin] as number, ranks[behind < size ? behind : behind - size] as number];
    if (first !== before || half !== halfBefore) classes++;
    before = first;
    halfBefore = half;
    into[begin] = classes - 1;
  }
  return classes;
}
