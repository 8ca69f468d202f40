/** A disk in memory for the durable channel: its n-th operation fails, its process is killed, its power is cut. */
import type { StoreFiles, SlotFile } from '../../io/store-files.ts';
import type { Entry, ScanOptions, Step, Store } from '../../channels/leveldb/store.ts';

/** What a failing write leaves behind: nothing of it, or all of it. */
export type Aftermath = 'nothing' | 'everything';

export class FaultyDisk {
  /** Operations so far, by name. */
  readonly operations: string[] = [];
  /** Number of the operation that fails, from 1; with `stays`, all from it on. */
  failAt = Infinity;
  stays = false;
  code = 'EIO';
  aftermath: Aftermath = 'nothing';
  free = 1e12;
  /** What was done that the channel promises not to do. */
  readonly violations: string[] = [];
  readonly store = new Map<string, Buffer>();
  readonly files = new Map<string, Buffer>();
  /** Changes that a power cut may undo, oldest first. */
  unsynced: { undo: () => void; file?: string }[] = [];
  /** A write failed, and the store was not opened again since. */
  poisoned = false;
  #processes = 0;

  /** What a process sees of the disk. A killed one does nothing any more. */
  process(): { store: Store; files: StoreFiles; kill: () => void } {
    const life = { alive: true, number: ++this.#processes };
    return {
      store: new MemoryStore(this, life),
      files: memoryFiles(this, life),
      kill: () => {
        life.alive = false;
      },
    };
  }

  /** Undoes what was not synced: of the store the latest writes, of other files any. `keep` answers from 0 to below 1. */
  cutPower(keep: () => number): void {
    const stores = this.unsynced.filter(({ file }) => file === undefined);
    const kept = Math.floor(keep() * (stores.length + 1));
    const lost = new Set(stores.slice(kept));
    for (const change of this.unsynced) if (change.file !== undefined && keep() < 0.5) lost.add(change);
    for (const change of [...this.unsynced].reverse()) if (lost.has(change)) change.undo();
    this.unsynced = [];
    this.poisoned = false;
  }

  /** Counts an operation; answers the error it ends with. */
  operate(name: string, life: { alive: boolean }): Error | undefined {
    if (!life.alive) return Object.assign(new Error('the process is dead'), { code: 'DEAD' });
    this.operations.push(name);
    const number = this.operations.length;
    if (this.stays ? number < this.failAt : number !== this.failAt) return undefined;
    return Object.assign(new Error(`${this.code}: made to fail, ${name}`), { code: this.code });
  }

  change<K>(map: Map<K, Buffer>, key: K, value: Buffer | undefined, file?: string): void {
    const before = map.get(key);
    if (value) map.set(key, value);
    else map.delete(key);
    this.unsynced.push({
      undo: () => {
        if (before) map.set(key, before);
        else map.delete(key);
      },
      ...(file !== undefined && { file }),
    });
  }

  synced(file?: string): void {
    this.unsynced = this.unsynced.filter((change) => change.file !== file);
  }
}

interface Life {
  readonly alive: boolean;
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
    await this.#operate('open');
    this.#disk.poisoned = false;
    this.#open = true;
  }

  async close(): Promise<void> {
    this.#open = false;
    await later();
  }

  async write(steps: readonly Step[], sync: boolean): Promise<void> {
    this.#mustBeOpen();
    if (this.#disk.poisoned) this.#disk.violations.push('written after a failed write, without opening the store again');
    await later();
    const error = this.#disk.operate('write', this.#life);
    if (error && (!this.#life.alive || this.#disk.aftermath === 'nothing')) {
      if (this.#life.alive) this.#disk.poisoned = true;
      throw error;
    }
    // One change, because LevelDB's writes are whole or not there.
    const before = new Map(this.#disk.store);
    for (const { key, value } of steps) {
      if (value) this.#disk.store.set(key.toString('hex'), value);
      else this.#disk.store.delete(key.toString('hex'));
    }
    this.#disk.unsynced.push({
      undo: () => {
        this.#disk.store.clear();
        for (const [key, value] of before) this.#disk.store.set(key, value);
      },
    });
    if (error) {
      this.#disk.poisoned = true;
      throw error;
    }
    if (!sync) return;
    const failed = this.#disk.operate('sync', this.#life);
    if (failed) {
      this.#disk.poisoned = true;
      throw failed;
    }
    this.#disk.synced();
  }

  async get(key: Buffer): Promise<Buffer | undefined> {
    this.#mustBeOpen();
    await this.#operate('get');
    return this.#disk.store.get(key.toString('hex'));
  }

  async scan({ gte, lt, limit, mostBytes = Infinity, reverse = false }: ScanOptions): Promise<Entry[]> {
    this.#mustBeOpen();
    await this.#operate('scan');
    const keys = [...this.#disk.store.keys()].filter((key) => key >= gte.toString('hex') && key < lt.toString('hex')).sort();
    if (reverse) keys.reverse();
    const found: Entry[] = [];
    let bytes = 0;
    for (const key of keys) {
      if (found.length === limit || bytes >= mostBytes) break;
      const value = this.#disk.store.get(key) as Buffer;
      found.push([Buffer.from(key, 'hex'), value]);
      bytes += value.length;
    }
    return found;
  }

  async compact(): Promise<void> {
    await this.#operate('compact');
  }

  async repair(): Promise<void> {
    await this.#operate('repair');
  }

  async #operate(name: string): Promise<void> {
    await later();
    const error = this.#disk.operate(name, this.#life);
    if (error) throw error;
  }

  #mustBeOpen(): void {
    if (!this.#open) throw new Error('the store is closed');
  }
}

function memoryFiles(disk: FaultyDisk, life: Life): StoreFiles {
  const operate = async (name: string): Promise<void> => {
    await later();
    const error = disk.operate(name, life);
    if (error) throw error;
  };
  let inodes = 0n;
  return {
    makeDirectory: async () => {
      await operate('make directory');
      return { device: 0n, inode: process.hrtime.bigint() + ++inodes };
    },
    list: async (path) => {
      await operate('list');
      return [...disk.files.keys()].filter((name) => name.startsWith(`${path}/`)).map((name) => name.slice(path.length + 1));
    },
    read: async (path) => {
      await operate('read');
      return disk.files.get(path);
    },
    replace: async (path, bytes) => {
      await operate('replace');
      disk.files.set(path, bytes);
    },
    linkAll: () => operate('link'),
    rename: () => operate('rename'),
    remove: () => operate('remove'),
    freeBytes: async () => {
      await operate('free bytes');
      return disk.free;
    },
    openSlots: async (path, length) => {
      await operate('open slots');
      if (!disk.files.has(path)) disk.files.set(path, Buffer.alloc(length));
      return slotFile(disk, path, operate);
    },
    reserve: () => operate('reserve'),
  };
}

function slotFile(disk: FaultyDisk, path: string, operate: (name: string) => Promise<void>): SlotFile {
  return {
    path,
    read: async () => {
      await operate('read guard');
      return Buffer.from(disk.files.get(path) as Buffer);
    },
    write: async (bytes, position) => {
      await operate('write guard');
      const next = Buffer.from(disk.files.get(path) as Buffer);
      bytes.copy(next, position);
      disk.change(disk.files, path, next, path);
    },
    sync: async () => {
      await operate('sync guard');
      disk.synced(path);
    },
    close: () => later(),
  };
}

/** Lets everything else that waits have its turn. */
function later(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
