import { describeError } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import { dataKey, indexKey } from './keys.ts';
import type { Step, Store } from './store.ts';

/** Space is given back whenever so much was used up, and when the channel is empty and an eighth of it was. */
const COMPACT_BYTES = 32 * 1024 * 1024;
/** Most records deleted by one write. */
const MOST_DELETES = 2000;

export interface LoadedRecord {
  readonly first: number;
  readonly end: number;
  /** Bytes in the store. */
  readonly length: number;
}

/** Records on their way out: loaded, used up, deleted, and their space given back. */
export class UsedRecords {
  readonly #store: Store;
  readonly #log: Logger;
  /** In memory or lent; not all of their events are done with. */
  readonly #loaded: LoadedRecord[] = [];
  #deletable: LoadedRecord[] = [];
  #bytes = 0;
  #compactedTo = 0;
  #compacting: Promise<void> | undefined;

  constructor(store: Store, log: Logger) {
    this.#store = store;
    this.#log = log;
  }

  get waiting(): number {
    return this.#deletable.length;
  }

  loaded(record: LoadedRecord): void {
    this.#loaded.push(record);
  }

  /** Everything below `head` is done with. */
  retire(head: number): void {
    let count = 0;
    while (count < this.#loaded.length && (this.#loaded[count] as LoadedRecord).end <= head) count++;
    if (count > 0) this.#deletable.push(...this.#loaded.splice(0, count));
  }

  /** The steps that delete what is used up, and what to call once they are written. */
  steps(): { steps: Step[]; written: (drained: boolean) => void } {
    const records = this.#deletable.slice(0, MOST_DELETES);
    const steps = records.flatMap(({ first }) => [{ key: dataKey(first) }, { key: indexKey(first) }]);
    return { steps, written: (drained) => this.#deleted(records, drained) };
  }

  /** Resolves when nothing is being given back. */
  async idle(): Promise<void> {
    await this.#compacting;
  }

  #deleted(records: readonly LoadedRecord[], drained: boolean): void {
    const last = records.at(-1);
    if (!last) return;
    this.#deletable = this.#deletable.slice(records.length);
    for (const { length } of records) this.#bytes += length;
    if (this.#compacting || this.#bytes < (drained ? COMPACT_BYTES / 8 : COMPACT_BYTES)) return;
    const from = this.#compactedTo;
    this.#compactedTo = last.first;
    this.#bytes = 0;
    this.#compacting = this.#store
      .compact(dataKey(from), dataKey(last.end))
      .catch((error: unknown) => this.#log.warn('space of used-up events cannot be given back yet', { reason: describeError(error) }))
      .finally(() => {
        this.#compacting = undefined;
      });
  }
}
