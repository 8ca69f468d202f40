import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { StoreFiles } from '../../io/store-files.ts';

/**
 * LevelDB takes its tables as they are: one flipped bit in them can end the process. So each table, which never changes once it is
 * written, is noted beside them with its length and CRC-32, as JSON: {"000005.ldb": [length, crc]}. Its logs and manifests have checksums
 * that LevelDB looks at.
 */
const NOTE = 'TABLES';

type Noted = Readonly<Record<string, readonly [length: number, crc: number]>>;

/** Notes the tables of an open LevelDB. */
export class IndexTables {
  readonly #files: StoreFiles;
  readonly #directory: string;
  #noted: Noted | undefined;

  constructor(files: StoreFiles, directory: string) {
    this.#files = files;
    this.#directory = directory;
  }

  /** To be called now and then: notes tables that came since. */
  async note(): Promise<void> {
    const names = (await this.#files.list(this.#directory)).filter(isTable);
    const noted = this.#noted;
    if (noted && names.length === Object.keys(noted).length && names.every((name) => noted[name])) return;
    const next: Record<string, readonly [number, number]> = {};
    for (const name of names) {
      const facts = noted?.[name] ?? (await factsOf(this.#files, join(this.#directory, name)));
      if (facts) next[name] = facts;
    }
    await this.#files.replace(join(this.#directory, NOTE), Buffer.from(JSON.stringify(next)));
    this.#noted = next;
  }
}

/** Why LevelDB is not to open this directory; `undefined` where its tables are as they were noted. */
export async function tablesFault(files: StoreFiles, directory: string): Promise<string | undefined> {
  const names = (await files.list(directory)).filter(isTable);
  if (names.length === 0) return undefined;
  const noted = parse(await files.read(join(directory, NOTE)));
  for (const name of names) {
    const [length, crc] = noted[name] ?? [];
    const found = await factsOf(files, join(directory, name));
    if (length === undefined) return `${name} was not noted`;
    if (found?.[0] !== length || found[1] !== crc) return `${name} is not as it was written`;
  }
  return undefined;
}

function isTable(name: string): boolean {
  return /\.(?:ldb|sst)$/.test(name);
}

async function factsOf(files: StoreFiles, path: string): Promise<readonly [number, number] | undefined> {
  const bytes = await files.read(path);
  return bytes && [bytes.length, crc32(bytes)];
}

function parse(text: Buffer | undefined): Noted {
  try {
    const value: unknown = JSON.parse(text?.toString() ?? '{}');
    return typeof value === 'object' && value !== null ? (value as Noted) : {};
  } catch {
    return {};
  }
}
