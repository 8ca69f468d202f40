import type { Kind } from '../../core/component.ts';
import type { AnyDefinition } from '../../core/define.ts';
import type { Option } from '../../core/options.ts';
import type { NestedOption } from '../../core/read-options.ts';

/** An option as people read it. */
export interface OptionText {
  /** Prefixes end in `.*`. */
  readonly name: string;
  readonly required: boolean;
  readonly type: string;
  /** Empty where there is none. */
  readonly fallback: string;
  readonly allowed: string;
  /** With what its other spellings are. */
  readonly doc: string;
}

/** The options of a definition in the order of its table; keys that Flume does not read are left out. */
export function optionTexts(definition: AnyDefinition): readonly OptionText[] {
  return Object.entries(definition.options)
    .filter(([, option]) => option.shape !== 'ignored')
    .map(([name, option]) => optionText(name, option));
}

/** Keys that people write and that have no effect, with the reason. */
export function ignoredKeys(definition: AnyDefinition): readonly { readonly name: string; readonly doc: string }[] {
  return Object.entries(definition.options)
    .filter(([, option]) => option.shape === 'ignored')
    .map(([name, { doc }]) => ({ name, doc }));
}

/** What is to be known of a type besides its options: one sentence each. */
export function typeNotes(definition: AnyDefinition): readonly string[] {
  const { flume } = definition;
  const notes: string[] = [];
  if (!definition.create) notes.push('Millrace does not have this type yet: a configuration with it is refused.');
  if (flume?.notLoadable === '') notes.push('Flume 1.11 has no such type.');
  else if (flume?.notLoadable) notes.push(`A plain Flume 1.11 cannot load ${flume.notLoadable} and does not start with this type.`);
  if (flume?.alwaysDropped) notes.push(`Flume 1.11 drops every component of this type (${flume.alwaysDropped}); Millrace runs it.`);
  if (flume?.polled) notes.push('A polled source: `backoffSleepIncrement` and `maxBackoffSleep` apply.');
  return notes;
}

const EXAMPLE_KEYS: Readonly<Record<Kind, readonly [string, string]>> = {
  source: ['a1.sources.r1', 'type'],
  channel: ['a1.channels.c1', 'type'],
  sink: ['a1.sinks.k1', 'type'],
  interceptor: ['a1.sources.r1.interceptors.i1', 'type'],
  selector: ['a1.sources.r1.selector', 'type'],
  'sink processor': ['a1.sinkgroups.g1.processor', 'type'],
  serializer: ['a1.sinks.k1', 'serializer'],
  deserializer: ['a1.sources.r1', 'deserializer'],
  'http handler': ['a1.sources.r1', 'handler'],
  'config filter': ['a1.configfilters.f1', 'type'],
};

/** The least that a configuration has to say to use the type. */
export function exampleOf(definition: AnyDefinition): readonly string[] {
  const [start, typeKey] = EXAMPLE_KEYS[definition.kind];
  const below = typeKey === 'type' ? start : `${start}.${typeKey}`;
  const lines = [`${start}.${typeKey} = ${definition.types[0]}`];
  if (definition.kind === 'source') lines.push(`${start}.channels = c1`);
  if (definition.kind === 'sink') lines.push(`${start}.channel = c1`);
  for (const { name, required, allowed, type } of optionTexts(definition)) {
    if (required) lines.push(`${below}.${name} = ${sample(name, allowed, type)}`);
  }
  return lines;
}

function optionText(name: string, option: Option<unknown>): OptionText {
  const aliases = option.aliases.length > 0 ? ` Also spelled ${option.aliases.join(', ')}.` : '';
  const secret = option.secret ? ' Never shown in the log.' : '';
  return {
    name,
    required: option.required,
    type: option.shape === 'prefix' ? 'properties' : option.shape === 'nested' ? (option as NestedOption<Kind>).registry.kind : option.shape,
    fallback: option.shape === 'nested' ? (option as NestedOption<Kind>).defaultType : valueText(option.fallback),
    allowed: option.allowed ?? '',
    doc: `${option.doc}${aliases}${secret}`,
  };
}

function valueText(value: unknown): string {
  if (Array.isArray(value)) return value.join(' ');
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return '';
  return String(value).replaceAll('\n', '\\n').replaceAll('\t', '\\t');
}

function sample(name: string, allowed: string, type: string): string {
  if (type === 'one of') return allowed.split(', ')[0] ?? '';
  if (/port$/i.test(name)) return '44444';
  if (/^(bind|host|hostname)$/i.test(name)) return '127.0.0.1';
  if (type === 'whole number' || type === 'number') return '1';
  return type === 'true or false' ? 'true' : `<${name}>`;
}
