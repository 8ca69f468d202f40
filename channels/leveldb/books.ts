import { describeError } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import { Backoff } from '../../io/backoff.ts';
import { Account } from './account.ts';
import type { EventLog } from './event-log.ts';
import type { Guard } from './guard.ts';
import type { Piece } from './ready-events.ts';
import type { RecordIndex } from './record-index.ts';
import { RememberedOrigins } from './remembered-origins.ts';

/** Files that wait for their next life while nothing is stored. */
const IDLE_SPARES = 1;
const AGAIN = { firstMs: 50, mostMs: 5000 };

/** The account of a channel as it is kept on the disk: in the guard with each step, in the index a moment later. */
export class Books {
  readonly account = new Account();
  readonly origins: RememberedOrigins;
  guard: Guard | undefined;
  index: RecordIndex | undefined;
  readonly #log: Logger;
  readonly #guardPath: string;

  /** `repeated` is told of events that came once more. */
  constructor(log: Logger, guardPath: string, repeated: (events: number) => void) {
    this.#log = log;
    this.#guardPath = guardPath;
    this.origins = new RememberedOrigins(repeated);
  }

  /** Into the guard; there after the end of the process. */
  async note(): Promise<void> {
    await this.guard?.update(() => this.account.guardState());
  }

  /** Into the guard, and to the disk. */
  async noteAndSync(): Promise<void> {
    await this.note();
    await this.guard?.sync();
  }

  /** Resolves when it is noted that sinks have these, however often that takes. Throws once `stopping` aborts. */
  async commit(pieces: readonly Piece[], stopping: AbortSignal): Promise<void> {
    this.account.committed(pieces);
    const backoff = new Backoff(AGAIN);
    for (;;) {
      try {
        await this.note();
        break;
      } catch (error) {
        this.#log.warn('what sinks have written cannot be noted; trying again', { path: this.#guardPath, reason: describeError(error) });
        await backoff.pause(stopping);
      }
    }
    this.account.released(pieces);
  }

  /** To the disk, and into the index; files of which nothing is needed any more go. */
  async keep(log: EventLog | undefined): Promise<void> {
    await this.guard?.sync();
    if (!log) return;
    if (this.account.dirty) {
      this.account.dirty = false;
      await this.flush(log.segments[0]?.first ?? 0);
    }
    // After the index, which tells which events of other stores these records held.
    log.retire(this.guard?.syncedHead ?? 0);
    if (this.account.held === 0) log.trim(IDLE_SPARES);
  }

  /** Into the index; what it says of records below `below` is not needed any more. */
  async flush(below: number): Promise<void> {
    const { done, tail } = this.account;
    await this.index?.flush(done, below, this.origins.seen, this.origins.complete ? tail.event : undefined);
  }

  async close(): Promise<void> {
    await this.index?.close();
    await this.guard?.close().catch(() => undefined);
    this.guard = undefined;
  }
}
