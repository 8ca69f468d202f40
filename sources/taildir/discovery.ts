import type { SourceContext } from '../../core/component.ts';
import { AgentError, describeError } from '../../core/errors.ts';
import type { DirectoryHints, watchDirectory } from '../../io/directory-hints.ts';
import { FairLoop } from '../../io/event-loop.ts';
import { namesWereLookedAt } from '../../io/read-memory.ts';
import type { FileFacts, TailFiles } from '../../io/tail-files.ts';
import type { Directory, TailName } from './names.ts';
import type { FileTable } from './table.ts';
import type { TailFile } from './tail-file.ts';

export interface DiscoveryRules {
  /** List a directory again at each look, whatever its time of change says. */
  readonly alwaysList: boolean;
  /** Ask the system to tell of changes. */
  readonly hints: boolean;
  readonly watch: typeof watchDirectory;
}

export interface Finder {
  /** There may be something to read. */
  found(file: TailFile): void;
  /** `followHints` has something to do; at once where the name was not known: the file may be moved away soon. */
  hinted(isNew: boolean): void;
}

/** Between two looks at a directory. */
const DIRECTORY_MS = 1000;
/** Names looked at each second: where changes are told, a look is only for what was not told. */
const LOOKS_WITH_HINTS = 500;
const LOOKS_WITHOUT_HINTS = 6000;
/** Files that were read within this time are looked at at each tick. */
const BUSY_MS = 10_000;
/** A listing may take this share of the time. */
const LISTING_SHARE = 0.02;
/** A listing that took longer than this for a name was kept waiting by others. */
const MOST_MS_A_NAME = 0.003;
/** Times of directories may be whole seconds. */
const COARSE_NS = 1_100_000_000n;
/** Before it is tried again to be told of changes. */
const HINTS_AGAIN_MS = 60_000;

interface Watched {
  readonly directory: Directory;
  hints: DirectoryHints | undefined;
  readonly hinted: Set<string>;
  listing: Promise<void> | undefined;
  checkedMs: number;
  watchAgainMs: number;
  inode: bigint;
}

/** Finds files and what becomes of them: by listing directories, by looking at names one after another, and by hints. */
export class Discovery {
  readonly #context: SourceContext;
  readonly #files: TailFiles;
  readonly #table: FileTable;
  readonly #rules: DiscoveryRules;
  readonly #watched: Watched[];
  #finder: Finder = { found: () => undefined, hinted: () => undefined };
  readonly #busy = new Set<TailFile>();
  #round: Iterator<TailName> | undefined;
  #lookedMs = 0;
  #stopped = false;

  constructor(context: SourceContext, files: TailFiles, table: FileTable, rules: DiscoveryRules) {
    this.#context = context;
    this.#files = files;
    this.#table = table;
    this.#rules = rules;
    this.#watched = table.directories.map((directory) => ({ directory, hints: undefined, hinted: new Set(), listing: undefined, checkedMs: 0, watchAgainMs: 0, inode: 0n }));
  }

  /** How long a file without a name may take to turn up under another one. */
  get renameMs(): number {
    return 3 * DIRECTORY_MS + Math.max(...this.#watched.map(({ directory }) => 2 * pauseAfter(directory)));
  }

  /** Lists all directories, oldest file first, and begins to watch them. Throws where a directory is missing. */
  async start(finder: Finder): Promise<void> {
    this.#finder = finder;
    for (const { directory } of this.#watched) {
      const facts = this.#files.look(directory.path);
      if (!facts || facts.isFile) throw new AgentError('M171', `cannot follow files in ${directory.path}: there is no such directory`);
      directory.real = this.#files.realDirectory(directory.path);
    }
    for (const watched of this.#watched) {
      await this.#list(watched.directory, true);
      await this.#watch(watched);
      // What happened between the two is found by the next listing.
      watched.directory.unsure = true;
    }
  }

  stop(): void {
    this.#stopped = true;
    for (const { hints } of this.#watched) hints?.close();
  }

  /** Looks where a name leads to now, and tells of a file that is new there. */
  look(name: TailName): void {
    this.#lookAt(name, true);
  }

  followHints(): void {
    for (const { directory, hinted } of this.#watched) {
      if (hinted.size === 0) continue;
      const names = [...hinted];
      hinted.clear();
      for (const text of names) {
        const bytes = Buffer.from(text).toString('latin1');
        const name = directory.names.get(bytes) ?? directory.match(bytes);
        if (name) this.#lookAt(name, true);
      }
    }
  }

  /** To be called some times a second. */
  async tick(): Promise<void> {
    const nowMs = this.#table.now();
    for (const watched of this.#watched) if (nowMs - watched.checkedMs >= DIRECTORY_MS) this.#checkDirectory(watched, nowMs);
    for (const file of this.#busy) {
      const { name } = file;
      if (!name || nowMs - file.lastReadMs > BUSY_MS) this.#busy.delete(file);
      else this.#lookAt(name, false);
    }
    this.#lookAround(nowMs);
  }

  #lookAround(nowMs: number): void {
    const sinceMs = Math.min(1000, nowMs - this.#lookedMs);
    this.#lookedMs = nowMs;
    const total = this.#table.nameCount;
    const perSecond = this.#watched.every(({ hints }) => hints) ? LOOKS_WITH_HINTS : LOOKS_WITHOUT_HINTS;
    let left = Math.ceil((Math.min(total, perSecond) * sinceMs) / 1000);
    namesWereLookedAt(left);
    for (; left > 0; left--) {
      this.#round ??= this.#allNames();
      const next = this.#round.next();
      if (next.done) {
        this.#round = undefined;
        return;
      }
      this.#lookAt(next.value, false);
    }
  }

  *#allNames(): Generator<TailName, undefined> {
    for (const { directory } of this.#watched) yield* directory.names.values();
    return undefined;
  }

  #lookAt(name: TailName, sure: boolean): void {
    const { glance } = name;
    const now = this.#files.glance(name.path);
    const same = glance && now && now.size === glance.size && now.modifiedMs === glance.modifiedMs && now.inode === glance.inode && now.device === glance.device;
    if (same && !sure && name.file) {
      name.file.lastSeenMs = this.#table.now();
      return;
    }
    name.glance = now;
    try {
      const found = this.#table.look(name);
      name.problem = undefined;
      if (!found) return;
      const { file, facts } = found;
      if (!sure && !found.isNew && facts.size === file.lastSize && facts.modifiedNs === file.lastModifiedNs) return;
      this.#busy.add(file);
      this.#finder.found(file);
    } catch (error) {
      const reason = describeError(error);
      if (name.problem === undefined) this.#context.log.warn('file cannot be looked at', { path: name.text, reason });
      name.problem = reason;
    }
  }

  #checkDirectory(watched: Watched, nowMs: number): void {
    const { directory } = watched;
    watched.checkedMs = nowMs;
    if (!watched.hints && nowMs >= watched.watchAgainMs && watched.watchAgainMs > 0) void this.#watch(watched);
    if (watched.listing || nowMs - directory.listedMs < pauseAfter(directory)) return;
    let facts: FileFacts | undefined;
    try {
      facts = this.#files.look(directory.path);
    } catch (error) {
      this.#context.log.warn('directory cannot be looked at', { path: directory.path, reason: describeError(error) });
      return;
    }
    if (!facts) {
      this.#context.log.warn('directory is gone; its files are followed once it is back', { path: directory.path });
      directory.unsure = true;
    } else if (watched.hints && facts.inode !== watched.inode) {
      watched.hints.close();
      watched.hints = undefined;
      directory.unsure = true;
      void this.#watch(watched);
    } else if (!directory.unsure && !this.#rules.alwaysList && facts.modifiedNs === directory.modifiedNs) {
      return;
    }
    watched.listing = this.#list(directory, false)
      .catch((error: unknown) => this.#context.log.warn('directory cannot be listed; it is tried again', { path: directory.path, reason: describeError(error) }))
      .finally(() => (watched.listing = undefined));
  }

  async #list(directory: Directory, initial: boolean): Promise<void> {
    const began = performance.now();
    const beganMs = this.#table.now();
    const modifiedNs = this.#files.look(directory.path)?.modifiedNs ?? -1n;
    const seen = new Set<string>();
    const fresh: { readonly name: TailName; readonly facts: FileFacts }[] = [];
    let entries = 0;
    if (modifiedNs >= 0n) {
      for await (const names of this.#files.list(directory.path)) {
        if (this.#stopped) return;
        entries += names.length;
        for (const bytes of names) {
          const known = directory.names.get(bytes);
          const name = known ?? directory.match(bytes);
          if (!name) continue;
          seen.add(bytes);
          const facts = known ? undefined : this.#files.look(name.path);
          if (facts?.isFile) fresh.push({ name, facts });
        }
      }
    }
    // What is done about new files is no part of it.
    const listingMs = performance.now() - began;
    fresh.sort((a, b) => (a.facts.modifiedNs < b.facts.modifiedNs ? -1 : a.facts.modifiedNs > b.facts.modifiedNs ? 1 : 0));
    const fairLoop = new FairLoop();
    for (const { name } of fresh) {
      await fairLoop.makeRoom();
      if (!directory.names.has(name.bytes)) this.#lookAt(name, true);
      if (initial && name.file) Object.assign(name.file, { initial: true, wasThere: true });
    }
    for (const [bytes, name] of directory.names) {
      if (seen.has(bytes)) continue;
      this.#lookAt(name, false);
      await fairLoop.makeRoom();
    }
    directory.entries = entries;
    directory.modifiedNs = modifiedNs;
    directory.unsure = modifiedNs < 0n || modifiedNs > BigInt(beganMs) * 1_000_000n - COARSE_NS;
    directory.listedMs = this.#table.now();
    directory.listingMs = Math.min(listingMs, entries * MOST_MS_A_NAME);
  }

  async #watch(watched: Watched): Promise<void> {
    const { directory } = watched;
    watched.watchAgainMs = 0;
    watched.inode = this.#files.look(directory.path)?.inode ?? 0n;
    if (!this.#rules.hints) return;
    const failed = (error: unknown): void => {
      watched.hints?.close();
      watched.hints = undefined;
      watched.watchAgainMs = this.#table.now() + HINTS_AGAIN_MS;
      const { code } = error as NodeJS.ErrnoException;
      const limit = code === 'ENOSPC' ? 'fs.inotify.max_user_watches' : code === 'EMFILE' ? 'fs.inotify.max_user_instances, or the open files of this process' : undefined;
      const facts = { path: directory.path, ...(limit !== undefined && { limit }), reason: describeError(error) };
      this.#context.log.warn('changes of files are not told by the system; the files are looked at each second', facts);
    };
    try {
      const hint = (name: string): void => {
        watched.hinted.add(name);
        const bytes = Buffer.from(name).toString('latin1');
        this.#finder.hinted(!directory.names.has(bytes) && directory.match(bytes) !== undefined);
      };
      const hints = await this.#rules.watch(directory.path, directory.entries, { changed: hint, changedUnknown: () => (directory.unsure = true), failed });
      if (this.#stopped) hints.close();
      else watched.hints = hints;
    } catch (error) {
      failed(error);
    }
  }
}

/** A directory that takes long to list is listed less often. */
function pauseAfter(directory: Directory): number {
  return directory.listingMs / LISTING_SHARE;
}
