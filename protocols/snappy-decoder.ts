/** Reads Snappy's raw format, whose elements are described in snappy.ts; literals and copies of every length. */
export function decompressSnappy(bytes: Buffer, mostBytes: number): Buffer {
  const { length, begin } = uncompressedLength(bytes);
  if (length > mostBytes) throw new Error(`Snappy data hold ${length} bytes; at most ${mostBytes} are read`);
  const output = Buffer.allocUnsafeSlow(length);
  let at = begin;
  let written = 0;
  while (at < bytes.length) {
    const tag = bytes[at++] as number;
    const kind = tag & 3;
    const upper = tag >> 2;
    const more = kind === 0 ? Math.max(0, upper - 59) : kind === 3 ? 4 : kind;
    const number = more === 0 ? 0 : numberAt(bytes, at, more);
    at += more;
    const size = kind === 0 ? 1 + (more === 0 ? upper : number) : kind === 1 ? 4 + (upper & 7) : 1 + upper;
    if (written + size > length) throw new Error('Snappy data hold more bytes than they say');
    if (kind === 0) {
      if (at + size > bytes.length) throw new Error('Snappy data are cut off');
      bytes.copy(output, written, at, at + size);
      at += size;
    } else {
      copyBack(output, written, size, kind === 1 ? ((tag >> 5) << 8) | number : number);
    }
    written += size;
  }
  if (written !== length) throw new Error('Snappy data hold fewer bytes than they say');
  return output;
}

/** Of the bytes that the stream says it holds, and where its first element is. */
export function uncompressedLength(bytes: Buffer): { length: number; begin: number } {
  let length = 0;
  for (let at = 0, factor = 1; at < 5; at++, factor *= 128) {
    const byte = bytes[at];
    if (byte === undefined) break;
    length += (byte & 0x7f) * factor;
    if (byte < 0x80) return { length, begin: at + 1 };
  }
  throw new Error('Snappy data do not begin with a length');
}

function numberAt(bytes: Buffer, at: number, size: number): number {
  if (at + size > bytes.length) throw new Error('Snappy data are cut off');
  return bytes.readUIntLE(at, size);
}

/** The bytes may overlap: a copy of a byte back repeats it. */
function copyBack(output: Buffer, at: number, size: number, offset: number): void {
  if (offset === 0 || offset > at) throw new Error('Snappy data copy from before their beginning');
  if (offset >= size) output.copyWithin(at, at - offset, at - offset + size);
  else for (let index = 0; index < size; index++) output[at + index] = output[at + index - offset] as number;
}
