import type { PartitionAnswer } from './fetch-request.ts';
import { isAbortMark, type BatchHead } from './record-batches.ts';

/** Tells, batch by batch in the order of an answer, which ones somebody wrote who took them back. */
export class AbortedTransactions {
  /** Those that begin further on, the first last. */
  readonly #ahead: { readonly producerId: bigint; readonly firstOffset: number }[];
  readonly #open = new Set<bigint>();

  constructor(aborted: PartitionAnswer['aborted']) {
    this.#ahead = aborted.toSorted((a, b) => b.firstOffset - a.firstOffset);
  }

  /** Whether a batch is part of a transaction that was given up. */
  includes(bytes: Buffer, head: BatchHead): boolean {
    for (let next = this.#ahead.at(-1); next && next.firstOffset < head.endOffset; next = this.#ahead.at(-1)) {
      this.#ahead.pop();
      this.#open.add(next.producerId);
    }
    if (isAbortMark(bytes, head)) this.#open.delete(head.producerId);
    return head.isTransactional && this.#open.has(head.producerId);
  }
}
