import { isUtf8 } from 'node:buffer';
import { compileJavaRegex, RegexTimeoutError, type JavaRegex } from '../../core/java-regex.ts';
import type { FilePath, Glance } from '../../io/tail-files.ts';
import type { TailFile } from './tail-file.ts';

/** Files that are treated alike: `filegroups.f1 = /var/log/app/.*\.log`. */
export interface Group {
  readonly name: string;
  readonly directory: string;
  readonly pattern: JavaRegex;
  /** Names that are left out although the pattern matches them. */
  readonly exclude: JavaRegex | undefined;
  readonly headers: readonly (readonly [string, string])[];
  /** Headers whose values are made of what the pattern's groups matched. */
  readonly captured: readonly (readonly [string, string])[];
}

/** A name in a directory that a group wants, and the file it leads to. */
export interface TailName {
  readonly directory: Directory;
  /** Bytes of the name, as ISO-8859-1. */
  readonly bytes: string;
  readonly path: FilePath;
  /** The path for people and headers; what is not UTF-8 in it is shown as U+FFFD. */
  readonly text: string;
  readonly headers: readonly (readonly [string, string])[];
  file: TailFile | undefined;
  /** How it looked before the last full look. */
  glance: Glance | undefined;
  /** Why it is not followed, as it was told last. */
  problem: string | undefined;
}

/** One directory that groups look into. */
export class Directory {
  readonly path: string;
  readonly groups: Group[] = [];
  readonly names = new Map<string, TailName>();
  /** With links followed, when the source started; where files have to be, if links may not lead elsewhere. */
  real: string | undefined;
  /** Of the last complete listing: the directory's own time of change, when it began and how long it took, how many names there were. */
  modifiedNs = -1n;
  listedMs = 0;
  listingMs = 0;
  entries = 0;
  hinted = false;
  /** A listing is due whatever the time of change says. */
  unsure = true;

  constructor(path: string) {
    this.path = path;
  }

  /** The name if a group wants it; the first group that does. */
  match(bytes: string): TailName | undefined {
    const isAscii = !NOT_ASCII.test(bytes);
    const raw = isAscii ? undefined : Buffer.from(bytes, 'latin1');
    const text = raw ? raw.toString('utf8') : bytes;
    for (const group of this.groups) {
      if (!matches(group.pattern, text) || (group.exclude && matches(group.exclude, text))) continue;
      const base = this.path === '/' ? '/' : `${this.path}/`;
      const shown = `${base}${text}`;
      const path = raw && !isUtf8(raw) ? Buffer.concat([Buffer.from(base), raw]) : shown;
      return { directory: this, bytes, path, text: shown, headers: headersOf(group, text), file: undefined, glance: undefined, problem: undefined };
    }
    return undefined;
  }
}

// Any character beyond ASCII.
const NOT_ASCII = /[\x80-\xff]/;

/** A pattern that takes too long for a name does not match it. */
function matches(pattern: JavaRegex, text: string): boolean {
  try {
    return pattern.matches(text);
  } catch (error) {
    if (error instanceof RegexTimeoutError) return false;
    throw error;
  }
}

function headersOf(group: Group, text: string): readonly (readonly [string, string])[] {
  if (group.captured.length === 0) return group.headers;
  const found = group.pattern.match(text);
  const own = group.captured.map(([key, value]) => {
    const replaced = value.replace(/\$(?:(\d)|\{(\w+)\})/g, (_whole, number: string | undefined, name: string | undefined) => found?.group(number === undefined ? String(name) : Number(number)) ?? '');
    return [key, replaced] as const;
  });
  return [...group.headers, ...own];
}

export interface GroupOptions {
  readonly filegroups: readonly string[];
  readonly 'filegroups.*': ReadonlyMap<string, string>;
  readonly 'headers.*': ReadonlyMap<string, string>;
  readonly 'captureHeaders.*': ReadonlyMap<string, string>;
  readonly 'excludes.*': ReadonlyMap<string, string>;
}

/** The directories of all groups that have files, in the order of `filegroups`, which decides between groups that want the same name. */
export function directoriesOf(options: GroupOptions): Directory[] {
  const directories = new Map<string, Directory>();
  for (const name of options.filegroups) {
    const place = options['filegroups.*'].get(name);
    if (place === undefined) continue;
    const slash = place.lastIndexOf('/');
    const path = place.slice(0, slash).replace(/\/+$/, '') || '/';
    const directory = directories.get(path) ?? new Directory(path);
    directories.set(path, directory);
    const exclude = options['excludes.*'].get(name);
    directory.groups.push({
      name,
      directory: path,
      pattern: compileJavaRegex(place.slice(slash + 1)),
      exclude: exclude === undefined ? undefined : compileJavaRegex(exclude),
      headers: below(options['headers.*'], name),
      captured: below(options['captureHeaders.*'], name),
    });
  }
  return [...directories.values()];
}

function below(entries: ReadonlyMap<string, string>, group: string): (readonly [string, string])[] {
  return [...entries].filter(([key]) => key.startsWith(`${group}.`)).map(([key, value]) => [key.slice(group.length + 1), value] as const);
}
