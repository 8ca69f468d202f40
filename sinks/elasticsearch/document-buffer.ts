const FIRST_BYTES = 256 * 1024;
/** What is kept for the next batch; more was for one of unusual size. */
const MOST_KEPT_BYTES = 8 * 1024 * 1024;
/** Bytes of UTF-8 for one UTF-16 unit, at most. */
const BYTES_PER_UNIT = 3;

/**
 * The documents of a request side by side in one piece of memory that serves again: a text for each event would outlive its batch in the
 * young generation, and collecting those cost as much as all the rest. A document is named by its place, from 0 on.
 */
export class DocumentBuffer {
  #bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #end = 0;
  /** Ends of documents; one begins where the one before ends. */
  #ends: number[] = [];
  #events: number[] = [];

  get count(): number {
    return this.#ends.length;
  }

  clear(): void {
    this.#end = 0;
    this.#ends = [];
    this.#events = [];
    if (this.#bytes.length > MOST_KEPT_BYTES) this.#bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  }

  /** False where the documents would then have more bytes than that, unless it is the first. */
  add(event: number, lines: string, mostBytes: number): boolean {
    const room = lines.length * BYTES_PER_UNIT;
    if (this.#end + room > this.#bytes.length) this.#grow(this.#end + room);
    const end = this.#end + this.#bytes.write(lines, this.#end);
    if (end > mostBytes && this.count > 0) return false;
    this.#end = end;
    this.#ends.push(end);
    this.#events.push(event);
    return true;
  }

  /** Number of its event in the batch. */
  event(place: number): number {
    return this.#events[place] as number;
  }

  /** All places. */
  places(): number[] {
    return this.#ends.map((_, place) => place);
  }

  sizes(places: readonly number[]): number[] {
    return places.map((place) => (this.#ends[place] as number) - this.#begin(place));
  }

  /** Bytes of the documents at ascending places: a view where they lie side by side. Holds until `clear`. */
  bytes(places: readonly number[]): Buffer {
    const first = places[0] ?? 0;
    const last = places.at(-1) ?? 0;
    if (last - first === places.length - 1) return this.#bytes.subarray(this.#begin(first), this.#ends[last]);
    return Buffer.concat(places.map((place) => this.#bytes.subarray(this.#begin(place), this.#ends[place])));
  }

  #begin(place: number): number {
    return place === 0 ? 0 : (this.#ends[place - 1] as number);
  }

  #grow(bytes: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(bytes, 2 * this.#bytes.length));
    this.#bytes.copy(grown, 0, 0, this.#end);
    this.#bytes = grown;
  }
}
