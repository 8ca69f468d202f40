const LINE_FEED = 10;
const SLAB_ENTRIES = 32 * 1024;

/**
 * Finds the lines of a chunk: where each begins and ends, without its line feed. Bounds are cut from a slab that many chunks share, because
 * a typed array for each chunk would cost more than the search.
 */
export class LineScanner {
  #slab = new Uint32Array(SLAB_ENTRIES);
  #used = 0;
  #lines = 0;
  #next = 0;
  #longest = 0;

  /** Lines found by the last `scan`. */
  get lines(): number {
    return this.#lines;
  }

  /** Where the unfinished rest behind the last line feed begins. */
  get next(): number {
    return this.#next;
  }

  /** Bytes of the longest line found by the last `scan`. */
  get longest(): number {
    return this.#longest;
  }

  /** Begin and end of line i at 2i and 2i+1; the caller owns the array. */
  scan(bytes: Buffer, from: number): Uint32Array {
    let slab = this.#slab;
    let start = this.#used;
    let used = start;
    let begin = from;
    let longest = 0;
    for (let end = bytes.indexOf(LINE_FEED, begin); end >= 0; end = bytes.indexOf(LINE_FEED, begin)) {
      if (used + 2 > slab.length) {
        slab = this.#renew(start, used);
        used -= start;
        start = 0;
      }
      slab[used] = begin;
      slab[used + 1] = end;
      used += 2;
      if (end - begin > longest) longest = end - begin;
      begin = end + 1;
    }
    this.#used = used;
    this.#lines = (used - start) / 2;
    this.#next = begin;
    this.#longest = longest;
    return slab.subarray(start, used);
  }

  /** A fresh slab with the entries `from` to `to` of the full one at its head. */
  #renew(from: number, to: number): Uint32Array<ArrayBuffer> {
    const slab = new Uint32Array(Math.max(SLAB_ENTRIES, 2 * (to - from)));
    slab.set(this.#slab.subarray(from, to));
    this.#slab = slab;
    return slab;
  }
}
