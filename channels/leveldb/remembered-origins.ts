import type { Batch } from '../../core/batch.ts';
import { PutOnce } from '../put-once.ts';
import type { SeenEvents } from '../seen-events.ts';
import type { Account } from './account.ts';
import type { EventLog } from './event-log.ts';
import { addFromRecords } from './origins.ts';
import type { RecordIndex } from './record-index.ts';

/** Events of other agents' stores that were put before, which the index and the records tell after a restart. */
export class RememberedOrigins {
  readonly #once: PutOnce;
  #remembering: Promise<void> | undefined;
  #complete = false;

  constructor(repeated: (events: number) => void) {
    this.#once = new PutOnce(repeated);
  }

  get seen(): SeenEvents {
    return this.#once.seen;
  }

  /** What is not remembered yet must not be told as forgotten. */
  get complete(): boolean {
    return this.#complete;
  }

  /** Remembers at the start where there is something to remember, and otherwise when the first such event comes. */
  async begin(index: RecordIndex | undefined, log: EventLog | undefined, account: Account): Promise<void> {
    if (((await index?.origins())?.origins.length ?? 0) > 0) await (this.#remembering = this.#remember(index, log, account));
  }

  /** Puts of a batch what was not put before. */
  async put(batch: Batch, index: RecordIndex | undefined, log: EventLog | undefined, account: Account, store: (unseen: Batch) => Promise<void>): Promise<void> {
    await (this.#remembering ??= this.#remember(index, log, account));
    await this.#once.put(batch, async (unseen) => {
      await store(unseen);
      account.dirty = true;
    });
  }

  async #remember(index: RecordIndex | undefined, log: EventLog | undefined, account: Account): Promise<void> {
    const { seen } = this.#once;
    const { tail, origins } = (await index?.origins()) ?? { tail: undefined, origins: [] };
    for (const origin of origins) seen.add(origin);
    if (log) await addFromRecords(seen, log, tail, account.tail);
    this.#complete = true;
  }
}
