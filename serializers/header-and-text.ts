import type { Batch } from '../core/batch.ts';
import type { Serializer } from '../core/component.ts';
import { define } from '../core/define.ts';
import { describeError } from '../core/errors.ts';
import { boolean } from '../core/options.ts';
import { HeaderOrder } from './header-order.ts';
import { Scratch } from './scratch.ts';

const LINE_FEED = 10;
const NOTHING = Buffer.alloc(0);

export const headerAndTextSerializer = define('serializer', {
  types: ['header_and_text', 'org.apache.flume.serialization.HeaderAndBodyTextEventSerializer$Builder'],
  summary: 'Writes the headers of each event as {name=value, …}, a space, the body and a line feed.',
  options: {
    appendNewline: boolean({ default: true, doc: 'Write a line feed behind each body.' }),
  },
  create: (_, { appendNewline }) => new HeaderAndTextSerializer(appendNewline),
});

class HeaderAndTextSerializer implements Serializer {
  readonly canAppend = true;
  readonly #appendNewline: boolean;
  readonly #scratch = new Scratch();
  readonly #order = new HeaderOrder();

  constructor(appendNewline: boolean) {
    this.#appendNewline = appendNewline;
  }

  begin(): Buffer {
    return NOTHING;
  }

  encode(batch: Batch, reject: (index: number, reason: string) => void): Buffer {
    if (batch.size === 0) return NOTHING;
    return batch.hasOwnHeaders ? this.#encodeEach(batch, this.#textOfEach(batch, reject)) : this.#encodeShared(batch);
  }

  end(): Buffer {
    return NOTHING;
  }

  #encodeShared(batch: Batch): Buffer {
    const prefix = Buffer.from(`${this.#print(batch.headers(0))} `);
    const { bytes, bounds, size } = batch;
    const buffer = this.#scratch.take(batch.byteLength + size * (prefix.length + 1));
    let at = 0;
    for (let index = 0; index < size; index++) {
      buffer.set(prefix, at);
      at += prefix.length;
      at += bytes.copy(buffer, at, bounds[2 * index], bounds[2 * index + 1]);
      if (this.#appendNewline) buffer[at++] = LINE_FEED;
    }
    return buffer.subarray(0, at);
  }

  #encodeEach(batch: Batch, texts: readonly (string | undefined)[]): Buffer {
    const { bytes, bounds, size } = batch;
    const buffer = this.#scratch.take(batch.byteLength + size + mostBytesOf(texts));
    let at = 0;
    for (let index = 0; index < size; index++) {
      const text = texts[index];
      if (text === undefined) continue;
      at += buffer.write(text, at);
      at += bytes.copy(buffer, at, bounds[2 * index], bounds[2 * index + 1]);
      if (this.#appendNewline) buffer[at++] = LINE_FEED;
    }
    return buffer.subarray(0, at);
  }

  /** As Java prints a hash map. */
  #print(headers: ReadonlyMap<string, string>): string {
    let text = '{';
    for (const name of this.#order.of(headers)) {
      if (text.length > 1) text += ', ';
      text += `${name}=${headers.get(name)}`;
    }
    return `${text}}`;
  }

  /** `undefined` for events whose headers cannot be read. */
  #textOfEach(batch: Batch, reject: (index: number, reason: string) => void): (string | undefined)[] {
    const texts: (string | undefined)[] = [];
    for (let index = 0; index < batch.size; index++) {
      try {
        texts.push(`${this.#print(batch.headers(index))} `);
      } catch (error) {
        texts.push(undefined);
        reject(index, `the headers cannot be written: ${describeError(error)}`);
      }
    }
    return texts;
  }
}

/** A UTF-16 unit takes at most three bytes. */
function mostBytesOf(texts: readonly (string | undefined)[]): number {
  let units = 0;
  for (const text of texts) units += text?.length ?? 0;
  return 3 * units;
}
