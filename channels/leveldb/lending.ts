import type { Transaction } from '../../core/component.ts';
import { describeError } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import { Backoff } from '../../io/backoff.ts';
import { storedBytesWereRead } from '../../io/read-memory.ts';
import { SpareMemory } from '../../io/spare-memory.ts';
import type { Account } from './account.ts';
import type { EventLog } from './event-log.ts';
import type { Tail } from './group.ts';
import type { IndexRow } from './keys.ts';
import { LogReader, type Gap } from './log-reader.ts';
import { Page, PageMemory } from './page-memory.ts';
import { batchOf, ReadyEvents, type Piece } from './ready-events.ts';
import { takeOut } from './recovery.ts';
import { stoppedError } from './reports.ts';
import { PAGE_BYTES } from './segment-scan.ts';
import { Takers } from './takers.ts';

const READ_AGAIN = { firstMs: 1000, mostMs: 1000 };

export interface LendingParts {
  readonly name: string;
  readonly log: Logger;
  /** Where the segments lie. */
  readonly directory: string;
  readonly account: Account;
  /** Memory for events that are not taken yet. */
  readonly readyBytes: number;
  readonly stopping: AbortSignal;
  /** The segments can be read. */
  readonly readable: () => boolean;
  /** Resolves when it is written down that these are done with. */
  readonly commit: (pieces: readonly Piece[]) => Promise<void>;
  /** These are missing. */
  readonly lost: (gaps: readonly Gap[]) => Promise<void>;
}

/** The side of the sinks: events in memory, or read ahead from the segments, are lent to those who ask, in order. */
export class Lending {
  readonly #parts: LendingParts;
  readonly #takers = new Takers();
  readonly #ready = new ReadyEvents();
  readonly #memory = new PageMemory(PAGE_BYTES, storedBytesWereRead);
  readonly #copies = new SpareMemory();
  #reader: LogReader | undefined;
  #reading: Promise<void> | undefined;

  constructor(parts: LendingParts) {
    this.#parts = parts;
  }

  /** Where reading stands. */
  get position(): Tail | undefined {
    return this.#reader?.position;
  }

  /** Reads from this event on, once segments are readable. */
  use(log: EventLog, at: Tail, hint: IndexRow | undefined): void {
    this.#reader = new LogReader(log, at, hint, this.#memory);
  }

  /** Resolves when nothing is being read, with the file closed. */
  async pause(): Promise<void> {
    await this.#reading;
    await this.#reader?.close();
  }

  /** Nobody gets anything more. */
  end(): void {
    this.#takers.giveUp();
  }

  take(max: number, signal: AbortSignal): Promise<Transaction | undefined> {
    if (this.#takers.isEmpty && !this.#ready.isEmpty) return Promise.resolve(this.#lend(max));
    const taken = this.#takers.wait(max, signal);
    this.fill();
    return taken;
  }

  /** Whether events that follow `event` can go from memory to the sinks: everything before them was read, and there is room. */
  followsAt(event: number): boolean {
    return this.#reader?.position.event === event && !this.#reading && this.#ready.bytes < this.#parts.readyBytes;
  }

  /** Events up to the tail of the account, which need not be read. */
  push(pieces: readonly Piece[]): void {
    this.#reader?.moveTo(this.#parts.account.tail);
    for (const piece of pieces) this.#ready.push(piece);
  }

  serve(): void {
    while (!this.#ready.isEmpty) {
      const taker = this.#takers.shift();
      if (!taker) break;
      taker.give(this.#lend(taker.max));
    }
    this.fill();
  }

  /** Reads ahead while there is something to read, and room in memory. */
  fill(): void {
    const { readable, account, readyBytes, log, directory, stopping } = this.#parts;
    const reader = this.#reader;
    if (this.#reading || !reader || !readable()) return;
    if (reader.position.event >= account.tail.event || this.#ready.bytes >= readyBytes / 2) return;
    this.#reading = this.#readPage(reader)
      .catch(async (error: unknown) => {
        if (!readable()) return;
        log.warn('stored events cannot be read; trying again', { directory, reason: describeError(error) });
        await new Backoff(READ_AGAIN).pause(stopping).catch(() => undefined);
      })
      .finally(() => {
        this.#reading = undefined;
        this.serve();
      });
  }

  async #readPage(reader: LogReader): Promise<void> {
    const { account, lost } = this.#parts;
    const { records, gaps } = await reader.read(account.tail);
    const missing = gaps.flatMap((gap) => takeOut(gap, account.done));
    if (missing.length > 0) await lost(missing);
    const pages = new Map<ArrayBufferLike, Page>();
    for (const { first, batch, length } of records) {
      const { buffer } = batch.bytes;
      const page = pages.get(buffer) ?? new Page(this.#memory, buffer);
      pages.set(buffer, page);
      for (const { from, to } of account.done.open(first, first + batch.size)) {
        page.holds(to - from);
        this.#ready.push({ from, batch: batch.slice(from - first, to - first), page });
      }
      if (buffer.byteLength !== PAGE_BYTES) storedBytesWereRead(length);
    }
  }

  #lend(max: number): Transaction {
    const { name, account, stopping, commit } = this.#parts;
    const { pieces, epoch } = this.#takeOfOneEpoch(max);
    this.fill();
    // Several pieces were copied, but for headers of their own.
    const areCopied = pieces.length > 1 && !pieces.some(({ batch }) => batch.hasOwnHeaders);
    let copy: Buffer | undefined;
    let open = true;
    const end = (): void => {
      if (!open) throw new Error('this loan of events has ended: commit or roll back once');
      if (stopping.aborted) throw stoppedError(name);
      open = false;
    };
    // After a power cut, numbers that the disk had not confirmed are given to other events, which nobody may take for these.
    const lasting = pieces.every(({ from, batch }) => from + batch.size <= account.synced.event);
    return {
      batch: batchOf(pieces, (bytes) => (copy = this.#copies.take(bytes))),
      ...(lasting && epoch !== undefined && { origin: { store: epoch, spans: pieces.map(({ from, batch }) => [from, from + batch.size] as const), settled: account.done.head } }),
      commit: async (released = false) => {
        end();
        await commit(pieces);
        for (const { batch, page } of pieces) page?.done(batch.size, released || areCopied);
        if (copy && released) this.#copies.give(copy);
      },
      rollback: async () => {
        end();
        // Whoever had them may look at them yet.
        this.#ready.giveBack(pieces.map(({ from, batch }) => ({ from, batch })));
        this.serve();
      },
    };
  }

  /** What is lent together has numbers under one name. */
  #takeOfOneEpoch(max: number): { readonly pieces: readonly Piece[]; readonly epoch: string | undefined } {
    const pieces = this.#ready.take(max);
    const { name: epoch, from: begin, to: end } = this.#parts.account.epochs.of(pieces[0]?.from ?? 0);
    const other = pieces.findIndex(({ from, batch }) => from < begin || from + batch.size > end);
    if (other < 0) return { pieces, epoch };
    const [cut, ...rest] = pieces.splice(other) as [Piece, ...Piece[]];
    const { from, batch } = cut;
    const within = from < begin ? 0 : Math.max(0, end - from);
    if (within > 0) pieces.push({ ...cut, batch: batch.slice(0, within) });
    this.#ready.giveBack([{ ...cut, from: from + within, batch: batch.slice(within, batch.size) }, ...rest]);
    return { pieces, epoch };
  }
}
