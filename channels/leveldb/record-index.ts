import { describeError } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import { Backoff } from '../../io/backoff.ts';
import type { SeenEvents } from '../seen-events.ts';
import { BEHIND_ORIGINS_KEY, decodeDone, decodeRow, encodeDone, encodeRow, FORMAT_VERSION, HEAD_KEY, indexKey, META_KEY, ORIGINS_KEY, type DoneState, type IndexRow } from './keys.ts';
import { originSteps, readOriginEntries } from './origins.ts';
import type { IndexTables } from './index-tables.ts';
import type { Step, Store } from './store.ts';

/** A row for one record in so many bytes of a segment. */
const ROW_EVERY_BYTES = 256 * 1024;
const MOST_DONE_RANGES = 10_000;
const PAGE_ROWS = 1000;
const MOST_ORIGINS = 100_000;
const AGAIN = { firstMs: 1000, mostMs: 30_000 };

export interface IndexContent {
  readonly format: number;
  readonly store: string;
  readonly done?: DoneState;
}

/**
 * The LevelDB beside the segments: where records lie, and what is done with. Nothing depends on it: a row is believed only where a record
 * lies as it says, and the guard knows what is done with as well. So what fails here is told, and tried again, and stops nobody.
 */
export class RecordIndex {
  readonly #store: Store;
  readonly #tables: IndexTables;
  readonly #log: Logger;
  readonly #stopping = new AbortController();
  #usable = false;
  #meta: Buffer | undefined;
  #rows: IndexRow[] = [];
  #last: IndexRow | undefined;
  #removedTo = 0;
  #repairing: Promise<void> | undefined;

  constructor(store: Store, tables: IndexTables, log: Logger) {
    this.#store = store;
    this.#tables = tables;
    this.#log = log;
  }

  /** Throws StoreLockedError where another process has it open, and what LevelDB throws where it cannot be opened. */
  async open(): Promise<void> {
    await this.#store.open();
    this.#usable = true;
  }

  /** Opens it as soon as that is possible; until then it knows nothing, and keeps nothing. */
  openLater(): void {
    this.#usable = false;
    this.#repairing ??= this.#openAgain();
  }

  /** What it says of itself; nothing where it is new, or damaged there. */
  async read(): Promise<IndexContent | undefined> {
    const meta = parseMeta(await this.#store.get(META_KEY));
    if (meta?.format !== FORMAT_VERSION) return meta;
    const bytes = await this.#store.get(HEAD_KEY);
    const done = bytes && decodeDone(bytes);
    return { ...meta, ...(done && { done }) };
  }

  /** It says with the next flush whose it is. */
  describe(store: string): void {
    this.#meta = Buffer.from(JSON.stringify({ format: FORMAT_VERSION, store }));
  }

  /** To be told where each record lies. */
  note(row: IndexRow): void {
    if (this.#last?.generation === row.generation && row.position - this.#last.position < ROW_EVERY_BYTES) return;
    this.#last = row;
    this.#rows.push(row);
    // What waits is not let grow where the index cannot be written.
    if (this.#rows.length > 10 * PAGE_ROWS) this.#rows = [];
  }

  /**
   * Writes down what was noted, what is done with, and which events of other stores were put up to `tail`, if that is known; rows below
   * `below` are of no more use.
   */
  async flush(done: DoneState, below: number, seen: SeenEvents, tail: number | undefined): Promise<void> {
    if (!this.#usable) return;
    const rows = this.#rows;
    this.#rows = [];
    await this.#attempt(async () => {
      const steps: Step[] = rows.map((row) => ({ key: indexKey(row.first), value: encodeRow(row) }));
      steps.push({ key: HEAD_KEY, value: encodeDone(done, MOST_DONE_RANGES) }, ...(tail === undefined ? [] : originSteps(seen, tail)));
      if (below > this.#removedTo) {
        const old = await this.#store.scan({ gte: indexKey(0), lt: indexKey(below), limit: PAGE_ROWS });
        steps.push(...old.map(([key]) => ({ key })));
        if (old.length < PAGE_ROWS) this.#removedTo = below;
      }
      if (this.#meta) steps.push({ key: META_KEY, value: this.#meta });
      await this.#store.write(steps);
      this.#meta = undefined;
    });
    // Without its note a table is not believed when the index is opened again, and that is all.
    await this.#tables.note().catch(() => undefined);
    if (!this.#usable) seen.changeAll();
  }

  /** Which events of other stores were put, and up to which of ours that is told; nothing where the index cannot be read. */
  async origins(): Promise<ReturnType<typeof readOriginEntries>> {
    if (!this.#usable) return readOriginEntries([]);
    try {
      return readOriginEntries(await this.#store.scan({ gte: ORIGINS_KEY, lt: BEHIND_ORIGINS_KEY, limit: MOST_ORIGINS }));
    } catch {
      return readOriginEntries([]);
    }
  }

  /** The last row at or before an event. */
  async before(event: number): Promise<IndexRow | undefined> {
    if (!this.#usable) return undefined;
    try {
      const [entry] = await this.#store.scan({ gte: indexKey(0), lt: indexKey(event + 1), limit: 1, reverse: true });
      return entry && decodeRow(...entry);
    } catch {
      return undefined;
    }
  }

  async close(): Promise<void> {
    this.#usable = false;
    this.#stopping.abort();
    await this.#repairing;
    await this.#store.close().catch(() => undefined);
  }

  async #attempt(action: () => Promise<void>): Promise<void> {
    if (!this.#usable) return;
    try {
      await action();
    } catch (error) {
      if (!this.#usable || this.#stopping.signal.aborted) return;
      this.#usable = false;
      this.#log.warn('the index cannot be written; events are stored and delivered without it', { reason: describeError(error) });
      this.#repairing = this.#openAgain();
    }
  }

  async #openAgain(): Promise<void> {
    const backoff = new Backoff(AGAIN);
    await this.#store.close().catch(() => undefined);
    while (!this.#stopping.signal.aborted) {
      try {
        await this.#store.open();
        this.#usable = true;
        this.#log.info('the index can be written again');
        return;
      } catch {
        await backoff.pause(this.#stopping.signal).catch(() => undefined);
      }
    }
  }
}

function parseMeta(text: Buffer | undefined): { format: number; store: string } | undefined {
  if (!text) return undefined;
  try {
    const { format, store } = JSON.parse(text.toString()) as { format?: unknown; store?: unknown };
    if (typeof format === 'number' && typeof store === 'string' && /^[0-9a-f]{16}$/.test(store)) return { format, store };
  } catch {
    // Said by whoever asks.
  }
  return undefined;
}
