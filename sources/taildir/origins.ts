import type { TailFiles, TailHandle } from '../../io/tail-files.ts';
import { HEAD_BYTES, headOf, START_BYTES, stillThere, type Mark } from './marks.ts';
import type { TailName } from './names.ts';
import type { FileTable } from './table.ts';
import { isSame, type TailFile } from './tail-file.ts';

/** Content that a new file may begin with because it is a copy: how much of it was read, and whether that is over. */
export interface Candidate {
  readonly mark: Mark;
  readonly path: string;
  /**
   * `alive`: the file is there and unchanged; should it be emptied, the new one was made to keep what it held. `unread`: it begins as the
   * new one does, with something that was not read yet.
   */
  readonly state: 'alive' | 'ended' | 'unsettled' | 'unread';
  /** To compare the bytes themselves, where the other file still has them. */
  readonly handle?: TailHandle | undefined;
  /** The new file was put in its place, by a program that had prepared it beside. */
  readonly replaced?: boolean;
}

/** Where no more files than this are followed, each is looked at before a new one is judged. */
const FEW_FILES = 1000;
/** And opened, where a new one is too short to be told from them otherwise. */
const VERY_FEW_FILES = 200;
/** A name that is looked for may turn up again within this time. */
const RENAME_MS = 2000;
/** Times of files are taken from a clock that stands still for some milliseconds. */
const CLOCK_TICK_MS = 20;

/** Finds what a new file may have been made of. */
export class Origins {
  readonly #table: FileTable;
  readonly #files: TailFiles;
  /** Called with a file of which other things are there than were read. */
  suspected: (file: TailFile) => void = () => undefined;
  /** Called with a name that leads to another file by now. */
  moved: (name: TailName) => void = () => undefined;

  constructor(table: FileTable, files: TailFiles) {
    this.#table = table;
    this.#files = files;
  }

  /** Whether the name of a file is that of now: it may have been renamed over another one, and not been found there yet. */
  isWhereItWas(file: TailFile): boolean {
    const { name } = file;
    if (!name) return this.#table.now() - file.lastSeenMs > RENAME_MS;
    const facts = this.#files.look(name.path);
    if (facts && isSame(file.identity, facts)) return true;
    this.moved(name);
    return false;
  }

  candidates(file: TailFile, handle: TailHandle, size: number): Candidate[] {
    const madeMs = file.former ? file.emptiedAfterMs : Number(file.identity.bornNs / 1_000_000n);
    const head = headsOf(handle);
    const sameHead = (mark: Mark): boolean => mark.position > 0 && head(Math.min(mark.position, HEAD_BYTES)) === mark.head;
    const found: Candidate[] = [];
    for (const { identity, mark, goneMs, exact, path } of this.#table.departed) {
      if (isSameFile(identity, file)) continue;
      // What was made after the other one had gone is no copy of it; where the moment is not known, much must be the same.
      const may = exact ? madeMs <= goneMs : madeMs <= goneMs || mark.position >= HEAD_BYTES;
      if (may && sameHead(mark)) found.push({ mark, path, state: 'ended' });
    }
    // What was there when the source started was made before anything was read, but by a process before this one.
    if (file.wasThere && !this.#table.hasResumed) return found;
    const start = size >= START_BYTES ? head(START_BYTES) : undefined;
    for (const other of this.#table.all) {
      if (other === file || other.refused !== undefined || (file.wasThere && !other.resumed)) continue;
      const asRead = sameHead(other.read);
      const isStale = this.#isStale(other, madeMs);
      if (!asRead && !isStale) {
        // It may be a copy that has only begun.
        if (size >= Math.min(HEAD_BYTES, other.read.position)) continue;
        if (start === undefined || other.start === undefined ? !other.handle && this.#table.size > VERY_FEW_FILES : start !== other.start) continue;
      }
      const candidate = this.#candidate(file, madeMs, other, asRead, isStale, (theirs, most) => head(Math.min(size, most)) === headOf(theirs, Math.min(size, most)));
      if (candidate) found.push(candidate);
    }
    return found;
  }

  #candidate(file: TailFile, madeMs: number, other: TailFile, asRead: boolean, isStale: boolean, beginsLike: (other: TailHandle, most: number) => boolean): Candidate | undefined {
    const end = this.#table.nameless.has(other) ? endOf(other, this.#table.now()) : undefined;
    const may = !end || madeMs <= end.goneMs || (!end.exact && other.read.position >= HEAD_BYTES);
    if (!may) return undefined;
    const about = { mark: other.read, path: other.shownPath, handle: other.handle };
    if (isStale || !asRead) {
      // Of two that are both new the older one comes first.
      if (!other.decided && !isBefore(other, file)) return undefined;
      const same = this.#isOpenedLike(other, beginsLike);
      if (same && isStale) {
        this.suspected(other);
        return { ...about, state: 'unread' };
      }
      if (!asRead && !same) return undefined;
    }
    if (end) return { ...about, state: end.settled ? 'ended' : 'unsettled', replaced: end.exact && other.leftPath === file.shownPath && !file.former && file.identity.bornNs < end.goneNs };
    const isSettled = other.inFlight.length === 0 && other.shrunkSinceMs === 0 && this.#isUnchanged(other);
    return { ...about, state: isSettled ? 'alive' : 'unsettled' };
  }

  /** Whether the file holds, or may hold since the new one was made, something else than what was read of it and more behind. */
  #isStale(file: TailFile, madeMs: number): boolean {
    if (file.decided && !this.#isChanged(file, madeMs)) return false;
    if (!file.decided || file.read.position === 0) return file.lastSize !== 0 || this.#isChanged(file, madeMs);
    try {
      return file.handle ? !stillThere(file.read, file.handle) : true;
    } catch {
      // Reading it will tell why.
      return false;
    }
  }

  #isChanged(file: TailFile, madeMs: number): boolean {
    if (file.queued || file.lastModifiedNs === -1n) return true;
    if (file.lastSeenMs > madeMs + CLOCK_TICK_MS || this.#table.size > FEW_FILES) return false;
    try {
      const facts = file.handle ? file.handle.facts() : file.name && this.#files.look(file.name.path);
      if (!facts || !isSame(file.identity, facts)) return false;
      if (facts.size !== file.lastSize || facts.modifiedNs !== file.lastModifiedNs) return true;
      file.lastSeenMs = this.#table.now();
    } catch {
      // Reading it will tell why.
    }
    return false;
  }

  /** Whether the file begins like the new one, as far as the shorter of the two goes. */
  #isOpenedLike(file: TailFile, beginsLike: (handle: TailHandle, most: number) => boolean): boolean {
    let opened: TailHandle | undefined;
    try {
      const handle = file.handle ?? (file.name && (opened = this.#files.open(file.name.path)));
      const facts = handle?.facts();
      return handle !== undefined && facts !== undefined && facts.size > 0 && isSame(file.identity, facts) && beginsLike(handle, Math.min(facts.size, HEAD_BYTES));
    } catch {
      return false;
    } finally {
      opened?.close();
    }
  }

  /** Looks at this moment: what became of it may not have been noticed, when the process had no time for a while. */
  #isUnchanged(file: TailFile): boolean {
    const { handle, identity, name, read } = file;
    try {
      if (handle) {
        if (handle.facts().links > 0 && stillThere(read, handle)) return true;
      } else if (name) {
        const facts = this.#files.look(name.path);
        if (facts && isSame(identity, facts) && facts.size >= read.position) return true;
      }
    } catch {
      // Reading it will tell why.
      return true;
    }
    // Whatever its size and time say, it is looked into next.
    file.lastModifiedNs = -1n;
    if (name) name.glance = undefined;
    this.suspected(file);
    return false;
  }
}

/** Checksums of the first bytes, each made once. */
function headsOf(handle: TailHandle): (length: number) => number | undefined {
  const heads = new Map<number, number | undefined>();
  return (length) => {
    if (!heads.has(length)) heads.set(length, headOf(handle, length));
    return heads.get(length);
  };
}

function isSameFile(identity: TailFile['identity'], { identity: other }: TailFile): boolean {
  return identity.inode === other.inode && identity.device === other.device && identity.bornNs === other.bornNs;
}

function isBefore(a: TailFile, b: TailFile): boolean {
  if (a.identity.bornNs !== b.identity.bornNs) return a.identity.bornNs < b.identity.bornNs;
  return a.foundMs === b.foundMs ? a.identity.inode < b.identity.inode : a.foundMs < b.foundMs;
}

/** When a file that has no name was deleted, and whether all that it held is stored; `undefined` for one that was moved. */
function endOf(file: TailFile, nowMs: number): { readonly goneMs: number; readonly goneNs: bigint; readonly exact: boolean; readonly settled: boolean } | undefined {
  const idle = !file.queued && file.inFlight.length === 0;
  if (!file.handle) return { goneMs: file.lastSeenMs, goneNs: 0n, exact: false, settled: idle && nowMs - file.lastSeenMs > RENAME_MS };
  const { links, changedNs, size } = file.handle.facts();
  if (links > 0) return undefined;
  return { goneMs: Number(changedNs / 1_000_000n), goneNs: changedNs, exact: true, settled: idle && file.lastSize === size };
}
