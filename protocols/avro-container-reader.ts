import { AvroDataError, AvroEndError, AvroReader } from './avro-reader.ts';

/** The layout of a container stands above `AvroContainer` in serializers/avro-container.ts. */

const MAGIC = Buffer.from([0x4f, 0x62, 0x6a, 0x01]);
const SYNC_BYTES = 16;
/** Longest head: metadata are a schema and a few words. */
export const MOST_HEAD_BYTES = 4 * 1024 * 1024;
/** Largest block, before and after decompression. */
export const MOST_BLOCK_BYTES = 64 * 1024 * 1024;

export interface ContainerHead {
  readonly metadata: ReadonlyMap<string, Buffer>;
  readonly sync: Buffer;
  /** Where the first block begins. */
  readonly length: number;
}

/** Reads the head of a container. Throws AvroEndError if `bytes` do not hold all of it, AvroDataError if they are no container. */
export function readContainerHead(bytes: Buffer): ContainerHead {
  const begin = bytes.subarray(0, MAGIC.length);
  if (!begin.equals(MAGIC.subarray(0, begin.length))) throw new AvroDataError('the file is no Avro container: it does not begin with "Obj" and 1');
  const reader = new AvroReader(bytes);
  reader.skip(MAGIC.length);
  const metadata = new Map<string, Buffer>();
  for (let count = reader.long(); count !== 0; count = reader.long()) {
    if (count < 0) reader.skipLong();
    for (let left = Math.abs(count); left > 0; left--) {
      const name = reader.bytes().toString();
      metadata.set(name, reader.bytes());
    }
  }
  return { metadata, sync: Buffer.from(reader.raw(SYNC_BYTES)), length: reader.at };
}

export interface ContainerBlock {
  readonly objects: number;
  /** As it stands in the file. */
  readonly data: Buffer;
  /** Bytes of the whole block. */
  readonly length: number;
}

/** Bytes that a block takes, as far as its first two numbers tell; `undefined` if not even they are there. */
export function blockLength(bytes: Buffer): number | undefined {
  const reader = new AvroReader(bytes);
  try {
    reader.count();
    const size = reader.count();
    if (size > MOST_BLOCK_BYTES) throw new AvroDataError(`a block has ${size} bytes; at most ${MOST_BLOCK_BYTES} are read`);
    return reader.at + size + SYNC_BYTES;
  } catch (error) {
    if (error instanceof AvroEndError) return undefined;
    throw error;
  }
}

/** Reads the block at the head of `bytes`. */
export function readBlock(bytes: Buffer, sync: Buffer): ContainerBlock {
  const reader = new AvroReader(bytes);
  const objects = reader.count();
  const data = reader.bytes();
  if (!reader.raw(SYNC_BYTES).equals(sync)) throw new AvroDataError('the mark behind a block is not that of the file');
  return { objects, data, length: reader.at };
}
