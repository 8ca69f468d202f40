import type { Batch } from '../core/batch.ts';
import type { HadoopCodec } from './hadoop-codecs.ts';
import { hadoopText, vint, writeVint } from './hadoop-vint.ts';

/**
 * Hadoop's SequenceFile, version 6, as Flume writes it (`org.apache.hadoop.io.SequenceFile`):
 *
 *     file   = "SEQ" 6 key-class value-class compressed block-compressed [codec-class] metadata sync record*
 *     record = [escape] length key-length key value      lengths are 32 bits, big-endian; length is that of key and value
 *     block  = escape count key-lengths keys value-lengths values      each: vint length, compressed bytes
 *     escape = ffffffff sync                             16 random bytes, the same in the whole file
 *
 * The key is a LongWritable, 8 bytes; the value a BytesWritable, 4 bytes of length and the body, or a Text, a vint and the body.
 */

/** Bytes after the last escape from which a record has one in front of it: what Hadoop 2.10 takes. */
const SYNC_INTERVAL = 2000;
/** Keys and values of a compressed block. */
const BLOCK_BYTES = 1_000_000;
const KEY_BYTES = 8;

export type SequenceValue = 'Text' | 'BytesWritable';

export interface SequenceFileOptions {
  readonly value: SequenceValue;
  readonly codec?: HadoopCodec;
  /** With a codec: whether each value is compressed by itself, or many keys and values together. */
  readonly compression?: 'RECORD' | 'BLOCK';
}

/** Milliseconds since 1970. */
export type SequenceKey = number | bigint;

/** The bytes of one file, in order; each `encode` ends with an escape, as each flush does in Hadoop. */
export class SequenceFileWriter {
  readonly #options: SequenceFileOptions;
  readonly #escape: Buffer;
  #position = 0;
  #lastEscape = 0;
  #before: { position: number; lastEscape: number } | undefined;

  constructor(options: SequenceFileOptions, sync: Buffer = process.getBuiltinModule('node:crypto').randomBytes(16)) {
    this.#options = options;
    this.#escape = Buffer.concat([Buffer.alloc(4, 0xff), sync]);
  }

  header(): Buffer {
    const { value, codec, compression } = this.#options;
    const head = Buffer.concat([
      Buffer.from('SEQ\u0006'),
      hadoopText('org.apache.hadoop.io.LongWritable'),
      hadoopText(`org.apache.hadoop.io.${value}`),
      Buffer.from([codec ? 1 : 0, codec && compression !== 'RECORD' ? 1 : 0]),
      codec ? hadoopText(codec.className) : Buffer.alloc(0),
      Buffer.alloc(4),
      this.#escape.subarray(4),
    ]);
    this.#position = head.length;
    return head;
  }

  /** The bytes of a batch; `keys[i]` is that of event i, and an event without one is left out. */
  async encode(batch: Batch, keys: readonly (SequenceKey | undefined)[]): Promise<Buffer> {
    this.#before = { position: this.#position, lastEscape: this.#lastEscape };
    const { codec, compression } = this.#options;
    if (!codec) return this.#plain(batch, keys);
    return compression === 'RECORD' ? this.#eachCompressed(batch, keys, codec) : this.#blocks(batch, keys, codec);
  }

  /** The bytes of the last `encode` did not get into the file. */
  undo(): void {
    if (!this.#before) return;
    this.#position = this.#before.position;
    this.#lastEscape = this.#before.lastEscape;
  }

  #plain(batch: Batch, keys: readonly (SequenceKey | undefined)[]): Buffer {
    const most = batch.byteLength + batch.size * (8 + KEY_BYTES + 9);
    const into = Buffer.allocUnsafeSlow(most + (2 + Math.ceil(most / SYNC_INTERVAL)) * this.#escape.length);
    let at = 0;
    for (let index = 0; index < batch.size; index++) {
      const key = keys[index];
      if (key === undefined) continue;
      at = this.#escapeIfDue(into, at);
      const begin = at;
      at = writeKey(into, at + 8, key);
      at = this.#writeValue(into, at, batch, index);
      into.writeUInt32BE(at - begin - 8, begin);
      into.writeUInt32BE(KEY_BYTES, begin + 4);
    }
    return this.#finish(into, at);
  }

  async #eachCompressed(batch: Batch, keys: readonly (SequenceKey | undefined)[], codec: HadoopCodec): Promise<Buffer> {
    const values = await Promise.all(keys.map(async (key, index) => (key === undefined ? undefined : codec.compress(this.#value(batch, index)))));
    const most = values.reduce((sum, value) => sum + 16 + (value?.length ?? 0), 0);
    const into = Buffer.allocUnsafeSlow(most + (2 + Math.ceil(most / SYNC_INTERVAL)) * this.#escape.length);
    let at = 0;
    for (const [index, value] of values.entries()) {
      const key = keys[index];
      if (key === undefined || !value) continue;
      at = this.#escapeIfDue(into, at);
      into.writeUInt32BE(KEY_BYTES + value.length, at);
      into.writeUInt32BE(KEY_BYTES, at + 4);
      at = writeKey(into, at + 8, key);
      at += value.copy(into, at);
    }
    return this.#finish(into, at);
  }

  async #blocks(batch: Batch, keys: readonly (SequenceKey | undefined)[], codec: HadoopCodec): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (let from = 0; from < batch.size; ) {
      let bytes = 0;
      let to = from;
      for (; to < batch.size && bytes < BLOCK_BYTES; to++) bytes += KEY_BYTES + 4 + batch.body(to).length;
      parts.push(...(await this.#block(batch, keys, from, to, codec)));
      from = to;
    }
    const bytes = Buffer.concat(parts);
    this.#position += bytes.length;
    return bytes;
  }

  async #block(batch: Batch, keys: readonly (SequenceKey | undefined)[], from: number, to: number, codec: HadoopCodec): Promise<Buffer[]> {
    const values: Buffer[] = [];
    const lengths: Buffer[] = [];
    const keyBytes = Buffer.allocUnsafe((to - from) * KEY_BYTES);
    for (let index = from; index < to; index++) {
      const key = keys[index];
      if (key === undefined) continue;
      writeKey(keyBytes, values.length * KEY_BYTES, key);
      const value = this.#value(batch, index);
      values.push(value);
      lengths.push(vint(value.length));
    }
    if (values.length === 0) return [];
    const buffers = [Buffer.alloc(values.length, KEY_BYTES), keyBytes.subarray(0, values.length * KEY_BYTES), Buffer.concat(lengths), Buffer.concat(values)];
    const compressed = await Promise.all(buffers.map((bytes) => codec.compress(bytes)));
    return [this.#escape, vint(values.length), ...compressed.flatMap((bytes) => [vint(bytes.length), bytes])];
  }

  #value(batch: Batch, index: number): Buffer {
    const into = Buffer.allocUnsafe(batch.body(index).length + 9);
    return into.subarray(0, this.#writeValue(into, 0, batch, index));
  }

  #writeValue(into: Buffer, at: number, { bytes, bounds }: Batch, index: number): number {
    const begin = bounds[2 * index] as number;
    const end = bounds[2 * index + 1] as number;
    const head = this.#options.value === 'Text' ? writeVint(into, at, end - begin) : into.writeUInt32BE(end - begin, at);
    return head + bytes.copy(into, head, begin, end);
  }

  #escapeIfDue(into: Buffer, at: number): number {
    if (this.#position + at < this.#lastEscape + SYNC_INTERVAL) return at;
    return this.#writeEscape(into, at);
  }

  #writeEscape(into: Buffer, at: number): number {
    const next = at + this.#escape.copy(into, at);
    this.#lastEscape = this.#position + next;
    return next;
  }

  #finish(into: Buffer, length: number): Buffer {
    const at = length > 0 && this.#lastEscape !== this.#position + length ? this.#writeEscape(into, length) : length;
    this.#position += at;
    return into.subarray(0, at);
  }
}

function writeKey(into: Buffer, at: number, key: SequenceKey): number {
  if (typeof key === 'bigint') return into.writeBigInt64BE(BigInt.asIntN(64, key), at);
  into.writeInt32BE(Math.floor(key / 2 ** 32), at);
  return into.writeUInt32BE(key >>> 0, at + 4);
}
