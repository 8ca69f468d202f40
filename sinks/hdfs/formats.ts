import type { Batch } from '../../core/batch.ts';
import type { Serializer } from '../../core/component.ts';
import { parseJavaBigLong } from '../../core/java-values.ts';
import type { HadoopCodec } from '../../protocols/hadoop-codecs.ts';
import { SequenceFileWriter, type SequenceFileOptions, type SequenceKey } from '../../protocols/sequence-file.ts';

/** `hdfs.fileType = CompressedStream`: each batch is a stream of its own, and the file is all of them one behind the other. */
export class CompressedSerializer implements Serializer {
  readonly canAppend: boolean;
  readonly #inner: Serializer;
  readonly #codec: HadoopCodec;

  constructor(inner: Serializer, codec: HadoopCodec) {
    this.#inner = inner;
    this.#codec = codec;
    this.canAppend = inner.canAppend;
  }

  /** In front of the first batch, in the same stream. */
  #head: Buffer = NOTHING;

  begin(): Buffer {
    this.#head = Buffer.from(this.#inner.begin());
    return NOTHING;
  }

  async encode(batch: Batch, reject: (index: number, reason: string) => void): Promise<Buffer> {
    const bytes = await this.#inner.encode(batch, reject);
    const whole = this.#head.length > 0 ? Buffer.concat([this.#head, bytes]) : bytes;
    if (whole.length === 0) return NOTHING;
    const compressed = await this.#codec.compress(whole);
    this.#head = NOTHING;
    return compressed;
  }

  undo(): void {
    this.#inner.undo?.();
  }

  end(): Buffer {
    // No serializer has anything behind its last event; one that had would need a stream here.
    return this.#inner.end();
  }
}

/** `hdfs.fileType = SequenceFile`: the key is the header `timestamp`, or the present time. */
export class SequenceFileSerializer implements Serializer {
  readonly canAppend = false;
  readonly #writer: SequenceFileWriter;

  constructor(options: SequenceFileOptions) {
    this.#writer = new SequenceFileWriter(options);
  }

  begin(): Buffer {
    return this.#writer.header();
  }

  encode(batch: Batch, reject: (index: number, reason: string) => void): Promise<Buffer> {
    const now = Date.now();
    const keys: (SequenceKey | undefined)[] = [];
    const shared = batch.hasOwnHeaders || batch.size === 0 ? undefined : { text: batch.header(0, 'timestamp') };
    for (let index = 0; index < batch.size; index++) {
      const text = shared ? shared.text : batch.header(index, 'timestamp');
      const key = text === undefined ? now : keyOf(text);
      keys.push(key);
      if (key === undefined) reject(index, `the header "timestamp" is ${JSON.stringify(text?.slice(0, 40))}, not a time in milliseconds`);
    }
    return this.#writer.encode(batch, keys);
  }

  undo(): void {
    this.#writer.undo();
  }

  end(): Buffer {
    return NOTHING;
  }
}

const NOTHING = Buffer.alloc(0);

function keyOf(text: string): SequenceKey | undefined {
  if (/^[0-9]{1,15}$/.test(text)) return Number(text);
  return /\s/.test(text) ? undefined : parseJavaBigLong(text);
}
