/** A disk in memory for the durable channel: its n-th operation fails, its process is killed, its power is cut. */
import type { StoreFile, StoreFiles } from '../../io/store-files.ts';
import type { Entry, ScanOptions, Step, Store } from '../../channels/leveldb/store.ts';

/** What a failing write leaves behind: nothing of it, its first half, or all of it. A failing sync that leaves nothing forgets what it should have written. */
export type Aftermath = 'nothing' | 'half' | 'everything';

const BLOCK_BYTES = 4096;

/** A file as this process sees it, as the disk has it, and the changes between the two. */
interface DiskFile {
  bytes: Buffer;
  durable: Buffer;
  pending: Change[];
}

type Change = { readonly position: number; readonly bytes: Buffer } | { readonly length: number };

interface Life {
  readonly alive: boolean;
}

export class FaultyDisk {
  /** Operations so far, by name. */
  readonly operations: string[] = [];
  /** Number of the operation that fails, from 1; with `stays`, all from it on. */
  failAt = Infinity;
  stays = false;
  code = 'EIO';
  /** Says of each operation by its name whether it fails, whatever its number. */
  failing: ((name: string) => boolean) | undefined;
  aftermath: Aftermath = 'nothing';
  free = 1e12;
  /** What was done that the channel promises not to do. */
  readonly violations: string[] = [];
  readonly files = new Map<string, DiskFile>();
  /** Content of the index after each write that may be lost; the first one is on the disk. */
  index: Map<string, Buffer>[] = [new Map()];
  /** A write of the index failed, and it was not opened again since. */
  indexPoisoned = false;
  /** Names that were removed, and come back at a power cut. */
  removed: [string, DiskFile][] = [];

  /** What a process sees of the disk. A killed one does nothing any more. */
  process(): { store: Store; files: StoreFiles; kill: () => void } {
    const life = { alive: true };
    return {
      store: new MemoryStore(this, life),
      files: memoryFiles(this, life),
      kill: () => {
        life.alive = false;
      },
    };
  }

  /**
   * What was not synced is lost, or not: of a file each block of 4,096 bytes by itself, with more or fewer of the writes that touched it, in
   * any order; of the index the latest writes. `chance` answers from 0 to below 1.
   */
  cutPower(chance: () => number): void {
    for (const file of new Set(this.files.values())) tear(file, chance);
    for (const [path, file] of this.removed) if (chance() < 0.5 && !this.files.has(path)) this.files.set(path, file);
    this.removed = [];
    const kept = Math.floor(chance() * this.index.length);
    this.index = [this.index[kept] as Map<string, Buffer>];
    this.indexPoisoned = false;
  }

  /** Counts an operation; answers the error it ends with. */
  operate(name: string, life: Life): Error | undefined {
    if (!life.alive) return Object.assign(new Error('the process is dead'), { code: 'DEAD' });
    this.operations.push(name);
    const number = this.operations.length;
    const fails = (this.stays ? number >= this.failAt : number === this.failAt) || this.failing?.(name) === true;
    if (!fails) return undefined;
    return Object.assign(new Error(`${this.code}: made to fail, ${name}`), { code: this.code });
  }
}

function tear(file: DiskFile, chance: () => number): void {
  let bytes = file.durable;
  const end = Math.max(bytes.length, ...file.pending.map((change) => ('bytes' in change ? change.position + change.bytes.length : 0)));
  const counts = Array.from({ length: Math.ceil(end / BLOCK_BYTES) }, () => Math.floor(chance() * (file.pending.length + 1)));
  for (const [index, change] of file.pending.entries()) {
    if (!('bytes' in change)) {
      if (chance() < 0.5) bytes = bytes.subarray(0, change.length);
      continue;
    }
    for (const [block, count] of counts.entries()) {
      if (index >= count) continue;
      const from = Math.max(change.position, block * BLOCK_BYTES);
      const to = Math.min(change.position + change.bytes.length, (block + 1) * BLOCK_BYTES);
      if (from < to) bytes = overwritten(bytes, change.bytes.subarray(from - change.position, to - change.position), from);
    }
  }
  Object.assign(file, { bytes: Buffer.from(bytes), durable: Buffer.from(bytes), pending: [] });
}

function overwritten(bytes: Buffer, by: Buffer, position: number): Buffer {
  const next = Buffer.alloc(Math.max(bytes.length, position + by.length));
  bytes.copy(next);
  by.copy(next, position);
  return next;
}

class MemoryStore implements Store {
  readonly #disk: FaultyDisk;
  readonly #life: Life;
  #open = false;

  constructor(disk: FaultyDisk, life: Life) {
    this.#disk = disk;
    this.#life = life;
  }

  async open(): Promise<void> {
    await this.#operate('open index');
    this.#disk.indexPoisoned = false;
    this.#open = true;
  }

  async close(): Promise<void> {
    this.#open = false;
    await later();
  }

  async write(steps: readonly Step[]): Promise<void> {
    this.#mustBeOpen();
    const disk = this.#disk;
    if (disk.indexPoisoned) disk.violations.push('the index was written after a failed write, without opening it again');
    await later();
    const error = disk.operate('write index', this.#life);
    if (error) disk.indexPoisoned ||= this.#life.alive;
    if (error && (!this.#life.alive || disk.aftermath === 'nothing')) throw error;
    const next = new Map(disk.index.at(-1));
    for (const { key, value } of steps) {
      if (value) next.set(key.toString('hex'), Buffer.from(value));
      else next.delete(key.toString('hex'));
    }
    disk.index = [...disk.index.slice(-20), next];
    if (error) throw error;
  }

  async get(key: Buffer): Promise<Buffer | undefined> {
    this.#mustBeOpen();
    await this.#operate('get');
    return this.#disk.index.at(-1)?.get(key.toString('hex'));
  }

  async scan({ gte, lt, limit, reverse = false }: ScanOptions): Promise<Entry[]> {
    this.#mustBeOpen();
    await this.#operate('scan');
    const content = this.#disk.index.at(-1) ?? new Map<string, Buffer>();
    const keys = [...content.keys()].filter((key) => key >= gte.toString('hex') && key < lt.toString('hex')).sort();
    if (reverse) keys.reverse();
    return keys.slice(0, limit).map((key) => [Buffer.from(key, 'hex'), content.get(key) as Buffer]);
  }

  async #operate(name: string): Promise<void> {
    await later();
    const error = this.#disk.operate(name, this.#life);
    if (error) throw error;
  }

  #mustBeOpen(): void {
    if (!this.#open) throw new Error('the index is closed');
  }
}

function memoryFiles(disk: FaultyDisk, life: Life): StoreFiles {
  const operate = async (name: string): Promise<void> => {
    await later();
    const error = disk.operate(name, life);
    if (error) throw error;
  };
  const make = (path: string, bytes: Buffer): DiskFile => {
    const file = { bytes, durable: Buffer.from(bytes), pending: [] };
    disk.files.set(path, file);
    return file;
  };
  return {
    ...memoryNames(disk, operate),
    read: async (path) => {
      await operate('read');
      return disk.files.get(path)?.bytes;
    },
    replace: async (path, bytes) => {
      await operate('replace');
      make(path, Buffer.from(bytes));
    },
    freeBytes: async () => {
      await operate('free bytes');
      return disk.free;
    },
    openSlots: async (path, length) => {
      await operate('open slots');
      return openFile(disk, path, disk.files.get(path) ?? make(path, Buffer.alloc(length)), life, 'guard');
    },
    open: async (path) => {
      await operate('open file');
      const file = disk.files.get(path);
      if (!file) throw Object.assign(new Error(`no such file, ${path}`), { code: 'ENOENT' });
      return openFile(disk, path, file, life, 'file');
    },
    create: async (path, length) => {
      await operate('create');
      if (disk.files.has(path)) throw Object.assign(new Error(`there already, ${path}`), { code: 'EEXIST' });
      if (disk.free < length) throw Object.assign(new Error('ENOSPC: no room'), { code: 'ENOSPC' });
      return openFile(disk, path, make(path, Buffer.alloc(length)), life, 'file');
    },
    reserve: () => operate('reserve'),
  };
}

type Names = Pick<StoreFiles, 'makeDirectory' | 'list' | 'linkAll' | 'rename' | 'remove'>;

function memoryNames(disk: FaultyDisk, operate: (name: string) => Promise<void>): Names {
  const under = (path: string): string[] => [...disk.files.keys()].filter((name) => name === path || name.startsWith(`${path}/`));
  let inodes = 0n;
  return {
    makeDirectory: async () => {
      await operate('make directory');
      return { device: 0n, inode: process.hrtime.bigint() + ++inodes };
    },
    list: async (path) => {
      await operate('list');
      return [...new Set(under(path).map((name) => name.slice(path.length + 1).split('/')[0] as string))];
    },
    linkAll: async (from, names, to) => {
      await operate('link');
      for (const name of names) {
        const file = disk.files.get(`${from}/${name}`);
        if (file && !disk.files.has(`${to}/${name}`)) disk.files.set(`${to}/${name}`, file);
      }
    },
    rename: async (from, to) => {
      await operate('rename');
      for (const name of under(from)) {
        disk.files.set(to + name.slice(from.length), disk.files.get(name) as DiskFile);
        disk.files.delete(name);
      }
    },
    remove: async (path) => {
      await operate('remove');
      for (const name of under(path)) {
        disk.removed.push([name, disk.files.get(name) as DiskFile]);
        disk.files.delete(name);
      }
    },
  };
}

function openFile(disk: FaultyDisk, path: string, file: DiskFile, life: Life, kind: string): StoreFile {
  /** A write or sync failed, and the file was not opened again since. */
  let poisoned = false;
  const operate = async (name: string): Promise<void> => {
    await later();
    const error = disk.operate(`${name} ${kind}`, life);
    if (error) throw error;
  };
  const change = async (what: string, changed: Change, half?: Change): Promise<void> => {
    if (poisoned && life.alive && kind !== 'guard') disk.violations.push(`${path} was changed after a failed write, without opening it again`);
    await later();
    const error = disk.operate(`${what} ${kind}`, life);
    poisoned ||= error !== undefined && life.alive;
    const made = !error ? changed : life.alive && disk.aftermath === 'everything' ? changed : disk.aftermath === 'half' ? half : undefined;
    if (made && life.alive) {
      file.bytes = 'bytes' in made ? overwritten(file.bytes, made.bytes, made.position) : Buffer.from(file.bytes.subarray(0, made.length));
      file.pending.push(made);
    }
    if (error) throw error;
  };
  return {
    path,
    facts: async () => {
      await operate('stat');
      return { length: file.bytes.length, names: [...disk.files.values()].filter((one) => one === file).length };
    },
    read: async (position, length) => {
      await operate('read');
      return Buffer.from(file.bytes.subarray(position, position + length));
    },
    write: (bytes, position) => {
      const copy = Buffer.from(bytes);
      return change('write', { position, bytes: copy }, { position, bytes: copy.subarray(0, copy.length >> 1) });
    },
    truncate: (length) => change('truncate', { length }),
    sync: async () => {
      if (poisoned && life.alive && kind !== 'guard') disk.violations.push(`${path} was synced after a failed write, without opening it again`);
      await later();
      const error = disk.operate(`sync ${kind}`, life);
      if (!error) {
        file.durable = Buffer.from(file.bytes);
        file.pending = [];
        return;
      }
      poisoned ||= life.alive;
      // As Linux does it: what could not be written counts as written from then on.
      if (life.alive && disk.aftermath === 'nothing') file.pending = [];
      throw error;
    },
    close: () => later(),
  };
}

/** Lets everything else that waits have its turn. */
function later(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
