import type { FileFacts, TailFiles, TailHandle } from '../../io/tail-files.ts';
import { HEAD_BYTES, stillThere, type Mark } from './marks.ts';
import type { Directory, TailName } from './names.ts';
import { isSame, keyOf, sameBirth, TailFile, type Identity } from './tail-file.ts';

/** What a file held that is no longer followed, or was emptied: for those that begin with the same bytes, and for itself should it come back. */
export interface Departed {
  readonly identity: Identity;
  readonly mark: Mark;
  /** When it was deleted, or until when it is known to have been there. */
  readonly goneMs: number;
  /** Whether `goneMs` is the very moment, or one after it. */
  readonly exact: boolean;
  /** The file is there, and holds something else. */
  readonly emptied: boolean;
  readonly path: string;
}

const MOST_DEPARTED = 500;

/** Content that a new file may begin with because it is a copy: how much of it was read, and whether that is over. */
export interface Candidate {
  readonly mark: Mark;
  readonly path: string;
  /** `alive`: the file is there and unchanged; should it be emptied, the new one was made to keep what it held. */
  readonly state: 'alive' | 'ended' | 'unsettled';
  /** To compare the bytes themselves, where the other file still has them. */
  readonly handle?: TailHandle | undefined;
}


/** Which names lead to which files. */
export class FileTable {
  readonly directories: readonly Directory[];
  readonly #files: TailFiles;
  readonly #byKey = new Map<string, TailFile>();
  /** Files that no name leads to any more. */
  readonly nameless = new Set<TailFile>();
  #departed: Departed[] = [];
  readonly now: () => number;

  constructor(files: TailFiles, directories: readonly Directory[], now: () => number) {
    this.#files = files;
    this.directories = directories;
    this.now = now;
  }

  get all(): Iterable<TailFile> {
    return this.#byKey.values();
  }

  get size(): number {
    return this.#byKey.size;
  }

  get nameCount(): number {
    let count = 0;
    for (const { names } of this.directories) count += names.size;
    return count;
  }

  get departed(): readonly Departed[] {
    return this.#departed;
  }

  /** Looks where a name leads to now. `undefined`: to nothing that can be followed. */
  look(name: TailName): { readonly file: TailFile; readonly facts: FileFacts; readonly isNew: boolean } | undefined {
    const current = name.directory.names.get(name.bytes);
    // The name was gone for a while, and came back.
    if (current && current !== name) return this.look(current);
    const facts = this.#files.look(name.path);
    const before = name.file;
    if (!facts || !facts.isFile) {
      if (before) this.detach(name);
      name.directory.names.delete(name.bytes);
      return undefined;
    }
    const nowMs = this.now();
    if (before && before.identity.inode === facts.inode && before.identity.device === facts.device && sameBirth(before.identity.bornNs, facts.bornNs)) {
      before.lastSeenMs = nowMs;
      return { file: before, facts, isNew: false };
    }
    if (before) this.detach(name);
    name.directory.names.set(name.bytes, name);
    const known = this.#byKey.get(keyOf(facts));
    if (known && sameBirth(known.identity.bornNs, facts.bornNs)) {
      known.attach(name);
      known.lastSeenMs = nowMs;
      this.nameless.delete(known);
      return { file: known, facts, isNew: false };
    }
    // Its number belongs to another file now.
    if (known) this.depart(known, known.lastSeenMs, false);
    const file = new TailFile({ device: facts.device, inode: facts.inode, bornNs: facts.bornNs }, nowMs);
    file.attach(name);
    this.#byKey.set(file.key, file);
    return { file, facts, isNew: true };
  }

  /** A file that no name leads to, still open or found elsewhere. */
  addNameless(file: TailFile): void {
    this.#byKey.set(file.key, file);
    this.nameless.add(file);
  }

  detach(name: TailName): void {
    const { file } = name;
    if (file?.detach(name)) this.nameless.add(file);
  }

  /** Follows the file no longer. */
  depart(file: TailFile, goneMs: number, exact: boolean): void {
    file.closeHandle();
    for (const name of file.names) file.detach(name);
    this.nameless.delete(file);
    if (this.#byKey.get(file.key) === file) this.#byKey.delete(file.key);
    if (file.stored.position > 0) this.addDeparted({ identity: file.identity, mark: file.stored, goneMs, exact, emptied: false, path: file.shownPath });
  }

  /** The file is about to begin anew. */
  emptied(file: TailFile): Departed | undefined {
    if (file.read.position === 0) return undefined;
    const departed: Departed = { identity: file.identity, mark: file.read, goneMs: this.now(), exact: true, emptied: true, path: file.shownPath };
    this.addDeparted(departed);
    return departed;
  }

  addDeparted(departed: Departed): void {
    this.#departed.push(departed);
    if (this.#departed.length > MOST_DEPARTED) this.#departed = this.#departed.slice(-MOST_DEPARTED);
  }

  /** The record of a file that comes back under its own identity. */
  takeDeparted({ device, inode, bornNs }: Identity): Departed | undefined {
    const at = this.#departed.findLastIndex(({ identity, emptied }) => !emptied && identity.inode === inode && identity.device === device && identity.bornNs === bornNs && bornNs !== 0n);
    return at < 0 ? undefined : this.#departed.splice(at, 1)[0];
  }

  /** Files whose content the new one may have been made of. `headOf` answers the checksum of its first bytes. */
  candidates(file: TailFile, headOf: (length: number) => number | undefined): Candidate[] {
    const bornMs = Number(file.identity.bornNs / 1_000_000n);
    const heads = new Map<number, number | undefined>();
    const sameHead = (mark: Mark): boolean => {
      const length = Math.min(mark.position, HEAD_BYTES);
      if (length === 0) return false;
      if (!heads.has(length)) heads.set(length, headOf(length));
      return heads.get(length) === mark.head;
    };
    const found: Candidate[] = [];
    for (const { mark, goneMs, exact, path } of this.#departed) {
      // What was made after the other one had gone is no copy of it; where the moment is not known, much must be the same.
      const may = exact ? bornMs <= goneMs : bornMs <= goneMs || mark.position >= HEAD_BYTES;
      if (may && sameHead(mark)) found.push({ mark, path, state: 'ended' });
    }
    // One that was there when the source started was made before anything was read.
    if (file.wasThere) return found;
    for (const other of this.#byKey.values()) {
      if (other === file || (bornMs !== 0 && bornMs + CLOCK_TICK_MS < other.foundMs && other.names.size > 0)) continue;
      if (other.refused !== undefined || !sameHead(other.read)) continue;
      const end = this.nameless.has(other) ? endOf(other, this.now()) : undefined;
      if (end) {
        const may = end.exact ? bornMs <= end.goneMs : bornMs <= end.goneMs || other.read.position >= HEAD_BYTES;
        if (may) found.push({ mark: other.read, path: other.shownPath, state: end.settled ? 'ended' : 'unsettled', handle: other.handle });
        // One that was moved away from where the new file is now was not copied.
      } else if (other.leftPath !== file.shownPath) {
        found.push({ mark: other.read, path: other.shownPath, state: other.inFlight.length > 0 || other.shrunkSinceMs > 0 || !this.#isUnchanged(other) ? 'unsettled' : 'alive', handle: other.handle });
      }
    }
    return found;
  }

  /** Looks at this moment: what became of it may not have been noticed, when the process had no time for a while. */
  #isUnchanged(file: TailFile): boolean {
    const { handle, identity, name, read } = file;
    try {
      if (handle ? handle.facts().links > 0 && stillThere(read, handle) : name && this.#isAsLong(name, identity, read.position)) return true;
    } catch {
      // Reading it will tell why.
      return true;
    }
    // Whatever its size and time say, it is looked into next.
    file.lastModifiedNs = -1n;
    if (name) name.glance = undefined;
    return false;
  }

  #isAsLong({ path }: TailName, identity: Identity, size: number): boolean {
    const facts = this.#files.look(path);
    return facts !== undefined && isSame(identity, facts) && facts.size >= size;
  }
}

/** A name that is looked for may turn up again within this time. */
const RENAME_MS = 2000;

/** When a file that has no name was deleted, and whether all that it held is stored; `undefined` for one that was moved. */
function endOf(file: TailFile, nowMs: number): { readonly goneMs: number; readonly exact: boolean; readonly settled: boolean } | undefined {
  const idle = !file.queued && file.inFlight.length === 0;
  if (!file.handle) return { goneMs: file.lastSeenMs, exact: false, settled: idle && nowMs - file.lastSeenMs > RENAME_MS };
  const { links, changedMs, size } = file.handle.facts();
  if (links > 0) return undefined;
  return { goneMs: changedMs, exact: true, settled: idle && file.lastSize === size };
}

/** Times of files are taken from a clock that stands still for some milliseconds. */
const CLOCK_TICK_MS = 20;
