import type { Batch } from '../core/batch.ts';
import type { PartContext, Serializer } from '../core/component.ts';
import { define, type Finding } from '../core/define.ts';
import { optional, string } from '../core/options.ts';
import { avroCodec, codecFaults } from './avro-codecs.ts';
import { AvroContainer, BlockBuilder } from './avro-container.ts';
import { avroOptions } from './avro-options.ts';

const URL_HEADER = 'flume.avro.schema.url';
const LITERAL_HEADER = 'flume.avro.schema.literal';
const NOTHING = Buffer.alloc(0);
/** Schemas of different addresses that are remembered. */
const MOST_SCHEMAS = 100;

export const avroDatumSerializer = define('serializer', {
  types: ['org.apache.flume.sink.hdfs.AvroEventSerializer$Builder'],
  summary: 'Writes an Avro container file of events whose bodies are encoded by Avro already.',
  options: {
    ...avroOptions,
    schemaURL: optional(
      string({ doc: `Where the schema stands, for events that have neither the header ${URL_HEADER} nor ${LITERAL_HEADER}: file:, http: or https:.` }),
    ),
  },
  check: ({ compressionCodec, schemaURL }) => [...codecFaults('compressionCodec', compressionCodec), ...urlFaults(schemaURL)],
  create: (context, values) => new AvroDatumSerializer(context, values),
});

interface AvroDatumSettings {
  readonly syncIntervalBytes: number;
  readonly compressionCodec: string;
  readonly schemaURL: string | undefined;
}

/** The schema of a file is that of its first event; whether the bodies fit it is not looked at, as in Flume. */
class AvroDatumSerializer implements Serializer {
  readonly canAppend = false;
  readonly #context: PartContext;
  readonly #schemaUrl: string | undefined;
  readonly #container: AvroContainer;
  readonly #builder: BlockBuilder;
  readonly #schemas = new Map<string, string>();
  #hasHeader = false;
  #hadHeader = false;

  constructor(context: PartContext, { syncIntervalBytes, compressionCodec, schemaURL }: AvroDatumSettings) {
    this.#context = context;
    this.#schemaUrl = schemaURL;
    this.#container = new AvroContainer(avroCodec(compressionCodec));
    this.#builder = new BlockBuilder(syncIntervalBytes);
  }

  /** The header of the file comes with its first event. */
  begin(): Buffer {
    return NOTHING;
  }

  /** Throws if a schema cannot be read, which may pass; rejects events without a schema at the head of a file. */
  async encode(batch: Batch, reject: (index: number, reason: string) => void): Promise<Buffer> {
    this.#hadHeader = this.#hasHeader;
    const head: Buffer[] = [];
    let first = 0;
    for (; !this.#hasHeader && first < batch.size; first++) {
      const schema = await this.#schemaOf(batch, first, reject);
      if (schema === undefined) continue;
      head.push(this.#container.header(schema));
      break;
    }
    const writer = this.#builder.begin();
    for (let index = first; index < batch.size; index++) {
      writer.raw(batch.bytes, batch.bounds[2 * index], batch.bounds[2 * index + 1]);
      this.#builder.objectWritten();
    }
    const bytes = await this.#container.blocks(this.#builder.end(), head);
    if (head.length > 0) this.#hasHeader = true;
    return bytes;
  }

  undo(): void {
    this.#hasHeader = this.#hadHeader;
  }

  end(): Buffer {
    return NOTHING;
  }

  async #schemaOf(batch: Batch, index: number, reject: (index: number, reason: string) => void): Promise<string | undefined> {
    const url = batch.header(index, URL_HEADER);
    const literal = batch.header(index, LITERAL_HEADER);
    const from = url ?? (literal === undefined ? this.#schemaUrl : undefined);
    if (from === undefined && literal === undefined) {
      reject(index, `there is no schema for the event: it has neither the header ${URL_HEADER} nor ${LITERAL_HEADER}, and schemaURL is not set`);
      return undefined;
    }
    const fault = from === undefined ? undefined : urlFault(from);
    if (fault !== undefined) {
      reject(index, `the schema URL "${from}" ${fault}`);
      return undefined;
    }
    const schema = from === undefined ? (literal as string) : await this.#read(from);
    if (isJson(schema)) return schema;
    reject(index, `the schema ${from === undefined ? `in the header ${LITERAL_HEADER}` : `at ${from}`} is not JSON`);
    return undefined;
  }

  async #read(url: string): Promise<string> {
    const known = this.#schemas.get(url);
    if (known !== undefined) return known;
    if (!this.#context.readText) throw new Error(`cannot read the schema at ${url}: the sink reads no URLs; send the schema in the header ${LITERAL_HEADER}`);
    const schema = await this.#context.readText(url);
    if (this.#schemas.size >= MOST_SCHEMAS) this.#schemas.clear();
    this.#schemas.set(url, schema);
    return schema;
  }
}

function urlFaults(url: string | undefined): readonly Finding[] {
  const sentence = url === undefined ? undefined : urlFault(url);
  return sentence === undefined ? [] : [{ option: 'schemaURL', effect: 'refuse', sentence }];
}

function urlFault(url: string): string | undefined {
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(url)?.[1]?.toLowerCase();
  if (scheme === 'file' || scheme === 'http' || scheme === 'https') return undefined;
  if (scheme === 'hdfs') return 'is read through Hadoop, which Millrace does not have; use a file:, http: or https: URL (WebHDFS has one)';
  return 'is not a file:, http: or https: URL';
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
