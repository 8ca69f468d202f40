import { join } from 'node:path';
import type { Context, Origin } from '../../core/component.ts';
import { AgentError } from '../../core/errors.ts';
import { claimExclusively } from '../../io/exclusive.ts';
import type { LogFile, LogFiles } from '../../io/log-files.ts';
import { encodeHead, FILE_MARK, type Head, type Note, type ObjectFacts, type PieceHead, type StateHead, type UploadFacts } from './frames.ts';
import { StagedObject } from './staged-object.ts';
import { recoverStage, type Recovered } from './stage-recovery.ts';
import { TakenEvents } from './taken-events.ts';

/** A file of the stage is closed beyond this; it can be deleted once no object needs it. */
const FILE_BYTES = 64 * 1024 * 1024;
/** A file that nobody needs any more is given back from this size on. */
const WORTH_BYTES = 4 * 1024 * 1024;

/** What a batch adds to one object. */
export interface Piece {
  readonly object: StagedObject;
  readonly events: number;
  readonly parts: readonly Buffer[];
}

/**
 * Events on their way to S3, on disk: batches one behind the other in files of their own, each synced before it counts as taken,
 * whichever objects its events go to. An object is a list of pieces of them. What is finished is noted, and a file is deleted once no
 * unfinished object has a piece in it.
 */
export class Stage {
  readonly directory: string;
  /** Eight characters that no other stage has. */
  readonly id: string;
  /** What a run before this one left, complete and not uploaded. */
  readonly recovered: readonly StagedObject[];
  readonly taken: TakenEvents;
  /** Multipart uploads that were begun and not ended. */
  readonly uploads: Map<string, UploadFacts>;
  readonly #context: Pick<Context, 'name' | 'log'>;
  readonly #files: LogFiles;
  readonly #release: () => Promise<void>;
  readonly #objects = new Map<number, StagedObject>();
  /** By number, the youngest last, with the objects that have pieces there. */
  readonly #logs = new Map<number, Log>();
  #active: Log | undefined;
  #nextFile: number;
  #nextObject: number;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(context: Pick<Context, 'name' | 'log'>, files: LogFiles, directory: string, release: () => Promise<void>, found: Recovered) {
    this.#context = context;
    this.#files = files;
    this.directory = directory;
    this.#release = release;
    this.id = found.stage;
    this.taken = found.taken;
    this.uploads = found.uploads;
    this.recovered = [...found.objects.values()];
    this.#nextObject = found.nextObject;
    this.#nextFile = found.nextFile;
    for (const { number, file, end } of found.files) this.#logs.set(number, { number, file, end, objects: new Set(), finished: new Set(found.finished) });
    for (const object of this.recovered) {
      this.#objects.set(object.id, object);
      for (const number of object.files()) this.#logs.get(number)?.objects.add(object);
    }
  }

  static async open(context: Pick<Context, 'name' | 'log'>, files: LogFiles, directory: string): Promise<Stage> {
    const release = await claimExclusively(directory, context.name);
    let found: Recovered | undefined;
    try {
      found = await recoverStage(context, files, directory);
      const stage = new Stage(context, files, directory, release, found);
      await stage.#beginFile();
      await stage.#removeUnneeded();
      return stage;
    } catch (error) {
      for (const { file } of found?.files ?? []) await file.close().catch(() => undefined);
      await release();
      throw error;
    }
  }

  /** Bytes of its files. */
  get bytes(): number {
    let sum = 0;
    for (const { end } of this.#logs.values()) sum += end;
    return sum;
  }

  /** Objects because of which the oldest file has to stay. */
  get oldest(): ReadonlySet<StagedObject> {
    for (const log of this.#logs.values()) if (log.objects.size > 0) return log.objects;
    return new Set();
  }

  /** An object without events. It is not on disk before its first piece is. */
  newObject(facts: Omit<ObjectFacts, 'id'>, id = this.nextId()): StagedObject {
    return new StagedObject({ id, ...facts });
  }

  nextId(): number {
    return this.#nextObject++;
  }

  /** One piece for each object. Resolves when all are on the disk; throws where none of them counts. */
  take(pieces: readonly Piece[], origin?: Origin): Promise<void> {
    return this.#inTurn(async () => {
      const heads = pieces.map(({ object, events, parts }): PieceHead => {
        const [length, crc, objectCrc] = object.measure(parts);
        return [object.id, events, length, crc, objectCrc];
      });
      const objects = pieces.flatMap(({ object }) => (this.#objects.has(object.id) ? [] : [object.facts]));
      const head = { kind: 'data', ...(origin && { origin }), objects, pieces: heads } as const;
      const { log, dataAt } = await this.#append(head, pieces.flatMap(({ parts }) => parts), true);
      let at = dataAt;
      for (const [index, { object, events }] of pieces.entries()) {
        const [, , length, crc, objectCrc] = heads[index] as PieceHead;
        object.add(log.number, at, length, crc, objectCrc, events);
        log.objects.add(object);
        this.#objects.set(object.id, object);
        at += length;
      }
      if (origin) this.taken.add(origin);
    });
  }

  /** Written down, but not synced: after a power cut the destination is asked again. */
  async note(note: Note): Promise<void> {
    await this.#inTurn(async () => {
      if ('begun' in note) this.uploads.set(note.begun.uploadId, note.begun);
      if ('ended' in note) this.uploads.delete(note.ended);
      if ('renamed' in note) this.#objects.get(note.renamed)?.rename(note.key);
      await this.#append({ kind: 'note', ...note }, [], false);
    });
  }

  /** The object stands complete at its destination. */
  async finish(object: StagedObject): Promise<void> {
    await this.#inTurn(async () => {
      this.#objects.delete(object.id);
      for (const number of object.files()) {
        const log = this.#logs.get(number);
        log?.objects.delete(object);
        log?.finished.add(object.id);
      }
      await this.#append({ kind: 'note', finished: object.id }, [], false);
      if (this.#active && this.#active.objects.size === 0 && this.#active.end > WORTH_BYTES) await this.#beginFile();
      await this.#removeUnneeded();
    });
  }

  /** Fills `into` from a place in one of the files. */
  async read(number: number, into: Buffer, position: number): Promise<void> {
    const log = this.#logs.get(number);
    const bytes = log ? await log.file.read(into, position) : 0;
    if (bytes < into.length) throw new AgentError('M161', `cannot read ${into.length} bytes at ${position} of ${join(this.directory, nameOf(number))}: there are ${bytes}`);
  }

  async close(): Promise<void> {
    await this.#inTurn(async () => {
      for (const { file } of this.#logs.values()) await file.close().catch(() => undefined);
      this.#logs.clear();
      this.#active = undefined;
      await this.#release();
    });
  }

  async #append(head: Head, parts: readonly Buffer[], synced: boolean): Promise<{ log: Log; dataAt: number }> {
    if (!this.#active || this.#active.end > FILE_BYTES) await this.#beginFile();
    const log = this.#active;
    if (!log) throw new AgentError('M160', `the stage in ${this.directory} is closed`);
    const bytes = parts.reduce((sum, part) => sum + part.length, 0);
    const frame = encodeHead(head, bytes);
    try {
      await log.file.write([frame, ...parts], log.end);
      if (synced) await log.file.sync();
    } catch (error) {
      // What got into the file does not count, and nothing is written behind it: the next file says where this one ends.
      this.#active = undefined;
      throw new AgentError('M160', `cannot write ${frame.length + bytes} bytes to ${log.file.path}`, { cause: error });
    }
    const dataAt = log.end + frame.length;
    log.end = dataAt + bytes;
    return { log, dataAt };
  }

  async #beginFile(): Promise<void> {
    const number = this.#nextFile++;
    const path = join(this.directory, nameOf(number));
    let file: LogFile | undefined;
    try {
      file = await this.#files.create(path);
      const parts = [FILE_MARK, encodeHead(this.#state(), 0)];
      await file.write(parts, 0);
      await file.sync();
      this.#active = { number, file, end: parts.reduce((sum, part) => sum + part.length, 0), objects: new Set(), finished: new Set() };
      this.#logs.set(number, this.#active);
    } catch (error) {
      await file?.close().catch(() => undefined);
      await this.#files.remove(path).catch(() => undefined);
      throw new AgentError('M160', `cannot begin the file ${path}`, { cause: error });
    }
  }

  #state(): StateHead {
    const logs = [...this.#logs.values()].filter(({ objects }) => objects.size > 0);
    return {
      kind: 'state',
      stage: this.id,
      nextObject: this.#nextObject,
      objects: [...this.#objects.values()].map(({ facts }) => facts),
      uploads: [...this.uploads.values()],
      taken: this.taken.toJSON(),
      finished: [...new Set(logs.flatMap(({ finished }) => [...finished]))],
      ends: Object.fromEntries(logs.map(({ number, end }) => [number, end])),
    };
  }

  async #removeUnneeded(): Promise<void> {
    for (const log of this.#logs.values()) {
      if (log === this.#active || log.objects.size > 0 || !this.#active) continue;
      this.#logs.delete(log.number);
      await log.file.close().catch(() => undefined);
      await this.#files.remove(log.file.path).catch(() => this.#context.log.warn('a file of the stage cannot be deleted', { path: log.file.path }));
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    return done;
  }
}

interface Log {
  readonly number: number;
  readonly file: LogFile;
  /** Behind what counts. */
  end: number;
  /** Unfinished objects with pieces here. */
  readonly objects: Set<StagedObject>;
  /** Numbers of finished ones. */
  readonly finished: Set<number>;
}

function nameOf(number: number): string {
  return `stage-${number}`;
}
