import { nearest } from '../../core/nearest.ts';

/** One option of the command line. Long names can be abbreviated as long as they stay clear. */
export interface CliOption {
  readonly long: string;
  readonly short?: string;
  /** Placeholder of its argument in the usage; absent for a flag. */
  readonly argument?: string;
  readonly doc: string;
  /** Ours: gives way where an abbreviation could also mean an option of Flume. */
  readonly ours?: boolean;
}

/** Flume 1.11's options of `agent` in the order of its own usage, then those of its launcher, then ours. */
export const AGENT_OPTIONS: readonly CliOption[] = [
  { long: 'name', short: 'n', argument: 'name', doc: 'name of the agent (required); - is the only one of the file' },
  { long: 'conf-file', short: 'f', argument: 'file', doc: 'configuration file; may be given several times' },
  { long: 'conf-uri', short: 'u', argument: 'uri', doc: 'configuration by URI (file, http, https, classpath); --conf-file is then ignored' },
  { long: 'conf-user', short: 'user', argument: 'user', doc: 'user for a configuration by HTTP' },
  { long: 'conf-password', short: 'pwd', argument: 'password', doc: 'password for a configuration by HTTP' },
  { long: 'auth-provider', short: 'a', argument: 'class', doc: 'not supported (fails in Flume 1.11 as well)' },
  { long: 'conf-provider', short: 'prov', argument: 'class', doc: 'not supported (fails in Flume 1.11 as well)' },
  { long: 'poll-interval', short: 'i', argument: 'seconds', doc: 'seconds between looks at the configuration (30; 300 by HTTP)' },
  { long: 'backup-directory', short: 'b', argument: 'dir', doc: 'directory for a copy of the last good configuration' },
  { long: 'no-reload-conf', doc: 'load the configuration once and never look again' },
  { long: 'zkConnString', short: 'z', argument: 'hosts', doc: 'ZooKeeper to take the configuration from (not there yet)' },
  { long: 'zkBasePath', short: 'p', argument: 'path', doc: 'path within ZooKeeper (not there yet)' },
  { long: 'help', short: 'h', doc: 'show this and end' },
  { long: 'conf', short: 'c', argument: 'dir', doc: 'directory of flume-env.sh, flume.opts, and classpath: URIs', ours: true },
  { long: 'classpath', short: 'C', argument: 'path', doc: 'more places for classpath: URIs, separated by colons', ours: true },
  { long: 'plugins-path', argument: 'dirs', doc: 'directories of plug-ins, separated by colons (plugins.d)', ours: true },
  { long: 'dryrun', short: 'd', doc: 'show the command that would be run', ours: true },
  { long: 'strict', doc: 'warnings of the configuration are errors', ours: true },
  { long: 'lenient', doc: 'run what Flume would run of a configuration with errors', ours: true },
  { long: 'log-format', argument: 'format', doc: 'text or json, as -Dmillrace.log.format', ours: true },
  { long: 'stop-timeout', argument: 'seconds', doc: 'most seconds between SIGTERM and the end', ours: true },
];

/** A command line that cannot be understood. The message is a whole sentence. */
export class UsageError extends Error {}

export interface ParsedOptions {
  /** By long name, in the order given; `''` for a flag. */
  readonly values: ReadonlyMap<string, readonly string[]>;
  /** Words that belong to no option. */
  readonly words: readonly string[];
}

/**
 * Reads options in the ways Flume 1.11 understands (commons-cli's DefaultParser): `--opt value`, `--opt=value`, abbreviations,
 * `-o value`, `-o=value`, `-ovalue`, flags run together, long names with a single dash. Throws UsageError.
 */
export function parseOptions(words: readonly string[], options: readonly CliOption[]): ParsedOptions {
  const values = new Map<string, string[]>();
  const others: string[] = [];
  const add = (option: CliOption, value: string): void => {
    const known = values.get(option.long);
    if (known) known.push(value);
    else values.set(option.long, [value]);
  };
  for (let at = 0; at < words.length; at++) {
    const word = words[at] as string;
    if (word === '--') {
      others.push(...words.slice(at + 1));
      break;
    }
    if (!word.startsWith('-') || word === '-') {
      others.push(word);
      continue;
    }
    const match = matchOption(word, options);
    if ('flags' in match) {
      for (const flag of match.flags) add(flag, '');
      continue;
    }
    const { option, value } = match;
    if (option.argument === undefined) {
      if (value !== undefined) throw new UsageError(`option ${shown(option)} takes no value, but "${word}" has one`);
      add(option, '');
    } else if (value !== undefined) {
      add(option, value);
    } else {
      const next = words[at + 1];
      if (next === undefined || looksLikeOption(next, options)) throw new UsageError(`option ${shown(option)} needs its ${option.argument}`);
      add(option, unquoted(next));
      at++;
    }
  }
  return { values, words: others };
}

/**
 * Options from a `flume.opts` file: names without dashes. They count where the command line does not have them. Throws UsageError for a
 * name that is no option; `place` names the file.
 */
export function withOptionsFile(
  parsed: ParsedOptions,
  entries: Iterable<readonly [string, string]>,
  options: readonly CliOption[],
  place: string,
): ParsedOptions {
  const values = new Map(parsed.values);
  for (const [key, value] of entries) {
    const option = options.find(({ long, short }) => key === long || key === short);
    if (!option) throw new UsageError(`${place}: "${key}" is no option${suggestion(key, options)}`);
    if (values.has(option.long)) continue;
    if (option.argument !== undefined) values.set(option.long, [value]);
    else if (/^(yes|true|1)$/i.test(value)) values.set(option.long, ['']);
  }
  return { values, words: parsed.words };
}

type Match = { readonly option: CliOption; readonly value?: string } | { readonly flags: readonly CliOption[] };

function matchOption(word: string, options: readonly CliOption[]): Match {
  const bare = word.replace(/^--?/, '');
  const equals = bare.indexOf('=');
  const name = equals < 0 ? bare : bare.slice(0, equals);
  const value = equals < 0 ? {} : { value: unquoted(bare.slice(equals + 1)) };
  if (!word.startsWith('--')) {
    const short = options.find((option) => option.short === name);
    if (short) return { option: short, ...value };
  }
  const long = longOptions(name, options);
  if (long.length > 1) {
    throw new UsageError(`option "${word}" may mean ${long.map((option) => `--${option.long}`).join(' or ')}; write it out`);
  }
  const [only] = long;
  if (only) return { option: only, ...value };
  const joined = word.startsWith('--') ? undefined : joinedOptions(bare, options);
  if (joined) return joined;
  throw new UsageError(`unknown option "${word}"${suggestion(name, options)}`);
}

/** The one of that name, else all that begin with it: Flume's first, since people's scripts were written for those. */
function longOptions(name: string, options: readonly CliOption[]): readonly CliOption[] {
  const exact = options.find(({ long }) => long === name);
  if (exact) return [exact];
  if (name === '') return [];
  const all = options.filter(({ long }) => long.startsWith(name));
  const theirs = all.filter(({ ours }) => !ours);
  return theirs.length > 0 ? theirs : all;
}

/** `-na1`, or several flags behind one dash. */
function joinedOptions(letters: string, options: readonly CliOption[]): Match | undefined {
  const flags: CliOption[] = [];
  for (let at = 0; at < letters.length; at++) {
    const option = options.find(({ short }) => short === letters[at]);
    if (!option) return undefined;
    if (option.argument !== undefined) return at === 0 ? { option, value: unquoted(letters.slice(1)) } : undefined;
    flags.push(option);
  }
  return { flags };
}

function looksLikeOption(word: string, options: readonly CliOption[]): boolean {
  if (!word.startsWith('-') || word === '-' || /^-[0-9.]+$/.test(word)) return false;
  const name = word.replace(/^--?/, '').replace(/=.*$/s, '');
  if (longOptions(name, options).length > 0) return true;
  return !word.startsWith('--') && options.some(({ short }) => short === name || short === name[0]);
}

function unquoted(text: string): string {
  return text.length > 1 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text;
}

function shown(option: CliOption): string {
  return option.short === undefined ? `--${option.long}` : `--${option.long} (-${option.short})`;
}

function suggestion(name: string, options: readonly CliOption[]): string {
  const [best] = nearest(name, options.map(({ long }) => long), 1);
  return best === undefined ? '' : `; did you mean --${best}?`;
}
