import { MOST_BLOCK_BYTES } from '../protocols/avro-container-reader.ts';
import { decompressSnappy } from '../protocols/snappy-decoder.ts';
import { settle } from './avro-codecs.ts';

/** The data of a block of a container. Rejects for what is no such data, and for more than a block may hold. */
export type AvroDecompressor = (data: Buffer) => Promise<Buffer>;

const zlib = (): typeof import('node:zlib') => process.getBuiltinModule('node:zlib');
const LIMIT = { maxOutputLength: MOST_BLOCK_BYTES };

const DECOMPRESSORS: ReadonlyMap<string, AvroDecompressor> = new Map<string, AvroDecompressor>([
  ['null', async (data) => data],
  ['deflate', (data) => settle((done) => zlib().inflateRaw(data, LIMIT, done))],
  ['snappy', async (data) => unsnappyBlock(data)],
  ['zstandard', (data) => settle((done) => zlib().zstdDecompress(data, LIMIT, done))],
]);

/** `undefined` for a codec that there is not. */
export function avroDecompressor(name: string): AvroDecompressor | undefined {
  return DECOMPRESSORS.get(name);
}

function unsnappyBlock(data: Buffer): Buffer {
  if (data.length < 4) throw new Error('a Snappy block is too short for its checksum');
  const bytes = decompressSnappy(data.subarray(0, -4), MOST_BLOCK_BYTES);
  if (zlib().crc32(bytes) !== data.readUInt32BE(data.length - 4)) throw new Error('the checksum of a Snappy block is wrong');
  return bytes;
}
