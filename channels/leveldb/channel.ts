import type { Batch } from '../../core/batch.ts';
import type { Channel, ChannelStatus, Context, Description, Transaction } from '../../core/component.ts';
import { ChannelFullError, CorruptionError, describeError } from '../../core/errors.ts';
import { inThousands } from '../../core/printable.ts';
import { Backoff } from '../../io/backoff.ts';
import { chunkWasRead, storedBytesWereRead } from '../../io/read-memory.ts';
import type { StoreFiles } from '../../io/store-files.ts';
import { encodeGroup, nextGroup, tooLargeError, type GatheredRecord } from './gathering.ts';
import { Guard, type GuardState } from './guard.ts';
import { keepAside, OPENING_BYTES, openStore, type Opened } from './opening.ts';
import { claimDirectory, placeOf, refuseFlumeData, type Place } from './place.ts';
import { DoneEvents } from './ranges.ts';
import { batchOf, bytesOf, ReadyEvents, type Piece } from './ready-events.ts';
import { decodeRecord } from './record.ts';
import { RecordReader, type Gap, type Tail } from './record-reader.ts';
import { brokenError, fullText, reportGaps, reportOpening, stoppedError } from './reports.ts';
import { accountStep, removeBelow, takeOut } from './recovery.ts';
import { SpaceGuard } from './space.ts';
import type { DurableParts, DurableSettings } from './settings.ts';
import { isDamage, type Store } from './store.ts';
import { UsedRecords } from './used-records.ts';
import { abortReason, WaitingPuts, type Put } from './waiting-puts.ts';

/** Events in memory, to be lent: what was stored and is not taken stays up to this much, and so much is read ahead. */
const READY_BYTES = 3 * 1024 * 1024;
const PAGE_BYTES = 512 * 1024;
/** Commits reach the disk so often where no put carries them. */
const ACCOUNT_MS = 100;
const REOPEN = { firstMs: 50, mostMs: 5000 };

const STORED = Promise.resolve();

type State = 'new' | 'open' | 'broken' | 'stopped';

/**
 * Events on disk, in a LevelDB that is not trusted: see docs/leveldb-channel.md. Puts that wait are gathered into one record, one write
 * and one sync; what is done with is written down in the guard at once, and in the store with the next write.
 */
export class DurableChannel implements Channel {
  readonly transactionCapacity: number;
  readonly durable = true;
  readonly #context: Pick<Context, 'name' | 'log' | 'count'>;
  readonly #files: StoreFiles;
  readonly #settings: DurableSettings;
  readonly #place: Place;
  readonly #store: Store;
  readonly #space: SpaceGuard;
  readonly #blocked: WaitingPuts;
  readonly #stopping = new AbortController();
  readonly #takers: { max: number; give: (transaction: Transaction | undefined) => void }[] = [];
  readonly #ready = new ReadyEvents();
  #state: State = 'new';
  #guard: Guard | undefined;
  #identity = '';
  #release: (() => void) | undefined;
  #timers: NodeJS.Timeout[] = [];
  #done = new DoneEvents();
  /** Everything below is stored, and synced where each write is. */
  #tail: Tail = { event: 0, byte: 0 };
  /** Everything below is on the disk for sure. */
  #synced: Tail = { event: 0, byte: 0 };
  #held = 0;
  #heldBytes = 0;
  /** Puts that have room and wait for the next write. */
  #admitted: Put[] = [];
  #admittedEvents = 0;
  #reader: RecordReader;
  #reading: Promise<void> | undefined;
  readonly #used: UsedRecords;
  /** Something is done with that the store does not know. */
  #accountDirty = false;
  #writing: Promise<void> | undefined;
  #reopening: Promise<void> | undefined;
  /** Why the store is to be repaired when it is opened again. */
  #damage: string | undefined;
  /** Where reading was when the store was repaired last. */
  #repairedAt = -1;
  /** The next write is to be synced, whatever else. */
  #syncDue = false;

  constructor(context: Pick<Context, 'name' | 'log' | 'count'>, { store, files, settings }: DurableParts) {
    this.#context = context;
    this.#files = files;
    this.#settings = settings;
    this.transactionCapacity = settings.transactionCapacity;
    this.#place = placeOf(settings.dataDirectory, settings.checkpointDirectory);
    this.#store = store(this.#place.store);
    this.#reader = new RecordReader(this.#store, 0, 0, 0);
    this.#used = new UsedRecords(this.#store, context.log);
    this.#blocked = new WaitingPuts(settings.keepAliveMs, () => fullText(context.name, settings.capacity));
    const { requiredBytes, reserveBytes, dataDirectory } = settings;
    const space = { directory: dataDirectory, requiredBytes, reserve: this.#place.reserve, reserveBytes };
    this.#space = new SpaceGuard(files, space, context.log, () => this.#admit());
  }

  async start(): Promise<void> {
    const { dataDirectory, checkpointDirectory, unusedDirectories } = this.#settings;
    await refuseFlumeData(this.#files, [dataDirectory, checkpointDirectory, ...unusedDirectories]);
    await this.#files.makeDirectory(checkpointDirectory);
    this.#release = await claimDirectory(this.#files, this.#place.store, this.#context.name);
    try {
      const { guard, reading } = await Guard.open(this.#files, this.#place.guard);
      this.#guard = guard;
      if (reading.version !== undefined) throw newerGuard(this.#place.guard, reading.version);
      const opened = await openStore({ store: this.#store, files: this.#files, place: this.#place, guard: reading.state });
      if (reading.fault !== undefined) this.#context.log.warn('the guard of the store is damaged and was written anew', { path: this.#place.guard, reason: reading.fault });
      else if (!reading.state && opened.tail.event > 0) this.#context.log.warn('the guard of the store is missing and was written anew', { path: this.#place.guard });
      await this.#begin(opened);
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
    this.#blocked.failAll(stoppedError(this.#context.name));
    for (const taker of this.#takers.splice(0)) taker.give(undefined);
    await this.#writing;
    await this.#reading;
    await this.#used.idle();
    await this.#reopening;
    for (const put of this.#admitted.splice(0)) put.failed(stoppedError(this.#context.name));
    try {
      if (!broken) await this.#writeGroup([]);
      await this.#guard?.update(() => this.#guardState());
      await this.#guard?.sync();
    } catch (error) {
      this.#context.log.warn('the last account of the store could not be written; some events may come twice', { reason: describeError(error) });
    }
    await this.#close();
  }

  put(batch: Batch, signal: AbortSignal): Promise<void> {
    if (batch.size === 0) return STORED;
    const tooLarge = tooLargeError(batch, this.#settings);
    if (tooLarge) return Promise.reject(tooLarge);
    if (signal.aborted) return Promise.reject(abortReason(signal));
    if (this.#state !== 'open') return Promise.reject(this.#state === 'broken' ? brokenError(this.#place.store) : stoppedError(this.#context.name));
    const refusal = this.#space.refusal(batch.byteLength);
    if (refusal !== undefined) return Promise.reject(new ChannelFullError(refusal));
    if (this.#blocked.first || !this.#hasRoom(batch)) return this.#blocked.wait(batch, signal);
    return new Promise((stored, failed) => this.#admitOne({ batch, stored, failed }));
  }

  take(max: number, signal: AbortSignal): Promise<Transaction | undefined> {
    if (signal.aborted || this.#state === 'stopped') return Promise.resolve(undefined);
    const most = Math.min(max, this.transactionCapacity);
    if (this.#takers.length === 0 && !this.#ready.isEmpty) return Promise.resolve(this.#lend(most));
    return new Promise((resolve) => {
      const taker = {
        max: most,
        give: (transaction: Transaction | undefined): void => {
          signal.removeEventListener('abort', abort);
          resolve(transaction);
        },
      };
      const abort = (): void => {
        this.#takers.splice(this.#takers.indexOf(taker), 1);
        resolve(undefined);
      };
      signal.addEventListener('abort', abort, { once: true });
      this.#takers.push(taker);
      this.#fill();
    });
  }

  status(): ChannelStatus {
    return { size: this.#held, capacity: this.#settings.capacity, byteLength: this.#heldBytes };
  }

  describe(): Description {
    const { capacity, syncIntervalMs, dataDirectory, checkpointDirectory } = this.#settings;
    return {
      summary: `up to ${inThousands(capacity)} events, on disk`,
      paths: [...new Set([dataDirectory, checkpointDirectory])],
      ...(syncIntervalMs > 0 && { lostOnPowerCut: `what was stored in the last ${syncIntervalMs / 1000} s, because fsyncPerTransaction is false` }),
    };
  }

  async #begin(opened: Opened): Promise<void> {
    this.#identity = opened.store;
    this.#done = opened.done;
    this.#tail = opened.tail;
    this.#synced = opened.tail;
    const above = this.#done.aboveHead();
    this.#held = this.#tail.event - this.#done.head - above.events;
    this.#heldBytes = Math.max(0, this.#tail.byte - this.#done.headBytes - above.bytes);
    this.#reader = new RecordReader(this.#store, opened.seek, this.#done.head, this.#done.headBytes);
    reportOpening(this.#context, this.#place.store, opened);
    const roomy = (await this.#files.freeBytes(this.#settings.dataDirectory)) >= OPENING_BYTES;
    if (roomy) await removeBelow(this.#store, Math.min(opened.seek, this.#done.head));
    await this.#guard?.update(() => this.#guardState());
    await this.#guard?.sync();
    await this.#space.start();
    this.#state = 'open';
    const every = (ms: number, action: () => void): void => {
      const timer = setInterval(action, ms);
      timer.unref();
      this.#timers.push(timer);
    };
    every(ACCOUNT_MS, () => this.#keepAccount());
    if (this.#settings.syncIntervalMs > 0) every(this.#settings.syncIntervalMs, () => this.#syncNow());
    this.#fill();
  }

  async #close(): Promise<void> {
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
    await this.#space.stop();
    await this.#store.close().catch(() => undefined);
    await this.#guard?.close().catch(() => undefined);
    this.#guard = undefined;
    this.#release?.();
    this.#release = undefined;
  }

  #hasRoom(batch: Batch): boolean {
    return this.#held + this.#admittedEvents + batch.size <= this.#settings.capacity;
  }

  #admitOne(put: Put): void {
    this.#admitted.push(put);
    this.#admittedEvents += put.batch.size;
    this.#pump();
  }

  /** There is room: lets those in that waited for it. */
  #admit(): void {
    for (let put = this.#blocked.first; put && this.#state === 'open' && this.#hasRoom(put.batch); put = this.#blocked.first) {
      this.#blocked.shift();
      this.#admitOne(put);
    }
  }

  /** Writes, at the end of this turn of the event loop, what waits by then, and goes on while something waits. */
  #pump(always = false): void {
    if (this.#writing || this.#state !== 'open') return;
    this.#writing = new Promise<void>((resolve) => setImmediate(resolve))
      .then(() => this.#writeAll(always))
      .finally(() => {
        this.#writing = undefined;
        if (this.#admitted.length > 0) this.#pump();
      });
  }

  async #writeAll(always: boolean): Promise<void> {
    let again = always;
    while (this.#state === 'open' && (again || this.#admitted.length > 0)) {
      again = false;
      const group = nextGroup(this.#admitted);
      try {
        await this.#writeGroup(group);
      } catch (error) {
        this.#break(error as Error, group);
      }
    }
  }

  /** One write, one sync: the events of the group, what is done with, and the records that are used up. */
  async #writeGroup(group: readonly Put[]): Promise<void> {
    const { records, steps, tail } = encodeGroup(group, this.#tail);
    const stores = records.length > 0;
    const used = this.#used.steps();
    steps.push(...used.steps);
    const dirty = this.#accountDirty;
    this.#accountDirty = false;
    if (dirty || !stores) steps.push(accountStep(this.#done));
    const synced = this.#settings.syncIntervalMs === 0 || this.#syncDue || !stores;
    const before = this.#synced;
    try {
      await this.#store.write(steps, synced);
      if (synced) {
        this.#synced = tail;
        this.#syncDue = false;
      }
      if (stores) await this.#guard?.update(() => this.#guardState());
    } catch (error) {
      this.#accountDirty ||= dirty;
      this.#synced = before;
      throw error;
    }
    if (stores) this.#stored(group, tail, records);
    used.written(this.#held === 0);
  }

  #stored(group: readonly Put[], tail: Tail, records: readonly GatheredRecord[]): void {
    const from = this.#tail;
    const inMemory = this.#reader.position.event === from.event && !this.#reading && this.#ready.bytes < READY_BYTES;
    this.#tail = tail;
    const events = tail.event - from.event;
    this.#held += events;
    this.#heldBytes += tail.byte - from.byte;
    this.#admittedEvents -= events;
    if (inMemory) this.#reader.moveTo(tail);
    for (const { value, facts } of records) {
      this.#space.wrote(value.length);
      chunkWasRead(value.length);
      if (!inMemory) continue;
      this.#used.loaded({ first: facts.first, end: facts.first + facts.events, length: value.length });
      // Over the bytes of the record, so that the larger pieces which the sources read do not stay.
      this.#ready.push({ from: facts.first, batch: decodeRecord(value).batch });
    }
    for (const put of group) put.stored();
    this.#serve();
  }

  #break(error: Error, group: readonly Put[]): void {
    const failure = brokenError(this.#place.store, error);
    const waiting = [...group, ...this.#admitted.splice(0)];
    this.#admittedEvents = 0;
    for (const put of waiting) put.failed(failure);
    this.#blocked.failAll(failure);
    if (this.#state !== 'open') return;
    this.#state = 'broken';
    if (isDamage(error)) this.#damage = describeError(error);
    this.#context.log.warn('the store cannot be used; it is closed, opened again and verified before it takes events', {
      directory: this.#place.store,
      events: waiting.reduce((sum, { batch }) => sum + batch.size, 0),
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
        await this.#reading;
        await this.#used.idle();
        await this.#store.close();
        await this.#guard?.update(() => this.#guardState());
        await this.#guard?.sync();
        // What was refused to the sources may have got into the store all the same.
        const parts = { store: this.#store, files: this.#files, place: this.#place, guard: this.#guardState() };
        const opened = await openStore({ ...parts, refusedFrom: this.#tail.event, ...(this.#damage !== undefined && { damage: this.#damage }) });
        if (this.#damage !== undefined) this.#repairedAt = this.#reader.position.event;
        this.#damage = undefined;
        await this.#space.look();
        this.#resume(opened);
        return;
      } catch (error) {
        this.#context.log.warn('the store cannot be opened again yet', { directory: this.#place.store, reason: describeError(error) });
        await backoff.pause(this.#stopping.signal).catch(() => undefined);
      }
    }
  }

  /** What is in memory is as good as it was; only what is to be read from the store can be missing. */
  #resume(opened: Opened): void {
    if (this.#state !== 'broken') return;
    this.#state = 'open';
    const loaded = this.#reader.position.event;
    const missing = opened.gaps.filter(({ to }) => to > loaded).flatMap((gap) => takeOut({ ...gap, from: Math.max(gap.from, loaded) }, this.#done));
    this.#giveUp(missing);
    reportOpening(this.#context, this.#place.store, { ...opened, gaps: missing });
    this.#accountDirty = true;
    this.#context.log.info('the store was opened again', { directory: this.#place.store, events: this.#held });
    this.#admit();
    this.#pump(true);
    this.#fill();
  }

  #serve(): void {
    while (!this.#ready.isEmpty) {
      const taker = this.#takers.shift();
      if (!taker) break;
      taker.give(this.#lend(taker.max));
    }
    this.#fill();
  }

  /** Reads ahead from the store while there is something to read, and room in memory. */
  #fill(): void {
    if (this.#reading || this.#state !== 'open') return;
    if (this.#reader.position.event >= this.#tail.event || this.#ready.bytes >= READY_BYTES / 2) return;
    this.#reading = this.#readPage()
      .catch(async (error: unknown) => {
        if (this.#state !== 'open') return;
        if (isDamage(error)) return this.#break(error as Error, []);
        this.#context.log.warn('stored events cannot be read; trying again', { directory: this.#place.store, reason: describeError(error) });
        await new Backoff({ firstMs: 1000, mostMs: 1000 }).pause(this.#stopping.signal).catch(() => undefined);
      })
      .finally(() => {
        this.#reading = undefined;
        this.#serve();
      });
  }

  async #readPage(): Promise<void> {
    this.#reader.tolerant = this.#repairedAt === this.#reader.position.event;
    const page = await this.#reader.read(this.#tail, PAGE_BYTES);
    const missing = page.gaps.flatMap((gap) => takeOut(gap, this.#done));
    if (missing.length > 0) await this.#lost(missing);
    for (const { first, batch, length } of page.records) {
      const end = first + batch.size;
      storedBytesWereRead(length);
      this.#used.loaded({ first, end, length });
      for (const { from, to } of this.#done.open(first, end)) this.#ready.push({ from, batch: batch.slice(from - first, to - first) });
    }
  }

  /** Found missing while running. */
  async #lost(gaps: readonly Gap[]): Promise<void> {
    let aside = '';
    try {
      aside = await keepAside({ files: this.#files, place: this.#place }, undefined, gaps, []);
      const unreadable = gaps.some(({ faults }) => faults.every(({ value }) => value === undefined));
      const tables = unreadable ? (await this.#files.list(this.#place.store)).filter((name) => /^\d+\.(?:ldb|sst|log)$/.test(name)) : [];
      await this.#files.linkAll(this.#place.store, tables, aside);
    } catch (error) {
      this.#context.log.warn('damaged events cannot be set aside; they stay in the store', { reason: describeError(error) });
    }
    this.#giveUp(gaps);
    reportGaps(this.#context, this.#place.store, gaps, aside);
  }

  #giveUp(gaps: readonly Gap[]): void {
    for (const gap of gaps) {
      this.#done.add(gap);
      this.#held -= gap.to - gap.from;
      this.#heldBytes = Math.max(0, this.#heldBytes - gap.bytes);
    }
    if (gaps.length > 0) this.#accountDirty = true;
  }

  #lend(max: number): Transaction {
    const pieces = this.#ready.take(max);
    const batch = batchOf(pieces);
    this.#fill();
    let open = true;
    const end = (): void => {
      if (!open) throw new Error('this loan of events has ended: commit or roll back once');
      if (this.#state === 'stopped') throw stoppedError(this.#context.name);
      open = false;
    };
    return {
      batch,
      origin: { store: this.#identity, spans: pieces.map((piece) => [piece.from, piece.from + piece.batch.size] as const) },
      commit: async () => {
        end();
        await this.#commit(pieces);
      },
      rollback: async () => {
        end();
        this.#ready.giveBack(pieces);
        this.#serve();
      },
    };
  }

  async #commit(pieces: readonly Piece[]): Promise<void> {
    for (const { from, batch } of pieces) this.#done.add({ from, to: from + batch.size, bytes: batch.byteLength });
    this.#accountDirty = true;
    const bytes = bytesOf(pieces);
    const events = pieces.reduce((sum, { batch }) => sum + batch.size, 0);
    this.#used.retire(this.#done.head);
    const backoff = new Backoff(REOPEN);
    for (;;) {
      try {
        await this.#guard?.update(() => this.#guardState());
        break;
      } catch (error) {
        this.#context.log.warn('what sinks have written cannot be noted; trying again', { path: this.#place.guard, reason: describeError(error) });
        await backoff.pause(this.#stopping.signal);
      }
    }
    this.#held -= events;
    this.#heldBytes = Math.max(0, this.#heldBytes - bytes);
    this.#admit();
  }

  #guardState(): GuardState {
    const { event, byte } = this.#synced;
    return { store: this.#identity, tail: event, tailBytes: byte, done: this.#done };
  }

  #syncNow(): void {
    this.#syncDue = true;
    if (this.#synced.event < this.#tail.event) this.#pump(true);
  }

  /** For times without puts, which carry all of this otherwise. */
  #keepAccount(): void {
    if (this.#state !== 'open') return;
    if (this.#accountDirty || this.#used.waiting > 0) this.#pump(true);
    this.#guard?.sync().catch((error: unknown) => this.#break(error as Error, []));
  }
}

function newerGuard(path: string, version: number): CorruptionError {
  return new CorruptionError(`${path} is of format ${version}; this version of Millrace reads and writes format 1`);
}
