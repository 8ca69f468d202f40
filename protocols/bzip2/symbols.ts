/** A run of zeros is written by its length in the digits 1 and 2, the lowest first. */
const RUN_A = 0;
const RUN_B = 1;

/** What is left to be coded of a block: numbers below `alphabet`, of which the last, `alphabet` - 1, ends it. */
export interface Symbols {
  readonly list: Uint16Array;
  readonly alphabet: number;
  /** Bytes that occur, in their order. */
  readonly bytes: readonly number[];
}

/** Each byte becomes its place among those that occur, the one seen last in front; and runs of the first place become their length. */
export function symbolsOf(column: Uint8Array): Symbols {
  const occurs = new Uint8Array(256);
  for (const byte of column) occurs[byte] = 1;
  const bytes = Array.from(occurs.keys()).filter((byte) => occurs[byte] === 1);
  const recent = Uint8Array.from(bytes);
  const list = new Uint16Array(column.length + 1);
  let length = 0;
  let zeros = 0;
  const endRun = (): void => {
    for (; zeros > 0; zeros = (zeros - 1) >> 1) list[length++] = (zeros & 1) === 1 ? RUN_A : RUN_B;
  };
  for (const byte of column) {
    if (recent[0] === byte) {
      zeros++;
      continue;
    }
    endRun();
    const place = recent.indexOf(byte);
    recent.copyWithin(1, 0, place);
    recent[0] = byte;
    list[length++] = place + 1;
  }
  endRun();
  list[length++] = bytes.length + 1;
  return { list: list.subarray(0, length), alphabet: bytes.length + 2, bytes };
}
