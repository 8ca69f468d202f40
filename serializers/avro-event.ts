import type { Batch } from '../core/batch.ts';
import type { Serializer } from '../core/component.ts';
import { define } from '../core/define.ts';
import { describeError } from '../core/errors.ts';
import { AvroWriter } from '../protocols/avro-writer.ts';
import { avroCodec, codecFaults } from './avro-codecs.ts';
import { AvroContainer, BlockBuilder } from './avro-container.ts';
import { avroOptions } from './avro-options.ts';
import { HeaderOrder } from './header-order.ts';

/** As Flume writes it into its files, character for character. */
const SCHEMA =
  '{"type":"record","name":"Event","fields":[{"name":"headers","type":{"type":"map","values":"string"}},{"name":"body","type":"bytes"}]}';

export const avroEventSerializer = define('serializer', {
  types: ['avro_event', 'org.apache.flume.serialization.FlumeEventAvroEventSerializer$Builder'],
  summary: 'Writes an Avro container file with the headers and the body of each event.',
  options: avroOptions,
  check: ({ compressionCodec }) => codecFaults('compressionCodec', compressionCodec),
  create: (_, { syncIntervalBytes, compressionCodec }) => new AvroEventSerializer(syncIntervalBytes, compressionCodec),
});

class AvroEventSerializer implements Serializer {
  readonly canAppend = false;
  readonly #container: AvroContainer;
  readonly #builder: BlockBuilder;
  readonly #order = new HeaderOrder();

  constructor(syncIntervalBytes: number, compressionCodec: string) {
    this.#container = new AvroContainer(avroCodec(compressionCodec));
    this.#builder = new BlockBuilder(syncIntervalBytes);
  }

  begin(): Buffer {
    return this.#container.header(SCHEMA);
  }

  encode(batch: Batch, reject: (index: number, reason: string) => void): Buffer | Promise<Buffer> {
    const writer = this.#builder.begin();
    const shared = batch.hasOwnHeaders || batch.size === 0 ? undefined : this.#encodedHeaders(batch.headers(0));
    const { bytes, bounds, size } = batch;
    for (let index = 0; index < size; index++) {
      const before = writer.length;
      try {
        if (shared) writer.raw(shared);
        else this.#writeHeaders(batch.headers(index), writer);
        writer.bytes(bytes, bounds[2 * index], bounds[2 * index + 1]);
        this.#builder.objectWritten();
      } catch (error) {
        writer.truncate(before);
        reject(index, `the event cannot be written: ${describeError(error)}`);
      }
    }
    return this.#container.blocks(this.#builder.end());
  }

  end(): Buffer {
    return Buffer.alloc(0);
  }

  /** `undefined` if they cannot be encoded: the events are then rejected one by one. */
  #encodedHeaders(headers: ReadonlyMap<string, string>): Buffer | undefined {
    const writer = new AvroWriter(256);
    try {
      this.#writeHeaders(headers, writer);
    } catch {
      return undefined;
    }
    return writer.view(0);
  }

  /** A map: its size, names and values, and the end; an empty one is the end alone. */
  #writeHeaders(headers: ReadonlyMap<string, string>, writer: AvroWriter): void {
    if (headers.size > 0) {
      writer.count(headers.size);
      for (const name of this.#order.of(headers)) {
        const value: unknown = headers.get(name);
        if (typeof value !== 'string') throw new TypeError(`header "${name}" is not text`);
        writer.string(name);
        writer.string(value);
      }
    }
    writer.count(0);
  }
}
