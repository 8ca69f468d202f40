import { registerHooks } from 'node:module';
import { basename, extname, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { AnyDefinition } from '../../core/define.ts';
import { describeError } from '../../core/errors.ts';
import type { Registry } from '../../core/registry.ts';
import { installedPackage, isFolder, moduleFile, modulesIn, type ModuleFile } from '../../io/plugin-files.ts';
import { moduleUrl } from '../installation.ts';
import { PluginError, toDefinition, type PluginKind } from './definition.ts';
import { readMappings, type Mapping } from './mappings.ts';
import { isPathForm, type PluginReference } from './references.ts';

export { pluginReferences, unknownTypeHint, type PluginReference } from './references.ts';

export type PluginRegistries = { readonly [K in PluginKind]: Registry<K> };

export interface PluginRequest {
  /** The types that the configuration names; those that the registries know are left alone. */
  readonly references: readonly PluginReference[];
  /** Where definitions are added. */
  readonly registries: PluginRegistries;
  /** Folders of the configuration files, then `--conf`: relative paths are looked for there, in this order. */
  readonly confDirectories: readonly string[];
  /** `--plugins-path`: folders whose modules and packages are plug-ins. */
  readonly pluginsPath: readonly string[];
  /** MILLRACE_PLUGINS: such folders, and single modules that are loaded in any case, with colons between them. */
  readonly variable?: string;
  /** Loads every plug-in of those folders, named or not: for `help`. */
  readonly all?: boolean;
}

export interface LoadedPlugin {
  readonly path: string;
  readonly kind: PluginKind;
  readonly types: readonly string[];
}

export interface PluginProblem {
  readonly severity: 'error' | 'warning';
  /** The place that asked for the plug-in, if one did: `a1.sinks.k1.type`. */
  readonly key?: string;
  /** The file, as far as there is one. */
  readonly path?: string;
  /** A whole sentence that names the file. */
  readonly sentence: string;
}

export interface PluginReport {
  readonly loaded: readonly LoadedPlugin[];
  readonly problems: readonly PluginProblem[];
}

/** Longest that a plug-in's own top-level `await`, or its function, may take. */
const LOAD_MS = 10_000;

/**
 * Finds the plug-ins that a configuration needs and adds their definitions to the registries, before planning. The fixed table comes first; a
 * path has to be written as one, a name is only looked for where plug-ins are kept, and no module is loaded that is neither named
 * nor kept there. Never throws for what a plug-in does.
 */
export async function loadPlugins(request: PluginRequest): Promise<PluginReport> {
  const loader = new PluginLoader(request);
  await loader.loadNamed();
  const unknown = request.references.filter(({ kind, type }) => !isPathForm(type) && !request.registries[kind].has(type));
  if (request.all === true || unknown.length > 0) await loader.loadFolders();
  return { loaded: loader.loaded, problems: loader.problems };
}

class PluginLoader {
  readonly loaded: LoadedPlugin[] = [];
  readonly problems: PluginProblem[] = [];
  readonly #request: PluginRequest;
  /** Of MILLRACE_PLUGINS and `--plugins-path`. */
  readonly #folders: string[] = [];
  /** Definitions by path; empty after a failure, which is told once. */
  readonly #modules = new Map<string, Promise<readonly AnyDefinition<PluginKind>[]>>();

  constructor(request: PluginRequest) {
    this.#request = request;
  }

  /** What MILLRACE_PLUGINS names, then what the configuration names. */
  async loadNamed(): Promise<void> {
    const { references, registries, confDirectories, pluginsPath, variable = '' } = this.#request;
    this.#folders.push(...pluginsPath);
    for (const path of variable.split(':').filter((entry) => entry !== '')) {
      const found = await this.#tried(path, () => moduleFile(resolve(path)));
      if (found) await this.#load(found);
      else if (await isFolder(path)) this.#folders.push(path);
      else this.#problem({ path, sentence: `MILLRACE_PLUGINS names ${path}, which is neither a module nor a folder` });
    }
    const ready = async ({ kind, type }: PluginReference): Promise<boolean> => {
      if (isPathForm(type) || !registries[kind].has(type)) return false;
      await registries[kind].read(type);
      return registries[kind].find(type)?.create !== undefined;
    };
    const open: PluginReference[] = [];
    for (const reference of references) if (!(await ready(reference))) open.push(reference);
    if (open.length === 0) return;
    const mappings = await readMappings([...confDirectories, ...this.#folders], (path, reason) =>
      this.#problem({ path, sentence: `${path} cannot be read as a mapping of types to plug-ins: ${reason}` }),
    );
    for (const reference of open) await this.#resolve(reference, mappings);
  }

  /** Every plug-in of the folders. */
  async loadFolders(): Promise<void> {
    for (const folder of this.#folders) {
      const modules = await this.#tried(folder, () => modulesIn(folder));
      for (const module of modules ?? []) await this.#load(module);
    }
  }

  async #resolve(reference: PluginReference, mappings: ReadonlyMap<string, Mapping>): Promise<void> {
    const { key, kind, type } = reference;
    const mapping = mappings.get(type) ?? mappings.get(type.replace(/\$Builder$/, ''));
    const wanted = mapping?.module ?? type;
    // A type of Flume's that we do not have yet is only ever replaced by an explicit mapping.
    if (!mapping && !isPathForm(type) && this.#request.registries[kind].has(type)) return;
    const found = await this.#tried(wanted, () => this.#find(wanted, mapping?.folder), key);
    if (found === undefined) {
      if (mapping) this.#problem({ key, path: mapping.file, sentence: `${mapping.file} maps ${type} to ${wanted}, which is not there` });
      else if (isPathForm(type)) this.#problem({ key, path: type, sentence: this.#notThere(type) });
      return;
    }
    const ofKind = (await this.#load(found, key)).filter((definition) => definition.kind === kind);
    const [only, ...others] = ofKind;
    if (only && others.length === 0) this.#request.registries[kind].alias(type, only as never);
    else if (only && !ofKind.some(({ types }) => types.includes(type))) {
      const names = ofKind.map(({ types }) => types[0]).join(', ');
      this.#problem({ key, path: found.path, sentence: `${found.path} has more than one ${kind}: name the one that is meant, of ${names}` });
    } else if (!only && (await this.#modules.get(found.path))?.length) {
      this.#problem({ key, path: found.path, sentence: `the plug-in ${found.path} has no ${kind}` });
    }
  }

  async #find(wanted: string, mappedFrom: string | undefined): Promise<ModuleFile | undefined> {
    const { confDirectories } = this.#request;
    if (wanted.startsWith('file:')) return moduleFile(fileURLToPath(wanted));
    if (isPathForm(wanted)) {
      for (const folder of mappedFrom === undefined ? confDirectories : [mappedFrom]) {
        const found = await moduleFile(resolve(folder, wanted));
        if (found) return found;
      }
      return undefined;
    }
    if (!/^(?:@[a-z0-9~-][\w.~-]*\/)?[a-z0-9~-][\w.~$-]*$/i.test(wanted)) return undefined;
    for (const folder of this.#folders) {
      const found = await moduleFile(resolve(folder, wanted));
      if (found) return found;
    }
    for (const folder of [...(mappedFrom === undefined ? [] : [mappedFrom]), ...confDirectories]) {
      const found = await installedPackage(wanted, folder);
      if (found) return found;
    }
    return undefined;
  }

  /** Loads a module once and adds what it defines. Resolves with its definitions; none if it cannot be used. */
  #load(module: ModuleFile, key?: string): Promise<readonly AnyDefinition<PluginKind>[]> {
    const { path } = module;
    let loading = this.#modules.get(path);
    if (!loading) this.#modules.set(path, (loading = this.#loadNow(module, key)));
    return loading;
  }

  async #loadNow({ path, writableByAll }: ModuleFile, key: string | undefined): Promise<readonly AnyDefinition<PluginKind>[]> {
    const at = { ...(key !== undefined && { key }), path };
    if (writableByAll) {
      this.#problem({ ...at, sentence: `the plug-in ${path} can be changed by everybody on this machine: chmod o-w it`, severity: 'warning' });
    }
    try {
      const definitions = await definitionsOf(path);
      for (const definition of definitions) {
        const registry = this.#request.registries[definition.kind] as Registry<PluginKind>;
        const taken = definition.types.find((type) => registry.has(type));
        if (taken !== undefined) await registry.read(taken);
        if (taken !== undefined && registry.find(taken) === definition) continue;
        if (taken !== undefined) throw new PluginError(`has a ${definition.kind} called ${taken}, which there is already`);
        registry.add(definition);
        this.loaded.push({ path, kind: definition.kind, types: definition.types });
      }
      return definitions;
    } catch (error) {
      const sentence = error instanceof PluginError ? `the plug-in ${path} ${describeError(error)}` : `the plug-in ${path} cannot be loaded: ${whereItFails(error)}`;
      this.#problem({ ...at, sentence });
      return [];
    }
  }

  #notThere(type: string): string {
    if (type.startsWith('.')) return `there is no module ${type} in ${this.#request.confDirectories.join(' or ')}`;
    return `there is no module ${type}: a plug-in is a .js, .mjs, .cjs or .ts file, or a folder with a package.json`;
  }

  async #tried<T>(path: string, find: () => Promise<T>, key?: string): Promise<T | undefined> {
    try {
      return await find();
    } catch (error) {
      this.#problem({ ...(key !== undefined && { key }), path, sentence: `looking for plug-ins at ${path} failed: ${describeError(error)}` });
      return undefined;
    }
  }

  #problem(problem: Omit<PluginProblem, 'severity'> & { severity?: PluginProblem['severity'] }): void {
    this.problems.push({ severity: 'error', ...problem });
  }
}

/** Of all loads of this process: Node runs a module once, and a reload of the configuration finds the same definitions. */
const definitionsByPath = new Map<string, readonly AnyDefinition<PluginKind>[]>();

async function definitionsOf(path: string): Promise<readonly AnyDefinition<PluginKind>[]> {
  const known = definitionsByPath.get(path);
  if (known) return known;
  provideKit();
  const definitions = await withDeadline(readModule(path));
  definitionsByPath.set(path, definitions);
  return definitions;
}

/** `plugin`, else the default export, else every export that looks like a definition. */
async function readModule(path: string): Promise<readonly AnyDefinition<PluginKind>[]> {
  const exports = (await import(pathToFileURL(path).href)) as Readonly<Record<string, unknown>>;
  const main = exports.plugin ?? exports.default;
  const value: unknown = typeof main === 'function' ? await (main as (kit: unknown) => unknown)(await import('./kit.ts')) : main;
  const given = value ?? Object.values(exports).filter((entry) => typeof entry === 'object' && entry !== null && 'kind' in entry);
  const list: readonly unknown[] = Array.isArray(given) ? given : [given];
  if (list.length === 0) throw new PluginError('exports nothing that is a definition, a list of them, or a function that returns one');
  return list.map((entry) => toDefinition(entry, basename(path, extname(path))));
}

async function withDeadline<T>(loading: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new PluginError(`did not finish loading within ${LOAD_MS / 1000} s`)), LOAD_MS);
  });
  try {
    return await Promise.race([loading, late]);
  } finally {
    clearTimeout(timer);
  }
}

let kitProvided = false;

/** Makes `import … from 'millrace'` mean this very program in every module loaded from now on, wherever it lies. */
function provideKit(): void {
  if (kitProvided) return;
  kitProvided = true;
  const url = moduleUrl('agent/plugins/kit');
  registerHooks({
    resolve: (specifier, context, next) => (specifier === 'millrace' ? { url, shortCircuit: true } : next(specifier, context)),
  });
}

/** The reason, and the first place of the stack that is a file's, for somebody who is writing a plug-in. */
function whereItFails(error: unknown): string {
  const reason = describeError(error);
  // A stack has no place for an error of syntax in a module.
  if (error instanceof SyntaxError) return `${reason} (node --check shows the line)`;
  const [, path, line] = /(?:\(|at )file:\/\/(\S+?):(\d+):\d+\)?$/m.exec(error instanceof Error ? (error.stack ?? '') : '') ?? [];
  return path === undefined ? reason : `${reason} (${path}:${line})`;
}
