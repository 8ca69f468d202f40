import { offsetsBehind } from '../../protocols/kafka/message-events.ts';
import type { KafkaMessage } from '../../protocols/kafka/group-reader.ts';

/** Records that were lent together, or will be. */
export interface Chunk {
  readonly messages: readonly KafkaMessage[];
  done: boolean;
}

export type Offsets = ReturnType<typeof offsetsBehind>;

/** Records in the order in which they were read: an offset is committed only when everything before it is done with. */
export class LoanOrder {
  readonly #chunks: Chunk[] = [];

  /** Records that were read and are not done with. */
  get messages(): readonly (readonly KafkaMessage[])[] {
    return this.#chunks.map(({ messages }) => messages);
  }

  add(messages: readonly KafkaMessage[]): Chunk {
    const chunk = { messages, done: false };
    this.#chunks.push(chunk);
    return chunk;
  }

  /** The first `size` records of a chunk as one of their own, and the rest. */
  split(chunk: Chunk, size: number): readonly [Chunk, Chunk] {
    const head = { messages: chunk.messages.slice(0, size), done: false };
    const rest = { messages: chunk.messages.slice(size), done: false };
    this.#chunks.splice(this.#chunks.indexOf(chunk), 1, head, rest);
    return [head, rest];
  }

  /** What may be committed now that the chunk is done with; empty while an older one is not. */
  settle(chunk: Chunk): Offsets {
    chunk.done = true;
    const ready: KafkaMessage[] = [];
    while (this.#chunks[0]?.done) ready.push(...(this.#chunks.shift() as Chunk).messages.slice());
    return offsetsBehind(ready);
  }
}
