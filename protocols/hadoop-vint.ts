/**
 * Hadoop's whole numbers of variable length (`WritableUtils.writeVLong`): one byte for -112 to 127; otherwise a byte that tells sign and
 * count, -113 to -120 for 1 to 8 bytes of a positive number, and its bytes, big-endian. Lengths are never negative.
 */

/** Bytes that `writeVint` takes for a length. */
export function vintSize(value: number): number {
  if (value <= 127) return 1;
  let size = 1;
  for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) size++;
  return size;
}

/** Writes a length at `at`; answers where the next byte goes. */
export function writeVint(into: Buffer, at: number, value: number): number {
  if (value <= 127) {
    into[at] = value;
    return at + 1;
  }
  const count = vintSize(value) - 1;
  into[at] = 256 - 112 - count;
  return into.writeUIntBE(value, at + 1, count);
}

export function vint(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(9);
  return bytes.subarray(0, writeVint(bytes, 0, value));
}

/** Text with its length in bytes in front. */
export function hadoopText(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([vint(bytes.length), bytes]);
}
