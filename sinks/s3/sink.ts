import type { Batch } from '../../core/batch.ts';
import type { Context, Description, Origin, Serializer, Sink } from '../../core/component.ts';
import { AgentError, describeError, RejectedError } from '../../core/errors.ts';
import { compileEscapes, type Escapes } from '../../core/path-escapes.ts';
import { logFiles, type LogFiles } from '../../io/log-files.ts';
import { KeyNames } from './key-names.ts';
import { OpenObjects, type OpenObject } from './open-objects.ts';
import { PartBuffers } from './part-buffers.ts';
import { groupByPath, type PathGroup } from './paths.ts';
import { S3Requests } from './requests.ts';
import type { ObjectSinkSettings } from './settings.ts';
import { Stage } from './stage.ts';
import { joinedOrigin, originWithout, selectTaken } from './taken-events.ts';
import { Uploads } from './uploads.ts';
import { WritePlan } from './write-plan.ts';

/** A sync of the stage takes the same time for one event and for this. */
const GATHERED_BYTES = 512 * 1024;
/** While one sync is under way, so many writes gather less one, and share the next; one at a time while these are so large. */
const MOST_WRITES = 4;
const UNDER_WAY_BYTES = 4 * 1024 * 1024;
const LOOK_EVERY_MS = 250;
/** What a stop waits for uploads that go well. */
const SETTLE_MS = 4000;
/** How long a write waits for room before its events go back to the channel. */
const ROOM_MS = 1000;
/** Objects that grow at a time where each needs a serializer with memory of its own. */
const MOST_SERIALIZERS = 500;
/** Objects that wait to be uploaded; each takes memory, however small it is. */
const MOST_PENDING = 10_000;
/** Part of the stage that may be full before what the oldest file holds is uploaded. */
const FULL_PART = 0.75;

/** A write, and how it is told of its outcome. */
interface Asked {
  readonly batch: Batch;
  readonly signal: AbortSignal;
  readonly origin: Origin | undefined;
  readonly done: PromiseWithResolvers<void>;
}

interface Offer extends Omit<Asked, 'signal'> {
  /** Of the events in the batch that was offered, where some of those are left out. */
  readonly numbers?: Uint32Array;
  /** By index in `batch`, with the reason. */
  readonly rejected: Map<number, string>;
}

interface Running {
  readonly stage: Stage;
  readonly uploads: Uploads;
  readonly requests: S3Requests;
}

/**
 * Takes a batch when it is in the stage, on the disk. An object is uploaded as a whole when it is rolled; what is in the stage ends in
 * S3 whatever happens to the process. Docs: docs/s3.md.
 */
export class S3Sink implements Sink {
  readonly batchSize: number;
  readonly gathersBytes = GATHERED_BYTES;
  readonly releasesBatches = true;
  readonly #context: Context;
  readonly #settings: ObjectSinkSettings;
  readonly #files: LogFiles;
  readonly #template: Escapes;
  readonly #open = new OpenObjects();
  readonly #names: KeyNames;
  #running: Running | undefined;
  #shared: Serializer | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Writes that wait for their turn. */
  readonly #asked: Asked[] = [];
  /** Of the bodies of all writes that have no outcome yet. */
  #bytesUnderWay = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(context: Context, settings: ObjectSinkSettings, files: LogFiles = logFiles) {
    this.batchSize = settings.batchSize;
    this.#context = context;
    this.#settings = settings;
    this.#files = files;
    this.#template = compileEscapes(settings.template, settings.escapes);
    this.#names = new KeyNames(settings.naming, settings.suffix);
  }

  get mostWrites(): number {
    return this.#bytesUnderWay < UNDER_WAY_BYTES ? MOST_WRITES : 1;
  }

  async start(): Promise<void> {
    const { connection, object: properties, uploads: count, partBytes, bucket, stageDirectory } = this.#settings;
    const stage = await Stage.open(this.#context, this.#files, stageDirectory);
    const requests = new S3Requests(connection, this.#context);
    const buffers = new PartBuffers(count, partBytes);
    const parts = { context: this.#context, requests, stage, buffers, partBytes, properties, checksums: connection.checksums, atATime: count };
    const uploads = new Uploads({ ...parts, otherKey: (object) => this.#names.other(object.key, stage) });
    this.#running = { stage, uploads, requests };
    if (stage.recovered.length > 0) {
      const events = stage.recovered.reduce((sum, object) => sum + object.events, 0);
      this.#context.log.info('objects of an earlier run are uploaded', { objects: stage.recovered.length, events, directory: stageDirectory });
    }
    uploads.recover(stage.recovered, [...stage.uploads.values()], this.#template.fixedPrefix.replace(/^\/+/, ''), bucket);
    this.#timer = setInterval(() => void this.#look(), LOOK_EVERY_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#inTurn(async () => {
      const running = this.#running;
      if (!running) return;
      for (const object of this.#open.all) await this.#roll(object, running);
      await running.uploads.settle(SETTLE_MS);
      const { pending } = running.uploads;
      await running.uploads.stop();
      await running.stage.close();
      this.#running = undefined;
      if (pending > 0) this.#context.log.info('objects stay on disk and are uploaded at the next start', { objects: pending, directory: this.#settings.stageDirectory });
    });
  }

  async write(batch: Batch, signal: AbortSignal, origin?: Origin): Promise<void> {
    const write = { batch, signal, origin, done: Promise.withResolvers<void>() };
    this.#asked.push(write);
    this.#bytesUnderWay += batch.byteLength;
    void this.#inTurn(() => this.#writeAsked());
    try {
      await write.done.promise;
    } finally {
      this.#bytesUnderWay -= batch.byteLength;
    }
  }

  describe(): Description {
    const { bucket, connection, stageDirectory } = this.#settings;
    const failure = this.#running?.requests.failure;
    return {
      summary: `to s3://${bucket}/${this.#settings.template}${connection.endpoint === undefined ? '' : ` at ${connection.endpoint}`}${failure === undefined ? '' : `, which fails: ${failure}`}`,
      paths: [stageDirectory],
    };
  }

  /** What was asked for while the turn before this one was under way goes into the stage together, or none of it. */
  async #writeAsked(): Promise<void> {
    const writes = this.#nextWrites();
    if (writes.length === 0) return;
    try {
      for (const { signal } of writes) signal.throwIfAborted();
      const running = this.#running;
      if (!running) throw new AgentError('M163', `${this.#context.name} does not run`);
      await this.#makeRoom(writes.reduce((sum, { batch }) => sum + batch.byteLength, 0), running);
      const offers = writes.map((write) => this.#offerOf(write, running));
      await this.#write(offers, running);
      for (const offer of offers) tell(offer);
    } catch (error) {
      // Those behind them are not to come before them.
      for (const { done } of [...writes, ...this.#asked.splice(0)]) done.reject(error);
    }
  }

  /** Whose events have numbers under one name; a single one where a serializer can take back what it wrote last, and no more. */
  #nextWrites(): Asked[] {
    const store = this.#asked[0]?.origin?.store;
    const other = this.#asked.findIndex(({ origin }) => origin?.store !== store);
    return this.#asked.splice(0, !this.#shared ? 1 : other < 0 ? this.#asked.length : other);
  }

  /** What of a write is not in the stage yet. */
  #offerOf({ batch, origin, done }: Asked, { stage }: Running): Offer {
    const rejected = new Map<number, string>();
    const missing = origin && stage.taken.missing(origin);
    if (!missing || !origin) return { batch, origin, rejected, done };
    // Taken, on the disk, when the process was killed: the channel was not told any more.
    this.#context.count('EventAlreadyTakenCount', batch.size - missing.length);
    return { ...selectTaken(batch, origin, missing), numbers: missing, rejected, done };
  }

  async #write(offers: readonly Offer[], running: Running): Promise<void> {
    const plan = new WritePlan(Date.now());
    try {
      for (const { batch, rejected } of offers) {
        const reject = (index: number, reason: string): void => void rejected.set(index, reason);
        for (const group of groupByPath(batch, this.#template, reject)) await this.#addGroup(plan, batch, group, running, reject);
      }
      // What is rejected is offered again if the process is killed before it is set aside.
      const { pieces } = plan;
      if (pieces.length > 0) await running.stage.take(pieces, joinedOrigin(offers.map(({ origin, rejected }) => origin && originWithout(origin, rejected))));
    } catch (error) {
      plan.undo();
      throw error;
    }
    this.#settle(plan, running);
    for (const object of plan.full) await this.#roll(object, running);
    await this.#closeIdlest(running);
  }

  /** Adds the events of one path to its object, or, where that is full on the way, to several. */
  async #addGroup(plan: WritePlan, batch: Batch, { path, indices }: PathGroup, running: Running, reject: (index: number, reason: string) => void): Promise<void> {
    const events = indices === undefined ? batch : batch.select(Uint32Array.from(indices));
    for (let from = 0; from < events.size; ) {
      const open = plan.objects.get(path) ?? this.#open.get(path);
      const object = open && !this.#isFull(open, plan.nowMs) ? open : await this.#begin(path, plan.nowMs, running);
      if (open && open !== object) plan.full.push(open);
      const to = this.#fitting(object, events, from);
      const slice = events.slice(from, to);
      const begin = object.events === 0 ? object.serializer.begin() : undefined;
      const offset = from;
      const bytes = await object.serializer.encode(slice, (index, reason) => reject(indices?.[offset + index] ?? offset + index, reason));
      // The serializer uses its memory again for the next piece; where they came in, they stay until the write is done.
      const stay = bytes.buffer === events.bytes.buffer;
      plan.add(object, slice.size, slice.byteLength, [...(begin ? [Buffer.from(begin)] : []), stay ? bytes : Buffer.from(bytes)]);
      from = to;
    }
  }

  /** End of the events that go into the object before it is full. */
  #fitting(object: OpenObject, events: Batch, from: number): number {
    const { rollBytes, rollEvents } = this.#settings;
    const most = rollEvents > 0 ? Math.min(events.size, from + rollEvents - object.events) : events.size;
    if (rollBytes <= 0 || object.bytes + events.byteLength < rollBytes) return most;
    let bytes = object.bytes;
    let to = from;
    while (to < most && (to === from || bytes < rollBytes)) {
      bytes += (events.bounds[2 * to + 1] as number) - (events.bounds[2 * to] as number);
      to++;
    }
    return to;
  }

  #isFull(object: OpenObject, nowMs: number): boolean {
    const { rollBytes, rollEvents, rollIntervalMs } = this.#settings;
    return (
      (rollBytes > 0 && object.bytes >= rollBytes) ||
      (rollEvents > 0 && object.events >= rollEvents) ||
      (rollIntervalMs > 0 && nowMs - object.begunMs >= rollIntervalMs)
    );
  }

  async #begin(path: string, nowMs: number, { stage }: Running): Promise<OpenObject> {
    const serializer = this.#shared ?? (await this.#settings.createSerializer());
    if (serializer.canAppend) this.#shared = serializer;
    this.#context.count('ConnectionCreatedCount', 1);
    const id = stage.nextId();
    const key = this.#names.of(path, nowMs, stage, id);
    const staged = stage.newObject({ bucket: this.#settings.bucket, key, compression: this.#settings.compression }, id);
    return { path, staged, serializer, begunMs: nowMs, usedMs: nowMs, events: 0, bytes: 0 };
  }

  /** What was planned is in the stage. */
  #settle(plan: WritePlan, running: Running): void {
    for (const object of plan.objects.values()) this.#open.use(object, plan.nowMs);
    for (const object of plan.touched) if (this.#isFull(object, plan.nowMs)) plan.full.push(object);
    if (running.stage.bytes > FULL_PART * this.#settings.stageBytes) {
      const { oldest } = running.stage;
      for (const object of this.#open.all) if (oldest.has(object.staged)) plan.full.push(object);
    }
  }

  /** The object is complete: writes what stands behind its last event, and hands it over to be uploaded. */
  async #roll(object: OpenObject, { stage, uploads }: Running): Promise<void> {
    if (object.rolled === true) return;
    object.rolled = true;
    this.#open.remove(object);
    const end = object.serializer.end();
    if (end.length > 0) {
      await stage.take([{ object: object.staged, events: 0, parts: [end] }]).catch((error: unknown) => {
        this.#context.log.error('the end of an object could not be written; it is uploaded without', { key: object.staged.key, reason: describeError(error) });
      });
    }
    if (object.staged.events > 0) uploads.add(object.staged);
  }

  async #closeIdlest(running: Running): Promise<void> {
    const most = this.#shared ? this.#settings.maxOpen : Math.min(this.#settings.maxOpen, MOST_SERIALIZERS);
    while (this.#open.size > most) {
      const { idlest } = this.#open;
      if (!idlest) return;
      await this.#roll(idlest, running);
    }
  }

  /** Throws where the stage is full: the events stay in their channel. */
  async #makeRoom(bytes: number, { stage, uploads, requests }: Running): Promise<void> {
    const { stageBytes, stageDirectory } = this.#settings;
    const isFull = (): boolean => stage.bytes + bytes > stageBytes || uploads.pending >= MOST_PENDING;
    const until = performance.now() + ROOM_MS;
    while (isFull() && performance.now() < until) await uploads.room(until - performance.now());
    if (!isFull()) return;
    const why = requests.failure === undefined ? 'uploads are slower than the events come' : `nothing can be uploaded: ${requests.failure}`;
    throw new AgentError('M164', `the stage in ${stageDirectory} is full with ${stage.bytes} bytes and ${uploads.pending} objects (${why})`);
  }

  /** Rolls what is old or was left alone. */
  #look(): Promise<void> {
    const { rollIntervalMs, idleMs } = this.#settings;
    return this.#inTurn(async () => {
      const running = this.#running;
      if (!running) return;
      const now = Date.now();
      for (const object of this.#open.all) {
        const isOld = rollIntervalMs > 0 && now - object.begunMs >= rollIntervalMs;
        const isIdle = idleMs > 0 && now - object.usedMs >= idleMs;
        if (isOld || isIdle) await this.#roll(object, running);
      }
    });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    return done;
  }
}

function tell({ done, rejected, numbers }: Offer): void {
  const [reason] = rejected.values();
  if (reason === undefined) done.resolve();
  else done.reject(new RejectedError([...rejected.keys()].map((index) => numbers?.[index] ?? index), reason));
}
