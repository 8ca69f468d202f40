/** Bytes that are not what Avro's encoding, or the protocol, says. */
export class AvroFormatError extends Error {
  override readonly name = 'AvroFormatError';
}

const LARGEST_PART = 2 ** 49;

/** Reads Avro's binary encoding (Avro 1.11 specification) and believes no length before the bytes are there. Throws AvroFormatError. */
export class AvroCursor {
  readonly bytes: Buffer;
  at: number;

  constructor(bytes: Buffer, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  get left(): number {
    return this.bytes.length - this.at;
  }

  /** int and long; beyond 2^53, where nothing here counts, it is refused. */
  long(): number {
    const { bytes } = this;
    let at = this.at;
    let byte = at < bytes.length ? (bytes[at++] as number) : this.#ends();
    if (byte < 0x80) {
      this.at = at;
      return byte & 1 ? -(byte + 1) / 2 : byte / 2;
    }
    let value = byte & 0x7f;
    let scale = 128;
    do {
      byte = at < bytes.length ? (bytes[at++] as number) : this.#ends();
      if (scale > LARGEST_PART) throw new AvroFormatError(`number at byte ${this.at} is longer than 53 bits`);
      value += (byte & 0x7f) * scale;
      scale *= 128;
    } while (byte >= 0x80);
    this.at = at;
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  byte(): number {
    return this.at < this.bytes.length ? (this.bytes[this.at++] as number) : this.#ends();
  }

  /** A view. */
  fixed(length: number): Buffer {
    if (length < 0 || length > this.left) {
      throw new AvroFormatError(`${length} bytes are announced at byte ${this.at}, and ${this.left} are there`);
    }
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  /** bytes and string; a view. */
  sized(): Buffer {
    return this.fixed(this.long());
  }

  /** Passes over bytes or a string. */
  skipSized(): void {
    const length = this.long();
    if (length < 0 || length > this.bytes.length - this.at) {
      throw new AvroFormatError(`${length} bytes are announced at byte ${this.at}, and ${this.left} are there`);
    }
    this.at += length;
  }

  /** The count of the next block of a map or an array; 0 ends it. No entry is shorter than `leastBytes`. */
  block(leastBytes: number): number {
    let count = this.long();
    if (count < 0) {
      count = -count;
      this.long();
    }
    if (count * leastBytes > this.left) throw new AvroFormatError(`${count} entries are announced at byte ${this.at}, and ${this.left} bytes are there`);
    return count;
  }

  /** map<bytes> and map<string>. */
  map(): Map<string, Buffer> {
    const entries = new Map<string, Buffer>();
    for (let count = this.block(2); count > 0; count = this.block(2)) {
      for (; count > 0; count--) entries.set(this.sized().toString(), this.sized());
    }
    return entries;
  }

  skipMap(): void {
    for (let count = this.block(2); count > 0; count = this.block(2)) {
      for (; count > 0; count--) {
        this.skipSized();
        this.skipSized();
      }
    }
  }

  /** union { null, … }: whether a value follows. */
  present(): boolean {
    const branch = this.long();
    if (branch !== 0 && branch !== 1) throw new AvroFormatError(`branch ${branch} of a union of two, at byte ${this.at}`);
    return branch === 1;
  }

  #ends(): never {
    throw new AvroFormatError(`the message ends at byte ${this.bytes.length}, inside a value`);
  }
}
