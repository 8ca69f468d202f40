import type { Description, Source, SourceContext } from '../../core/component.ts';
import { describeError } from '../../core/errors.ts';
import { inThousands } from '../../core/printable.ts';
import { FairLoop } from '../../io/event-loop.ts';
import { fileWasBegun } from '../../io/read-memory.ts';
import type { TailHandle } from '../../io/tail-files.ts';
import { compressionOf, findBeginning } from './beginning.ts';
import type { Deliveries } from './deliveries.ts';
import type { Discovery } from './discovery.ts';
import { headOf, START_BYTES } from './marks.ts';
import type { OpenFiles } from './open-files.ts';
import type { Origins } from './origins.ts';
import type { Positions } from './positions.ts';
import type { Reader } from './reader.ts';
import type { FileTable } from './table.ts';
import type { TailFile } from './tail-file.ts';

export interface TailerSettings {
  readonly idleTimeoutMs: number;
  /** Lines that may belong to an event wait for others this long. */
  readonly eventTimeoutMs: number;
  /** Compressed files are read, once. */
  readonly readsCompressed: boolean;
}

export interface TailerParts {
  readonly table: FileTable;
  readonly origins: Origins;
  readonly discovery: Discovery;
  readonly reader: Reader;
  readonly deliveries: Deliveries;
  readonly open: OpenFiles;
  readonly positions: Positions;
}

/** Pause between two looks at everything that time brings about. */
const TICK_MS = 250;
/** A compressed file that has not changed for this long may be whole. */
const COMPRESSED_MS = 1000;
/** Between two looks for files that are to be closed. */
const CLOSE_MS = 1000;
/** Changes that come close together are read together. */
const GATHER_MS = 15;
/** Before a file that could not be opened, or whose beginning is not known, is tried again. */
const RETRY_MS = 1000;
const WAIT_MS = 250;
/** A size smaller than what was read may be a mistake of the file system for this long, if the file begins as before. */
const SHRUNK_MS = 6000;
/** A deleted file that stays quiet for this long is let go, so that its room on the disk is free. */
const DELETED_MS = 5000;

/** The source: one loop reads one file after another, in pieces; what is found by hints and looks waits in a queue. */
export class Tailer implements Source {
  readonly #context: SourceContext;
  readonly #settings: TailerSettings;
  readonly #parts: TailerParts;
  readonly #stopping: AbortController;
  #queue: TailFile[] = [];
  /** Files that are to be looked at again at a certain time. */
  readonly #later = new Set<TailFile>();
  #wake: (() => void) | undefined;
  #hinted = false;
  #urgent = false;
  #closedMs = 0;
  #loop: Promise<void> | undefined;

  constructor(context: SourceContext, settings: TailerSettings, parts: TailerParts, stopping: AbortController) {
    this.#context = context;
    this.#settings = settings;
    this.#parts = parts;
    this.#stopping = stopping;
    parts.origins.suspected = (file) => this.#enqueue(file);
    parts.origins.moved = (name) => parts.discovery.look(name);
  }

  async start(): Promise<void> {
    const { positions, discovery } = this.#parts;
    try {
      await positions.open();
      await discovery.start({ found: (file) => this.#enqueue(file), hinted: (isNew) => this.#hint(isNew) });
      await positions.settleMissing((file) => this.#enqueue(file));
      // What is known first: a new file may be a copy of one that was emptied meanwhile.
      const found = this.#queue.splice(0);
      const ranks = new Map(found.map((file) => [file, positions.rankOf(file)]));
      this.#queue = found.sort((a, b) => (ranks.get(a) as number) - (ranks.get(b) as number));
      await positions.start();
    } catch (error) {
      await this.#close();
      throw error;
    }
    this.#loop = this.#run().catch((error: unknown) => {
      if (!this.#stopping.signal.aborted) this.#context.fail(error instanceof Error ? error : new Error(String(error)));
    });
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#wake?.();
    await this.#loop;
    await this.#parts.deliveries.settled();
    await this.#close();
  }

  describe(): Description {
    const { table, positions } = this.#parts;
    const names = table.nameCount;
    return {
      summary: `follows ${inThousands(names)} ${names === 1 ? 'file' : 'files'} in ${table.directories.map(({ path }) => path).join(', ')}`,
      paths: [positions.path],
    };
  }

  async #close(): Promise<void> {
    const { discovery, positions, open } = this.#parts;
    discovery.stop();
    await positions.close();
    open.closeAll();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    const { deliveries, discovery } = this.#parts;
    const fairLoop = new FairLoop();
    let ticked = -Infinity;
    while (!signal.aborted) {
      if (performance.now() - ticked >= TICK_MS) {
        ticked = performance.now();
        await this.#tick();
      }
      if (this.#hinted) {
        this.#hinted = false;
        this.#urgent = false;
        discovery.followHints();
      }
      if (deliveries.isFull) {
        await this.#pause(TICK_MS, deliveries.changed());
        continue;
      }
      const file = this.#queue.shift();
      if (!file) {
        await this.#pause(Math.max(1, TICK_MS - (performance.now() - ticked)));
        if (this.#hinted && !this.#urgent && !signal.aborted) await this.#pause(GATHER_MS, undefined, true);
        continue;
      }
      file.queued = false;
      await this.#serve(file);
      await fairLoop.makeRoom();
    }
  }

  /** Waits for a hint, for `until`, for the end of the source, or for the time to pass. `whatever` a hint says, with `gather`. */
  #pause(ms: number, until?: Promise<void>, gather = false): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
      const timer = setTimeout(done, ms);
      if (!gather || this.#stopping.signal.aborted) this.#wake = done;
      void until?.then(done);
    });
  }

  #hint(isNew: boolean): void {
    this.#hinted = true;
    this.#urgent ||= isNew;
    this.#wake?.();
  }

  #enqueue(file: TailFile): void {
    if (file.queued || file.refused !== undefined) return;
    if (file.notBeforeMs > this.#parts.table.now()) {
      this.#later.add(file);
      return;
    }
    this.#later.delete(file);
    file.queued = true;
    this.#queue.push(file);
  }

  #again(file: TailFile, ms: number): void {
    file.notBeforeMs = this.#parts.table.now() + ms;
    this.#later.add(file);
  }

  async #tick(): Promise<void> {
    const { discovery, open, positions, table } = this.#parts;
    const nowMs = table.now();
    for (const file of this.#later) {
      if (file.notBeforeMs > nowMs) continue;
      this.#later.delete(file);
      file.notBeforeMs = 0;
      this.#enqueue(file);
    }
    await discovery.tick();
    for (const file of table.nameless) this.#followNameless(file, nowMs);
    if (nowMs - this.#closedMs >= CLOSE_MS) {
      this.#closedMs = nowMs;
      open.closeIdle(this.#settings.idleTimeoutMs, nowMs);
    }
    positions.tick(nowMs);
  }

  async #serve(file: TailFile): Promise<void> {
    const { open, table } = this.#parts;
    const handle = this.#handleOf(file);
    if (!handle) return;
    try {
      if (!file.decided) {
        if (!(await this.#begin(file, handle))) return;
        fileWasBegun();
      }
      const closed = file.heldSinceMs > 0 && table.now() - file.heldSinceMs >= this.#settings.eventTimeoutMs;
      const outcome = await this.#parts.reader.readOn(file, handle, closed);
      open.touch(file);
      file.lastReadMs = table.now();
      this.#parts.positions.changed(file);
      if (outcome !== 'shrunk') file.shrunkSinceMs = 0;
      if (outcome !== 'shrunk' && outcome !== 'changed') file.lastGoodMs = file.lastReadMs;
      if (outcome !== 'held') file.heldSinceMs = 0;
      if (outcome === 'more') this.#enqueue(file);
      else if (outcome === 'held') this.#hold(file);
      else if (outcome === 'shrunk') this.#shrunk(file, handle);
      else if (outcome === 'changed') this.#beginAnew(file, handle.facts().size, 'file holds other lines than before; it is read from its beginning');
    } catch (error) {
      this.#failed(file, error);
    }
  }

  #handleOf(file: TailFile): TailHandle | undefined {
    if (file.handle) return file.handle;
    const { name } = file;
    if (!name) return undefined;
    const opened = this.#parts.open.open(file, name);
    if (opened.handle) return opened.handle;
    if (opened.moved) this.#parts.discovery.look(name);
    // By another name, if it has one.
    if (file.refused === undefined && (!opened.moved || file.names.size > 0)) this.#again(file, opened.moved ? 1 : RETRY_MS);
    return undefined;
  }

  /** Finds out where to begin; false while that is not known, or if the file is none to be read. */
  async #begin(file: TailFile, handle: TailHandle): Promise<boolean> {
    const facts = handle.facts();
    if (facts.size >= START_BYTES) file.start = headOf(handle, START_BYTES);
    if (this.#parts.positions.resume(file, handle, facts)) return true;
    if (facts.size === 0) {
      file.lastSize = 0;
      file.lastModifiedNs = facts.modifiedNs;
      return false;
    }
    const kind = compressionOf(handle, facts.size);
    if (kind === 'unknown') {
      this.#again(file, RETRY_MS);
      return false;
    }
    if ((kind === 'gzip' || kind === 'zstd') && this.#settings.readsCompressed) {
      await this.#readCompressed(file, handle, kind);
      return false;
    }
    if (kind !== 'none') {
      this.#refuse(file, `is compressed (${kind})`);
      return false;
    }
    const beginning = await findBeginning(file, handle, facts, this.#parts.origins, this.#parts.table.now(), this.#context.log);
    if (beginning === 'known') return true;
    this.#again(file, WAIT_MS);
    return false;
  }

  /** Once it is whole, and what it was made of is settled. */
  async #readCompressed(file: TailFile, handle: TailHandle, kind: 'gzip' | 'zstd'): Promise<void> {
    const { table, deliveries, reader } = this.#parts;
    const quietMs = table.now() - Number(handle.facts().modifiedNs / 1_000_000n);
    if (quietMs < COMPRESSED_MS || file.inFlight.length > 0) return this.#again(file, WAIT_MS);
    const marks = [...table.departed.map(({ mark }) => mark), ...[...table.all].map(({ read }) => read)];
    try {
      const { knownContent, readCompressed } = await import('./compressed.ts');
      const known = await knownContent(handle, kind, marks);
      this.#context.log.info('compressed file is read', { path: file.shownPath, known });
      const parts = { rules: reader.rules, deliveries, make: reader.batch, signal: this.#stopping.signal };
      if (!(await readCompressed(file, handle, kind, known, parts))) return;
      file.lastSize = handle.facts().size;
      file.lastModifiedNs = handle.facts().modifiedNs;
      this.#parts.positions.changed(file);
    } catch (error) {
      this.#context.log.debug('compressed file is not whole', { path: file.shownPath, reason: describeError(error) });
      this.#again(file, RETRY_MS);
    }
  }

  #refuse(file: TailFile, reason: string): void {
    file.refused = reason;
    file.closeHandle();
    this.#context.count('FileRefusedCount', 1);
    this.#context.log.info('file is not read', { path: file.shownPath, reason });
  }

  #hold(file: TailFile): void {
    if (file.heldSinceMs === 0 || file.heldSize !== file.lastSize) {
      file.heldSinceMs = this.#parts.table.now();
      file.heldSize = file.lastSize;
    }
    this.#again(file, this.#settings.eventTimeoutMs);
  }

  #shrunk(file: TailFile, handle: TailHandle): void {
    const nowMs = this.#parts.table.now();
    const { size } = handle.facts();
    if (size > 0 && this.#parts.reader.mayBeMistaken(file, handle, size)) {
      if (file.shrunkSinceMs === 0) file.shrunkSinceMs = nowMs;
      if (nowMs - file.shrunkSinceMs < SHRUNK_MS) {
        this.#again(file, RETRY_MS);
        return;
      }
    }
    this.#beginAnew(file, size, 'file is shorter than what was read of it; it is read from its beginning');
  }

  /** The content is another one. Not before what was read of the old one is stored: the position is that of one content only. */
  #beginAnew(file: TailFile, size: number, sentence: string): void {
    if (file.inFlight.length > 0) {
      this.#again(file, 50);
      return;
    }
    const { position } = file.read;
    const facts = { path: file.shownPath, size, read: position };
    if (file.lastSize > position) {
      this.#context.count('FileLostBytes', file.lastSize - position);
      this.#context.log.warn('file was emptied before it was read to its end', { ...facts, lostFrom: position, lostTo: file.lastSize });
    }
    if (size > 0) this.#context.log.warn(sentence, facts);
    this.#context.count('FileTruncatedCount', 1);
    const departed = this.#parts.table.emptied(file);
    if (departed) this.#parts.positions.emptied(departed);
    file.beginAnew();
    this.#parts.positions.changed(file);
    this.#enqueue(file);
  }

  #failed(file: TailFile, error: unknown): void {
    this.#context.count('EventReadFail', 1);
    this.#context.log.warn('file cannot be read; it is tried again', { path: file.shownPath, position: file.read.position, reason: describeError(error) });
    // A handle that a network file system has forgotten is of no use any more.
    if (file.names.size > 0) file.closeHandle();
    this.#again(file, RETRY_MS);
  }

  /** A file without a name is read to its end through its handle; then it is let go. */
  #followNameless(file: TailFile, nowMs: number): void {
    const { table, discovery } = this.#parts;
    if (!file.handle) {
      if (nowMs - file.lastSeenMs < discovery.renameMs) return;
      this.#letGo(file, file.lastSeenMs, false);
      return;
    }
    const facts = file.handle.facts();
    if (facts.size !== file.lastSize || facts.modifiedNs !== file.lastModifiedNs) this.#enqueue(file);
    if (file.queued || this.#later.has(file) || file.inFlight.length > 0 || facts.size !== file.lastSize) return;
    const patienceMs = facts.links === 0 ? Math.min(DELETED_MS, this.#settings.idleTimeoutMs) : this.#settings.idleTimeoutMs;
    if (nowMs - Math.max(file.lastReadMs, file.lastSeenMs) < patienceMs) return;
    if (file.read.position < facts.size && file.decided) {
      this.#parts.reader.sendRest(file, file.handle);
      if (file.inFlight.length > 0) return;
    }
    table.depart(file, facts.links === 0 ? Number(facts.changedNs / 1_000_000n) : nowMs, facts.links === 0);
    this.#parts.positions.changed(file);
  }

  #letGo(file: TailFile, goneMs: number, exact: boolean): void {
    const { position } = file.read;
    if (file.lastSize > position && file.refused === undefined) {
      this.#context.count('FileMissingCount', 1);
      this.#context.count('FileLostBytes', file.lastSize - position);
      const facts = { path: file.shownPath, inode: String(file.identity.inode), lostFrom: position, lostTo: file.lastSize };
      this.#context.log.warn('file is gone before it was read to its end', facts);
    }
    this.#parts.table.depart(file, goneMs, exact);
    this.#parts.positions.changed(file);
  }
}
