/** A buffer above this is not kept for the next batch. */
const KEPT_BYTES = 8 * 1024 * 1024;
const FIRST_BYTES = 64 * 1024;

/** Memory that is used again for each batch: fresh memory costs more than the copy into it. */
export class Scratch {
  #buffer: Buffer = Buffer.alloc(0);

  /** At least `bytes` long, with anything in it; the same memory each time, unless it must grow. */
  take(bytes: number): Buffer {
    if (bytes <= this.#buffer.length) return this.#buffer;
    if (bytes > KEPT_BYTES) return Buffer.allocUnsafeSlow(bytes);
    let size = Math.max(FIRST_BYTES, 2 * this.#buffer.length);
    while (size < bytes) size *= 2;
    this.#buffer = Buffer.allocUnsafeSlow(size);
    return this.#buffer;
  }
}
