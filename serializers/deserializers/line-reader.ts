import type { EventReader, EventsRead, FilePosition, InputFile } from '../../core/component.ts';
import { LineChunks, type LineChunk } from './line-chunks.ts';
import { LineText, type LineTextOptions } from './line-text.ts';

/** Smaller reads cost a round trip through the thread pool too often. */
const CHUNK_BYTES = 256 * 1024;

/** `longest`: UTF-16 units of a line. */
export async function openLines(file: InputFile, from: FilePosition, rules: LineTextOptions & { readonly longest: number }): Promise<EventReader> {
  const text = new LineText(rules);
  // The mark at the head tells the byte order of all that follows, wherever reading goes on.
  const markBytes = text.hasMark && file.size >= 2 ? text.readMark(await file.read(0, 2)) : 0;
  return new LineReader(file, Math.max(from.offset, markBytes), new LineChunks(text, rules.longest));
}

class LineReader implements EventReader {
  readonly #file: InputFile;
  readonly #chunks: LineChunks;
  #chunk: LineChunk | undefined;
  /** Of the chunk, in the file. */
  #offset: number;
  #index = 0;
  /** What follows the chunk, while the events of the chunk are on their way. */
  #ahead: Promise<Buffer> | undefined;

  constructor(file: InputFile, offset: number, chunks: LineChunks) {
    this.#file = file;
    this.#offset = offset;
    this.#chunks = chunks;
  }

  read(max: number): EventsRead | undefined | Promise<EventsRead | undefined> {
    const chunk = this.#chunk;
    if (chunk && (this.#index < chunk.batch.size || chunk.fault)) return this.#take(chunk, max);
    return this.#load(max);
  }

  async #load(max: number): Promise<EventsRead | undefined> {
    const file = this.#file;
    this.#offset += this.#chunk?.consumed ?? 0;
    this.#chunk = undefined;
    const left = file.size - this.#offset;
    if (left <= 0) return undefined;
    let bytes = await (this.#ahead ?? file.read(this.#offset, Math.min(left, CHUNK_BYTES)));
    this.#ahead = undefined;
    let chunk = this.#chunks.of(bytes, bytes.length >= left);
    while (chunk.consumed === 0 && !chunk.fault) {
      // Not one line, nor a piece as long as a line may be: more is needed.
      const length = bytes.length;
      bytes = await file.read(this.#offset, Math.min(left, 2 * length));
      if (bytes.length <= length && bytes.length < left) throw new Error(`${file.path} is shorter than it was: no bytes at ${this.#offset + length}`);
      chunk = this.#chunks.of(bytes, bytes.length >= left);
    }
    this.#chunk = chunk;
    this.#index = 0;
    this.#readAhead(chunk);
    return this.#take(chunk, max);
  }

  #readAhead({ consumed, fault }: LineChunk): void {
    const left = this.#file.size - this.#offset - consumed;
    if (left <= 0 || fault) return;
    this.#ahead = this.#file.read(this.#offset + consumed, Math.min(left, CHUNK_BYTES));
    this.#ahead.catch(() => undefined);
  }

  #take(chunk: LineChunk, max: number): EventsRead {
    const { batch, fault } = chunk;
    const to = this.#index + max;
    // A batch with a line that cannot be decoded in it is not delivered at all, as in Flume.
    if (fault && to > batch.size) {
      const at = this.#offset + chunk.consumed;
      throw new Error(`the line at byte ${at} holds bytes that are none of the character set`, { cause: fault });
    }
    const from = this.#index;
    this.#index = Math.min(to, batch.size);
    const offset = this.#offset + chunk.endOf(this.#index - 1);
    return { batch: batch.slice(from, this.#index), next: { offset, done: 0 } };
  }
}

