/** Its length takes one byte. */
const SHORT_TEXT = 32;

/**
 * Writes Avro's binary encoding (Avro 1.11 specification, "Binary Encoding") into memory that grows and is used again:
 *
 *     long   = zig-zag of the number as a little-endian base-128 varint
 *     bytes  = long length, then so many bytes;  string = the same with UTF-8
 */
export class AvroWriter {
  #bytes: Buffer;
  #length = 0;

  constructor(firstBytes = 64 * 1024) {
    this.#bytes = Buffer.allocUnsafeSlow(firstBytes);
  }

  get length(): number {
    return this.#length;
  }

  /** Forgets everything behind `length`. */
  truncate(length: number): void {
    this.#length = length;
  }

  /** A view of what was written from `from` on. It holds until something before its end is written anew. */
  view(from: number): Buffer {
    return this.#bytes.subarray(from, this.#length);
  }

  /** So many bytes more, to be filled in by the caller before anything else is written. */
  room(bytes: number): Buffer {
    this.#reserve(bytes);
    this.#length += bytes;
    return this.view(this.#length - bytes);
  }

  /** A whole number from 0 to 2^52. */
  count(value: number): void {
    this.#reserve(8);
    let rest = 2 * value;
    for (; rest > 0x7f; rest = Math.floor(rest / 128)) this.#bytes[this.#length++] = (rest % 128) | 0x80;
    this.#bytes[this.#length++] = rest;
  }

  raw(bytes: Uint8Array, begin = 0, end = bytes.length): void {
    this.#reserve(end - begin);
    this.#bytes.set(begin === 0 && end === bytes.length ? bytes : bytes.subarray(begin, end), this.#length);
    this.#length += end - begin;
  }

  bytes(bytes: Uint8Array, begin = 0, end = bytes.length): void {
    this.count(end - begin);
    this.raw(bytes, begin, end);
  }

  string(text: string): void {
    if (text.length <= SHORT_TEXT && this.#shortAscii(text)) return;
    const length = Buffer.byteLength(text);
    this.count(length);
    this.#reserve(length);
    this.#bytes.write(text, this.#length);
    this.#length += length;
  }

  /** Short texts, such as most names and values of headers, cost less one by one than a call to the encoder. False: not ASCII. */
  #shortAscii(text: string): boolean {
    this.#reserve(text.length + 1);
    const bytes = this.#bytes;
    let at = this.#length;
    bytes[at++] = 2 * text.length;
    for (let index = 0; index < text.length; index++) {
      const unit = text.charCodeAt(index);
      if (unit > 0x7f) return false;
      bytes[at++] = unit;
    }
    this.#length = at;
    return true;
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#bytes.length));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }
}
