import type { Reader } from 'properties-reader';
import { javaTrim } from '../../core/java-values.ts';
import type { ConfigText } from './text.ts';
import { interpolate, InterpolationError, type Found, type LookUp } from './interpolation.ts';
import { propertiesOrder } from './java-order.ts';
import { builtInLookups, lookupsFrom, type LookupContext, type Lookups } from './lookups.ts';
import type { Place, Problem, Rules } from '../plan/types.ts';
import { problem } from '../problems/problems.ts';
import { parseProperties, type ParsedText, type RawProperty } from './properties.ts';
import { isSecretKey, loginsIn } from './secrets.ts';
import { withStandardProperties } from './system-properties.ts';

/** One property of the merged configuration. */
export interface EffectiveProperty {
  /** As the file has it, untrimmed. */
  readonly key: string;
  /** After interpolation, untrimmed. */
  readonly value: string;
  /** The line that counts. */
  readonly origin: RawProperty;
  /** Expressions that nothing resolved and that stand in `value`. */
  readonly unresolved: readonly string[];
  /** Never to be printed: the key says so, or the value came from the environment or a file. */
  readonly secret: boolean;
}

/** The configuration after merging and interpolation. */
export interface Effective {
  /** Keys and values, held as `properties-reader` holds them. */
  readonly reader: Reader;
  /** By key, in the order of the files; by Flume's rules in the order in which Flume walks them. */
  readonly properties: ReadonlyMap<string, EffectiveProperty>;
  readonly texts: readonly ConfigText[];
  readonly problems: readonly Problem[];
  /** Names that some `${name}` used, so that the properties of that name have a purpose. */
  readonly variables: ReadonlySet<string>;
  /** Texts that must never be printed, as far as they are known by their keys, by the names of variables and as logins in addresses. */
  readonly secrets: ReadonlySet<string>;
  /** What ends Flume's load of the whole configuration. */
  readonly fatal?: string;
  readonly rules: Rules;
}

export interface Surroundings {
  readonly env: ReadonlyMap<string, string>;
  readonly systemProperties: ReadonlyMap<string, string>;
  /** The properties file that replaces the built-in look-ups, if there is one. */
  readonly lookupsFile?: { readonly name: string; readonly bytes: Buffer };
  readonly readText?: (path: string) => string | undefined;
}

/** Legacy mode of `${NAME}`: a property, or else a variable of the environment. */
const LEGACY_CLASS = 'org.apache.flume.node.EnvVarResolverProperties';

/** Merges files in the given order, later keys replacing earlier ones, then resolves `${…}` in the values. */
export async function effectiveProperties(
  files: readonly { readonly name: string; readonly bytes: Buffer }[],
  rules: Rules,
  surroundings: Surroundings,
): Promise<Effective> {
  const parsed = await Promise.all(files.map(({ name, bytes }) => parseProperties(name, bytes, rules)));
  const problems = parsed.flatMap((each) => [...each.problems, ...duplicates(each)]);
  const merged = new Map<string, RawProperty>();
  for (const { properties } of parsed) for (const property of properties) merged.set(property.key, property);
  const [{ propertiesReader }, lookUps] = await Promise.all([import('properties-reader'), lookupsFor(rules, surroundings, merged)]);
  problems.push(...lookUps.problems);
  const resolver = new Resolver(merged, rules, lookUps.lookups, surroundings);
  const fatal = parsed.find((each) => each.fatal !== undefined)?.fatal;
  const reader = propertiesReader();
  const properties = new Map<string, EffectiveProperty>();
  if (fatal === undefined) {
    for (const key of rules === 'flume' ? propertiesOrder(allKeys(parsed)) : merged.keys()) {
      const property = resolver.resolve(merged.get(key) as RawProperty);
      properties.set(key, property);
      reader.set(key, property.value);
    }
  }
  const worst = fatal ?? resolver.fatal;
  return {
    reader,
    properties,
    texts: parsed.map(({ text }) => text),
    problems: [...problems, ...resolver.problems],
    variables: resolver.variables,
    secrets: resolver.secrets,
    ...(worst !== undefined && { fatal: worst }),
    rules,
  };
}

/** The trimmed value; what a `RawProperty` keeps blanks and all. */
export function trimmedValue({ value }: EffectiveProperty): string {
  return javaTrim(value);
}

function* allKeys(parsed: readonly ParsedText[]): Iterable<string> {
  for (const { properties } of parsed) for (const { key } of properties) yield key;
}

function duplicates({ properties }: ParsedText): Problem[] {
  const places = new Map<string, RawProperty>();
  const problems: Problem[] = [];
  for (const property of properties) {
    const key = javaTrim(property.key);
    const earlier = places.get(key);
    places.set(key, property);
    if (!earlier || key === '') continue;
    problems.push(
      problem('M005', {
        place: property.keyPlace(),
        sentence: `${key} is set twice; the value of line ${earlier.line} is not used`,
        hint: 'this value is used; the other line:',
        other: earlier.keyPlace(),
        hideLine: isSecretKey(key),
        ...agentOf(key),
      }),
    );
  }
  return problems;
}

function agentOf(key: string): { agent?: string } {
  const dot = key.indexOf('.');
  return dot > 0 ? { agent: key.slice(0, dot) } : {};
}

class Resolver {
  readonly problems: Problem[] = [];
  readonly variables = new Set<string>();
  readonly secrets = new Set<string>();
  fatal: string | undefined;
  readonly #merged: ReadonlyMap<string, RawProperty>;
  readonly #rules: Rules;
  readonly #lookups: Lookups;
  readonly #legacyEnv: ReadonlyMap<string, string> | undefined;
  /** By Flume's rules a name sees only what was resolved before. */
  readonly #resolved = new Map<string, string>();

  constructor(merged: ReadonlyMap<string, RawProperty>, rules: Rules, lookups: Lookups, { env, systemProperties }: Surroundings) {
    this.#merged = merged;
    this.#rules = rules;
    this.#lookups = lookups;
    this.#legacyEnv = systemProperties.get('propertiesImplementation') === LEGACY_CLASS ? env : undefined;
  }

  resolve(origin: RawProperty): EffectiveProperty {
    const property = this.#resolve(origin);
    const value = javaTrim(property.value);
    if (isSecretKey(property.key) && value !== '') this.secrets.add(value);
    for (const login of loginsIn(value)) this.secrets.add(login);
    return property;
  }

  #resolve(origin: RawProperty): EffectiveProperty {
    const { key, value: raw } = origin;
    const secretKey = isSecretKey(key);
    if (!raw.includes('${')) {
      this.#resolved.set(key, raw);
      return { key, value: raw, origin, unresolved: [], secret: secretKey };
    }
    try {
      const { value, unresolved, secret } = interpolate(raw, this.#lookUp);
      this.#resolved.set(key, value);
      return { key, value, origin, unresolved, secret: secret || secretKey };
    } catch (error) {
      if (!(error instanceof InterpolationError)) throw error;
      this.fatal ??= error.message;
      this.problems.push(
        problem('M023', { place: placeOf(origin, error.variable), sentence: `\${…} in ${javaTrim(key)}: ${error.message}`, hideLine: secretKey, ...agentOf(key) }),
      );
      return { key, value: raw, origin, unresolved: [], secret: secretKey };
    }
  }

  /** Commons Text's order: the look-up of the prefix, then what stands behind the first colon as a property. */
  readonly #lookUp: LookUp = (variable) => {
    const colon = variable.indexOf(':');
    if (colon < 0) return this.#property(variable);
    const lookup = this.#lookups.get(variable.slice(0, colon).toLowerCase());
    const name = variable.slice(colon + 1);
    const found = lookup?.(name);
    if (found?.secret && isSecretKey(name)) this.secrets.add(found.value);
    return found ?? this.#property(name);
  };

  #property(name: string): Found | undefined {
    this.variables.add(name);
    const value = this.#rules === 'flume' ? this.#resolved.get(name) : this.#merged.get(name)?.value;
    if (value !== undefined) return { value, rescan: true, secret: isSecretKey(name) };
    const legacy = this.#legacyEnv?.get(name);
    return legacy === undefined ? undefined : { value: legacy, rescan: this.#rules === 'flume', secret: true };
  }
}

/** Where an expression stands in its value, or the whole value if it is not to be found. */
export function placeOf(origin: RawProperty, expression: string): Place {
  const at = origin.value.indexOf(expression);
  return at < 0 || expression === '' ? origin.valuePlace() : origin.valuePlace(at, at + expression.length);
}

async function lookupsFor(
  rules: Rules,
  { env, systemProperties, lookupsFile, readText }: Surroundings,
  merged: ReadonlyMap<string, RawProperty>,
): Promise<{ lookups: Lookups; problems: Problem[] }> {
  const parser = lookupsFile ? (await import('properties-file/parser')).Properties : undefined;
  // Hardly any configuration names a date, and the formatter is not small.
  const named = lookupsFile !== undefined || [...merged.values()].some(({ value }) => /\bdate:/i.test(value));
  const dates = named ? await import('../../core/java-date-format.ts') : undefined;
  const context: LookupContext = {
    rules,
    env,
    systemProperties: withStandardProperties(systemProperties),
    readText: readText ?? (() => undefined),
    parse: (text) => new Map(parser ? new parser(text).nodes.flatMap((node) => (node.type === 'property' ? [[node.key, node.value] as const] : [])) : []),
    formatDate: (pattern) => (dates ? dates.compileSimpleDateFormat(pattern).format(Date.now()) : pattern),
  };
  if (!lookupsFile) return { lookups: builtInLookups(context), problems: [] };
  const { properties, text } = await parseProperties(lookupsFile.name, lookupsFile.bytes, rules);
  const { lookups, refused } = lookupsFrom(properties.map(({ key, value }) => [key, javaTrim(value)] as const), context);
  const problems = refused.map(({ prefix, reason }) => {
    const at = properties.find(({ key }) => key === prefix);
    return problem('M035', { severity: 'warning', ...(at && { place: at.valuePlace() }), sentence: `the look-up "${prefix}" of ${text.name} is left out: ${reason}` });
  });
  return { lookups, problems };
}
