import { AvroWriter } from '../protocols/avro-writer.ts';
import type { AvroCodec } from './avro-codecs.ts';

/**
 * An Avro object container file (Avro 1.11 specification, "Object Container Files"):
 *
 *     file     = "Obj" 1 metadata sync block*
 *     metadata = count (name value)* 0       a map of bytes: avro.schema, avro.codec
 *     block    = count size data sync        count of objects, size of the data after compression, both zig-zag longs
 *     sync     = 16 random bytes, the same in the whole file
 */
export class AvroContainer {
  readonly #codec: AvroCodec;
  /** The mark behind each block. */
  readonly sync = process.getBuiltinModule('node:crypto').randomBytes(16);

  constructor(codec: AvroCodec) {
    this.#codec = codec;
  }

  /** `more`: metadata behind those of every container. */
  header(schema: string, more: ReadonlyMap<string, string> = new Map()): Buffer {
    const writer = new AvroWriter(256 + schema.length);
    writer.raw(MAGIC);
    writer.count((this.#codec.name === undefined ? 1 : 2) + more.size);
    writer.string('avro.schema');
    writer.string(schema);
    if (this.#codec.name !== undefined) {
      writer.string('avro.codec');
      writer.string(this.#codec.name);
    }
    for (const [name, value] of more) {
      writer.string(name);
      writer.string(value);
    }
    writer.count(0);
    writer.raw(this.sync);
    return writer.view(0);
  }

  /** The bytes of the blocks, one behind the other, after `head`. Their data must stay as it is until it resolves. */
  blocks(blocks: readonly AvroBlock[], head: readonly Buffer[] = []): Buffer | Promise<Buffer> {
    const { compress } = this.#codec;
    if (!compress) return this.#joined(blocks, blocks.map(({ data }) => data), head);
    return Promise.all(blocks.map(({ data }) => compress(data))).then((compressed) => this.#joined(blocks, compressed, head));
  }

  #joined(blocks: readonly AvroBlock[], data: readonly Buffer[], head: readonly Buffer[]): Buffer {
    const parts = [...head];
    for (const [index, { objects }] of blocks.entries()) {
      const bytes = data[index] as Buffer;
      const writer = new AvroWriter(16);
      writer.count(objects);
      writer.count(bytes.length);
      parts.push(writer.view(0), bytes, this.sync);
    }
    return Buffer.concat(parts);
  }
}

export interface AvroBlock {
  readonly objects: number;
  /** Before compression. */
  readonly data: Buffer;
}

/** Collects encoded objects into blocks of about `syncIntervalBytes`; the memory is used again by the next batch. */
export class BlockBuilder {
  readonly #syncIntervalBytes: number;
  #writer = new AvroWriter();
  #blocks: AvroBlock[] = [];
  #begin = 0;
  #objects = 0;

  constructor(syncIntervalBytes: number) {
    this.#syncIntervalBytes = syncIntervalBytes;
  }

  /** Starts a batch. Memory that an unusually large one needed is let go. */
  begin(): AvroWriter {
    if (this.#writer.length > KEPT_BYTES) this.#writer = new AvroWriter();
    this.#writer.truncate(0);
    this.#blocks = [];
    this.#begin = 0;
    this.#objects = 0;
    return this.#writer;
  }

  /** One more object is complete. */
  objectWritten(): void {
    this.#objects++;
    if (this.#writer.length - this.#begin >= this.#syncIntervalBytes) this.#endBlock();
  }

  /** All blocks of the batch: Flume flushes, which ends a block, at the end of each transaction. */
  end(): readonly AvroBlock[] {
    if (this.#objects > 0) this.#endBlock();
    return this.#blocks;
  }

  #endBlock(): void {
    this.#blocks.push({ objects: this.#objects, data: this.#writer.view(this.#begin) });
    this.#begin = this.#writer.length;
    this.#objects = 0;
  }
}

const MAGIC = Buffer.from([0x4f, 0x62, 0x6a, 0x01]);
const KEPT_BYTES = 8 * 1024 * 1024;
