import type { Batch } from '../../core/batch.ts';
import type { Context, Description, Origin, Serializer, Sink } from '../../core/component.ts';
import { describeError, RejectedError } from '../../core/errors.ts';
import type { Escapes } from '../../core/path-escapes.ts';
import { TakenEvents } from '../s3/taken-events.ts';
import { StoreError, type FileStore } from './file-store.ts';
import { Finisher, HEAD_BYTES, type FinisherSettings } from './finisher.ts';
import { Bucket, bucketKey, type InUseFile, type NameParts } from './in-use-file.ts';
import type { OpenedList, OpenList } from './open-list.ts';
import { planBucket, type BucketPlan, type Piece, type RollLimits } from './plan.ts';

export interface HdfsSinkSettings {
  readonly batchSize: number;
  readonly directory: Escapes;
  readonly prefix: Escapes;
  readonly names: NameParts;
  readonly roll: RollLimits;
  /** 0: never, for both. */
  readonly rollMs: number;
  readonly idleMs: number;
  readonly mostOpenFiles: number;
  /** Requests at a time. */
  readonly atOnce: number;
  readonly finishing: FinisherSettings;
  /** As people know it, for messages. */
  readonly shownPath: string;
}

export interface HdfsSinkParts {
  readonly store: FileStore;
  /** Opened by `start`; absent: no list is kept. */
  openList?(): Promise<OpenedList>;
  createSerializer(): Promise<Serializer>;
  readonly now?: () => number;
}

/** An append is two requests, a lease and a change of a block, however few bytes it has. */
const GATHERED_BYTES = 4 * 1024 * 1024;
const LONGEST_TIMER_MS = 2 ** 31 - 1;
/** Names tried one after another while they are taken. */
const MOST_NAMES = 1000;
/** The agent waits for a sink that stops for little longer. */
const STOP_MS = 4000;

/**
 * Writes each batch with one request per file; it is accepted once every file has its part. If one has not, the whole batch is taken
 * back: files that may hold more than was accepted are cut to what was, beside the writing, and the next attempt begins new ones.
 */
export class HdfsSink implements Sink {
  readonly batchSize: number;
  readonly gathersBytes = GATHERED_BYTES;
  readonly releasesBatches = true;
  readonly #context: Context;
  readonly #settings: HdfsSinkSettings;
  readonly #parts: HdfsSinkParts;
  /** The one that was written to last stands last. */
  readonly #buckets = new Map<string, Bucket>();
  /** Counters of buckets that are gone, as long as they are ahead of the clock: no name is given twice. */
  readonly #retired = new Map<string, number>();
  /** Free serializers, where they need not be one for each file. */
  readonly #serializers: Serializer[] = [];
  #shareSerializers = false;
  #list: OpenList | undefined;
  /** What the run before this one took. */
  readonly #taken = new TakenEvents();
  #finisher: Finisher;
  /** Writing and closing follow one another. */
  #last: Promise<unknown> = Promise.resolve();
  readonly #now: () => number;
  readonly #stopping = new AbortController();

  constructor(context: Context, settings: HdfsSinkSettings, parts: HdfsSinkParts) {
    this.batchSize = settings.batchSize;
    this.#context = context;
    this.#settings = settings;
    this.#parts = parts;
    this.#now = parts.now ?? Date.now;
    this.#finisher = new Finisher(parts.store, undefined, context.log, settings.finishing);
  }

  async start(): Promise<void> {
    const serializer = await this.#parts.createSerializer();
    this.#shareSerializers = serializer.canAppend;
    if (serializer.canAppend) this.#serializers.push(serializer);
    const opened = await this.#openList();
    this.#list = opened?.list;
    this.#finisher = new Finisher(this.#parts.store, this.#list, this.#context.log, this.#settings.finishing);
    if (opened) await this.#takeOver(opened);
  }

  /** Without a directory of its own a sink writes all the same, as Flume does. */
  async #openList(): Promise<OpenedList | undefined> {
    try {
      return await this.#parts.openList?.();
    } catch (error) {
      this.#context.log.warn('no list of open files can be kept; files that a crash leaves in use will stay so (hdfs.stateDirectory)', { reason: describeError(error) });
      return undefined;
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#inTurn(async () => {
      for (const bucket of this.#buckets.values()) this.#close(bucket);
    });
    const patience = new Promise((resolve) => setTimeout(resolve, STOP_MS).unref());
    await Promise.race([this.#finisher.stop(), patience]);
    await this.#list?.close().catch(() => undefined);
    this.#parts.store.close();
  }

  write(batch: Batch, signal: AbortSignal, origin?: Origin): Promise<void> {
    const either = AbortSignal.any([signal, this.#stopping.signal]);
    const missing = origin && this.#taken.missing(origin);
    if (!missing) return this.#inTurn(() => this.#write(batch, either, origin));
    // Accepted in the last moment of an earlier run, before the channel heard of it.
    this.#context.log.info('events are in their files already; they are not written again', { events: batch.size - missing.length });
    return this.#inTurn(async () => {
      try {
        await this.#write(batch.select(missing), either, undefined);
      } catch (error) {
        if (!(error instanceof RejectedError)) throw error;
        throw new RejectedError(error.indices.map((index) => missing[index] as number), error.message);
      }
    });
  }

  describe(): Description {
    const { shownPath } = this.#settings;
    return { summary: `${shownPath} at ${this.#parts.store.address}` };
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    return done;
  }

  async #write(batch: Batch, signal: AbortSignal, origin: Origin | undefined): Promise<void> {
    await this.#finisher.room();
    const rejected = new Map<number, string>();
    const plans = this.#plan(batch, rejected);
    const pieces = plans.flatMap((plan) => plan.pieces);
    const failures: unknown[] = [];
    const waiting = pieces[Symbol.iterator]();
    const work = async (): Promise<void> => {
      for (const piece of waiting) {
        if (failures.length > 0) return;
        await this.#store(piece, rejected, signal).catch((error: unknown) => failures.push(error));
      }
    };
    await Promise.all(Array.from({ length: Math.min(this.#settings.atOnce, pieces.length) }, work));
    if (failures.length > 0) {
      await this.#takeBack(plans);
      throw failures[0];
    }
    // Rejected ones have still to be set aside: they must be offered again.
    await this.#accept(plans, rejected.size === 0 ? origin : undefined);
    const [reason] = rejected.values();
    if (reason !== undefined) throw new RejectedError([...rejected.keys()], reason);
  }

  /** Events without a path are rejected: they would never have one. */
  #plan(batch: Batch, rejected: Map<number, string>): BucketPlan[] {
    if (batch.size === 0) return [];
    const { directory, prefix, roll } = this.#settings;
    const bucketOf = (index: number): Bucket | undefined => {
      try {
        const header = (name: string): string | undefined => batch.header(index, name);
        const { store } = this.#parts;
        return this.#bucket(store.allowed(directory.expandConfined(header)), store.allowed(prefix.expandConfined(header)));
      } catch (error) {
        rejected.set(index, describeError(error));
        return undefined;
      }
    };
    if (!batch.hasOwnHeaders || (directory.isConstant && prefix.isConstant)) {
      const bucket = bucketOf(0);
      if (bucket) return [planBucket(bucket, batch, undefined, roll)];
      const [reason = ''] = rejected.values();
      for (let index = 0; index < batch.size; index++) rejected.set(index, reason);
      return [];
    }
    const groups = new Map<Bucket, number[]>();
    for (let index = 0; index < batch.size; index++) {
      const bucket = bucketOf(index);
      const group = bucket && groups.get(bucket);
      if (group) group.push(index);
      else if (bucket) groups.set(bucket, [index]);
    }
    return Array.from(groups, ([bucket, indices]) => planBucket(bucket, batch, indices.length === batch.size ? undefined : Uint32Array.from(indices), roll));
  }

  #bucket(directory: string, prefix: string): Bucket {
    const key = bucketKey(directory, prefix);
    let bucket = this.#buckets.get(key);
    if (!bucket) {
      const now = this.#now();
      bucket = new Bucket(directory, prefix, this.#settings.names, Math.max(now, this.#retired.get(key) ?? 0));
      this.#buckets.set(key, bucket);
    }
    return bucket;
  }

  /** Sends a piece; afterwards its state says what became of it. */
  async #store(piece: Piece, rejected: Map<number, string>, signal: AbortSignal): Promise<void> {
    const { file, batch, indices } = piece;
    let refused = 0;
    const reject = (index: number, reason: string): void => {
      refused++;
      rejected.set(indices ? (indices[index] as number) : index, reason);
    };
    const serializer = this.#serializers.pop() ?? file.serializer ?? (await this.#parts.createSerializer());
    if (!this.#shareSerializers) file.serializer = serializer;
    piece.state = 'not stored';
    try {
      const head = file.created ? undefined : Buffer.from(serializer.begin());
      const body = await serializer.encode(batch, reject);
      const nothing = refused === batch.size;
      const bytes = head && head.length > 0 ? Buffer.concat([head, body]) : body;
      if ((file.created && bytes.length === 0) || (!file.created && nothing)) {
        piece.state = 'stored';
        return;
      }
      try {
        if (file.created) await this.#parts.store.append(file.path, file.length, bytes, signal);
        else await this.#create(piece, bytes, signal);
        piece.state = 'stored';
        piece.length = bytes.length;
      } catch (error) {
        const outcome = error instanceof StoreError ? error.outcome : 'unclear';
        if (outcome === 'impossible' && !file.created) {
          await this.#forget(file);
          for (let index = 0; index < batch.size; index++) reject(index, describeError(error));
          piece.state = 'stored';
          return;
        }
        piece.state = outcome === 'exists' || outcome === 'impossible' ? 'not stored' : outcome;
        if (piece.state === 'not stored') serializer.undo?.();
        throw error;
      }
    } finally {
      if (this.#shareSerializers) this.#serializers.push(serializer);
    }
  }

  async #create(piece: Piece, bytes: Buffer, signal: AbortSignal): Promise<void> {
    const { file, bucket } = piece;
    const crc = process.getBuiltinModule('node:zlib').crc32(bytes.subarray(0, HEAD_BYTES));
    file.head = { size: bytes.length, crc };
    for (let tries = 1; ; tries++) {
      await this.#note(file);
      try {
        await this.#parts.store.create(file.path, bytes, signal);
        this.#context.count('ConnectionCreatedCount', 1);
        this.#context.log.debug('file opened', { path: file.path });
        return;
      } catch (error) {
        const taken = error instanceof StoreError && error.outcome === 'exists' && tries < MOST_NAMES;
        if (!taken) {
          this.#context.count('ConnectionFailedCount', 1);
          throw error;
        }
        await this.#forget(file);
        bucket.rename(file);
      }
    }
  }

  async #accept(plans: readonly BucketPlan[], taken: Origin | undefined): Promise<void> {
    const grown: [number, number][] = [];
    for (const { pieces } of plans) {
      for (const { file, batch, length } of pieces) {
        file.created ||= length > 0;
        file.length += length;
        file.events += batch.size;
        file.bodyBytes += batch.byteLength;
        if (file.id !== 0 && length > 0) grown.push([file.id, file.length]);
      }
    }
    if (grown.length > 0) await this.#listed((list) => list.grown(grown, taken));
    for (const { bucket, full, last } of plans) {
      for (const file of full) this.#finish(file, undefined);
      bucket.file = last;
      this.#startTimers(bucket);
      this.#buckets.delete(bucket.key);
      this.#buckets.set(bucket.key, bucket);
    }
    for (const bucket of this.#buckets.values()) {
      if (this.#buckets.size <= this.#settings.mostOpenFiles) break;
      this.#close(bucket);
    }
  }

  /** The batch was not accepted as a whole, so nothing of it was. */
  async #takeBack(plans: readonly BucketPlan[]): Promise<void> {
    for (const { bucket, pieces } of plans) {
      for (const { file, state, length } of pieces) {
        const unsure = state === 'unclear' || (state === 'stored' && length > 0);
        if (state === 'gone') {
          this.#context.log.error('file is not there any more: somebody removed or renamed it; the events go to a new one', { path: file.path, bytes: file.length });
          await this.#forget(file);
        } else if (unsure) {
          this.#context.log.warn('file given up; what was accepted stays in it, and the events go to a new one', { path: file.path, bytes: file.length });
          this.#finish(file, file.length);
        } else if (!file.created) {
          await this.#forget(file);
        } else {
          continue;
        }
        if (bucket.file === file) this.#retire(bucket);
      }
      if (!bucket.file) this.#retire(bucket);
    }
  }

  #startTimers(bucket: Bucket): void {
    const { file } = bucket;
    const { rollMs, idleMs } = this.#settings;
    if (rollMs > 0 && file?.created) file.rollTimer ??= this.#timer(rollMs, bucket, file);
    if (idleMs <= 0) return;
    if (bucket.idleTimer) bucket.idleTimer.refresh();
    else bucket.idleTimer = this.#timer(idleMs, bucket);
  }

  #timer(ms: number, bucket: Bucket, file?: InUseFile): NodeJS.Timeout {
    const due = async (): Promise<void> => {
      if (this.#buckets.get(bucket.key) === bucket && (!file || bucket.file === file)) this.#close(bucket);
    };
    return setTimeout(() => void this.#inTurn(due), Math.min(ms, LONGEST_TIMER_MS));
  }

  /** Closes the file of a bucket, and does away with the bucket: the next event makes a new one. */
  #close(bucket: Bucket): void {
    const { file } = bucket;
    this.#retire(bucket);
    if (file) this.#finish(file, undefined);
  }

  #retire(bucket: Bucket): void {
    clearTimeout(bucket.idleTimer);
    clearTimeout(bucket.file?.rollTimer);
    bucket.file = undefined;
    if (this.#buckets.get(bucket.key) === bucket) this.#buckets.delete(bucket.key);
    const now = this.#now();
    if (bucket.counter >= now) this.#retired.set(bucket.key, bucket.counter);
    for (const [key, counter] of this.#retired) {
      if (counter >= now) break;
      this.#retired.delete(key);
    }
  }

  #finish(file: InUseFile, goodLength: number | undefined): void {
    clearTimeout(file.rollTimer);
    file.serializer = undefined;
    if (file.created) this.#context.count('ConnectionClosedCount', 1);
    else if (goodLength === undefined) return;
    this.#finisher.finish({ id: file.id, path: file.path, finalPath: file.finalPath, head: file.head, goodLength });
  }

  async #note(file: InUseFile): Promise<void> {
    file.id = (await this.#listed((list) => list.opening(file))) ?? 0;
  }

  async #forget(file: InUseFile): Promise<void> {
    const { id } = file;
    file.id = 0;
    if (id !== 0) await this.#listed((list) => list.closed([id]));
  }

  /** A list that cannot be written is given up: the sink goes on without. Throws if even that fails, and then nothing is accepted. */
  async #listed<T>(work: (list: OpenList) => Promise<T>): Promise<T | undefined> {
    const list = this.#list;
    if (!list) return undefined;
    try {
      return await work(list);
    } catch (error) {
      await list.abandon();
      this.#list = undefined;
      this.#context.log.error('the list of open files cannot be written; files that a crash leaves in use will stay so', { reason: describeError(error) });
      return undefined;
    }
  }

  /** Closes what a run before this one left in use. */
  async #takeOver({ list, leftOvers, taken }: OpenedList): Promise<void> {
    if (taken) {
      this.#taken.add(taken);
      await list.grown([], taken);
    }
    const ids: number[] = [];
    for (const leftOver of leftOvers) ids.push(await list.opening(leftOver));
    await list.forgetOld();
    if (leftOvers.length > 0) this.#context.log.warn('an earlier run left files in use; they are closed now', { files: leftOvers.length });
    for (const [index, { path, finalPath, head, length }] of leftOvers.entries()) {
      this.#finisher.finish({ id: ids[index] ?? 0, path, finalPath, head, goodLength: length });
    }
  }
}
