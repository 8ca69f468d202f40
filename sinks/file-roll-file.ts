import type { Batch } from '../core/batch.ts';
import type { Serializer } from '../core/component.ts';
import { AgentError } from '../core/errors.ts';
import { sameFile, writeAll, type FileSystem, type OutputFile } from '../io/file-system.ts';
import type { FileNames } from './file-roll-names.ts';

const FILE_MODE = 0o640;
/** Names tried one after another while they are taken. */
const MOST_NAMES = 10_000;

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
  sync: boolean,
): Promise<RolledFile> {
  const output = await create(files, names, directory);
  const file = new RolledFile(files, output, serializer, sync);
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
  readonly #sync: boolean;
  #length = 0;
  #usable = true;

  constructor(files: FileSystem, output: OutputFile, serializer: Serializer, sync: boolean) {
    this.#files = files;
    this.#output = output;
    this.#serializer = serializer;
    this.#sync = sync;
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
   * Resolves when all of the batch is written and the file is still found under its path. After an error the file is as it was before,
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
    // Looked up beside the write: what is removed right after a write counts as removed by its owner, who wanted it so.
    const [written, found] = await Promise.allSettled([this.#writeAll(bytes), this.#files.identify(this.path)]);
    const gone = found.status === 'fulfilled' && !sameFile(found.value, this.#output.identity);
    if (written.status === 'fulfilled' && !gone) {
      this.#length += bytes.length;
      return;
    }
    await this.#cut();
    if (gone) {
      this.#usable = false;
      throw new FileGoneError(this.path);
    }
    const reason = written.status === 'rejected' ? written.reason : undefined;
    throw new AgentError('M131', `cannot write ${bytes.length} bytes to ${this.path}`, { cause: reason });
  }

  async #writeAll(bytes: Buffer): Promise<void> {
    await writeAll(this.#output, bytes, this.#length);
    if (this.#sync) await this.#output.sync();
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
