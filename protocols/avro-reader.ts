/**
 * Reads Avro's binary encoding (see `AvroWriter`). Throws AvroDataError where the bytes end too early or say what cannot be; never reads
 * outside of them.
 */
export class AvroReader {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, at = 0) {
    this.#bytes = bytes;
    this.#at = at;
  }

  get at(): number {
    return this.#at;
  }

  /** Bytes that are left. */
  get left(): number {
    return this.#bytes.length - this.#at;
  }

  /** A whole number of up to 53 bits. */
  long(): number {
    let value = 0;
    let factor = 1;
    for (let length = 1; ; length++) {
      const byte = this.byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) break;
      factor *= 128;
      if (length === 10) throw new AvroDataError(`a number of more than 10 bytes ends at byte ${this.#at}`);
    }
    if (value > 2 * Number.MAX_SAFE_INTEGER) throw new AvroDataError(`a number at byte ${this.#at} has more than 53 bits`);
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  /** A number of things or bytes: not negative. */
  count(): number {
    const value = this.long();
    if (value < 0) throw new AvroDataError(`the length before byte ${this.#at} is ${value}`);
    return value;
  }

  byte(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw new AvroEndError(`the data end at byte ${this.#at}, in the middle of a value`);
    this.#at++;
    return byte;
  }

  /** A view of the next `length` bytes. */
  raw(length: number): Buffer {
    this.skip(length);
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  bytes(): Buffer {
    return this.raw(this.count());
  }

  skip(length: number): void {
    if (length > this.left) throw new AvroEndError(`the data end at byte ${this.#bytes.length}, in the middle of a value`);
    this.#at += length;
  }

  /** Goes over a number without making it. */
  skipLong(): void {
    for (let length = 1; this.byte() >= 0x80; length++) {
      if (length === 10) throw new AvroDataError(`a number of more than 10 bytes ends at byte ${this.#at}`);
    }
  }
}

/** Bytes are no Avro data of the schema. */
export class AvroDataError extends Error {}

/** The bytes end too early. */
export class AvroEndError extends AvroDataError {}
