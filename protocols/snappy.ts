/**
 * Snappy, raw format (google/snappy, format_description.txt):
 *
 *     stream  = length element*          length: of the uncompressed bytes, little-endian base-128 varint
 *     element = literal | copy           low two bits of its first byte, the tag, say which
 *     literal = n<<2|0 byte{n+1}         n < 60; with 60 (61) in its place n follows in 1 (2) bytes, little-endian
 *     copy    = tag offset               copies length bytes that begin offset bytes back
 *               (length-4)<<2|1 with offset>>8 in the top three bits, then offset&255: length 4 to 11, offset < 2,048
 *               (length-1)<<2|2, then offset in 2 bytes, little-endian: length 1 to 64, offset < 65,536
 */

/** Matches are looked for within pieces of this size, so that every offset fits into 16 bits. */
const PIECE_BYTES = 65_536;
const TABLE_BITS = 14;
const SHORTEST_MATCH = 4;
const LONGEST_COPY = 64;

const table = new Uint16Array(1 << TABLE_BITS);

/** The bytes in Snappy's raw format: no frame, no checksum. */
export function compressSnappy(bytes: Uint8Array): Buffer {
  const output: Output = { bytes: Buffer.allocUnsafeSlow(32 + bytes.length + Math.ceil(bytes.length / 6)), length: 0 };
  let rest = bytes.length;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) output.bytes[output.length++] = (rest & 0x7f) | 0x80;
  output.bytes[output.length++] = rest;
  for (let begin = 0; begin < bytes.length; begin += PIECE_BYTES) {
    compressPiece(bytes, begin, Math.min(begin + PIECE_BYTES, bytes.length), output);
  }
  return output.bytes.subarray(0, output.length);
}

interface Output {
  readonly bytes: Buffer;
  length: number;
}

function compressPiece(bytes: Uint8Array, begin: number, end: number, output: Output): void {
  table.fill(0);
  const last = end - SHORTEST_MATCH;
  let written = begin;
  // Grows with each failed search: bytes that do not compress are passed over ever faster.
  let patience = 32;
  for (let at = begin; at <= last; ) {
    const word = wordAt(bytes, at);
    const slot = Math.imul(word, 0x1e35_a7bd) >>> (32 - TABLE_BITS);
    const candidate = begin + (table[slot] as number);
    table[slot] = at - begin;
    if (candidate < at && wordAt(bytes, candidate) === word) {
      let length = SHORTEST_MATCH;
      while (at + length < end && bytes[candidate + length] === bytes[at + length]) length++;
      writeLiteral(bytes, written, at, output);
      writeCopy(at - candidate, length, output);
      at += length;
      written = at;
      patience = 32;
    } else {
      at += patience++ >> 5;
    }
  }
  writeLiteral(bytes, written, end, output);
}

function wordAt(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16) | ((bytes[at + 3] as number) << 24)
  );
}

function writeLiteral(bytes: Uint8Array, begin: number, end: number, output: Output): void {
  if (begin === end) return;
  const n = end - begin - 1;
  const to = output.bytes;
  if (n < 60) {
    to[output.length++] = n << 2;
  } else if (n < 256) {
    to[output.length++] = 60 << 2;
    to[output.length++] = n;
  } else {
    to[output.length++] = 61 << 2;
    to[output.length++] = n & 0xff;
    to[output.length++] = n >> 8;
  }
  to.set(bytes.subarray(begin, end), output.length);
  output.length += end - begin;
}

function writeCopy(offset: number, length: number, output: Output): void {
  let rest = length;
  while (rest > 0) {
    // A copy of fewer than four bytes would only fit the longer form; leave enough for the last one.
    const part = rest <= LONGEST_COPY ? rest : Math.min(LONGEST_COPY, rest - SHORTEST_MATCH);
    writeShortCopy(offset, part, output);
    rest -= part;
  }
}

function writeShortCopy(offset: number, length: number, output: Output): void {
  const to = output.bytes;
  if (length >= 4 && length < 12 && offset < 2048) {
    to[output.length++] = ((offset >> 8) << 5) | ((length - 4) << 2) | 1;
    to[output.length++] = offset & 0xff;
  } else {
    to[output.length++] = ((length - 1) << 2) | 2;
    to[output.length++] = offset & 0xff;
    to[output.length++] = offset >> 8;
  }
}
