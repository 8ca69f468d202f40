import type { Kind } from '../../core/component.ts';
import type { AnyDefinition, Definition, OptionProblem } from '../../core/define.ts';
import { nearest } from '../../core/nearest.ts';
import { readOptions } from '../../core/read-options.ts';
import type { Registry } from '../../core/registry.ts';
import { isFlumeSpelling, type FlumeKind } from './flume-types.ts';
import type { BuildContext } from './build.ts';
import { valuePlace, valuesOf, WORDS, type ListName, type Setting, type Settings } from './keys.ts';
import { COMMENT_HINT, didYouMean, quoted, reportOptions, stillUnresolved, trailingComment, shortType, type Report, type Subject } from './report.ts';
import { withTlsDefaults } from './tls-defaults.ts';
import type { Place, Rules } from './types.ts';
import type { ProblemCode } from '../problems/catalogue.ts';

/** What a `type` and the settings beside it give. */
export interface TypeReading<K extends Kind = Kind> {
  readonly definition?: AnyDefinition<K>;
  /** Absent if Flume would drop the component. */
  readonly values?: Readonly<Record<string, unknown>>;
  /** Why there are none. */
  readonly reason?: string;
  readonly place?: Place;
  readonly subject?: Subject;
}

export interface TypeRequest<K extends Kind> {
  readonly report: Report;
  readonly context: BuildContext;
  readonly kind: K & FlumeKind;
  readonly registry: Registry<K>;
  readonly list: ListName;
  readonly name: string;
  readonly settings: Settings;
  /** Where the problem is shown if nothing of the component has a place. */
  readonly place: Place;
}

/** Keys that stand beside a type's own, for all types of a kind. */
const GENERIC: Readonly<Partial<Record<Kind, RegExp>>> = {
  source: /^(?:type|channels|config|interceptors|(?:interceptors|selector)\..+)$/,
  channel: /^(?:type|config)$/,
  sink: /^(?:type|channel|config)$/,
  selector: /^(?:type|config)$/,
};

/** Looks up the type of a listed component and reads its options. Everything wrong is reported. */
export function readType<K extends Kind>(request: TypeRequest<K>): TypeReading<K> {
  const { report, context, kind, registry, list, name, settings } = request;
  const type = settings.get('type') as Setting;
  const word = `${WORDS[list]} ${name}`;
  const definition = findDefinition(kind, registry, type.value, context.rules);
  const place = valuePlace(type);
  if (!definition) {
    reportUnknownType(report, kind, registry, type, word);
    const meant = context.rules === 'millrace' ? meantType(registry, type) : undefined;
    if (meant) {
      const subject: Subject = { text: `${word} (${shortType(meant)})`, settings, options: meant.options, place };
      readValues(report, context, subject, meant, { generic: GENERIC[kind] ?? /^type$/ });
    }
    return { reason: `Unable to load ${kind} type: ${type.value}`, place };
  }
  const subject: Subject = { text: `${word} (${shortType(definition)})`, settings, options: definition.options, place };
  const dropped = context.rules === 'flume' ? definition.flume?.alwaysDropped : undefined;
  if (dropped !== undefined) return { definition, place, reason: dropped };
  if (!definition.create) {
    report.setting('M029', type, 'value', `${quoted(type.value)} is a Flume type that Millrace does not have yet`);
  }
  const reading = readValues(report, context, subject, definition, { generic: GENERIC[kind] ?? /^type$/ });
  return { definition, place, subject, ...reading };
}

/** The type that a comment behind it or a typing error hides: its options are looked at all the same. */
function meantType<K extends Kind>(registry: Registry<K>, type: Setting): AnyDefinition<K> | undefined {
  const comment = trailingComment(type);
  if (comment) return registry.find(comment.before.trim());
  const [near, second] = nearest(type.value, registry.names);
  return near !== undefined && second === undefined ? registry.find(near) : undefined;
}

/** Reads the options of a definition, and looks at the files it needs. */
export function readValues(
  report: Report,
  context: BuildContext,
  subject: Subject,
  definition: AnyDefinition,
  { generic, names }: { readonly generic: RegExp; readonly names?: readonly string[] },
): { readonly values?: Readonly<Record<string, unknown>>; readonly reason?: string } {
  const given = withTlsDefaults(valuesOf(subject.settings), subject.options, context.tlsDefaults);
  const reading = readOptions(definition as unknown as Definition, given, (key) => generic.test(key), ['warn', 'refuse']);
  const problems: OptionProblem[] = [...reading.problems];
  const { values } = reading;
  if (values && names) {
    for (const { option: key, effect, sentence } of definition.checkNames?.(values as never, names) ?? []) {
      problems.push({ key, effect, fault: 'conflict', sentence });
    }
  }
  for (const [name, value] of context.tlsDefaults) if (name.endsWith('-password')) report.secrets.add(value);
  for (const [key, { secret, aliases }] of Object.entries(subject.options)) {
    for (const spelling of secret ? [key, ...aliases] : []) report.secrets.add(given.get(spelling) ?? '');
  }
  reportOptions(report, subject, problems);
  const reasons = problems.filter(({ effect }) => effect === 'drop').map(({ key, sentence }) => `${key} ${sentence}`);
  if (values && reasons.length === 0) reasons.push(...unreadableFiles(report, context, subject, definition, values));
  const [reason] = reasons;
  return values && reason === undefined ? { values } : { reason: reason ?? 'has been removed due to an error during configuration' };
}

function unreadableFiles(report: Report, context: BuildContext, subject: Subject, definition: AnyDefinition, values: Readonly<Record<string, unknown>>): string[] {
  const reasons: string[] = [];
  for (const option of definition.readableFiles?.(values as never) ?? []) {
    const path = values[option];
    if (typeof path !== 'string' || context.readable(path)) continue;
    const setting = subject.settings.get(option);
    report.add('M037', {
      place: setting ? valuePlace(setting) : subject.place,
      sentence: `${option} of ${subject.text} names a file that cannot be read`,
      hint: 'look at the path and the rights of the user that runs the agent',
    });
    reasons.push(`${option} cannot be read`);
  }
  return reasons;
}

/** The definition of a type; by Flume's rules only for the spellings that Flume has, and never for what it cannot load. */
export function findDefinition<K extends Kind>(kind: FlumeKind, registry: Registry<K>, type: string, rules: Rules): AnyDefinition<K> | undefined {
  const definition = registry.find(type);
  if (!definition || rules === 'millrace') return definition;
  return isFlumeSpelling(kind, type) && definition.flume?.notLoadable === undefined ? definition : undefined;
}

/** The words behind "Unable to load …" for a type that cannot be loaded; `undefined` for one that can. */
export function unknownType<K extends Kind>(kind: FlumeKind, registry: Registry<K>, type: string, rules: Rules): string | undefined {
  if (findDefinition(kind, registry, type, rules)) return undefined;
  const missing = registry.find(type)?.flume?.notLoadable;
  return missing ? `${type}, class: ${missing}` : type;
}

function pluginHint(kind: FlumeKind, type: string): { hint?: string } {
  if (kind === 'config filter') return {};
  const mapping = `{ "${type}": "./my-${kind.replace(' ', '-')}.js" }`;
  return { hint: `write it as a plug-in (docs/plugins.md), and map the class to it in plugins.json beside this file: ${mapping}` };
}

const CODES: Readonly<Partial<Record<FlumeKind, ProblemCode>>> = { selector: 'M031', interceptor: 'M032', 'sink processor': 'M027', 'config filter': 'M024' };

/** Says what is wrong with a type that is none. `owner` is what has it: `source r1`, `interceptor i1 of source r1`. */
export function reportUnknownType(report: Report, kind: FlumeKind, registry: Registry, type: Setting, owner: string): void {
  // Said of the expression already.
  if (stillUnresolved(type).length > 0) return;
  const comment = trailingComment(type);
  if (comment) {
    report.setting('M026', type, comment.place, `${comment.quoted} is not a comment but part of the type of ${owner}`, COMMENT_HINT);
    return;
  }
  const { value } = type;
  const known = registry.names;
  const near = nearest(value, known).slice(0, 2);
  if (/^[A-Za-z_][\w$]*(?:\.[A-Za-z_][\w$]*)+$/.test(value) && (near.length === 0 || !value.startsWith('org.apache.flume.'))) {
    report.setting('M030', type, 'value', `${quoted(value)}, the type of ${owner}, is a custom Java class, and Millrace runs no Java`, pluginHint(kind, value));
    return;
  }
  const hint = near.length > 0 ? didYouMean(near) : { hint: `types: ${known.filter((name) => !name.includes('.')).join(', ')}` };
  report.setting(CODES[kind] ?? 'M013', type, 'value', `${quoted(value)}, the type of ${owner}, is no ${kind} type`, hint);
}
