import { accessSync, constants, readFileSync } from 'node:fs';
import { mkdir, open, readFile, rename, stat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';

export interface ConfigFile {
  readonly bytes: Buffer;
  /** Everybody on the machine may write to it. */
  readonly writableByAll: boolean;
  readonly modifiedMs: number;
}

/** Largest configuration; nobody writes one, but a name may be that of a data file or a device. */
const MOST_BYTES = 16 * 1024 * 1024;

/** Reads a configuration file. Throws the system's error, or one of ours for what is no file or too large. */
export async function readConfigFile(path: string): Promise<ConfigFile> {
  const { mode, size, mtimeMs } = await regularFile(path);
  if (size > MOST_BYTES) throw new Error(`it has ${size} bytes, and a configuration has at most ${MOST_BYTES}`);
  return { bytes: await readFile(path), writableByAll: (mode & 0o002) !== 0, modifiedMs: mtimeMs };
}

/** A text that changes when the file does, or its owner or rights: times, size and identity. Throws the system's error. */
export async function configFileMark(path: string): Promise<string> {
  const { mtimeNs, ctimeNs, size, ino } = await stat(path, { bigint: true });
  return `${mtimeNs} ${ctimeNs} ${size} ${ino}`;
}

/** The bytes of a file, or undefined where there is none. */
export async function readConfigFileIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return (await readConfigFile(path)).bytes;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Replaces a file in one step by one that only the owner may read. Makes its directory where there is none. */
export async function writePrivateFile(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${process.pid}.new`;
  try {
    const file = await open(temporary, 'w', 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
}

/** The text of a small file, at once; undefined if it cannot be read. For look-ups, which cannot wait. */
export function readTextNow(path: string): string | undefined {
  try {
    const bytes = readFileSync(path);
    return bytes.length > MOST_BYTES ? undefined : bytes.toString('utf8');
  } catch {
    return undefined;
  }
}

export function isReadableFile(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

async function regularFile(path: string): Promise<{ mode: number; size: number; mtimeMs: number }> {
  const found = await stat(path);
  if (found.isDirectory()) throw new Error('it is a directory');
  return found;
}
