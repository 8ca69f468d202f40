/** Reads Avro object container files of Flume events as far as a test needs it, with the codecs null, deflate and snappy. */

import { crc32, inflateRawSync } from 'node:zlib';

export interface Container {
  readonly metadata: Readonly<Record<string, string>>;
  /** Up to and including the first sync marker. */
  readonly headerBytes: number;
  readonly blocks: number;
  readonly count: number;
  /** Data of all blocks, decompressed and joined. */
  readonly records: Buffer;
}

/** `undefined` for what is not, or not yet, a whole container. */
export function readContainer(bytes: Buffer): Container | undefined {
  try {
    return parse(bytes);
  } catch {
    return undefined;
  }
}

function parse(bytes: Buffer): Container {
  const at = { offset: 4 };
  if (bytes.toString('latin1', 0, 4) !== 'Obj\u0001') {
    throw new Error('no magic');
  }
  const metadata: Record<string, string> = {};
  for (let count = readLong(bytes, at); count !== 0; count = readLong(bytes, at)) {
    for (let n = 0; n < count; n++) {
      const key = readBytes(bytes, at).toString();
      metadata[key] = readBytes(bytes, at).toString();
    }
  }
  const sync = take(bytes, at, 16);
  const headerBytes = at.offset;
  const data: Buffer[] = [];
  let count = 0;
  while (at.offset < bytes.length) {
    count += readLong(bytes, at);
    data.push(decompress(readBytes(bytes, at), metadata['avro.codec'] ?? 'null'));
    if (!take(bytes, at, 16).equals(sync)) {
      throw new Error('sync marker differs');
    }
  }
  return { metadata, headerBytes, blocks: data.length, count, records: Buffer.concat(data) };
}

function readLong(bytes: Buffer, at: { offset: number }): number {
  let value = 0;
  for (let factor = 1; ; factor *= 128) {
    const byte = bytes.readUInt8(at.offset++);
    value += (byte & 0x7f) * factor;
    if (byte < 128) {
      return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    }
  }
}

function readBytes(bytes: Buffer, at: { offset: number }): Buffer {
  return take(bytes, at, readLong(bytes, at));
}

function take(bytes: Buffer, at: { offset: number }, length: number): Buffer {
  if (length < 0 || at.offset + length > bytes.length) {
    throw new Error('cut off');
  }
  at.offset += length;
  return bytes.subarray(at.offset - length, at.offset);
}

function decompress(data: Buffer, codec: string): Buffer {
  switch (codec) {
    case 'null':
      return data;
    case 'deflate':
      return inflateRawSync(data);
    case 'snappy': {
      const plain = unsnap(data.subarray(0, -4));
      if (crc32(plain) !== data.readUInt32BE(data.length - 4)) {
        throw new Error('checksum of a snappy block differs');
      }
      return plain;
    }
    default:
      throw new Error(`codec ${codec}`);
  }
}

/** Snappy's raw format: length, then literals and copies. */
function unsnap(data: Buffer): Buffer {
  let length = 0;
  let p = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = data.readUInt8(p++);
    length |= (byte & 0x7f) << shift;
    if (byte < 128) {
      break;
    }
  }
  const out = Buffer.alloc(length);
  let o = 0;
  while (p < data.length) {
    const tag = data.readUInt8(p++);
    if ((tag & 3) === 0) {
      const extra = tag >> 2 < 60 ? 0 : (tag >> 2) - 59;
      const size = 1 + (extra === 0 ? tag >> 2 : data.readUIntLE(p, extra));
      p += extra;
      data.copy(out, o, p, p + size);
      p += size;
      o += size;
    } else {
      const wide = tag & 3;
      const size = wide === 1 ? 4 + ((tag >> 2) & 7) : 1 + (tag >> 2);
      const offset = wide === 1 ? ((tag >> 5) << 8) | data.readUInt8(p) : data.readUIntLE(p, wide === 2 ? 2 : 4);
      p += wide === 1 ? 1 : wide === 2 ? 2 : 4;
      for (let n = 0; n < size; n++, o++) {
        out[o] = out[o - offset] ?? 0;
      }
    }
  }
  return out;
}
