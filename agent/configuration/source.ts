/** Where configurations come from (part 1 §1.1): files and addresses, in the order in which they are merged. */
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { AgentError, describeError } from '../../core/errors.ts';
import { configFileMark, readConfigFile } from '../../io/config-files.ts';
import type { Problem } from '../plan/types.ts';
import { problem } from '../problems/problems.ts';
import { HttpConfig, type HttpLogin } from './http.ts';

/** One document that makes up a configuration. */
export interface ConfigSource {
  /** Shown in problems; without user and password. */
  readonly name: string;
  /** Throws ConfigSourceError where Flume would end, or goes on without the document where that would be a surprise. */
  read(): Promise<Buffer>;
  /** A text that changes when the document does. Throws as `read` does. */
  look(): Promise<string>;
  /** After `read`: everybody on the machine may write to it. */
  readonly writableByAll?: boolean;
}

export class ConfigSourceError extends AgentError {
  readonly hint: string;

  constructor(message: string, hint: string) {
    super('M001', message);
    this.hint = hint;
  }
}

export interface SourceArguments {
  readonly confFiles: readonly string[];
  readonly confUris: readonly string[];
  readonly confDirectory?: string;
  readonly classPath?: readonly string[];
  readonly confUser?: string;
  readonly confPassword?: string;
  readonly zkConnString?: string;
}

export interface SourceList {
  readonly sources: readonly ConfigSource[];
  /** Places that cannot be used, and what is to be said of the others. */
  readonly problems: readonly Problem[];
}

/** The documents that the arguments name. Nothing is read yet. URIs put all files out of use, as in Flume. */
export function configSources(args: SourceArguments): SourceList {
  const problems: Problem[] = [];
  const sources: ConfigSource[] = [];
  if (args.zkConnString !== undefined && args.zkConnString !== '') {
    problems.push(place(`configurations in ZooKeeper (-z ${args.zkConnString}) are not there yet`, 'name a file with --conf-file, or an address with --conf-uri'));
    return { sources, problems };
  }
  const login = args.confUser && args.confPassword ? { user: args.confUser, password: args.confPassword } : undefined;
  if (args.confUris.length > 0) {
    for (const uri of args.confUris) addUri(uri, args, login, sources, problems);
  } else {
    for (const file of args.confFiles) if (isProperties(pathToFileURL(resolve(file)), file, problems)) sources.push(new FileConfig(file));
  }
  if (sources.length === 0 && problems.length === 0) problems.push(place('there is no configuration', 'name a file with --conf-file'));
  return { sources, problems };
}

function addUri(text: string, args: SourceArguments, login: HttpLogin | undefined, sources: ConfigSource[], problems: Problem[]): void {
  const shown = text.replace(/\/\/[^/@]*@/, '//***@');
  const classpath = /^classpath:(?:\/\/)?\/?(.*)$/i.exec(text);
  if (classpath) {
    addResource(classpath[1] ?? '', shown, args, sources, problems);
    return;
  }
  // Flume takes a URI without a scheme, such as a path, for a scheme that it does not know.
  if (!/^[a-z][a-z0-9+.-]*:/i.test(text) || !URL.canParse(text)) {
    problems.push(place(`"${shown}" is no address`, 'an address begins with file:, http:, https: or classpath:; for a path use --conf-file'));
    return;
  }
  const uri = new URL(text);
  if (!isProperties(uri, shown, problems)) return;
  if (uri.protocol === 'file:') sources.push(new FileConfig(fileURLToPath(uri)));
  else if (uri.protocol === 'http:' || uri.protocol === 'https:') {
    if (uri.protocol === 'http:' && !/^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(uri.hostname)) {
      const sentence = `${shown} is read over plain http: whoever is on the way can read and change the configuration${login || uri.username ? ', and take the login' : ''}`;
      problems.push(place(sentence, 'use https', 'warning'));
    }
    sources.push(new HttpConfig(uri, login));
  } else problems.push(place(`configurations cannot be read from "${uri.protocol}" addresses: ${shown}`, 'use file:, http:, https: or classpath:'));
}

function addResource(name: string, shown: string, { confDirectory, classPath }: SourceArguments, sources: ConfigSource[], problems: Problem[]): void {
  const folders = [confDirectory, ...(classPath ?? [])].filter((folder) => folder !== undefined && folder !== '');
  if (folders.length === 0) problems.push(place(`${shown} is looked for in the directory of --conf, which is not given`, 'add --conf DIR, or use --conf-file'));
  else if (isProperties(pathToFileURL(resolve(name)), shown, problems)) sources.push(new ResourceConfig(shown, folders.map((folder) => join(folder as string, name))));
}

/** Flume's rule: all behind the first dot of the path decides, so that a folder with a dot in its name makes any file readable. */
function isProperties({ pathname }: URL, shown: string, problems: Problem[]): boolean {
  const dot = pathname.indexOf('.');
  const extension = dot >= 2 ? pathname.slice(dot + 1) : 'properties';
  if (!['json', 'yaml', 'xml'].includes(extension)) return true;
  problems.push(place(`${shown}: configurations in ${extension} are not read, here as in Flume`, 'write it as a properties file'));
  return false;
}

function place(sentence: string, hint: string, severity: 'error' | 'warning' = 'error'): Problem {
  return problem('M035', { sentence, hint, severity });
}

class FileConfig implements ConfigSource {
  readonly name: string;
  writableByAll = false;

  constructor(path: string) {
    this.name = path;
  }

  async read(): Promise<Buffer> {
    try {
      const { bytes, writableByAll } = await readConfigFile(this.name);
      this.writableByAll = writableByAll;
      return bytes;
    } catch (error) {
      throw unreadable(this.name, error);
    }
  }

  async look(): Promise<string> {
    try {
      return await configFileMark(this.name);
    } catch (error) {
      throw unreadable(this.name, error);
    }
  }
}

/** A file of the class path, which for us is the configuration directory. Flume never looks at it again. */
class ResourceConfig implements ConfigSource {
  readonly name: string;
  readonly #candidates: readonly string[];

  constructor(name: string, candidates: readonly string[]) {
    this.name = name;
    this.#candidates = candidates;
  }

  async read(): Promise<Buffer> {
    for (const path of this.#candidates) {
      try {
        return (await readConfigFile(path)).bytes;
      } catch (error) {
        if (!isMissing(error)) throw unreadable(path, error);
      }
    }
    throw new ConfigSourceError(`cannot read ${this.name}: there is no ${this.#candidates.join(' and no ')}`, 'look at the name and at --conf');
  }

  look(): Promise<string> {
    return Promise.resolve('');
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}

function unreadable(path: string, error: unknown): ConfigSourceError {
  if (isMissing(error)) return new ConfigSourceError(`cannot read ${path}: there is no such file`, 'look at the path; it is relative to the working directory');
  if (error instanceof Error && 'code' in error && error.code === 'EACCES') return new ConfigSourceError(`cannot read ${path}: permission denied`, 'look at the owner and the rights of the file');
  return new ConfigSourceError(`cannot read ${path}: ${describeError(error)}`, 'look at the path');
}
