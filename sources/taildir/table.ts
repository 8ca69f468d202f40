import type { FileFacts, TailFiles } from '../../io/tail-files.ts';
import type { Mark } from './marks.ts';
import type { Directory, TailName } from './names.ts';
import { keyOf, sameBirth, TailFile, type Identity } from './tail-file.ts';

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

/** Which names lead to which files. */
export class FileTable {
  readonly directories: readonly Directory[];
  readonly #files: TailFiles;
  readonly #byKey = new Map<string, TailFile>();
  /** Files that no name leads to any more. */
  readonly nameless = new Set<TailFile>();
  #departed: Departed[] = [];
  /** Some files were read before, by a process that has ended. */
  hasResumed = false;
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
}
