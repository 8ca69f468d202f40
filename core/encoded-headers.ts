import type { HeaderRows } from './batch.ts';
import { javaUtf8 } from './java-utf8.ts';

/**
 * Header sets as Avro maps of strings (Avro 1.11 specification, "Binary Encoding"), which is how they travel between agents: they stay as
 * they came until somebody asks. The bytes were checked by whoever found the bounds.
 */
export class EncodedHeaders implements HeaderRows {
  readonly #bytes: Buffer;
  /** Begin and end of the set of row i at 2i and 2i+1. */
  readonly #bounds: Uint32Array;

  constructor(bytes: Buffer, bounds: Uint32Array) {
    this.#bytes = bytes;
    this.#bounds = bounds;
  }

  at(row: number): ReadonlyMap<string, string> {
    return decodeHeaders(this.#bytes, this.#bounds[2 * row] as number);
  }

  get(row: number, name: string): string | undefined {
    return this.at(row).get(name);
  }

  encoded(row: number): Buffer {
    return this.#bytes.subarray(this.#bounds[2 * row], this.#bounds[2 * row + 1]);
  }
}

/** The map that begins at `at`. */
export function decodeHeaders(bytes: Buffer, at: number): Map<string, string> {
  const headers = new Map<string, string>();
  const long = (): number => {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = bytes[at++] as number;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
      scale *= 128;
    }
  };
  const text = (): string => {
    const length = long();
    at += length;
    return javaUtf8(bytes, at - length, at);
  };
  for (let count = long(); count !== 0; count = long()) {
    // A negative count is followed by the size of the block in bytes.
    if (count < 0) long();
    for (let left = Math.abs(count); left > 0; left--) {
      const name = text();
      headers.set(name, text());
    }
  }
  return headers;
}
