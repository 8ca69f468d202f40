import { compressBzip2 } from './bzip2/bzip2.ts';
import { CODEC_PACKAGE, type CodecClass } from './hadoop-codec-names.ts';
import { compressLz4 } from './lz4.ts';
import { compressSnappy } from './snappy.ts';

/** One of Hadoop's compressions: `compress` makes a stream that is complete in itself; streams may follow one another in a file. */
export interface HadoopCodec {
  readonly className: string;
  /** Ending of file names, with its dot. */
  readonly extension: string;
  compress(bytes: Buffer): Promise<Buffer>;
}

/** Uncompressed bytes in a chunk of Snappy and LZ4: what fits into Hadoop's buffer of 256 KB even if it does not compress. */
const CHUNK_BYTES = 200 * 1024;

const zlib = (): typeof import('node:zlib') => process.getBuiltinModule('node:zlib');

const COMPRESSIONS: Readonly<Record<CodecClass, readonly [extension: string, compress: (bytes: Buffer) => Promise<Buffer>]>> = {
  BZip2Codec: ['.bz2', compressBzip2],
  DefaultCodec: ['.deflate', (bytes) => settle((done) => zlib().deflate(bytes, done))],
  DeflateCodec: ['.deflate', (bytes) => settle((done) => zlib().deflate(bytes, done))],
  GzipCodec: ['.gz', (bytes) => settle((done) => zlib().gzip(bytes, done))],
  ZStandardCodec: ['.zst', (bytes) => settle((done) => zlib().zstdCompress(bytes, done))],
  SnappyCodec: ['.snappy', async (bytes) => inChunks(bytes, compressSnappy)],
  Lz4Codec: ['.lz4', async (bytes) => inChunks(bytes, compressLz4)],
};

export function hadoopCodec(simpleName: CodecClass): HadoopCodec {
  const [extension, compress] = COMPRESSIONS[simpleName];
  return { className: `${CODEC_PACKAGE}${simpleName}`, extension, compress };
}

/** Hadoop's frame around compressions that have none: for each chunk its length before and after, big-endian, and its bytes. */
function inChunks(bytes: Buffer, compress: (chunk: Buffer) => Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    const chunk = bytes.subarray(at, at + CHUNK_BYTES);
    const compressed = compress(chunk);
    const lengths = Buffer.allocUnsafe(8);
    lengths.writeUInt32BE(chunk.length, 0);
    lengths.writeUInt32BE(compressed.length, 4);
    parts.push(lengths, compressed);
  }
  return Buffer.concat(parts);
}

function settle(call: (done: (error: Error | null, result: Buffer) => void) => void): Promise<Buffer> {
  return new Promise((resolve, reject) => call((error, result) => (error ? reject(error) : resolve(result))));
}
