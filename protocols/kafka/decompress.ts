import type * as Library from '@platformatic/kafka';
import { uncompressedLength } from '../snappy-decoder.ts';
import { COMPRESSION_CODES } from './record-batch.ts';

/** What Java's Snappy streams begin with; then two numbers of 4 bytes, then chunks: length:4 snappy. */
const SNAPPY_STREAM = Buffer.from('\x82SNAPPY\0', 'latin1');
const SNAPPY_STREAM_HEADER = 16;

/** LZ4 frame format (lz4/lz4, lz4_Frame_format.md): magic:4 FLG:1 BD:1 [size:8] [dictionary:4] checksum:1 (length:4 block [checksum:4])* 0:4 [checksum:4] */
const LZ4_MAGIC = 0x184d_2204;
const LZ4_STORED = 0x8000_0000;

/** The records of a batch as they were before compression; throws for bytes that are damaged, and before it takes more memory than `mostBytes`. */
export function decompress(library: typeof Library, code: number, data: Buffer, mostBytes: number): Buffer {
  const { gunzipSync, zstdDecompressSync } = process.getBuiltinModule('node:zlib');
  const limit = { maxOutputLength: mostBytes };
  switch (code) {
    case COMPRESSION_CODES.none:
      return data;
    case COMPRESSION_CODES.gzip:
      return gunzipSync(data, limit);
    case COMPRESSION_CODES.zstd:
      return zstdDecompressSync(data, limit);
    case COMPRESSION_CODES.snappy:
      checkSize(snappySize(data), mostBytes);
      return library.compressionsAlgorithms.snappy.decompressSync(data);
    case COMPRESSION_CODES.lz4:
      checkSize(lz4Size(data), mostBytes);
      return library.compressionsAlgorithms.lz4.decompressSync(data);
    default:
      throw new Error(`they are compressed by a method with the number ${code}, which is not known`);
  }
}

function checkSize(size: number, mostBytes: number): void {
  if (size > mostBytes) throw new Error(`uncompressed they may have ${size} bytes, and ${mostBytes} are allowed`);
}

function snappySize(data: Buffer): number {
  if (!data.subarray(0, SNAPPY_STREAM.length).equals(SNAPPY_STREAM)) return uncompressedLength(data).length;
  let size = 0;
  for (let at = SNAPPY_STREAM_HEADER; at < data.length; ) {
    const end = at + 4 + (at + 4 <= data.length ? data.readUInt32BE(at) : data.length);
    if (end > data.length) throw new Error('their Snappy stream is cut off');
    size += uncompressedLength(data.subarray(at + 4, end)).length;
    at = end;
  }
  return size;
}

/** An upper limit, from the sizes of the blocks. */
function lz4Size(data: Buffer): number {
  const cutOff = (): never => {
    throw new Error('their LZ4 frame is cut off');
  };
  if (data.length < 7 || data.readUInt32LE(0) !== LZ4_MAGIC) throw new Error('they do not begin as an LZ4 frame does');
  const flags = data[4] as number;
  const mostPerBlock = 2 ** (8 + 2 * (((data[5] as number) >> 4) & 7));
  let size = 0;
  let at = 7 + (flags & 8 ? 8 : 0) + (flags & 1 ? 4 : 0);
  for (;;) {
    if (at + 4 > data.length) cutOff();
    const word = data.readUInt32LE(at);
    if (word === 0) return size;
    const length = word % LZ4_STORED;
    size += word >= LZ4_STORED ? length : Math.min(mostPerBlock, 255 * length);
    at += 4 + length + (flags & 16 ? 4 : 0);
    if (at > data.length) cutOff();
  }
}
