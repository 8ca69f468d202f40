import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, extname, join, resolve } from 'node:path';

/** Where plug-in modules are on the disk: files, packages, folders of either. Nothing here runs anything. */

const EXTENSIONS = ['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts'] as const;
/** What a package has to say of itself before it is taken from node_modules, which are full of others. */
const KEYWORD = 'millrace-plugin';

export interface ModuleFile {
  /** Absolute. */
  readonly path: string;
  /** Everybody on the machine may write to it. */
  readonly writableByAll: boolean;
}

/**
 * The module that `path` names: a file with one of the extensions of JavaScript and TypeScript, the same without its extension, or a
 * folder with a package.json or an index file. `undefined` if there is none.
 */
export async function moduleFile(path: string): Promise<ModuleFile | undefined> {
  return (await file(path)) ?? (await withExtension(path)) ?? packageFolder(path);
}

/** Every module directly in a folder: files and folders that are packages, sorted. A folder that is not there has none. */
export async function modulesIn(folder: string): Promise<readonly ModuleFile[]> {
  const names = await readdir(folder).catch(() => []);
  const paths = names.map((name) => join(folder, name)).sort((a, b) => (a < b ? -1 : 1));
  const found = await Promise.all(paths.map(async (path) => (await file(path)) ?? packageFolder(path)));
  return found.filter((module) => module !== undefined);
}

/** A package from the node_modules of `folder` and the folders above it, if it says that it is a plug-in. */
export async function installedPackage(name: string, folder: string): Promise<ModuleFile | undefined> {
  for (let at = resolve(folder); ; at = dirname(at)) {
    const candidate = join(at, 'node_modules', name);
    const manifest = await readManifest(candidate);
    if (manifest) {
      const { keywords } = manifest;
      return Array.isArray(keywords) && keywords.includes(KEYWORD) ? packageFolder(candidate) : undefined;
    }
    if (at === dirname(at)) return undefined;
  }
}

/** The text of a file; `undefined` where there is none. Throws the system's error for one that cannot be read. */
export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return undefined;
    throw error;
  }
}

export async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
}

async function file(path: string): Promise<ModuleFile | undefined> {
  if (!EXTENSIONS.some((extension) => extension === extname(path))) return undefined;
  const facts = await stat(path).catch(() => undefined);
  return facts?.isFile() ? { path: resolve(path), writableByAll: (facts.mode & 0o002) !== 0 } : undefined;
}

async function withExtension(path: string): Promise<ModuleFile | undefined> {
  for (const extension of EXTENSIONS) {
    const found = await file(path + extension);
    if (found) return found;
  }
  return undefined;
}

async function packageFolder(folder: string): Promise<ModuleFile | undefined> {
  if (!(await isFolder(folder))) return undefined;
  const manifest = await readManifest(folder);
  const entry = manifest && (entryOf(manifest.exports) ?? (typeof manifest.main === 'string' ? manifest.main : undefined));
  if (entry !== undefined) return (await file(join(folder, entry))) ?? withExtension(join(folder, entry));
  return withExtension(join(folder, 'index'));
}

async function readManifest(folder: string): Promise<Readonly<Record<string, unknown>> | undefined> {
  const text = await readIfThere(join(folder, 'package.json'));
  if (text === undefined) return undefined;
  const value: unknown = JSON.parse(text);
  return isRecord(value) ? value : undefined;
}

/** The file that an `import` of the package means, as far as its `exports` say so without patterns. */
function entryOf(exports: unknown): string | undefined {
  if (typeof exports === 'string') return exports;
  if (!isRecord(exports)) return undefined;
  for (const condition of ['.', 'node', 'import', 'module-sync', 'default', 'require']) {
    const entry = entryOf(exports[condition]);
    if (entry !== undefined) return entry;
  }
  return undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
