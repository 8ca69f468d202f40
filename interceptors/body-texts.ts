import { isAscii } from 'node:buffer';
import type { Batch } from '../core/batch.ts';
import { javaUtf8 } from '../core/java-utf8.ts';

/** Bodies that lie in bytes this many times larger than they are decoded one by one. */
const WASTE_LIMIT = 2;

/**
 * The bodies of a batch as text in UTF-8; bytes that are none become U+FFFD. Where all of them are ASCII and lie close together, they are
 * decoded at once. The texts may share one memory: do not keep parts of them for long (see {@link detached}).
 */
export class BodyTexts {
  readonly #batch: Batch;
  /** The text of all bodies, and what lies between them. */
  readonly #whole: string | undefined;
  readonly #from: number;

  constructor(batch: Batch) {
    this.#batch = batch;
    const { from, to } = rangeOf(batch);
    this.#from = from;
    const bytes = batch.bytes.subarray(from, to);
    if (to - from <= WASTE_LIMIT * batch.byteLength && isAscii(bytes)) this.#whole = bytes.toString('latin1');
  }

  at(index: number): string {
    const begin = this.#batch.bounds[2 * index] as number;
    const end = this.#batch.bounds[2 * index + 1] as number;
    if (this.#whole === undefined) return javaUtf8(this.#batch.bytes, begin, end);
    return this.#whole.slice(begin - this.#from, end - this.#from);
  }
}

/**
 * The same text in memory of its own: V8 keeps the whole text alive for a part of it. Joining makes a new text, and taking a part of that
 * keeps one character too many; it is a third of the cost of a way through a buffer.
 */
export function detached(text: string): string {
  return ` ${text}`.slice(1);
}

function rangeOf({ bounds, size }: Batch): { from: number; to: number } {
  if (size === 0) return { from: 0, to: 0 };
  let from = Infinity;
  let to = 0;
  for (let index = 0; index < size; index++) {
    from = Math.min(from, bounds[2 * index] as number);
    to = Math.max(to, bounds[2 * index + 1] as number);
  }
  return { from, to };
}
