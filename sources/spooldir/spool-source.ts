import { isAbsolute, relative, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Deserializer, Description, EventsRead, FilePosition, Source, SourceContext } from '../../core/component.ts';
import { ChannelFullError, describeError, isAbort } from '../../core/errors.ts';
import { Batch } from '../../core/batch.ts';
import { compileJavaRegex } from '../../core/java-regex.ts';
import { Backoff } from '../../io/backoff.ts';
import { FairLoop } from '../../io/event-loop.ts';
import type { SpoolFacts, SpoolFiles, SpoolHandle } from '../../io/spool-files.ts';
import { Candidates, mayBeRead, type CandidateRules, type Candidate } from './candidates.ts';
import { DoneWatch } from './done-watch.ts';
import { FileEnds } from './file-ends.ts';
import { Positions, type ReadFile } from './positions.ts';
import { PutOffFiles } from './put-off-files.ts';
import type { SpoolSettings } from './index.ts';

/** Flume's first pause before a refused batch is put again. */
const FIRST_PAUSE_MS = 250;
const AT_HEAD: FilePosition = { offset: 0, done: 0 };
const NO_HEADERS: ReadonlyMap<string, string> = new Map();

interface OpenFile extends ReadFile {
  readonly candidate: Candidate;
}

/** Why a file cannot be read to its end; thrown, and answered in one place. */
class FileError extends Error {
  readonly at: FilePosition;
  /** The bytes are the cause, and would be again; else the system, and it may pass. */
  readonly isLasting: boolean;

  constructor(cause: unknown, at: FilePosition) {
    super(describeError(cause), { cause });
    this.at = at;
    this.isLasting = !(cause instanceof Error && 'syscall' in cause);
  }
}

/**
 * Reads one file after the other, a batch at a time: its position is written once the channels have stored it, and before the next batch
 * goes out, so that at most one batch comes again after a kill. Whatever is wrong with a single file is said, and the next one is read.
 */
export class SpoolSource implements Source {
  readonly #context: SourceContext;
  readonly #settings: SpoolSettings;
  readonly #deserializer: Deserializer;
  readonly #files: SpoolFiles;
  readonly #spoolDir: string;
  readonly #trackerDir: string;
  readonly #rules: CandidateRules;
  readonly #candidates: Candidates;
  readonly #positions: Positions;
  readonly #ends: FileEnds;
  readonly #watch: DoneWatch;
  readonly #putOff = new PutOffFiles();
  readonly #stopping = new AbortController();
  readonly #fair = new FairLoop();
  #running: Promise<void> | undefined;

  constructor(context: SourceContext, settings: SpoolSettings, deserializer: Deserializer, files: SpoolFiles) {
    this.#context = context;
    this.#settings = settings;
    this.#deserializer = deserializer;
    this.#files = files;
    this.#spoolDir = javaPath(settings.spoolDir);
    const { trackerDir, fileSuffix, setAsideSuffix, deletePolicy, trackingPolicy } = settings;
    this.#trackerDir = isAbsolute(trackerDir) ? javaPath(trackerDir) : `${this.#spoolDir}/${javaPath(trackerDir)}`;
    const done = deletePolicy === 'immediate' ? 'delete' : trackingPolicy === 'rename' ? 'rename' : 'mark';
    this.#ends = new FileEnds(files, { spoolDir: this.#spoolDir, trackerDir: this.#trackerDir, doneSuffix: fileSuffix, asideSuffix: setAsideSuffix, done });
    this.#rules = {
      spoolDir: this.#spoolDir,
      order: settings.consumeOrder,
      recursive: settings.recursiveDirectorySearch,
      suffixes: [fileSuffix, setAsideSuffix],
      include: compileJavaRegex(settings.includePattern),
      ignore: compileJavaRegex(settings.ignorePattern),
      freshMs: settings.pollDelay,
      leftAlone: (path) => this.#putOff.has(path),
      ...(done === 'mark' && { isMarked: (path: string) => this.#ends.isMarked(path) }),
    };
    this.#candidates = new Candidates(this.#rules, files, context.log);
    this.#positions = new Positions(files, this.#trackerDir, context.log);
    this.#watch = new DoneWatch(files);
  }

  async start(): Promise<void> {
    const { spoolDir } = this.#settings;
    const facts = await this.#files.look(this.#spoolDir);
    if (!facts) throw new Error(`the spool directory ${spoolDir} is not there: make it, or correct spoolDir`);
    if (facts.kind !== 'directory') throw new Error(`${spoolDir} is no directory: correct spoolDir`);
    if (this.#settings.trackingPolicy === 'rename' || this.#settings.deletePolicy === 'immediate') await this.#tryToWrite();
    try {
      await this.#files.makeDirectory(this.#trackerDir);
    } catch (error) {
      throw new Error(`the tracker directory ${this.#trackerDir} cannot be made: make it, or correct trackerDir`, { cause: error });
    }
    await this.#positions.load();
    this.#running = this.#run().catch((error: unknown) => {
      if (!isAbort(error)) this.#context.fail(error instanceof Error ? error : new Error(String(error)));
    });
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    await this.#positions.close();
  }

  describe(): Description {
    const { spoolDir, deletePolicy, trackingPolicy, fileSuffix } = this.#settings;
    const then = deletePolicy === 'immediate' ? 'deletes them' : trackingPolicy === 'rename' ? `adds ${fileSuffix} to their names` : 'marks them in its tracker directory';
    return { summary: `reads the files of ${spoolDir} and ${then}`, paths: [this.#spoolDir], tryIt: `echo hello > ${spoolDir}/.new && mv ${spoolDir}/.new ${spoolDir}/hello` };
  }

  /** Flume refuses to start where it could not rename or delete a file, and so do we. */
  async #tryToWrite(): Promise<void> {
    const path = `${this.#spoolDir}/.flume-spooldir-perm-check-${process.pid}-${Date.now()}.canary`;
    try {
      await this.#files.create(path, 'testing flume file permissions\n');
      await this.#files.remove(path);
    } catch (error) {
      throw new Error(`files of ${this.#spoolDir} could not be renamed or deleted, because the directory cannot be written to; give the agent the right to, or set trackingPolicy = tracker_dir`, { cause: error });
    }
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    await this.#takeUp();
    while (!signal.aborted) {
      await this.#setGrownAside();
      if (this.#putOff.someAreDue()) this.#candidates.lookAgain();
      const candidate = await this.#candidates.next(signal);
      if (candidate) await this.#readFile(candidate);
      else await sleep(this.#settings.pollDelay, undefined, { signal });
      await this.#fair.makeRoom();
    }
  }

  /** The file that was half read goes on first: Flume forgets its position if another one comes before it. */
  async #takeUp(): Promise<void> {
    const { left } = this.#positions;
    if (!left) return;
    const path = relative(resolve(this.#spoolDir), resolve(left.target));
    const name = path.slice(path.lastIndexOf('/') + 1);
    if (path.startsWith('..')) return;
    // A kill came between its mark and the end of its position.
    if (this.#rules.isMarked?.(path)) return this.#positions.forgetLeft();
    if (!mayBeRead(this.#rules, name, path)) return;
    if (await this.#files.look(`${this.#spoolDir}/${path}`)) return this.#readFile({ path, name, modifiedMs: 0 });
    if (left.offset > 0) this.#context.log.info('file that was read last is gone', { file: left.target, readUpTo: left.offset });
    await this.#positions.forgetLeft();
  }

  async #readFile(candidate: Candidate): Promise<void> {
    const target = `${this.#spoolDir}/${candidate.path}`;
    let handle: SpoolHandle | undefined;
    try {
      if (await this.#ends.isTaken(candidate.path)) {
        return await this.#setAside(candidate, 'file set aside unread: one of that name was completed before', `${target}${this.#settings.fileSuffix} is there`);
      }
      handle = await this.#open(candidate, target);
      if (!handle) return;
      const facts = await handle.facts();
      if (facts.kind !== 'file') return this.#leaveAlone(candidate, facts);
      await this.#readOpen({ candidate, target, facts, handle });
    } catch (error) {
      if (isAbort(error)) throw error;
      this.#tryLater(candidate, error);
    } finally {
      await handle?.close();
    }
  }

  async #open(candidate: Candidate, target: string): Promise<SpoolHandle | undefined> {
    try {
      return await this.#files.open(target);
    } catch (error) {
      const facts = await this.#files.look(target);
      if (!facts && candidate.name.includes('\ufffd')) {
        this.#putOff.forLong(candidate.path);
        this.#context.log.warn('file is left alone: its name is not UTF-8', { file: target });
      } else if (!facts) {
        this.#context.log.debug('file is gone', { file: target });
      } else if (facts.kind !== 'file') {
        this.#leaveAlone(candidate, facts);
      } else {
        throw error;
      }
      return undefined;
    }
  }

  async #readOpen(file: OpenFile): Promise<void> {
    const from = await this.#positions.of(file);
    if (from.offset > file.facts.size) return this.#endAside(file, 'file set aside: it is shorter than what was read of it', `${from.offset} bytes were read`, AT_HEAD);
    try {
      await this.#readEvents(file, from);
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      this.#context.count('EventReadFail', 1);
      if (error.isLasting) return this.#endAside(file, 'file set aside: its bytes cannot be read as events', error.message, error.at);
      await this.#positions.putOff(file, error.at);
      throw error;
    }
    await this.#complete(file);
  }

  /** Reads and delivers to the end. */
  async #readEvents(file: OpenFile, from: FilePosition): Promise<void> {
    const { facts } = file;
    let at = from;
    if (facts.size > 0 && at.offset >= facts.size) return;
    const headers = this.#headersOf(file);
    const input = { path: file.target, size: facts.size, read: (offset: number, length: number) => file.handle.read(offset, length) };
    const reader = await fileCall(() => this.#deserializer.open(input, from), at);
    for (let isFirst = true; ; isFirst = false) {
      // Within a file of many batches no promise is made for a batch that is there already.
      const reading = readOrThrow(reader, this.#settings.batchSize, at);
      const read: EventsRead | undefined = reading instanceof Promise ? await fileCall(() => reading, at) : reading;
      if (!read) {
        // As in Flume: a file without events makes an empty one.
        if (isFirst && at.offset === 0 && at.done === 0) await this.#deliver(withHeaders(emptyEvent(), headers));
        return;
      }
      await this.#deliver(withHeaders(read.batch, headers));
      at = read.next;
      // The end of the file is told by its new name.
      if (at.offset < facts.size) await this.#positions.store(file, at);
      await this.#fair.makeRoom();
    }
  }

  async #complete(file: OpenFile): Promise<void> {
    const { candidate, facts, target } = file;
    const { log } = this.#context;
    const result = await this.#ends.complete(candidate.path, facts);
    const end: FilePosition = { offset: facts.size, done: 0 };
    if (result.end === 'changed') return this.#endAside(file, 'file set aside: it changed while it was read', `it had ${facts.size} bytes when it was opened; what came later is not read`, end);
    if (result.end === 'taken') return this.#endAside(file, 'file set aside: one of that name was completed meanwhile', `${target}${this.#settings.fileSuffix} is there`, end);
    if (result.end === 'failed') {
      this.#putOff.forAWhile(candidate.path);
      log.error('file is read to its end and cannot be completed; it is tried again', { file: target, reason: result.reason });
      return this.#positions.putOff(file, end);
    }
    if (result.end === 'gone') log.warn('file was removed or replaced while it was read; it was read to its end', { file: target, bytes: facts.size });
    if (result.end === 'done' && result.path !== undefined) this.#watch.add({ path: candidate.path, now: result.path, facts });
    this.#putOff.forget(candidate.path);
    this.#context.count('FileCompletedCount', 1);
    await this.#positions.forget();
  }

  /** A file that was open. Its position is kept: given its own name again, it is read on from there. */
  async #endAside(file: OpenFile, sentence: string, reason: string, at: FilePosition): Promise<void> {
    await this.#positions.putOff(file, at);
    await this.#setAside(file.candidate, sentence, reason, { readUpTo: at.offset });
  }

  async #setAside({ path }: Pick<Candidate, 'path'>, sentence: string, reason: string, facts: Record<string, unknown> = {}, from?: string): Promise<void> {
    const target = `${this.#spoolDir}/${path}`;
    this.#context.count('FileSetAsideCount', 1);
    try {
      const now = await this.#ends.setAside(path, `${sentence}: ${reason}`, from);
      this.#context.log.error(sentence, { file: target, reason, ...facts, now });
    } catch (error) {
      this.#putOff.forLong(path);
      this.#context.log.error(sentence, { file: target, reason, ...facts, now: `left where it is, because it cannot be renamed: ${describeError(error)}` });
    }
  }

  async #setGrownAside(): Promise<void> {
    for (const { path, now, facts } of this.#watch.changed()) {
      const handle = await this.#files.open(now).catch(() => undefined);
      if (!handle) continue;
      try {
        await this.#positions.putOff({ target: `${this.#spoolDir}/${path}`, facts, handle }, { offset: facts.size, done: 0 });
      } finally {
        await handle.close();
      }
      const grown = `it had ${facts.size} bytes when it was read; what came later is not read`;
      await this.#setAside({ path }, 'file set aside: it changed after it was completed', grown, { readUpTo: facts.size }, now);
    }
  }

  #leaveAlone({ path }: Candidate, { kind }: SpoolFacts): void {
    this.#putOff.forLong(path);
    this.#context.count('FileSkippedCount', 1);
    this.#context.log.warn(`a ${kind} is left alone: only files are read`, { path: `${this.#spoolDir}/${path}` });
  }

  #tryLater({ path }: Candidate, error: unknown): void {
    this.#putOff.forAWhile(path);
    this.#context.count('FileSkippedCount', 1);
    this.#context.log.warn('file cannot be read now; the others go on, and it is tried again', { file: `${this.#spoolDir}/${path}`, reason: describeError(error) });
  }

  #headersOf({ target, candidate }: OpenFile): ReadonlyMap<string, string> {
    const { fileHeader, fileHeaderKey, basenameHeader, basenameHeaderKey } = this.#settings;
    if (!fileHeader && !basenameHeader) return NO_HEADERS;
    const headers = new Map<string, string>();
    if (fileHeader) headers.set(fileHeaderKey, isAbsolute(target) ? target : `${process.cwd()}/${target}`);
    if (basenameHeader) headers.set(basenameHeaderKey, candidate.name);
    return headers;
  }

  /** Resolves once every channel has the events; throws AbortError when the source stops before. */
  async #deliver(batch: Batch): Promise<void> {
    const { signal } = this.#stopping;
    const { size } = batch;
    const backoff = new Backoff({ firstMs: FIRST_PAUSE_MS, mostMs: this.#settings.maxBackoff });
    const received = (): void => {
      this.#context.count('EventReceivedCount', size);
      this.#context.count('AppendBatchReceivedCount', 1);
    };
    const refused = (): void => {
      this.#context.count('ChannelWriteFail', 1);
      received();
    };
    received();
    for (;;) {
      signal.throwIfAborted();
      try {
        await this.#context.deliver(batch, { wait: true, longestPauseMs: this.#settings.maxBackoff, refused });
        break;
      } catch (error) {
        if (isAbort(error) || signal.aborted) throw error;
        this.#context.count(error instanceof ChannelFullError ? 'ChannelWriteFail' : 'GenericProcessingFail', 1);
        this.#context.log.warn('batch could not be delivered; it is tried again', { events: size, reason: describeError(error) });
        await backoff.pause(signal);
        received();
      }
    }
    this.#context.count('EventAcceptedCount', size);
    this.#context.count('AppendBatchAcceptedCount', 1);
  }
}

/** As Java spells a path: without doubled slashes and a slash at the end. Flume compares positions by this spelling. */
function javaPath(path: string): string {
  const spelled = path.replace(/\/{2,}/g, '/');
  return spelled.length > 1 && spelled.endsWith('/') ? spelled.slice(0, -1) : spelled;
}

async function fileCall<T>(call: () => T | Promise<T>, at: FilePosition): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw new FileError(error, at);
  }
}

function readOrThrow(reader: Awaited<ReturnType<Deserializer['open']>>, max: number, at: FilePosition): ReturnType<typeof reader.read> {
  try {
    return reader.read(max);
  } catch (error) {
    throw new FileError(error, at);
  }
}

function emptyEvent(): Batch {
  return Batch.over(Buffer.alloc(0), Uint32Array.of(0, 0), 1);
}

function withHeaders(batch: Batch, headers: ReadonlyMap<string, string>): Batch {
  let all = batch;
  for (const [name, value] of headers) all = all.withHeader(name, value, false);
  return all;
}
