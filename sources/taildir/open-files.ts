import type { Context } from '../../core/component.ts';
import { describeError } from '../../core/errors.ts';
import { descriptorLimit } from '../../io/descriptors.ts';
import type { TailFiles, TailHandle } from '../../io/tail-files.ts';
import type { TailName } from './names.ts';
import { isSame, type TailFile } from './tail-file.ts';

/** Descriptors that a source keeps open: enough for what is busy, and what others need stays free. */
export function handleLimit(): number {
  return Math.max(8, Math.min(1000, Math.floor(descriptorLimit() / 3)));
}

export interface OpenRules {
  readonly mostHandles: number;
  /** Files must lie in the directory that they were found in, links followed. */
  readonly confined: boolean;
  /** Whether this process writes to the file itself. */
  isOwn(device: bigint, inode: bigint): boolean;
}

/** The files that are open, those used last at the end. A file is closed to make room only when it was read to its end. */
export class OpenFiles {
  readonly #context: Context;
  readonly #files: TailFiles;
  readonly #rules: OpenRules;
  readonly #open = new Set<TailFile>();

  constructor(context: Context, files: TailFiles, rules: OpenRules) {
    this.#context = context;
    this.#files = files;
    this.#rules = rules;
  }

  /** Opens a file by a name; `moved` where the name leads to another file by now. What stands in the way is told. */
  open(file: TailFile, name: TailName): { readonly handle?: TailHandle; readonly moved: boolean } {
    this.#makeRoom();
    let handle: TailHandle | undefined;
    try {
      handle = this.#files.open(name.path);
      const facts = handle.facts();
      if (!facts.isFile || !isSame(file.identity, facts)) {
        handle.close();
        return { moved: true };
      }
      const refused = this.#refusal(handle, name, facts.device, facts.inode);
      if (refused === undefined) {
        this.add(file, handle);
        return { handle, moved: false };
      }
      handle.close();
      file.refused = refused;
      this.#context.count('FileRefusedCount', 1);
      this.#context.log.warn(`file is refused: ${refused}`, { path: name.text });
    } catch (error) {
      handle?.close();
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ESTALE') return { moved: true };
      if (code === 'EMFILE' || code === 'ENFILE') this.#closeOldest(8);
      this.#context.count('EventReadFail', 1);
      this.#context.log.warn('file cannot be opened; it is tried again', { path: name.text, position: file.read.position, reason: describeError(error) });
    }
    return { moved: false };
  }

  add(file: TailFile, handle: TailHandle): void {
    file.handle = handle;
    this.#open.add(file);
    this.#context.count('FileOpenCount', 1);
  }

  touch(file: TailFile): void {
    if (!this.#open.delete(file)) return;
    this.#open.add(file);
  }

  /** Closes what had nothing new for a while, and forgets what was closed by others. */
  closeIdle(idleTimeoutMs: number, nowMs: number): void {
    for (const file of this.#open) {
      if (file.handle && (!isQuiet(file) || nowMs - file.lastReadMs < idleTimeoutMs)) continue;
      this.#close(file);
    }
  }

  closeAll(): void {
    for (const file of this.#open) this.#close(file);
  }

  #close(file: TailFile): void {
    file.closeHandle();
    this.#open.delete(file);
    this.#context.count('FileOpenCount', -1);
  }

  #makeRoom(): void {
    if (this.#open.size >= this.#rules.mostHandles) this.#closeOldest(this.#open.size - this.#rules.mostHandles + 1);
  }

  #closeOldest(count: number): void {
    let left = count;
    for (const file of this.#open) {
      if (left <= 0) return;
      if (file.handle && !isQuiet(file)) continue;
      this.#close(file);
      left--;
    }
  }

  #refusal(handle: TailHandle, name: TailName, device: bigint, inode: bigint): string | undefined {
    if (this.#rules.isOwn(device, inode)) return 'this agent itself writes to it';
    if (!this.#rules.confined) return undefined;
    const path = handle.path();
    const { real } = name.directory;
    if (path === undefined || real === undefined) return undefined;
    const base = real === '/' ? '/' : `${real}/`;
    return path.startsWith(base) ? undefined : `a link leads to ${path}, out of its directory (see linksOutside)`;
  }
}

/** Nothing of it is unread or under way, and a name leads to it, so that it can be opened again. */
function isQuiet(file: TailFile): boolean {
  return file.names.size > 0 && !file.queued && file.inFlight.length === 0 && file.heldSinceMs === 0;
}
