import type { Batch } from '../core/batch.ts';
import type { Serializer } from '../core/component.ts';
import { define } from '../core/define.ts';
import { boolean } from '../core/options.ts';
import { Scratch } from './scratch.ts';

const LINE_FEED = 10;
const NOTHING = Buffer.alloc(0);

export const textSerializer = define('serializer', {
  types: ['text', 'org.apache.flume.serialization.BodyTextEventSerializer$Builder'],
  summary: 'Writes the body of each event and a line feed; headers are left out.',
  options: {
    appendNewline: boolean({ default: true, doc: 'Write a line feed behind each body.' }),
  },
  create: (_, { appendNewline }) => new TextSerializer(appendNewline),
});

class TextSerializer implements Serializer {
  readonly canAppend = true;
  readonly #appendNewline: boolean;
  readonly #scratch = new Scratch();

  constructor(appendNewline: boolean) {
    this.#appendNewline = appendNewline;
  }

  begin(): Buffer {
    return NOTHING;
  }

  /** Lines that still lie in the chunk they came in are not copied. */
  encode(batch: Batch): Buffer {
    const { bytes, bounds, size } = batch;
    if (size === 0) return NOTHING;
    const gap = this.#appendNewline ? 1 : 0;
    if (endOfRun(bytes, bounds, 0, size, gap) === size) return bytes.subarray(bounds[0], (bounds[2 * size - 1] as number) + gap);
    const buffer = this.#scratch.take(batch.byteLength + size * gap);
    return buffer.subarray(0, copyRuns(batch, gap, buffer));
  }

  end(): Buffer {
    return NOTHING;
  }
}

/**
 * Where the run that begins with event `from` ends. The events of a run lie in `bytes` one behind the other as they are to be written,
 * each with a line feed behind it if `gap` is 1. An empty run: event `from` has none.
 */
function endOfRun(bytes: Buffer, bounds: Uint32Array, from: number, size: number, gap: number): number {
  for (let index = from; index < size; index++) {
    const end = bounds[2 * index + 1] as number;
    if (gap === 1 && bytes[end] !== LINE_FEED) return index;
    if (index + 1 === size || bounds[2 * index + 2] !== end + gap) return index + 1;
  }
  return size;
}

/** Writes the events at the head of `into`, run by run; answers how many bytes that made. */
function copyRuns({ bytes, bounds, size }: Batch, gap: number, into: Buffer): number {
  let at = 0;
  for (let index = 0; index < size; ) {
    const begin = bounds[2 * index] as number;
    const next = endOfRun(bytes, bounds, index, size, gap);
    if (next > index) {
      at += bytes.copy(into, at, begin, (bounds[2 * next - 1] as number) + gap);
      index = next;
    } else {
      at += bytes.copy(into, at, begin, bounds[2 * index + 1]);
      into[at++] = LINE_FEED;
      index++;
    }
  }
  return at;
}
