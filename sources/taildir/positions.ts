import { basename, dirname, join } from 'node:path';
import type { SourceContext } from '../../core/component.ts';
import { AgentError, describeError } from '../../core/errors.ts';
import { livingOwner, writeOwner } from '../../io/owner-file.ts';
import type { StoreFiles } from '../../io/store-files.ts';
import { UnsyncedLog } from '../../io/unsynced-log.ts';
import type { FileFacts, TailFiles, TailHandle } from '../../io/tail-files.ts';
import { endOfLines, isLineStart } from './beginning.ts';
import { headOf, markAt, type Mark } from './marks.ts';
import type { OpenFiles } from './open-files.ts';
import { loadPositions, logLine, logPath, PositionWriter, savedKey, writtenOf, type SavedFile, type Written } from './position-file.ts';
import type { Departed, FileTable } from './table.ts';
import { isSame, keyOf, sameBirth, TailFile, type Identity } from './tail-file.ts';

export interface PositionRules {
  readonly path: string;
  readonly intervalMs: number;
  /** Begin at the end of files that are there at the start and have no position. */
  readonly fromEnd: boolean;
}

/** Position files that sources of this process use, and which source. */
const inUseHere = new Map<string, string>();
/** Names in a directory that are looked at for a file that was renamed while nothing was running. */
const MOST_OTHER_NAMES = 20_000;

/** What is remembered of files from run to run, and how the backlog follows from it. */
export class Positions {
  readonly path: string;
  readonly #context: SourceContext;
  readonly #stores: StoreFiles;
  readonly #files: TailFiles;
  readonly #table: FileTable;
  readonly #open: OpenFiles;
  readonly #rules: PositionRules;
  readonly #writer: PositionWriter;
  /** Saved entries whose files were not looked into yet. */
  readonly #pending = new Map<string, SavedFile>();
  /** What is written of a file or a record, until it changes. */
  readonly #written = new WeakMap<object, Written>();
  readonly #touched = new Set<TailFile>();
  #sawFault = false;
  #log: UnsyncedLog | undefined;
  #logDue: NodeJS.Immediate | undefined;
  readonly #toLog = new Set<TailFile>();
  /** What was logged of a file last. */
  readonly #logged = new WeakMap<TailFile, string>();
  /** Of the last line of the log. */
  #number = 0;
  /** What was logged while a save is under way. */
  #sinceSave = '';
  #claimed: string | undefined;
  #savedMs = 0;
  #saving: Promise<void> | undefined;
  #started = false;
  #unsaved = true;

  constructor(context: SourceContext, files: { stores: StoreFiles; tails: TailFiles }, table: FileTable, open: OpenFiles, rules: PositionRules) {
    this.#context = context;
    this.#stores = files.stores;
    this.#files = files.tails;
    this.#table = table;
    this.#open = open;
    this.#rules = rules;
    this.path = rules.path;
    this.#writer = new PositionWriter(files.stores, rules.path);
  }

  /** Claims the position file for this source and reads it. Throws where another one has it. */
  async open(): Promise<void> {
    await this.#claim();
    const { files, faults, number, sum } = await loadPositions(this.#stores, this.path, true);
    for (const { sentence, facts } of faults) this.#context.log.warn(sentence, facts);
    this.#sawFault = faults.length > 0;
    this.#number = number;
    this.#writer.follows(sum);
    for (const file of files) {
      if (file.emptied) this.#remember(file);
      else this.#pending.set(savedKey(file), file);
    }
  }

  /** Begins to write down positions; resolves once those of now are. */
  async start(): Promise<void> {
    this.#started = true;
    this.#context.count('FileBacklogBytes', 0);
    await this.#save();
    this.#log = new UnsyncedLog(logPath(this.path));
    this.#log.reset('');
  }

  async close(): Promise<void> {
    await this.#saving;
    clearImmediate(this.#logDue);
    if (this.#started) await this.#save();
    this.#started = false;
    this.#log?.close();
    this.#log = undefined;
    if (this.#claimed === undefined) return;
    inUseHere.delete(this.#claimed);
    this.#claimed = undefined;
    await this.#stores.remove(`${this.path}.lock`).catch(() => undefined);
  }

  /** Low for files of which it is known how far they were read, then those of which it is known what they held before they were emptied. */
  rankOf(file: TailFile): number {
    const saved = this.#pendingOf(file);
    if (saved && saved.position > 0) return 0;
    return saved?.former === undefined ? 2 : 1;
  }

  #pendingOf(file: TailFile): SavedFile | undefined {
    if (this.#pending.size === 0) return undefined;
    const key = keysOf(file.identity).find((each) => this.#pending.has(each));
    return key === undefined ? undefined : this.#pending.get(key);
  }

  /** Lets a file begin where it was left; false where nothing is known of it. */
  resume(file: TailFile, handle: TailHandle, facts: FileFacts): boolean {
    const saved = this.#pendingOf(file);
    const back = this.#table.takeDeparted(file.identity);
    if (back) {
      file.beginAt(back.mark);
      return true;
    }
    if (saved && this.#resumeSaved(saved, file, handle, facts)) return true;
    if (file.initial && this.#rules.fromEnd && !this.#sawFault && file.former === undefined) {
      file.initial = false;
      file.beginAt(endOfLines(handle, facts.size));
      return true;
    }
    if (this.#sawFault && file.initial) this.#context.log.info('file has no known position; it is read from its beginning', { path: file.shownPath });
    file.initial = false;
    return false;
  }

  #resumeSaved(saved: SavedFile, file: TailFile, handle: TailHandle, facts: FileFacts): boolean {
    this.#pending.delete(savedKey(saved));
    const mark = saved.mark ?? this.#takenOver(saved, file, handle, facts);
    file.initial = false;
    file.resumed = true;
    this.#table.hasResumed = true;
    file.former = saved.former;
    // An entry at 0 says no more than that the file was there, but for the name of a content that it had begun.
    if (!mark || mark.position === 0) {
      const { content, begins } = saved;
      if (content !== undefined && begins && headOf(handle, begins.length) === begins.sum) [file.content, file.begins] = [content, begins];
      return false;
    }
    file.beginAt(mark);
    file.content = saved.content;
    file.discarding = saved.discarding;
    file.lastSize = saved.size;
    return true;
  }

  /** A position of Flume's, which knows the inode only. */
  #takenOver(saved: SavedFile, file: TailFile, handle: TailHandle, facts: FileFacts): Mark | undefined {
    const told = { path: file.shownPath, savedPath: saved.path, position: saved.position, size: facts.size };
    if (saved.position > facts.size) {
      this.#context.log.warn('position is beyond the end of the file; it is read from its beginning', told);
      return undefined;
    }
    if (saved.path !== file.shownPath && !isLineStart(handle, saved.position)) {
      this.#context.log.warn('position is of a file with another name, and not at the beginning of a line; the file is read from its beginning', told);
      return undefined;
    }
    return markAt(handle, saved.position);
  }

  /**
   * After the first listing: files that have a position and were not found. Those that only changed their names within their directory are
   * read to their end; the others are told of.
   */
  async settleMissing(found: (file: TailFile) => void): Promise<void> {
    const here = new Set<string>();
    for (const { identity } of this.#table.all) for (const key of keysOf(identity)) here.add(key);
    const missing = [...this.#pending].filter(([key]) => !here.has(key));
    if (missing.length === 0) return;
    const elsewhere = await this.#searchOtherNames(missing.map(([, saved]) => saved));
    for (const [key, saved] of missing) {
      this.#pending.delete(key);
      const state = this.#follow(saved, elsewhere.get(saved) ?? saved.place ?? saved.path, found);
      if (state === 'gone' && !saved.gone) this.#missing(saved);
      else if (state !== 'followed') this.#remember(saved);
    }
  }

  /** Reads on in a file that no group wants by its present name, if there is more in it. */
  #follow(saved: SavedFile, path: string, found: (file: TailFile) => void): 'followed' | 'read' | 'gone' {
    const { identity, mark } = saved;
    if (!identity || !mark) return 'gone';
    try {
      const facts = this.#files.look(path);
      if (!facts?.isFile || facts.inode !== saved.inode || !sameBirth(identity.bornNs, facts.bornNs)) return 'gone';
      if (facts.size <= mark.position) return 'read';
      const file = new TailFile({ device: facts.device, inode: facts.inode, bornNs: facts.bornNs }, this.#table.now());
      const handle = this.#files.open(path);
      // Somebody may have put another file there since the look.
      if (!isSame(file.identity, handle.facts())) {
        handle.close();
        return 'gone';
      }
      file.beginAt(mark);
      file.content = saved.content;
      file.discarding = saved.discarding;
      file.shownPath = saved.path;
      const directory = this.#table.directories.find((each) => each.path === dirname(saved.path));
      file.headers = directory?.match(Buffer.from(basename(saved.path)).toString('latin1'))?.headers ?? [];
      this.#open.add(file, handle);
      this.#table.addNameless(file);
      found(file);
      return 'followed';
    } catch (error) {
      this.#context.log.warn('file cannot be opened', { path, reason: describeError(error) });
      return 'gone';
    }
  }

  async #searchOtherNames(missing: readonly SavedFile[]): Promise<Map<SavedFile, string>> {
    const found = new Map<SavedFile, string>();
    for (const { path, names } of this.#table.directories) {
      const wanted = new Map(missing.filter((saved) => !saved.gone && dirname(saved.path) === path).map((saved) => [saved.inode, saved]));
      if (wanted.size === 0) continue;
      let looked = 0;
      for await (const piece of this.#files.list(path)) {
        for (const bytes of piece) {
          if (names.has(bytes) || looked++ > MOST_OTHER_NAMES) continue;
          const other = join(path, Buffer.from(bytes, 'latin1').toString('utf8'));
          const facts = this.#files.look(other);
          const saved = facts && wanted.get(facts.inode);
          if (saved) found.set(saved, other);
        }
      }
    }
    return found;
  }

  #missing(saved: SavedFile): void {
    this.#context.count('FileMissingCount', 1);
    const facts = { path: saved.path, inode: String(saved.inode), position: saved.position };
    this.#context.log.warn('file with a known position is gone; what was written behind the position cannot be read', facts);
    this.#remember(saved);
  }

  #remember({ identity, mark, path, seenMs, emptied }: SavedFile): void {
    if (identity && mark && mark.position > 0) this.#table.addDeparted({ identity, mark, goneMs: seenMs, exact: emptied, emptied, path });
  }

  /** Something about the file is to be written down. */
  changed(file: TailFile): void {
    this.#written.delete(file);
    this.#unsaved = true;
    this.#touched.add(file);
    this.#toLog.add(file);
    if (!this.#log || this.#logDue) return;
    this.#logDue = setImmediate(() => this.#writeLog());
  }

  /** Whoever reads the content after this process is to know the name of it before a line is stored under that. */
  named(file: TailFile): void {
    this.#written.delete(file);
    this.#unsaved = true;
    if (this.#pendingOf(file)) return;
    const { mark } = this.#textOf(file);
    this.#logged.set(file, mark);
    this.#append(logLine(++this.#number, mark));
  }

  /** What a file held that begins anew, for whatever becomes of this process next. */
  emptied(departed: Departed): void {
    this.#append(logLine(++this.#number, this.#departedText(departed).mark));
  }

  #writeLog(): void {
    this.#logDue = undefined;
    let text = '';
    for (const file of this.#toLog) {
      const { mark } = this.#textOf(file);
      if (this.#logged.get(file) === mark || this.#pendingOf(file)) continue;
      this.#logged.set(file, mark);
      text += logLine(++this.#number, mark);
    }
    this.#toLog.clear();
    this.#append(text);
  }

  #append(text: string): void {
    if (text === '' || !this.#log) return;
    this.#sinceSave += text;
    try {
      this.#log.append(text);
    } catch (error) {
      // The next save has it too.
      this.#context.log.debug('positions cannot be logged', { path: this.path, reason: describeError(error) });
    }
  }

  /** To be called some times a second. */
  tick(nowMs: number): void {
    for (const file of this.#touched) this.#countBacklog(file);
    if (!this.#started || this.#saving || !this.#unsaved || nowMs - this.#savedMs < this.#intervalMs) return;
    this.#saving = this.#save().finally(() => (this.#saving = undefined));
  }

  /** Thousands of files are written down less often: what moves meanwhile is logged. */
  get #intervalMs(): number {
    return Math.max(this.#rules.intervalMs, this.#table.size);
  }

  #countBacklog(file: TailFile): void {
    const size = file.handle ? file.handle.facts().size : file.names.size > 0 ? Math.max(0, file.lastSize) : 0;
    const backlog = Math.max(0, size - file.stored.position);
    if (backlog !== file.backlog) this.#context.count('FileBacklogBytes', backlog - file.backlog);
    file.backlog = backlog;
    if (file.inFlight.length === 0 && !file.queued) this.#touched.delete(file);
  }

  async #save(): Promise<void> {
    this.#savedMs = this.#table.now();
    this.#unsaved = this.#table.nameless.size > 0;
    const number = this.#number;
    const entries: Written[] = [];
    for (const file of this.#table.all) {
      if (this.#pendingOf(file) || file.refused !== undefined) continue;
      entries.push(this.#textOf(file));
    }
    for (const saved of this.#pending.values()) entries.push(writtenOf(saved));
    for (const departed of this.#table.departed) entries.push(this.#departedText(departed));
    this.#sinceSave = '';
    try {
      await this.#writer.save(entries, number);
      this.#log?.reset(this.#sinceSave);
    } catch (error) {
      this.#unsaved = true;
      this.#context.count('PositionWriteFail', 1);
      this.#context.log.warn('positions cannot be written down; it is tried again', { path: this.path, files: entries.length, reason: describeError(error) });
    }
  }

  #textOf(file: TailFile): Written {
    const { stored, former, lastSize, shownPath, discarding, content, begins } = file;
    const gone = file.names.size === 0;
    const place = gone ? file.handle?.path() : undefined;
    if (gone) this.#written.delete(file);
    return this.#cached(file, () => textOf(file.identity, stored, shownPath, { place, size: Math.max(0, lastSize), former, discarding, gone, emptied: false, seenMs: 0, ...(content !== undefined && { content }), ...(begins && stored.position === 0 && { begins }) }));
  }

  #departedText(departed: Departed): Written {
    const { identity, mark, path, goneMs, emptied } = departed;
    return this.#cached(departed, () => textOf(identity, mark, path, { place: undefined, size: mark.position, former: undefined, discarding: false, gone: true, emptied, seenMs: goneMs }));
  }

  #cached(key: object, make: () => Written): Written {
    const before = this.#written.get(key);
    if (before) return before;
    const text = make();
    this.#written.set(key, text);
    return text;
  }

  async #claim(): Promise<void> {
    const { device, inode } = await this.#stores.makeDirectory(dirname(this.path));
    const key = `${device}:${inode}/${basename(this.path)}`;
    const other = inUseHere.get(key);
    if (other !== undefined) throw inUse(this.path, `${other} of this agent uses it`);
    inUseHere.set(key, this.#context.name);
    this.#claimed = key;
    const owner = await livingOwner(this.#stores, `${this.path}.lock`);
    if (owner !== undefined) {
      inUseHere.delete(key);
      this.#claimed = undefined;
      throw inUse(this.path, `process ${owner} uses it`);
    }
    await writeOwner(this.#stores, `${this.path}.lock`);
  }
}

function inUse(path: string, who: string): AgentError {
  return new AgentError('M172', `cannot use the position file ${path}: ${who}; give each TAILDIR source a positionFile of its own`);
}

function textOf(identity: Identity, mark: Mark, path: string, rest: Pick<SavedFile, 'place' | 'size' | 'former' | 'discarding' | 'gone' | 'emptied' | 'seenMs' | 'content' | 'begins'>): Written {
  return writtenOf({ inode: identity.inode, identity, path, position: mark.position, mark, ...rest });
}

function keysOf(identity: Identity): readonly string[] {
  return [`${identity.inode}@${identity.bornNs}`, keyOf(identity), String(identity.inode)];
}
