// Which folders of node_modules a program needs that was built with some packages in it.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Locked {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** The folders below `home` of the packages that package.json asks for, and those that they ask for, without `builtIn`; only those installed. */
export function foldersNeeded(home: string, builtIn: readonly string[]): readonly string[] {
  const { packages } = JSON.parse(readFileSync(join(home, 'package-lock.json'), 'utf8')) as { packages: Readonly<Record<string, Locked>> };
  const found = new Set<string>();
  const add = (from: string, skip: readonly string[]): void => {
    const { dependencies = {}, optionalDependencies = {} } = packages[from] ?? {};
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      const folder = skip.includes(name) ? undefined : folderOf(name, from);
      if (folder === undefined || found.has(folder) || !existsSync(join(home, folder))) continue;
      found.add(folder);
      add(folder, []);
    }
  };
  /** As Node looks for it: from the folder that asks upwards. */
  const folderOf = (name: string, from: string): string | undefined => {
    // 'node_modules/a/node_modules/b' asks below itself, below a, and at the top.
    const parts = from === '' ? [] : `/${from}`.split('/node_modules/').slice(1);
    for (let depth = parts.length; depth >= 0; depth--) {
      const folder = [...parts.slice(0, depth), name].map((part) => `node_modules/${part}`).join('/');
      if (folder in packages) return folder;
    }
    return undefined;
  };
  add('', builtIn);
  return [...found].sort();
}
