import type { Level } from 'level';
import { StoreLockedError, type Entry, type ScanOptions, type Step, type Store } from './store.ts';

type Database = Level<Buffer, Buffer>;

const ENCODINGS = { keyEncoding: 'buffer', valueEncoding: 'buffer' } as const;

const OPTIONS = {
  ...ENCODINGS,
  compression: false,
  /** A full buffer becomes a table of its size, and tables are mapped: 8 MB make 60 MB more of them, at two thirds of the CPU. */
  writeBufferSize: 2 * 1024 * 1024,
  /** Records are read once. */
  cacheSize: 1024 * 1024,
  /** LevelDB maps the tables it has open; this is its minimum. */
  maxOpenFiles: 64,
  maxFileSize: 1024 * 1024,
} as const;

/** A LevelDB in a directory of its own. The package is loaded when the first store is opened. */
export class LevelStore implements Store {
  readonly #directory: string;
  #database: Database | undefined;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async open(): Promise<void> {
    const { Level: LevelDatabase } = await import('level');
    const database: Database = new LevelDatabase(this.#directory, OPTIONS);
    try {
      await database.open();
    } catch (error) {
      await database.close().catch(() => undefined);
      const cause = (error as Error).cause as { code?: string; message?: string } | undefined;
      if (cause?.code === 'LEVEL_LOCKED') throw new StoreLockedError(`${this.#directory} is in use`, { cause: error });
      throw new Error(`LevelDB does not open ${this.#directory}: ${cause?.message ?? (error as Error).message}`, { cause: error });
    }
    this.#database = database;
  }

  async close(): Promise<void> {
    const database = this.#database;
    this.#database = undefined;
    await database?.close();
  }

  write(steps: readonly Step[], sync: boolean): Promise<void> {
    const batch = steps.map((step) =>
      step.value === undefined ? { type: 'del' as const, key: step.key } : { type: 'put' as const, key: step.key, value: step.value },
    );
    return this.#open().batch(batch, { sync });
  }

  get(key: Buffer): Promise<Buffer | undefined> {
    return this.#open().get(key, { fillCache: false } as object);
  }

  async scan({ gte, lt, limit, mostBytes, reverse }: ScanOptions): Promise<Entry[]> {
    const options = { gte, lt, limit, reverse: reverse ?? false, fillCache: false, highWaterMarkBytes: mostBytes ?? 64 * 1024 };
    const iterator = this.#open().iterator(options);
    try {
      const entries: Entry[] = [];
      let bytes = 0;
      while (entries.length < limit) {
        const page: [Buffer, Buffer][] = await iterator.nextv(Math.min(1000, limit - entries.length));
        if (page.length === 0) break;
        for (const entry of page) {
          entries.push(entry);
          bytes += entry[1].length;
        }
        if (mostBytes !== undefined && bytes >= mostBytes) break;
      }
      return entries;
    } finally {
      await iterator.close();
    }
  }

  compact(from: Buffer, to: Buffer): Promise<void> {
    const database = this.#open() as Database & { compactRange(from: Buffer, to: Buffer, options: object): Promise<void> };
    return database.compactRange(from, to, { keyEncoding: 'buffer' });
  }

  async repair(): Promise<void> {
    const { Level: LevelDatabase } = await import('level');
    await (LevelDatabase as unknown as { repair(location: string): Promise<void> }).repair(this.#directory);
  }

  #open(): Database {
    if (!this.#database) throw new Error(`the store in ${this.#directory} is closed`);
    return this.#database;
  }
}
