import type { Finding } from '../core/define.ts';
import { compressSnappy } from '../protocols/snappy.ts';

/** Compresses one block of a container. */
export type AvroCompressor = (data: Buffer) => Promise<Buffer>;

const zlib = (): typeof import('node:zlib') => process.getBuiltinModule('node:zlib');

const COMPRESSORS: ReadonlyMap<string, AvroCompressor> = new Map<string, AvroCompressor>([
  ['deflate', (data) => settle((done) => zlib().deflateRaw(data, done))],
  ['snappy', async (data) => snappyBlock(data)],
  ['bzip2', async (data) => (await import('../protocols/bzip2/bzip2.ts')).compressBzip2(data)],
  ['zstandard', (data) => settle((done) => zlib().zstdCompress(data, done))],
]);

/** A codec of Avro that no kept library writes. */
const MISSING = 'xz';

export const AVRO_CODECS = ['null', ...COMPRESSORS.keys()];

export interface AvroCodec {
  /** As the container names it; absent where it names none. */
  readonly name?: string;
  readonly compress?: AvroCompressor;
}

/** An unknown name compresses nothing and leaves the name out, as Flume does. */
export function avroCodec(name: string): AvroCodec {
  const compress = COMPRESSORS.get(name);
  return compress ? { name, compress } : name === 'null' ? { name } : {};
}

export function codecFaults(option: string, name: string): readonly Finding[] {
  if (AVRO_CODECS.includes(name)) return [];
  if (name !== MISSING) return [{ option, effect: 'warn', sentence: `is none of ${AVRO_CODECS.join(', ')}; nothing is compressed` }];
  return [{ option, effect: 'refuse', sentence: `is a codec that Millrace does not have; use one of ${AVRO_CODECS.join(', ')}` }];
}

/** A call of the older kind as a promise. */
export function settle(call: (done: (error: Error | null, result: Buffer) => void) => void): Promise<Buffer> {
  return new Promise((resolve, reject) => call((error, result) => (error ? reject(error) : resolve(result))));
}

/** Avro puts the CRC-32 of the uncompressed bytes, big-endian, behind a Snappy block. */
function snappyBlock(data: Buffer): Buffer {
  const checksum = Buffer.allocUnsafe(4);
  checksum.writeUInt32BE(zlib().crc32(data));
  return Buffer.concat([compressSnappy(data), checksum]);
}
