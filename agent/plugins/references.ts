import { PLUGIN_KINDS, type PluginKind } from './definition.ts';

/** A place of a configuration that names a type. */
export interface PluginReference {
  /** As in the file: `a1.sinks.k1.type`. */
  readonly key: string;
  readonly kind: PluginKind;
  readonly type: string;
}

/** Which keys name types, by what follows after the agent. */
const KEYS: readonly (readonly [PluginKind, RegExp])[] = [
  ['source', /^sources\.[^.]+\.type$/],
  ['interceptor', /^sources\.[^.]+\.interceptors\.[^.]+\.type$/],
  ['selector', /^sources\.[^.]+\.selector\.type$/],
  ['channel', /^channels\.[^.]+\.type$/],
  ['sink', /^sinks\.[^.]+\.type$/],
  ['sink processor', /^sinkgroups\.[^.]+\.processor\.type$/],
  ['serializer', /^(?:sources|channels|sinks)\.[^.]+\.(?:sink\.)?serializer$/],
  ['http handler', /^sources\.[^.]+\.handler$/],
  ['deserializer', /^sources\.[^.]+\.deserializer$/],
];

/** Every type that the effective properties of a configuration name, of the kinds that plug-ins can add to. */
export function pluginReferences(properties: Iterable<readonly [string, string]>): readonly PluginReference[] {
  const references: PluginReference[] = [];
  for (const [key, value] of properties) {
    const rest = key.slice(key.indexOf('.') + 1);
    const type = value.trim();
    const kind = KEYS.find(([, pattern]) => pattern.test(rest))?.[0];
    if (kind && type !== '') references.push({ key, kind, type });
  }
  return references;
}

/** Starts with `./`, `../`, `/` or `file:`: only then is a type a path. */
export function isPathForm(type: string): boolean {
  return /^(?:\.{0,2}\/|file:)/.test(type);
}

/**
 * What to do about a type that nobody knows, beyond names that are spelled alike: how a Java class or a path is given to Millrace. To stand
 * behind a sentence that says what the type is. `undefined` where the type looks like neither.
 */
export function unknownTypeHint(kind: string, type: string): string | undefined {
  if (!PLUGIN_KINDS.some((candidate) => candidate === kind)) return undefined;
  if (/^[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)+$/.test(type) && !/\.[cm]?[jt]s$/.test(type)) {
    const file = `./my-${kind.replace(' ', '-')}.js`;
    return `write it as a JavaScript plug-in (docs/plugins.md) and map the class to it in plugins.json beside this file: { "${type}": "${file}" }`;
  }
  return /[\\/]|\.[cm]?[jt]s$/.test(type) ? `the file of a plug-in is named as ./${type.replace(/^[\\/.]+/, '')} or by its whole path` : undefined;
}
