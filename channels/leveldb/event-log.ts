import { join } from 'node:path';
import { describeError } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import type { StoreFile, StoreFiles } from '../../io/store-files.ts';
import type { Group, Tail } from './group.ts';
import type { IndexRow } from './keys.ts';
import { headerAt, MOST_HEADER_BYTES, type RecordCodec } from './record.ts';
import { encodeSegmentHeader, RECORDS_AT, segmentName, type Segment } from './segment.ts';

/** Used-up files that wait for their next life. */
const MOST_SPARES = 2;

/** The files of a log, as they were found or left. */
export interface Catalogue {
  /** With events, in the order of their first ones. */
  readonly segments: readonly Segment[];
  /** Names of files without events. */
  readonly spares: readonly string[];
  /** Where writing goes on, in the last of the segments; absent: a new one is begun. */
  readonly end?: number;
  readonly nextNumber: number;
  readonly nextGeneration: number;
}

export interface LogParts {
  readonly files: StoreFiles;
  /** Where the segments lie. */
  readonly directory: string;
  /** Identity of the store, 16 hex digits. */
  readonly store: string;
  readonly codec: RecordCodec;
  /** Length of a new segment. */
  readonly segmentBytes: number;
  readonly log: Logger;
  /** A new file took so many bytes of the disk. */
  readonly tookRoom: (bytes: number) => void;
  /** A record was placed. */
  readonly placed: (row: IndexRow) => void;
}

/** No file can be had for the next records; those written before are as they were. */
export class NoSegmentError extends Error {}

interface Active {
  readonly segment: Segment;
  readonly file: StoreFile;
  /** Where the next record begins. */
  end: number;
}

/** The segments of a channel: appends records, tells where they are, and gives files back when all of their events are done with. */
export class EventLog {
  readonly parts: LogParts;
  readonly #identity: Buffer;
  readonly #segments: Segment[];
  readonly #spares: string[];
  #nextNumber: number;
  #nextGeneration: number;
  #end: number | undefined;
  #active: Active | undefined;
  #readable: { readonly segment: Segment; readonly position: number } | undefined;
  #preparing: Promise<void> | undefined;
  /** The next file could not be made ahead of time: tried again when it is needed. */
  #unprepared = false;
  #removing: Promise<void> = Promise.resolve();
  /** Written and not synced. */
  #dirty = false;
  #closed = false;

  constructor(parts: LogParts, catalogue: Catalogue) {
    this.parts = parts;
    this.#identity = Buffer.from(parts.store, 'hex');
    this.#segments = [...catalogue.segments];
    this.#spares = [...catalogue.spares];
    this.#nextNumber = catalogue.nextNumber;
    this.#nextGeneration = catalogue.nextGeneration;
    this.#end = catalogue.end;
    const last = this.#segments.at(-1);
    this.#readable = last && { segment: last, position: catalogue.end ?? Infinity };
  }

  get identity(): Buffer {
    return this.#identity;
  }

  /** Used-up files that wait to be written over. */
  get spares(): readonly string[] {
    return this.#spares;
  }

  get segments(): readonly Segment[] {
    return this.#segments;
  }

  /** Where the records end that `confirm` was called for: what follows may yet be refused. */
  get readable(): { readonly segment: Segment; readonly position: number } | undefined {
    return this.#readable;
  }

  /** What was appended so far is promised, and may be read. */
  confirm(): void {
    if (this.#active) this.#readable = { segment: this.#active.segment, position: this.#active.end };
  }

  /** The segment that holds an event, if one does, and the one behind it. */
  around(event: number): { segment: Segment | undefined; next: Segment | undefined } {
    let low = 0;
    let high = this.#segments.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#segments[middle] as Segment).first <= event) low = middle + 1;
      else high = middle;
    }
    return { segment: this.#segments[low - 1], next: this.#segments[low] };
  }

  pathOf({ name }: Pick<Segment, 'name'>): string {
    return join(this.parts.directory, name);
  }

  /** Writes a group behind `from`, in one piece; with `sync` it resolves when that is on the disk. Throws NoSegmentError where nothing was written. */
  async append(group: Group, from: Tail, synced: number, sync: boolean): Promise<void> {
    let active = await this.#continued();
    if (!active || (active.end > RECORDS_AT && active.end + group.length + 8 > this.parts.segmentBytes)) active = await this.#begin(from);
    const { segment, file, end } = active;
    const rows: IndexRow[] = [];
    const bytes = group.finish({ identity: this.#identity, generation: segment.generation }, from, synced, (first, at) => {
      rows.push({ first, generation: segment.generation, position: end + at });
    });
    this.#dirty = true;
    await file.write(bytes, end);
    if (sync) await this.sync();
    active.end += bytes.length;
    for (const row of rows) this.parts.placed(row);
    if (active.end > this.parts.segmentBytes / 2 && this.#spares.length === 0) this.#prepare();
  }

  async sync(): Promise<void> {
    if (!this.#dirty || !this.#active) return;
    const { file } = this.#active;
    await file.sync();
    // Nobody would find it again after the end of this process.
    if (file.isLinked?.() === false) throw new Error(`${file.path} was deleted while it was in use`);
    this.#dirty = false;
  }

  /** Everything below `head` is done with, and that is on the disk: files without other events can be used again. */
  retire(head: number): void {
    for (let next = this.#segments[1]; next && next.first <= head; next = this.#segments[1]) {
      const segment = this.#segments.shift() as Segment;
      if (segment.evidence !== true && this.#spares.length < MOST_SPARES) this.#spares.push(segment.name);
      else this.#remove(segment.name);
    }
  }

  /** Gives spare files back to the disk, but for `most`. */
  trim(most: number): void {
    for (const name of this.#spares.splice(most)) this.#remove(name);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#preparing;
    await this.#removing;
    const active = this.#active;
    this.#active = undefined;
    await active?.file.close();
  }

  /** The last segment, opened when the first record comes. */
  async #continued(): Promise<Active | undefined> {
    const segment = this.#segments.at(-1);
    if (this.#active || this.#end === undefined || !segment) return this.#active;
    const file = await this.parts.files.open(this.pathOf(segment), 'write');
    if (await this.#isSealedOtherwise(segment, file)) {
      this.#end = undefined;
      await file.close();
      return undefined;
    }
    this.#active = { segment, file, end: this.#end };
    return this.#active;
  }

  /** All records of a segment are under one key, so that its first one tells which; if it cannot be read, the segment goes on as it is. */
  async #isSealedOtherwise(segment: Segment, file: StoreFile): Promise<boolean> {
    const bytes = await file.read(RECORDS_AT, MOST_HEADER_BYTES).catch(() => Buffer.alloc(0));
    return headerAt(bytes, 0, this.#identity)?.generation === segment.generation && !this.parts.codec.isAlike(bytes);
  }

  async #begin(from: Tail): Promise<Active> {
    const { store } = this.parts;
    await this.sync();
    const { name, file } = await this.#blank();
    const generation = this.#nextGeneration++;
    const segment: Segment = { name, generation, first: from.event, firstByte: from.byte };
    await this.#active?.file.close().catch(() => undefined);
    this.#active = { segment, file, end: RECORDS_AT };
    this.#end = undefined;
    this.#segments.push(segment);
    this.#dirty = true;
    await file.write(encodeSegmentHeader({ store, ...segment }), 0);
    return this.#active;
  }

  /** A file of which every byte can be written over. */
  async #blank(): Promise<{ name: string; file: StoreFile }> {
    await this.#preparing;
    this.#unprepared = false;
    const { files, directory } = this.parts;
    for (let name = this.#spares.shift(); name !== undefined; name = this.#spares.shift()) {
      const file = await files.open(join(directory, name), 'write').catch(() => undefined);
      const facts = await file?.facts().catch(() => undefined);
      // A second name was given to it as evidence of damage.
      if (file && facts?.length === this.parts.segmentBytes && facts.names === 1) return { name, file };
      await file?.close().catch(() => undefined);
      this.#remove(name);
    }
    try {
      return await this.#create();
    } catch (error) {
      throw new NoSegmentError(`no file for the next events can be made in ${directory}: ${describeError(error)}`, { cause: error });
    }
  }

  async #create(): Promise<{ name: string; file: StoreFile }> {
    const { files, directory, segmentBytes, tookRoom } = this.parts;
    const name = segmentName(this.#nextNumber++);
    const file = await files.create(join(directory, name), segmentBytes);
    tookRoom(segmentBytes);
    return { name, file };
  }

  /** Makes the next file while there is time. If that fails, it is tried, and told, when the file is needed. */
  #prepare(): void {
    if (this.#preparing || this.#unprepared || this.#closed) return;
    this.#preparing = this.#create()
      .then(async ({ name, file }) => {
        this.#spares.push(name);
        await file.close();
      })
      .catch(() => {
        this.#unprepared = true;
      })
      .finally(() => {
        this.#preparing = undefined;
      });
  }

  #remove(name: string): void {
    const { files, directory, log } = this.parts;
    this.#removing = this.#removing
      .then(() => files.remove(join(directory, name)))
      .catch((error: unknown) => log.warn('a used-up file cannot be removed yet', { path: join(directory, name), reason: describeError(error) }));
  }
}
