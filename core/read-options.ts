import type { Kind, Kinds, PartContext } from './component.ts';
import type { AnyDefinition, Definition, Finding, OptionProblem, OptionReading, OptionTable, Values } from './define.ts';
import { nearest } from './nearest.ts';
import { option, type Effect, type Option, type PrefixOption } from './options.ts';
import type { Registry } from './registry.ts';

/** Properties of one component: key relative to it, value trimmed and never empty. */
export type Properties = ReadonlyMap<string, string>;

/** A component inside another one, ready to be made. */
export interface Nested<K extends Kind> {
  readonly definition: AnyDefinition<K>;
  create(context: Kinds[K]['context'] & PartContext): Promise<Kinds[K]['product']>;
}

export interface NestedOption<K extends Kind> extends Option<Nested<K>> {
  readonly shape: 'nested';
  readonly registry: Registry<K>;
  readonly defaultType: string;
  readonly unknownType: Effect;
}

/**
 * A type of another kind, chosen by this option, whose own options stand under the option's name: `serializer = avro_event` and
 * `serializer.syncIntervalBytes = 4096`.
 */
export function nested<K extends Kind>(
  registry: Registry<K>,
  spec: { doc: string; default: string; unknownType?: Effect },
): NestedOption<K> {
  return {
    ...option<Nested<K>>('nested', spec, undefined, undefined, () => ({})),
    shape: 'nested',
    required: false,
    registry,
    defaultType: spec.default,
    unknownType: spec.unknownType ?? 'drop',
  };
}

/**
 * Reads all options of a definition; `generic` are keys known to whoever asks, which are left alone. Values come out unless a problem has
 * an effect that is not `tolerated`; with `refuse` tolerated they are those that Flume would go on with.
 */
export function readOptions<O extends OptionTable>(
  definition: { readonly options: O; check?(values: Values<O>): readonly Finding[] },
  properties: Properties,
  generic: (key: string) => boolean = () => false,
  tolerated: readonly Effect[] = ['warn'],
): OptionReading<O> {
  const problems: OptionProblem[] = [];
  const values: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  const used = new Set<string>();
  for (const [name, spec] of Object.entries(definition.options)) {
    if (isPrefix(spec)) values[name] = readPrefix(name, spec, properties, used, problems);
    else if (isNested(spec)) values[name] = readNested(name, spec, properties, used, problems, tolerated);
    else values[name] = readValue(name, spec, properties, used, problems);
  }
  const known = knownKeys(definition.options);
  for (const key of properties.keys()) {
    if (used.has(key) || generic(key)) continue;
    problems.push({ key, effect: 'warn', fault: 'unknown', sentence: 'unknown property', known: nearest(key, known) });
  }
  const stops = ({ effect }: { readonly effect: Effect }): boolean => !tolerated.includes(effect);
  if (problems.some(stops)) return { problems };
  const unread = problems.some(({ key, effect }) => effect !== 'warn' && values[key] === undefined);
  for (const { option: key, effect, sentence } of (unread ? checkOf(definition, values) : definition.check?.(values as Values<O>)) ?? []) {
    problems.push({ key, effect, fault: 'conflict', sentence });
  }
  return problems.some(stops) ? { problems } : { values: values as Values<O>, problems };
}

/** A check may count on every value; where one could not be read, it says what it can. */
function checkOf<O extends OptionTable>(definition: { check?(values: Values<O>): readonly Finding[] }, values: Record<string, unknown>): readonly Finding[] {
  try {
    return definition.check?.(values as Values<O>) ?? [];
  } catch {
    return [];
  }
}

/** Keys that can stand in a file, for suggestions and help; prefixes without their star. */
export function knownKeys(options: OptionTable): readonly string[] {
  return Object.entries(options).flatMap(([name, spec]) =>
    spec.shape === 'ignored' ? [] : [name.replace(/\*$/, ''), ...spec.aliases],
  );
}

function readValue(
  name: string,
  spec: Option<unknown>,
  properties: Properties,
  used: Set<string>,
  problems: OptionProblem[],
): unknown {
  const key = [name, ...spec.aliases].find((candidate) => properties.has(candidate));
  for (const spelling of [name, ...spec.aliases]) used.add(spelling);
  const raw = key === undefined ? undefined : properties.get(key);
  if (key === undefined || raw === undefined) {
    if (spec.required) problems.push({ key: name, effect: spec.missing, fault: 'missing', sentence: 'is required' });
    return spec.fallback;
  }
  const { value, bad } = spec.read(raw);
  if (bad) {
    const fault = spec.shape === 'ignored' ? 'without effect' : 'bad';
    problems.push({ key, effect: bad.effect, fault, sentence: bad.sentence });
  }
  return value;
}

function readPrefix(
  name: string,
  spec: PrefixOption,
  properties: Properties,
  used: Set<string>,
  problems: OptionProblem[],
): ReadonlyMap<string, string> {
  const start = name.slice(0, -1);
  const entries = new Map<string, string>();
  for (const [key, value] of properties) {
    // As in Java, the prefix alone is a key too: its rest is empty.
    if (!key.startsWith(start)) continue;
    entries.set(key.slice(start.length), value);
    used.add(key);
  }
  const sentence = spec.check?.(entries);
  if (sentence) problems.push({ key: `${start}${[...entries.keys()][0] ?? ''}`, effect: spec.missing, fault: 'bad', sentence });
  return entries;
}

function readNested<K extends Kind>(
  name: string,
  spec: NestedOption<K>,
  properties: Properties,
  used: Set<string>,
  problems: OptionProblem[],
  tolerated: readonly Effect[],
): Nested<K> | undefined {
  const type = properties.get(name) ?? spec.defaultType;
  const below = new Map<string, string>();
  used.add(name);
  for (const [key, value] of properties) {
    if (!key.startsWith(`${name}.`)) continue;
    below.set(key.slice(name.length + 1), value);
    used.add(key);
  }
  const definition = spec.registry.find(type);
  if (!definition) {
    const known = nearest(type, spec.registry.names);
    problems.push({ key: name, effect: spec.unknownType, fault: 'bad', sentence: `is no ${spec.registry.kind} type`, known });
    return undefined;
  }
  const reading = readOptions(definition as unknown as Definition, below, undefined, tolerated);
  problems.push(...reading.problems.map((problem) => ({ ...problem, key: `${name}.${problem.key}` })));
  const { values } = reading;
  if (!values) return undefined;
  return {
    definition,
    create: async (context) => {
      if (!definition.create) throw new Error(`the ${spec.registry.kind} type "${type}" is one that Millrace does not have yet`);
      return definition.create(context, values as never);
    },
  };
}

function isPrefix(spec: Option<unknown>): spec is PrefixOption {
  return spec.shape === 'prefix';
}

function isNested(spec: Option<unknown>): spec is NestedOption<Kind> {
  return spec.shape === 'nested';
}
