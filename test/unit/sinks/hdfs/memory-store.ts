import { StoreError, type FileStore, type Outcome } from '../../../../sinks/hdfs/file-store.ts';

type Operation = 'create' | 'append' | 'length' | 'cut' | 'rename' | 'remove';

/** What happens to a call: it fails with the outcome, and of a write so many bytes arrive all the same. */
export interface Fault {
  readonly outcome: Outcome;
  readonly arrives?: number;
}

/** Files in memory, with faults to order. */
export class MemoryStore implements FileStore {
  readonly address = 'memory';
  readonly allowed = (path: string): string => path;
  readonly files = new Map<string, Buffer>();
  readonly calls: string[] = [];
  /** Asked before each call. */
  fault: (operation: Operation, path: string) => Fault | undefined = () => undefined;
  /** Awaited before each write. */
  pace: (path: string, signal: AbortSignal) => Promise<void> = () => Promise.resolve();
  closed = false;

  async create(path: string, bytes: Buffer, signal: AbortSignal): Promise<void> {
    await this.pace(path, signal);
    if (this.files.has(path)) throw new StoreError('exists', `${path} exists`);
    this.#write('create', path, Buffer.alloc(0), bytes);
  }

  async append(path: string, length: number, bytes: Buffer, signal: AbortSignal): Promise<void> {
    await this.pace(path, signal);
    const there = this.files.get(path);
    if (!there) throw new StoreError('gone', `${path} is gone`);
    if (there.length !== length) throw new Error(`${path} has ${there.length} bytes, not ${length}`);
    this.#write('append', path, there, bytes);
  }

  async length(path: string): Promise<number | undefined> {
    this.#check('length', path);
    return this.files.get(path)?.length;
  }

  async head(path: string, most: number): Promise<Buffer> {
    return this.files.get(path)?.subarray(0, most) ?? Buffer.alloc(0);
  }

  async cut(path: string, length: number): Promise<boolean> {
    this.#check('cut', path);
    const there = this.files.get(path);
    if (!there) throw new StoreError('gone', `${path} is gone`);
    this.files.set(path, there.subarray(0, length));
    return true;
  }

  async rename(from: string, to: string): Promise<boolean> {
    this.#check('rename', from);
    if (this.files.has(to)) return !this.files.has(from);
    const bytes = this.files.get(from);
    if (!bytes) throw new StoreError('gone', `${from} is gone`);
    this.files.delete(from);
    this.files.set(to, bytes);
    return true;
  }

  async remove(path: string): Promise<void> {
    this.#check('remove', path);
    this.files.delete(path);
  }

  close(): void {
    this.closed = true;
  }

  get names(): string[] {
    return [...this.files.keys()].sort();
  }

  /** All lines of all files, in the order of their names. */
  get lines(): string[] {
    return this.names.flatMap((name) => (this.files.get(name) ?? Buffer.alloc(0)).toString().split('\n').slice(0, -1));
  }

  #write(operation: 'create' | 'append', path: string, there: Buffer, bytes: Buffer): void {
    this.calls.push(`${operation} ${path}`);
    const fault = this.fault(operation, path);
    const arrives = fault ? (fault.arrives ?? 0) : bytes.length;
    if (!fault || arrives > 0) this.files.set(path, Buffer.concat([there, bytes.subarray(0, arrives)]));
    if (fault) throw new StoreError(fault.outcome, `${operation} ${path}: ordered to fail`);
  }

  #check(operation: Operation, path: string): void {
    this.calls.push(`${operation} ${path}`);
    const fault = this.fault(operation, path);
    if (fault) throw new StoreError(fault.outcome, `${operation} ${path}: ordered to fail`);
  }
}
