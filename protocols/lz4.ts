/**
 * LZ4, block format (lz4/lz4, lz4_Block_format.md):
 *
 *     block    = sequence*
 *     sequence = token length* literal* [offset length*]    the last one has literals only
 *     token    = literals<<4 | match-4                      15 in either half: the length goes on in bytes, up to one below 255
 *     offset   = 2 bytes, little-endian, 1 to 65,535 back
 *
 * The last five bytes are literals, and the last match begins at least twelve bytes before the end.
 */

const TABLE_BITS = 14;
const SHORTEST_MATCH = 4;
const LAST_LITERALS = 5;
const LAST_MATCH = 12;
const LONGEST_OFFSET = 65_535;

let table: Int32Array | undefined;

/** The bytes as one LZ4 block: no frame, no checksum, no length in front. */
export function compressLz4(bytes: Uint8Array): Buffer {
  const places = (table ??= new Int32Array(1 << TABLE_BITS)).fill(-1);
  const output: Output = { bytes: Buffer.allocUnsafeSlow(16 + bytes.length + Math.ceil(bytes.length / 255)), length: 0 };
  let written = 0;
  // Grows with each failed search: bytes that do not compress are passed over ever faster.
  let patience = 64;
  for (let at = 0; at <= bytes.length - LAST_MATCH; ) {
    const word = wordAt(bytes, at);
    const slot = Math.imul(word, 0x9e37_79b1) >>> (32 - TABLE_BITS);
    const candidate = places[slot] as number;
    places[slot] = at;
    if (candidate >= 0 && at - candidate <= LONGEST_OFFSET && wordAt(bytes, candidate) === word) {
      const end = bytes.length - LAST_LITERALS;
      let length = SHORTEST_MATCH;
      while (at + length < end && bytes[candidate + length] === bytes[at + length]) length++;
      writeSequence(output, bytes.subarray(written, at), at - candidate, length);
      at += length;
      written = at;
      patience = 64;
    } else {
      at += patience++ >> 6;
    }
  }
  writeSequence(output, bytes.subarray(written), 0, 0);
  return output.bytes.subarray(0, output.length);
}

interface Output {
  readonly bytes: Buffer;
  length: number;
}

function wordAt(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16) | ((bytes[at + 3] as number) << 24)
  );
}

/** Literals and the match behind them; no match where `offset` is 0. */
function writeSequence(output: Output, literals: Uint8Array, offset: number, length: number): void {
  const to = output.bytes;
  const matched = offset === 0 ? 0 : length - SHORTEST_MATCH;
  to[output.length++] = (Math.min(15, literals.length) << 4) | Math.min(15, matched);
  writeRest(output, literals.length);
  to.set(literals, output.length);
  output.length += literals.length;
  if (offset === 0) return;
  to[output.length++] = offset & 0xff;
  to[output.length++] = offset >> 8;
  writeRest(output, matched);
}

function writeRest(output: Output, length: number): void {
  if (length < 15) return;
  let rest = length - 15;
  for (; rest >= 255; rest -= 255) output.bytes[output.length++] = 255;
  output.bytes[output.length++] = rest;
}
