import { join } from 'node:path';
import type { AgentArguments } from './types.ts';
import { AGENT_OPTIONS, parseOptions, UsageError, withOptionsFile, type ParsedOptions } from './option-syntax.ts';

/** Options that a `flume.opts` file may hold and where it was found. */
export interface OptionsFile {
  readonly path: string;
  readonly entries: readonly (readonly [string, string])[];
}

/** What the arguments of `agent` ask for. */
export type AgentRequest =
  | { readonly ask: 'run'; readonly arguments: AgentArguments; readonly warnings: readonly string[] }
  | { readonly ask: 'help' };

/** Where `flume.opts` is looked for: in `/etc/flume`, then along the class path. */
export function optionsFilePlaces(parsed: ParsedOptions): readonly string[] {
  const directories = [last(parsed, 'conf'), ...paths(parsed, 'classpath')].filter((path) => path !== undefined);
  return ['/etc/flume/flume.opts', ...directories.map((directory) => join(directory, 'flume.opts'))];
}

export function parseAgentWords(words: readonly string[]): ParsedOptions {
  return parseOptions(words, AGENT_OPTIONS);
}

/** Throws UsageError for what stands in the way of running. `defaultPlugins` is used without `--plugins-path`. */
export function readAgentArguments(fromCommandLine: ParsedOptions, file: OptionsFile | undefined, defaultPlugins: string): AgentRequest {
  const parsed = file ? withOptionsFile(fromCommandLine, file.entries, AGENT_OPTIONS, file.path) : fromCommandLine;
  const has = (name: string): boolean => parsed.values.has(name);
  if (has('help')) return { ask: 'help' };
  const name = first(parsed, 'name');
  if (!name) throw new UsageError('the name of the agent is missing: --name NAME');
  for (const broken of ['auth-provider', 'conf-provider']) {
    if (has(broken)) throw new UsageError(`--${broken} names a Java class, which cannot be loaded (nor could Flume 1.11 do so)`);
  }
  const confUris = parsed.values.get('conf-uri') ?? [];
  const confFiles = confUris.length > 0 ? [] : (parsed.values.get('conf-file') ?? []);
  if (confUris.length + confFiles.length === 0 && !has('zkConnString')) {
    throw new UsageError('there is no configuration: --conf-file FILE, or --conf-uri URI');
  }
  if (has('strict') && has('lenient')) throw new UsageError('--strict and --lenient exclude each other');
  const warnings = parsed.words.length > 0 ? [`ignored: ${parsed.words.map((word) => `"${word}"`).join(', ')} belongs to no option`] : [];
  const pluginsPath = paths(parsed, 'plugins-path');
  return {
    ask: 'run',
    warnings,
    arguments: {
      name,
      confFiles,
      confUris,
      ...present('confDirectory', last(parsed, 'conf')),
      ...present('confUser', first(parsed, 'conf-user')),
      ...present('confPassword', first(parsed, 'conf-password')),
      ...present('pollIntervalSeconds', wholeNumber(parsed, 'poll-interval')),
      reload: !has('no-reload-conf'),
      ...present('backupDirectory', first(parsed, 'backup-directory')),
      ...present('zkConnString', first(parsed, 'zkConnString')),
      ...present('zkBasePath', first(parsed, 'zkBasePath')),
      classPath: paths(parsed, 'classpath'),
      pluginsPath: pluginsPath.length > 0 ? pluginsPath : [defaultPlugins],
      strict: has('strict'),
      lenient: has('lenient'),
      ...present('stopTimeoutMs', milliseconds(parsed, 'stop-timeout')),
    },
  };
}

/** Of an option given twice the first one counts, as in Flume. */
function first(parsed: ParsedOptions, name: string): string | undefined {
  return parsed.values.get(name)?.[0];
}

/** Options of Flume's launcher, where the last one counts. */
function last(parsed: ParsedOptions, name: string): string | undefined {
  return parsed.values.get(name)?.at(-1);
}

function paths(parsed: ParsedOptions, name: string): readonly string[] {
  return (last(parsed, name) ?? '').split(':').filter((path) => path !== '');
}

function wholeNumber(parsed: ParsedOptions, name: string): number | undefined {
  const text = first(parsed, name);
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!/^[+-]?[0-9]+$/.test(text) || Math.abs(value) > 0x7fffffff) throw new UsageError(`--${name}: "${text}" is not a whole number`);
  return value;
}

function milliseconds(parsed: ParsedOptions, name: string): number | undefined {
  const text = first(parsed, name);
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!/^[0-9]+(\.[0-9]+)?$/.test(text) || value > 86_400) throw new UsageError(`--${name}: "${text}" is no number of seconds from 0 to 86400`);
  return Math.round(value * 1000);
}

function present<K extends string, V>(key: K, value: V | undefined): { readonly [name in K]?: V } {
  return (value === undefined ? {} : { [key]: value }) as { readonly [name in K]?: V };
}
