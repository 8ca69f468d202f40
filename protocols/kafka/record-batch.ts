/**
 * Kafka's record batches, version 2 (Kafka documentation, "Message Format"), written from the bytes of a batch:
 *
 *     batch  = baseOffset:8 length:4 leaderEpoch:4 magic:1 crc:4 attributes:2 lastOffsetDelta:4 baseTimestamp:8 maxTimestamp:8
 *              producerId:8 producerEpoch:2 baseSequence:4 count:4 record*      records compressed together, CRC-32C from attributes on
 *     record = length attributes:1 timestampDelta offsetDelta key value count (name value)*      lengths, deltas, count: zig-zag varints
 */

export const BATCH_HEADER_BYTES = 61;
export const LENGTH_FROM = 12;
export const CRC_FROM = 21;
export const MAGIC = 2;

export const COMPRESSION_CODES = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const;
export type Compression = keyof typeof COMPRESSION_CODES;

export interface RecordHeader {
  readonly name: Buffer;
  readonly value: Buffer;
}

/** Who writes: what a broker knows repeated batches by. -1 in all three means that it does not look. */
export interface WriterIdentity {
  readonly producerId: bigint;
  readonly producerEpoch: number;
}

/** In the attributes: the records count only once their transaction is committed. */
const TRANSACTIONAL = 0x10;

export const NOBODY: WriterIdentity = { producerId: -1n, producerEpoch: -1 };

/** Collects records and gives them out as a batch; its memory is used again. */
export class RecordBatchWriter {
  #bytes = Buffer.allocUnsafeSlow(64 * 1024);
  #length = 0;
  #count = 0;
  #baseMs = 0;
  #latestMs = 0;

  get count(): number {
    return this.#count;
  }

  /** Bytes of the records so far, as they are before compression. */
  get length(): number {
    return this.#length;
  }

  /** Begins anew. Times of records are written as distances from `baseMs`. */
  begin(baseMs: number): void {
    this.#length = 0;
    this.#count = 0;
    this.#baseMs = baseMs;
    this.#latestMs = baseMs;
  }

  /** A record whose value is `prefix`, then the bytes of `bytes` from `begin` to `end`. */
  add(bytes: Buffer, begin: number, end: number, prefix?: Buffer, key?: Buffer, headers?: readonly RecordHeader[], timeMs = this.#baseMs): void {
    const delta = timeMs - this.#baseMs;
    const valueLength = end - begin + (prefix?.length ?? 0);
    const keyLength = key === undefined ? -1 : key.length;
    let size = 1 + varintSize(delta) + varintSize(this.#count) + varintSize(keyLength) + Math.max(keyLength, 0);
    size += varintSize(valueLength) + valueLength + varintSize(headers?.length ?? 0);
    if (headers) for (const { name, value } of headers) size += varintSize(name.length) + name.length + varintSize(value.length) + value.length;
    this.#reserve(size + 10);
    this.#varint(size);
    this.#bytes[this.#length++] = 0;
    this.#varint(delta);
    this.#varint(this.#count++);
    this.#varint(keyLength);
    if (key) this.#raw(key);
    this.#varint(valueLength);
    if (prefix) this.#raw(prefix);
    this.#length += bytes.copy(this.#bytes, this.#length, begin, end);
    this.#varint(headers?.length ?? 0);
    if (headers) for (const { name, value } of headers) this.#pair(name, value);
    if (timeMs > this.#latestMs) this.#latestMs = timeMs;
  }

  /** The batch, yet without writer and checksum: see `seal`. */
  async end(compression: Compression, compress: (records: Buffer) => Buffer | Promise<Buffer>): Promise<Buffer> {
    const [count, baseMs, latestMs] = [this.#count, this.#baseMs, this.#latestMs];
    const plain = this.#bytes.subarray(0, this.#length);
    const records = compression === 'none' ? plain : await compress(plain);
    const batch = Buffer.allocUnsafeSlow(BATCH_HEADER_BYTES + records.length);
    records.copy(batch, BATCH_HEADER_BYTES);
    if (records !== plain) releaseBytes(records);
    batch.fill(0, 0, BATCH_HEADER_BYTES);
    batch.writeInt32BE(batch.length - LENGTH_FROM, 8);
    batch.writeInt32BE(-1, LENGTH_FROM);
    batch[16] = MAGIC;
    batch.writeInt16BE(COMPRESSION_CODES[compression], CRC_FROM);
    batch.writeInt32BE(count - 1, 23);
    batch.writeBigInt64BE(BigInt(baseMs), 27);
    batch.writeBigInt64BE(BigInt(latestMs), 35);
    batch.writeInt32BE(count, 57);
    return batch;
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#bytes.length));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }

  #raw(bytes: Buffer): void {
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #pair(name: Buffer, value: Buffer): void {
    this.#varint(name.length);
    this.#raw(name);
    this.#varint(value.length);
    this.#raw(value);
  }

  #varint(value: number): void {
    let rest = value < 0 ? -2 * value - 1 : 2 * value;
    for (; rest > 0x7f; rest = Math.floor(rest / 128)) this.#bytes[this.#length++] = (rest % 128) | 0x80;
    this.#bytes[this.#length++] = rest;
  }
}

/**
 * Gives the memory of bytes back that nobody will use any more. What is sent outlives the engine's looks at young objects while brokers are
 * waited for, and the engine, which counts objects and not their bytes, lets tens of megabytes of it gather.
 */
export function releaseBytes(bytes: Buffer): void {
  const { buffer } = bytes;
  if (buffer instanceof ArrayBuffer && buffer.byteLength === bytes.length) buffer.transfer(0);
}

/** Enters the writer, the number of its first record for this partition (-1: no writer), and the checksum. */
export function seal(batch: Buffer, writer: WriterIdentity, sequence: number, crc32c: (bytes: Buffer) => number, transactional = false): void {
  if (transactional) batch.writeInt16BE(batch.readInt16BE(CRC_FROM) | TRANSACTIONAL, CRC_FROM);
  batch.writeBigInt64BE(writer.producerId, 43);
  batch.writeInt16BE(writer.producerEpoch, 51);
  batch.writeInt32BE(sequence, 53);
  batch.writeUInt32BE(crc32c(batch.subarray(CRC_FROM)), 17);
}

function varintSize(value: number): number {
  let rest = value < 0 ? -2 * value - 1 : 2 * value;
  let size = 1;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) size++;
  return size;
}
