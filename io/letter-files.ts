import { constants } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { storeFiles } from './store-files.ts';

export interface LetterFile {
  readonly path: string;
  readonly name: string;
  readonly bytes: number;
  /** Epoch milliseconds of the last write. */
  readonly changedMs: number;
}

/** The file operations around dead letters: for their owner only, 0600 in 0700. */
export const letterFiles = {
  /** Files of a folder; with `below` those of its folders as well. None where there is no folder. Links are not followed. */
  async list(folder: string, below = false): Promise<LetterFile[]> {
    const found: LetterFile[] = [];
    const entries = await readdir(folder, { withFileTypes: true }).catch(none);
    for (const entry of entries) {
      const path = join(folder, entry.name);
      if (below && entry.isDirectory()) found.push(...(await letterFiles.list(path)));
      if (!entry.isFile()) continue;
      const about = await stat(path).catch(none);
      if ('size' in about) found.push({ path, name: entry.name, bytes: about.size, changedMs: about.mtimeMs });
    }
    return found;
  },

  read: (path: string): Promise<Buffer> => readFile(path),

  /** A new file, on the disk with its name when this resolves. */
  create: (path: string, bytes: Buffer): Promise<void> => storeFiles.replace(path, bytes),

  /** False where somebody else has moved or removed it. */
  async move(from: string, to: string): Promise<boolean> {
    try {
      await rename(from, to);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
      throw error;
    }
  },

  /** False where it was gone. */
  async remove(path: string): Promise<boolean> {
    try {
      await unlink(path);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
      throw error;
    }
  },

  /** Adds to a file that may be lost. */
  async note(path: string, text: string): Promise<void> {
    const { O_APPEND, O_CREAT, O_WRONLY, O_NOFOLLOW } = constants;
    const handle = await open(path, O_APPEND | O_CREAT | O_WRONLY | O_NOFOLLOW, 0o600);
    try {
      await handle.write(text);
    } finally {
      await handle.close();
    }
  },

  async makeFolder(path: string): Promise<void> {
    await mkdir(path, { recursive: true, mode: 0o700 });
  },
};

function none(error: unknown): [] {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'ENOTDIR') return [];
  throw error;
}
