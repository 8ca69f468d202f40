import { Batch } from '../../core/batch.ts';
import type { EventReader, EventsRead, FilePosition, InputFile } from '../../core/component.ts';
import { blockLength, MOST_HEAD_BYTES, readBlock, readContainerHead, type ContainerHead } from '../../protocols/avro-container-reader.ts';
import { AvroDataError, AvroEndError, AvroReader } from '../../protocols/avro-reader.ts';
import { avroFingerprint, avroSchemaText } from '../../protocols/avro-schema-text.ts';
import { avroSkipper, parseAvroSchema, type AvroSkipper } from '../../protocols/avro-schema.ts';
import { avroDecompressor, type AvroDecompressor } from '../avro-decompressors.ts';

const HEAD_BYTES = 16 * 1024;
/** Blocks that are smaller are read several at a time. */
const READ_BYTES = 256 * 1024;

/** Reads the schema of a container and makes its reader. Throws AvroDataError for what is none. */
export async function openAvroFile(file: InputFile, from: FilePosition, schemaType: 'HASH' | 'LITERAL'): Promise<EventReader> {
  const head = await readHead(file);
  const schema = parseAvroSchema(head.metadata.get('avro.schema')?.toString() ?? 'none');
  const codec = head.metadata.get('avro.codec')?.toString() ?? 'null';
  const decompress = avroDecompressor(codec);
  if (!decompress) throw new AvroDataError(`the codec ${codec} of the file is one that Millrace does not have`);
  const header = schemaType === 'HASH' ? ['flume.avro.schema.hash', avroFingerprint(schema)] : ['flume.avro.schema.literal', avroSchemaText(schema)];
  const parts = { file, sync: head.sync, decompress, skip: avroSkipper(schema), header: header as [string, string] };
  return new RecordReader(parts, from.offset === 0 ? { offset: head.length, done: 0 } : from);
}

async function readHead(file: InputFile): Promise<ContainerHead> {
  for (let length = HEAD_BYTES; ; length *= 4) {
    const bytes = await file.read(0, Math.min(length, file.size, MOST_HEAD_BYTES));
    try {
      return readContainerHead(bytes);
    } catch (error) {
      if (!(error instanceof AvroEndError) || length >= Math.min(file.size, MOST_HEAD_BYTES)) throw error;
    }
  }
}

interface Parts {
  readonly file: InputFile;
  readonly sync: Buffer;
  readonly decompress: AvroDecompressor;
  readonly skip: AvroSkipper;
  readonly header: readonly [string, string];
}

/** A block whose records are known. */
interface Block {
  readonly batch: Batch;
  /** Where it begins in the file. */
  readonly offset: number;
  readonly end: number;
}

/** A place is the beginning of a block and the number of its records that are done: records have no place of their own in a compressed block. */
class RecordReader implements EventReader {
  readonly #parts: Parts;
  /** What was read of the file and not used up yet. */
  #bytes: Buffer = Buffer.alloc(0);
  #offset: number;
  #skip: number;
  #block: Block | undefined;
  #index = 0;

  constructor(parts: Parts, from: FilePosition) {
    this.#parts = parts;
    this.#offset = from.offset;
    this.#skip = from.done;
  }

  async read(max: number): Promise<EventsRead | undefined> {
    const pieces: Batch[] = [];
    let next: FilePosition | undefined;
    for (let left = max; left > 0; ) {
      const block = await this.#current(pieces.length === 0);
      if (!block) break;
      const to = Math.min(block.batch.size, this.#index + left);
      pieces.push(block.batch.slice(this.#index, to));
      left -= to - this.#index;
      this.#index = to;
      next = to === block.batch.size ? { offset: block.end, done: 0 } : { offset: block.offset, done: to };
    }
    const [only] = pieces;
    if (!next || !only) return undefined;
    const batch = pieces.length === 1 ? only : Batch.concat(pieces);
    return { batch: batch.withHeader(...this.#parts.header, false), next };
  }

  /** The block in which there are records left. A later one that cannot be read does not keep those before it from being delivered. */
  async #current(first: boolean): Promise<Block | undefined> {
    while (!this.#block || this.#index >= this.#block.batch.size) {
      if (this.#block) this.#offset = this.#block.end;
      this.#block = undefined;
      if (this.#offset >= this.#parts.file.size) return undefined;
      try {
        this.#block = await this.#load();
      } catch (error) {
        if (first) throw error;
        return undefined;
      }
      this.#index = this.#skip;
      this.#skip = 0;
    }
    return this.#block;
  }

  async #load(): Promise<Block> {
    const offset = this.#offset;
    const { objects, data, length } = readBlock(await this.#blockBytes(offset), this.#parts.sync);
    const records = await this.#parts.decompress(data);
    this.#bytes = this.#bytes.subarray(length);
    return { batch: this.#split(records, objects, offset), offset, end: offset + length };
  }

  /** Bytes that begin with the block at `offset` and hold all of it. */
  async #blockBytes(offset: number): Promise<Buffer> {
    const { file } = this.#parts;
    const left = file.size - offset;
    for (let wanted = READ_BYTES; ; ) {
      const length = blockLength(this.#bytes);
      if (length !== undefined && length <= this.#bytes.length) return this.#bytes;
      if (this.#bytes.length >= left) throw new AvroEndError(`the file ends in the middle of the block at byte ${offset}`);
      wanted = Math.max(wanted, length ?? 0);
      this.#bytes = await file.read(offset, Math.min(left, wanted));
    }
  }

  #split(records: Buffer, objects: number, offset: number): Batch {
    if (objects > records.length && objects > 1) throw new AvroDataError(`the block at byte ${offset} holds more records than bytes`);
    const reader = new AvroReader(records);
    const bounds = new Uint32Array(2 * objects);
    for (let index = 0; index < objects; index++) {
      bounds[2 * index] = reader.at;
      this.#parts.skip(reader);
      bounds[2 * index + 1] = reader.at;
    }
    if (reader.left > 0) throw new AvroDataError(`the block at byte ${offset} has ${reader.left} bytes behind its last record`);
    return Batch.over(records, bounds, objects);
  }
}
