import { posix } from 'node:path';
import { scanSource } from './source-scan.ts';

const MOST_LINES = 500;
/** Hands on to the processes we start what they need of our own environment. */
const CHILD_ENVIRONMENT = 'io/child-environment.ts';
const MOST_FUNCTION_LINES = 70;

/** What each folder may import, besides `node:` and itself. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  io: ['core'],
  protocols: ['core'],
  interceptors: ['core'],
  serializers: ['core', 'protocols'],
  monitoring: ['core', 'io'],
  sources: ['core', 'io', 'protocols', 'serializers'],
  channels: ['core', 'io', 'protocols', 'serializers'],
  sinks: ['core', 'io', 'protocols', 'serializers'],
  agent: ['core', 'io', 'protocols', 'interceptors', 'serializers', 'monitoring', 'sources', 'channels', 'sinks'],
  bin: ['agent'],
};

/** Folders of the program; `scripts` and `test` may do more, and nothing may import them. */
export const PROGRAM_FOLDERS: readonly string[] = Object.keys(MAY_IMPORT);
const FREE_FOLDERS: readonly string[] = ['scripts', 'test'];

/** The faults of one file, each a line for a person. `path` is relative to the repository, with slashes. */
export function faultsOf(path: string, text: string): readonly string[] {
  const scan = scanSource(text);
  const folder = path.split('/')[0] ?? '';
  const faults = [...nameFaults(path), ...sizeFaults(path, text, scan)];
  for (const found of scan.code.matchAll(/^export\s+default\b/gm)) faults.push(`${path}:${lineOf(scan.code, found.index)} default export`);
  if (FREE_FOLDERS.includes(folder)) return faults;
  if (!PROGRAM_FOLDERS.includes(folder)) return [...faults, `${path} is in a folder that has no place in the import table`];
  for (const found of scan.imports) faults.push(...importFaults(path, folder, found));
  return [...faults, ...processFaults(path, folder, scan.code)];
}

function nameFaults(path: string): string[] {
  const name = posix.basename(path);
  const faults: string[] = [];
  if (!/^[a-z0-9]+(-[a-z0-9]+)*(\.test)?\.(ts|js)$/.test(name)) faults.push(`${path} is not in kebab-case`);
  if (/^(utils?|helpers?|misc|common)\./.test(name)) faults.push(`${path} is named after nothing in particular`);
  return faults;
}

function sizeFaults(path: string, text: string, scan: ReturnType<typeof scanSource>): string[] {
  const faults: string[] = [];
  const lines = text.trimEnd().split('\n').length;
  if (lines > MOST_LINES) faults.push(`${path} has ${lines} lines (at most ${MOST_LINES})`);
  for (const { line, lines: length } of scan.functions) {
    // A `describe` around tests says nothing of their size.
    const around = /^\s*(describe|suite)\(/.test(text.split('\n')[line - 1] ?? '');
    if (length > MOST_FUNCTION_LINES && !around) faults.push(`${path}:${line} function of ${length} lines (at most ${MOST_FUNCTION_LINES})`);
  }
  return faults;
}

function importFaults(path: string, folder: string, found: ReturnType<typeof scanSource>['imports'][number]): string[] {
  const { specifier, line } = found;
  const place = `${path}:${line}`;
  if (specifier.startsWith('node:')) {
    return /^node:fs(\/|$)/.test(specifier) && folder !== 'io' && !found.typeOnly ? [`${place} imports ${specifier}; files are opened in io/`] : [];
  }
  if (!specifier.startsWith('.')) {
    const allowed = !found.static || found.typeOnly || /^agent\/(cli\.ts$|command-line\/)/.test(path);
    return allowed ? [] : [`${place} imports ${specifier} at the top of the module; import() it where it is used`];
  }
  const target = posix.normalize(posix.join(posix.dirname(path), specifier));
  const other = target.split('/')[0] ?? '';
  if (!/\.(ts|json)$/.test(specifier)) return [`${place} imports ${specifier} without its ending`];
  if (other === folder || (MAY_IMPORT[folder] ?? []).includes(other)) return [];
  return [`${place} imports ${specifier}; ${folder}/ may not import ${other}/`];
}

function processFaults(path: string, folder: string, code: string): string[] {
  if (folder === 'bin' || path === 'agent/cli.ts' || path === CHILD_ENVIRONMENT) return [];
  return [...code.matchAll(/\bprocess\s*\.\s*(?:exit|env)\b|\bconsole\s*\./g)].map(
    (found) => `${path}:${lineOf(code, found.index)} ${found[0]} outside of bin/ and agent/cli.ts`,
  );
}

function lineOf(text: string, index: number): number {
  return text.slice(0, index).split('\n').length;
}
