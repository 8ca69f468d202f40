/** Bits one behind the other, the highest of each number first. */
export class BitWriter {
  #bytes = Buffer.allocUnsafe(64 * 1024);
  #length = 0;
  /** Below 8 of them wait. */
  #waiting = 0;
  #count = 0;

  /** The lowest `count` bits, up to 24, of a number. */
  write(value: number, count: number): void {
    this.#waiting = (this.#waiting << count) | value;
    this.#count += count;
    if (this.#length + 4 > this.#bytes.length) this.#bytes = Buffer.concat([this.#bytes], 2 * this.#bytes.length);
    for (; this.#count >= 8; this.#count -= 8) this.#bytes[this.#length++] = this.#waiting >>> (this.#count - 8);
    this.#waiting &= (1 << this.#count) - 1;
  }

  write32(value: number): void {
    this.write(value >>> 16, 16);
    this.write(value & 0xffff, 16);
  }

  /** All bytes, the last filled up with zeros. */
  end(): Buffer {
    if (this.#count > 0) this.write(0, 8 - this.#count);
    return this.#bytes.subarray(0, this.#length);
  }
}
