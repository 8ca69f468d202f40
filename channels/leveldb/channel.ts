import { Batch } from '../../core/batch.ts';
import type { Channel, ChannelStatus, Context, Description, Transaction } from '../../core/component.ts';
import { describeError } from '../../core/errors.ts';
import { inThousands } from '../../core/printable.ts';
import { Backoff } from '../../io/backoff.ts';
import type { StoreFiles } from '../../io/store-files.ts';
import type { Account } from './account.ts';
import { Books } from './books.ts';
import { beginEpoch } from './epochs.ts';
import { EventLog, NoSegmentError } from './event-log.ts';
import type { Group, Tail } from './group.ts';
import { Guard, type GuardState } from './guard.ts';
import { Intake } from './intake.ts';
import type { IndexRow } from './keys.ts';
import { Lending } from './lending.ts';
import type { Gap } from './log-reader.ts';
import { keepAside, openIndex, openSegments, type Opened, type OpeningParts } from './opening.ts';
import { otherFormat } from './other-format.ts';
import { refuseOtherKeys } from './key-check.ts';
import { peek, statOf } from './peek.ts';
import { claimDirectory, placeOf, refuseFlumeData, refuseFormerStore, type Place } from './place.ts';
import type { Piece } from './ready-events.ts';
import { plainCodec, type RecordCodec } from './record.ts';
import { brokenError, reportAccounts, reportGaps, reportOpening, stoppedError } from './reports.ts';
import { takeOut } from './recovery.ts';
import { SEGMENT_BYTES } from './segment.ts';
import { SpaceGuard } from './space.ts';
import type { DurableParts, DurableSettings } from './settings.ts';
import type { Store } from './store.ts';

/** Events in memory, to be lent: what was stored and is not taken stays up to this much, and so much is read ahead. */
const READY_BYTES = 3 * 1024 * 1024;
/** Commits reach the disk so often. */
const ACCOUNT_MS = 100;
const REOPEN = { firstMs: 50, mostMs: 5000 };

type State = 'new' | 'open' | 'broken' | 'stopped';

/**
 * Events on disk, in segments that are not trusted: see docs/leveldb-channel.md. Puts that wait are gathered into one write and one sync;
 * what is done with is written down in the guard at once, and in the index a moment later.
 */
export class DurableChannel implements Channel {
  readonly transactionCapacity: number;
  readonly durable = true;
  readonly #context: Pick<Context, 'name' | 'log' | 'count'>;
  readonly #files: StoreFiles;
  readonly #settings: DurableSettings;
  readonly #place: Place;
  readonly #store: Store;
  readonly #codec: RecordCodec;
  readonly #segmentBytes: number;
  readonly #space: SpaceGuard;
  readonly #intake: Intake;
  readonly #stopping = new AbortController();
  readonly #books: Books;
  readonly #account: Account;
  readonly #lending: Lending;
  #state: State = 'new';
  #log: EventLog | undefined;
  #release: (() => void) | undefined;
  #timers: NodeJS.Timeout[] = [];
  #keeping: Promise<void> | undefined;
  #writing: Promise<void> | undefined;
  #reopening: Promise<void> | undefined;
  /** The next write is to be synced, whatever else. */
  #syncDue = false;

  constructor(context: Pick<Context, 'name' | 'log' | 'count'>, { store, files, codec, settings }: DurableParts) {
    this.#context = context;
    this.#files = files;
    this.#settings = settings;
    this.#codec = codec ?? plainCodec;
    this.#segmentBytes = settings.segmentBytes ?? SEGMENT_BYTES;
    this.transactionCapacity = settings.transactionCapacity;
    this.#place = placeOf(settings.dataDirectory, settings.checkpointDirectory);
    this.#store = store(this.#place.index);
    this.#books = new Books(context.log, this.#place.guard, (events) => context.count('EventRepeatedCount', events));
    this.#account = this.#books.account;
    const { requiredBytes, reserveBytes, dataDirectory } = settings;
    const space = { directory: dataDirectory, requiredBytes, reserve: this.#place.reserve, reserveBytes };
    this.#space = new SpaceGuard(files, space, context.log, () => this.#intake.admit());
    this.#intake = new Intake({
      name: context.name,
      settings,
      codec: this.#codec,
      held: () => this.#account.held,
      closed: () => this.#closed(),
      refusal: (bytes) => this.#space.refusal(bytes),
      waiting: () => this.#pump(),
    });
    this.#lending = new Lending({
      name: context.name,
      log: context.log,
      directory: this.#place.records,
      account: this.#account,
      readyBytes: settings.readyBytes ?? READY_BYTES,
      stopping: this.#stopping.signal,
      readable: () => this.#state === 'open',
      commit: (pieces) => this.#commit(pieces),
      lost: (gaps) => this.#lost(gaps),
    });
  }

  async start(): Promise<void> {
    const { dataDirectory, checkpointDirectory, unusedDirectories } = this.#settings;
    const { log, name } = this.#context;
    await refuseFlumeData(this.#files, [dataDirectory, checkpointDirectory, ...unusedDirectories]);
    await refuseFormerStore(this.#files, this.#place.formerStore);
    await refuseOtherKeys(this.#files, this.#place, this.#codec);
    await this.#files.makeDirectory(checkpointDirectory);
    this.#release = await claimDirectory(this.#files, this.#place.records, name);
    try {
      const { guard, reading } = await Guard.open(this.#files, this.#place.guard);
      this.#books.guard = guard;
      if (reading.version !== undefined) throw otherFormat(this.#place.guard, reading.version);
      const parts = this.#parts(reading.state);
      const { index, content, remarks } = await openIndex(parts, this.#store);
      this.#books.index = index;
      const opened = await openSegments(parts, content);
      reportAccounts(log, this.#place, { guard: reading, index: content, indexRemarks: remarks, stored: opened.tail.event > 0 });
      if (content?.store !== opened.store) index.describe(opened.store);
      await this.#begin({ ...opened, remarks: [...remarks, ...opened.remarks] });
    } catch (error) {
      await this.#close();
      throw error;
    }
  }

  async stop(): Promise<void> {
    if (this.#state === 'stopped' || this.#state === 'new') return;
    const broken = this.#state === 'broken';
    this.#state = 'stopped';
    this.#stopping.abort();
    this.#intake.fail(stoppedError(this.#context.name));
    this.#lending.end();
    await this.#writing;
    await this.#lending.pause();
    await this.#keeping;
    await this.#reopening;
    try {
      if (!broken) await this.#log?.sync();
      if (!broken) this.#account.synced = this.#account.tail;
      await this.#books.noteAndSync();
      await this.#books.flush(0);
    } catch (error) {
      this.#context.log.warn('the last account of the store could not be written; some events may come twice', { reason: describeError(error) });
    }
    await this.#close();
  }

  put(batch: Batch, signal: AbortSignal): Promise<void> {
    if (!batch.origin) return this.#intake.put(batch, signal);
    return this.#books.origins.put(batch, this.#books.index, this.#log, this.#account, (unseen) => this.#intake.put(unseen, signal));
  }

  take(max: number, signal: AbortSignal): Promise<Transaction | undefined> {
    if (signal.aborted || this.#state === 'stopped') return Promise.resolve(undefined);
    return this.#lending.take(Math.min(max, this.transactionCapacity), signal);
  }

  status(): ChannelStatus {
    return { size: this.#account.held, capacity: this.#settings.capacity, byteLength: this.#account.heldBytes };
  }

  async peek(max: number): Promise<Batch> {
    return this.#log && this.#state !== 'stopped' ? (await peek(this.#log, this.#account, max)).batch : Batch.of([]);
  }

  async stat(): Promise<Readonly<Record<string, unknown>>> {
    return this.#log && this.#state !== 'stopped' ? statOf(this.#log, this.#account) : {};
  }

  describe(): Description {
    const { capacity, syncIntervalMs, dataDirectory, checkpointDirectory } = this.#settings;
    return {
      summary: `up to ${inThousands(capacity)} events, on disk${this.#codec === plainCodec ? '' : ', encrypted'}`,
      paths: [...new Set([dataDirectory, checkpointDirectory])],
      ...(syncIntervalMs > 0 && { lostOnPowerCut: `what was stored in the last ${syncIntervalMs / 1000} s, because fsyncPerTransaction is false` }),
    };
  }

  async #begin(opened: Opened): Promise<void> {
    this.#account.open(opened);
    const { done, tail } = this.#account;
    const { epochs, remarks } = await beginEpoch(this.#files, this.#place.epochs, done.head, tail.event);
    this.#account.epochs = epochs;
    await this.#use(opened, { event: done.head, byte: done.headBytes });
    reportOpening(this.#context, this.#place.records, { ...opened, remarks: [...opened.remarks, ...remarks] });
    await this.#books.noteAndSync();
    await this.#space.start();
    await this.#books.origins.begin(this.#books.index, this.#log, this.#account);
    this.#log?.retire(done.head);
    this.#state = 'open';
    const every = (ms: number, action: () => void): void => {
      const timer = setInterval(action, ms);
      timer.unref();
      this.#timers.push(timer);
    };
    every(this.#settings.accountMs ?? ACCOUNT_MS, () => this.#keepAccount());
    if (this.#settings.syncIntervalMs > 0) every(this.#settings.syncIntervalMs, () => this.#syncNow());
    this.#lending.fill();
  }

  #parts(guard: GuardState | undefined): OpeningParts {
    return { files: this.#files, place: this.#place, guard, segmentBytes: this.#segmentBytes, log: this.#context.log };
  }

  /** Goes on with segments that were opened; `at` is the first event to be read from them. */
  async #use({ catalogue }: Opened, at: Tail): Promise<void> {
    const { log } = this.#context;
    const parts = {
      files: this.#files,
      directory: this.#place.records,
      store: this.#account.store,
      codec: this.#codec,
      segmentBytes: this.#segmentBytes,
      log,
      tookRoom: (bytes: number) => this.#space.wrote(bytes),
      placed: (row: IndexRow) => this.#books.index?.note(row),
    };
    this.#log = new EventLog(parts, catalogue);
    this.#lending.use(this.#log, at, await this.#books.index?.before(at.event));
  }

  async #close(): Promise<void> {
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
    await this.#space.stop();
    await this.#lending.pause();
    await this.#log?.close().catch(() => undefined);
    // The process may live on for long, and is taken for the owner of the store for as long as it stands there.
    if (this.#books.index) await this.#files.remove(this.#place.owner).catch(() => undefined);
    await this.#books.close();
    this.#release?.();
    this.#release = undefined;
  }

  /** Why nothing is taken at the moment. */
  #closed(): Error | undefined {
    if (this.#state === 'open') return undefined;
    return this.#state === 'broken' ? brokenError(this.#place.records) : stoppedError(this.#context.name);
  }

  /** Writes, at the end of this turn of the event loop, what waits by then, and goes on while something waits. */
  #pump(): void {
    if (this.#writing || this.#state !== 'open') return;
    this.#writing = new Promise<void>((resolve) => setImmediate(resolve))
      .then(() => this.#writeAll())
      .finally(() => {
        this.#writing = undefined;
        if (!this.#intake.isEmpty) this.#pump();
      });
  }

  async #writeAll(): Promise<void> {
    while (this.#state === 'open' && (this.#syncDue || !this.#intake.isEmpty)) {
      const group = this.#intake.next();
      try {
        if (group.isEmpty) await this.#syncWritten();
        else await this.#writeGroup(group);
      } catch (error) {
        if (error instanceof NoSegmentError) this.#refuse(group, error);
        else this.#break(error as Error, group);
      }
      this.#intake.written();
    }
  }

  /** One write, one sync; the next group is encoded meanwhile. */
  async #writeGroup(group: Group): Promise<void> {
    const account = this.#account;
    const { tail: from, synced: before } = account;
    const tail = { event: from.event + group.events, byte: from.byte + group.bytes };
    const inMemory = this.#lending.followsAt(from.event);
    const pieces = inMemory ? group.pieces(from.event) : [];
    const sync = this.#settings.syncIntervalMs === 0 || this.#syncDue;
    const appended = this.#log?.append(group, from, before.event, sync);
    this.#intake.refill();
    await appended;
    if (sync) {
      account.synced = tail;
      this.#syncDue = false;
    }
    try {
      await this.#books.note();
    } catch (error) {
      account.synced = before;
      throw error;
    }
    account.stored(tail);
    this.#log?.confirm();
    this.#intake.written();
    if (inMemory) this.#lending.push(pieces);
    for (const put of group.puts) put.stored();
    this.#lending.serve();
  }

  /** There is no room for more, and nothing was written: what was stored before is as it was. */
  #refuse(group: Group, error: Error): void {
    this.#space.exhausted(this.#segmentBytes);
    this.#intake.fail(brokenError(this.#place.records, error), group);
  }

  #break(error: Error, group?: Group): void {
    const events = this.#intake.fail(brokenError(this.#place.records, error), group);
    if (this.#state !== 'open') return;
    this.#state = 'broken';
    this.#context.log.warn('the store cannot be used; it is closed, opened again and verified before it takes events', {
      directory: this.#place.records,
      events,
      reason: describeError(error),
    });
    this.#reopening = this.#reopen().finally(() => {
      this.#reopening = undefined;
    });
  }

  async #reopen(): Promise<void> {
    const backoff = new Backoff(REOPEN);
    while (this.#state === 'broken') {
      try {
        await this.#writing;
        await this.#keeping;
        await this.#lending.pause();
        await this.#log?.close();
        // Somebody may have deleted it.
        await this.#files.makeDirectory(this.#place.records);
        await this.#books.noteAndSync();
        const parts = this.#parts(this.#account.guardState());
        // What was refused to the sources may have got into the segments all the same. A write that was under way has ended by now.
        const { tail, synced } = this.#account;
        const opened = await openSegments(parts, undefined, { refusedFrom: tail.event, unsynced: synced.event < tail.event });
        await this.#space.look();
        await this.#resume(opened);
        return;
      } catch (error) {
        this.#context.log.warn('the store cannot be opened again yet', { directory: this.#place.records, reason: describeError(error) });
        await backoff.pause(this.#stopping.signal).catch(() => undefined);
      }
    }
  }

  /** What is in memory is as good as it was; only what is to be read from the segments can be missing. */
  async #resume(opened: Opened): Promise<void> {
    const account = this.#account;
    const loaded = this.#lending.position ?? account.tail;
    await this.#use(opened, loaded);
    if (this.#state !== 'broken') return;
    this.#state = 'open';
    account.synced = account.tail;
    const missing = opened.gaps.filter(({ to }) => to > loaded.event).flatMap((gap) => takeOut({ ...gap, from: Math.max(gap.from, loaded.event) }, account.done));
    account.gaveUp(missing);
    reportOpening(this.#context, this.#place.records, { ...opened, gaps: missing });
    account.dirty = true;
    this.#context.log.info('the store was opened again', { directory: this.#place.records, events: account.held });
    this.#intake.admit();
    this.#lending.fill();
  }

  /** Found missing while running. */
  async #lost(gaps: readonly Gap[]): Promise<void> {
    for (const { segment } of gaps.flatMap(({ faults }) => faults)) segment.evidence = true;
    let aside = '';
    try {
      aside = await keepAside({ files: this.#files, place: this.#place }, gaps);
    } catch (error) {
      this.#context.log.warn('damaged events cannot be set aside; their file is kept where it is', { reason: describeError(error) });
    }
    this.#account.gaveUp(gaps);
    reportGaps(this.#context, this.#place.records, gaps, aside);
  }

  async #commit(pieces: readonly Piece[]): Promise<void> {
    await this.#books.commit(pieces, this.#stopping.signal);
    this.#intake.admit();
  }

  #syncNow(): void {
    if (this.#account.synced.event >= this.#account.tail.event) return;
    this.#syncDue = true;
    this.#pump();
  }

  async #syncWritten(): Promise<void> {
    this.#syncDue = false;
    await this.#log?.sync();
    this.#account.synced = this.#account.tail;
    await this.#books.note();
  }

  #keepAccount(): void {
    if (this.#state !== 'open' || this.#keeping) return;
    this.#keeping = this.#books
      .keep(this.#log)
      .catch((error: unknown) => this.#break(error as Error))
      .finally(() => {
        this.#keeping = undefined;
      });
  }
}
