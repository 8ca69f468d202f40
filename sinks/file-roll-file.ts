import type { Batch } from '../core/batch.ts';
import type { Serializer } from '../core/component.ts';
import { AgentError } from '../core/errors.ts';
import { sameFile, writeAll, type FileSystem, type OutputFile } from '../io/file-system.ts';
import type { FileNames } from './file-roll-names.ts';

const FILE_MODE = 0o640;
/** Names tried one after another while they are taken. */
const MOST_NAMES = 10_000;

export interface FileOptions {
  /** Each batch is on the disk before it counts as written. */
  readonly sync: boolean;
  /** Milliseconds between looks whether the path still leads to the file. */
  readonly lookEveryMs: number;
}

/** The file is no longer where it was written to: removed, renamed, or its directory was. */
export class FileGoneError extends AgentError {
  constructor(path: string) {
    super('M130', `${path} is not there any more: it, or a directory above it, was removed or replaced while the sink wrote to it`);
  }
}

/**
 * Makes the next file whose name is free and writes what stands in front of the first event. Throws an error that names the directory
 * where that is missing.
 */
export async function createNext(
  files: FileSystem,
  names: FileNames,
  directory: string,
  serializer: Serializer,
  options: FileOptions,
): Promise<RolledFile> {
  const output = await create(files, names, directory);
  const file = new RolledFile(files, output, serializer, options);
  try {
    await file.begin();
    return file;
  } catch (error) {
    await file.abandon();
    // It holds no event, and each further attempt would leave another one like it.
    await files.remove(file.path).catch(() => undefined);
    throw error;
  }
}

/** One file from its first byte to its last. Not for overlapping calls. */
export class RolledFile {
  readonly #files: FileSystem;
  readonly #output: OutputFile;
  readonly #serializer: Serializer;
  readonly #options: FileOptions;
  #lookedMs = performance.now();
  #length = 0;
  #usable = true;

  constructor(files: FileSystem, output: OutputFile, serializer: Serializer, options: FileOptions) {
    this.#files = files;
    this.#output = output;
    this.#serializer = serializer;
    this.#options = options;
  }

  get path(): string {
    return this.#output.path;
  }

  /** Bytes of what was written whole. */
  get length(): number {
    return this.#length;
  }

  /** False once the file holds, or may hold, more than it should, or cannot be found any more. */
  get usable(): boolean {
    return this.#usable;
  }

  async begin(): Promise<void> {
    await this.#append(this.#serializer.begin());
  }

  /**
   * Resolves when all of the batch is written and the file was not deleted meanwhile. After an error the file is as it was before,
   * or not `usable`.
   */
  async append(batch: Batch, reject: (index: number, reason: string) => void): Promise<void> {
    const bytes = await this.#serializer.encode(batch, reject);
    try {
      await this.#append(bytes);
    } catch (error) {
      this.#serializer.undo?.();
      throw error;
    }
  }

  /** Writes what stands behind the last event and closes the file. */
  async finish(): Promise<void> {
    try {
      const bytes = this.#serializer.end();
      if (bytes.length > 0) await this.#append(bytes);
    } finally {
      await this.#output.close();
    }
  }

  /** Closes without another byte. */
  async abandon(): Promise<void> {
    this.#usable = false;
    await this.#output.close().catch(() => undefined);
  }

  async #append(bytes: Buffer): Promise<void> {
    if (bytes.length === 0) return;
    let failure: unknown;
    try {
      await this.#writeAll(bytes);
    } catch (error) {
      failure = error;
    }
    const gone = await this.#isGone();
    if (failure === undefined && !gone) {
      this.#length += bytes.length;
      return;
    }
    await this.#cut();
    if (gone) {
      this.#usable = false;
      throw new FileGoneError(this.path);
    }
    throw new AgentError('M131', `cannot write ${bytes.length} bytes to ${this.path}`, { cause: failure });
  }

  async #writeAll(bytes: Buffer): Promise<void> {
    await writeAll(this.#output, bytes, this.#length);
    if (this.#options.sync) await this.#output.sync();
  }

  /** Deleted is seen at once; moved, with the file or a directory above it, when it is time to look: nothing is lost meanwhile. */
  async #isGone(): Promise<boolean> {
    if (!this.#output.isLinked()) return true;
    const now = performance.now();
    if (now - this.#lookedMs < this.#options.lookEveryMs) return false;
    this.#lookedMs = now;
    try {
      return !sameFile(await this.#files.identify(this.path), this.#output.identity);
    } catch {
      return false;
    }
  }

  /** Back to the last good length. */
  async #cut(): Promise<void> {
    try {
      await this.#output.truncate(this.#length);
    } catch {
      this.#usable = false;
    }
  }
}

async function create(files: FileSystem, names: FileNames, directory: string): Promise<OutputFile> {
  for (let tries = 0; tries < MOST_NAMES; tries++) {
    const path = names.next(Date.now());
    try {
      return await files.create(path, FILE_MODE);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EEXIST') continue;
      const missing = (code === 'ENOENT' || code === 'ENOTDIR') && !(await files.isDirectory(directory).catch(() => true));
      const hint = missing ? `: the directory ${directory} is not there; create it, the sink does not` : '';
      throw new AgentError('M132', `cannot create ${path}${hint}`, { cause: error });
    }
  }
  throw new AgentError('M132', `cannot create a file in ${directory}: ${MOST_NAMES} names were taken`);
}
