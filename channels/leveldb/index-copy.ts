import { join } from 'node:path';
import type { StoreFiles } from '../../io/store-files.ts';
import { IndexTables, tablesFault } from './index-tables.ts';
import type { DoneState } from './keys.ts';
import { LevelStore } from './level-store.ts';
import { RecordIndex } from './record-index.ts';

const SILENT = { error: () => undefined, warn: () => undefined, info: () => undefined, debug: () => undefined, event: () => undefined, ready: async () => undefined };

/**
 * What the index says is done with, read from a copy of it in `scratch`: LevelDB writes into what it opens. The copy is taken away again.
 * `undefined` where there is no index, or none that can be read.
 */
export async function readIndexCopy(files: StoreFiles, directory: string, scratch: string): Promise<DoneState | undefined> {
  const names = (await files.list(directory)).filter((name) => name !== 'LOCK');
  if (names.length === 0 || (await tablesFault(files, directory)) !== undefined) return undefined;
  try {
    await files.makeDirectory(scratch);
    for (const name of names) {
      const bytes = await files.read(join(directory, name));
      if (bytes) await files.replace(join(scratch, name), bytes);
    }
    const index = new RecordIndex(new LevelStore(scratch), new IndexTables(files, scratch), SILENT);
    try {
      await index.open();
      return (await index.read())?.done;
    } finally {
      await index.close();
    }
  } catch {
    return undefined;
  } finally {
    await files.remove(scratch);
  }
}
