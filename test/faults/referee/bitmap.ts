const CHUNK_BYTES = 128 * 1024;

/** Which numbers from 0 on were marked: a bit for each, so that 100 million of them take 12.5 MB. */
export class Bitmap {
  readonly #chunks: Uint8Array[] = [];
  count = 0;

  has(number: number): boolean {
    const byte = Math.floor(number / 8);
    const chunk = this.#chunks[Math.floor(byte / CHUNK_BYTES)];
    return chunk !== undefined && ((chunk[byte % CHUNK_BYTES] as number) & (1 << number % 8)) !== 0;
  }

  /** False if it was marked before. */
  mark(number: number): boolean {
    const byte = Math.floor(number / 8);
    const index = Math.floor(byte / CHUNK_BYTES);
    while (this.#chunks.length <= index) this.#chunks.push(new Uint8Array(CHUNK_BYTES));
    const chunk = this.#chunks[index] as Uint8Array;
    const at = byte % CHUNK_BYTES;
    const bit = 1 << number % 8;
    if (((chunk[at] as number) & bit) !== 0) return false;
    chunk[at] = (chunk[at] as number) | bit;
    this.count++;
    return true;
  }

  /** The numbers that are marked here and not there, in order. */
  *without(other: Bitmap): Generator<number> {
    for (const [index, chunk] of this.#chunks.entries()) {
      const theirs = other.#chunks[index];
      for (let at = 0; at < CHUNK_BYTES; at++) {
        const left = (chunk[at] as number) & ~(theirs?.[at] ?? 0);
        for (let bit = 0; left !== 0 && bit < 8; bit++) if ((left & (1 << bit)) !== 0) yield (index * CHUNK_BYTES + at) * 8 + bit;
      }
    }
  }

  clear(): void {
    this.#chunks.length = 0;
    this.count = 0;
  }
}
