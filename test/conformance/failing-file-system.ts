/** A file system whose n-th operation fails, in the way that is asked for. */
import { fileSystem, type FileSystem, type OutputFile } from '../../io/file-system.ts';

export type Fault = 'ENOSPC' | 'EIO' | 'short' | 'short, then ENOSPC';

export class FailingFileSystem implements FileSystem {
  /** Operations so far, by name. */
  readonly operations: string[] = [];
  /** Number of the operation that fails, from 1; with `stays`, all from it on. */
  failAt = Infinity;
  stays = false;
  fault: Fault = 'ENOSPC';
  /** Names of operations that fail whatever their number. */
  readonly broken = new Set<string>();
  open = 0;
  #shortened = false;

  async create(path: string, mode: number): Promise<OutputFile> {
    this.#operate('create');
    const file = await fileSystem.create(path, mode);
    this.open++;
    return {
      path: file.path,
      identity: file.identity,
      isLinked: () => file.isLinked(),
      write: (bytes, position) => this.#write(file, bytes, position),
      truncate: async (length) => {
        this.#operate('truncate');
        await file.truncate(length);
      },
      sync: async () => {
        this.#operate('sync');
        await file.sync();
      },
      close: async () => {
        // A descriptor is closed even where close reports an error.
        await file.close();
        this.open--;
        this.#operate('close');
      },
    };
  }

  async identify(path: string): ReturnType<FileSystem['identify']> {
    return fileSystem.identify(path);
  }

  async isDirectory(path: string): Promise<boolean> {
    return fileSystem.isDirectory(path);
  }

  async remove(path: string): Promise<void> {
    this.#operate('remove');
    await fileSystem.remove(path);
  }

  async #write(file: OutputFile, bytes: Buffer, position: number): Promise<number> {
    const fails = this.#fails('write');
    if (this.#shortened && this.fault === 'short, then ENOSPC') {
      this.#shortened = false;
      throw systemError('ENOSPC', 'write');
    }
    if (!fails) return file.write(bytes, position);
    if (this.fault === 'ENOSPC' || this.fault === 'EIO') throw systemError(this.fault, 'write');
    this.#shortened = true;
    return file.write(bytes.subarray(0, Math.ceil(bytes.length / 2)), position);
  }

  #operate(name: string): void {
    if (this.#fails(name)) throw systemError(this.fault === 'EIO' ? 'EIO' : 'ENOSPC', name);
  }

  #fails(name: string): boolean {
    this.operations.push(name);
    const number = this.operations.length;
    return this.broken.has(name) || (this.stays ? number >= this.failAt : number === this.failAt);
  }
}

function systemError(code: string, call: string): Error {
  return Object.assign(new Error(`${code}: made to fail, ${call}`), { code, syscall: call });
}
