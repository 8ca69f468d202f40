import type { Level } from 'level';
import { StoreLockedError, type Entry, type ScanOptions, type Step, type Store } from './store.ts';

type Database = Level<Buffer, Buffer>;

const ENCODINGS = { keyEncoding: 'buffer', valueEncoding: 'buffer' } as const;

/** Little is kept here, and LevelDB maps the tables that it has open: small buffers, small tables. */
const OPTIONS = {
  ...ENCODINGS,
  compression: false,
  writeBufferSize: 512 * 1024,
  cacheSize: 256 * 1024,
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

  write(steps: readonly Step[]): Promise<void> {
    const batch = steps.map((step) =>
      step.value === undefined ? { type: 'del' as const, key: step.key } : { type: 'put' as const, key: step.key, value: step.value },
    );
    return this.#open().batch(batch, { sync: false });
  }

  get(key: Buffer): Promise<Buffer | undefined> {
    return this.#open().get(key);
  }

  async scan({ gte, lt, limit, reverse }: ScanOptions): Promise<Entry[]> {
    const iterator = this.#open().iterator({ gte, lt, limit, reverse: reverse ?? false });
    try {
      return await iterator.all();
    } finally {
      await iterator.close();
    }
  }

  #open(): Database {
    if (!this.#database) throw new Error(`the store in ${this.#directory} is closed`);
    return this.#database;
  }
}
