/** Zig-zag varints, as they stand in records. Behind the end of the bytes they are 0. */
export class Varints {
  readonly #bytes: Buffer;
  at: number;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  next(): number {
    const bytes = this.#bytes;
    const byte = bytes[this.at++] ?? 0;
    if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1);
    const second = bytes[this.at++] ?? 0;
    if (second < 0x80) {
      const word = (byte & 0x7f) | (second << 7);
      return (word >>> 1) ^ -(word & 1);
    }
    let value = (byte & 0x7f) + (second & 0x7f) * 128;
    for (let scale = 128 * 128; scale < 2 ** 63; scale *= 128) {
      const more = bytes[this.at++] ?? 0;
      value += (more & 0x7f) * scale;
      if (more < 0x80) break;
    }
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
}
