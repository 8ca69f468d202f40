import type { FetchedRecords, Position } from '../../protocols/kafka/fetched-records.ts';

/** Records that were lent together, or will be. */
export interface Chunk {
  readonly records: FetchedRecords;
  done: boolean;
}

/** By `topic/partition`. */
export type Offsets = Map<string, Position>;

/** Records in the order in which they were read: an offset is committed only when everything before it is done with. */
export class LoanOrder {
  readonly #chunks: Chunk[] = [];

  /** Records that were read and are not done with. */
  get records(): readonly FetchedRecords[] {
    return this.#chunks.map(({ records }) => records);
  }

  /** All of them will be read again. */
  clear(): void {
    this.#chunks.length = 0;
  }

  add(records: FetchedRecords): Chunk {
    const chunk = { records, done: false };
    this.#chunks.push(chunk);
    return chunk;
  }

  /** The first `size` records of a chunk as one of their own, and the rest. */
  split(chunk: Chunk, size: number): readonly [Chunk, Chunk] {
    const head = { records: chunk.records.slice(0, size), done: false };
    const rest = { records: chunk.records.slice(size, chunk.records.size), done: false };
    this.#chunks.splice(this.#chunks.indexOf(chunk), 1, head, rest);
    return [head, rest];
  }

  /** What may be committed now that the chunk is done with; empty while an older one is not. */
  settle(chunk: Chunk): Offsets {
    chunk.done = true;
    const ready: Offsets = new Map();
    while (this.#chunks[0]?.done) for (const [place, position] of (this.#chunks.shift() as Chunk).records.positions()) ready.set(place, position);
    return ready;
  }
}
