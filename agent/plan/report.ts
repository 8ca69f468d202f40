import type { OptionProblem } from '../../core/define.ts';
import type { Option } from '../../core/options.ts';
import { cut } from '../../core/printable.ts';
import { keyPlace, valuePlace, WORDS, type AgentKeys, type ListName, type Setting, type Settings } from './keys.ts';
import type { Dropped, Place, Problem } from './types.ts';
import type { ProblemCode } from '../problems/catalogue.ts';
import { problem } from '../problems/problems.ts';
import { hideSecrets, isSecretKey } from '../configuration/secrets.ts';

/** What planning one agent finds: its problems, and the components that Flume drops, with Flume's reasons. */
export class Report {
  readonly agent: AgentKeys;
  readonly problems: Problem[] = [];
  readonly secrets = new Set<string>();
  readonly #dropped = new Map<string, Dropped>();

  /** Names of the other agents of the configuration. */
  readonly others: readonly string[];

  constructor(agent: AgentKeys, all: readonly AgentKeys[]) {
    this.agent = agent;
    this.others = all.map(({ name }) => name).filter((name) => name !== agent.name);
  }

  get dropped(): readonly Dropped[] {
    return [...this.#dropped.values()];
  }

  /** Of problems with one code at one place the first stays: it was said by whoever knew more. */
  forgetRepeats(): void {
    const seen = new Set<string>();
    const kept = this.problems.filter(({ code, place }) => {
      const key = place && `${code} ${place.file}:${place.line}:${place.column}`;
      if (key === undefined || !seen.has(key)) return key === undefined || seen.add(key);
      return false;
    });
    this.problems.splice(0, this.problems.length, ...kept);
  }

  add(code: ProblemCode, rest: Parameters<typeof problem>[1]): void {
    this.problems.push(problem(code, { agent: this.agent.name, ...rest }));
  }

  /** The first reason stays. */
  drop(list: ListName | 'agent', name: string, reason: string): void {
    const component = `${list === 'agent' ? 'agent' : WORDS[list]} ${name}`;
    if (!this.#dropped.has(component)) this.#dropped.set(component, { component, reason: hideSecrets(reason) });
  }

  /** A problem of one setting, shown at its key or its value. */
  setting(code: ProblemCode, setting: Setting, at: 'key' | 'value' | Place, sentence: string, rest: { hint?: string; severity?: 'error' | 'warning' } = {}): void {
    const place = at === 'key' ? keyPlace(setting) : at === 'value' ? valuePlace(setting) : at;
    this.add(code, { place, sentence, ...rest, hideLine: isSecretKey(setting.property.key) });
  }
}

/** A component, or a part of one, as sentences name it: `source r1 (netcat)`. */
export interface Subject {
  readonly text: string;
  readonly settings: Settings;
  readonly options: Readonly<Record<string, Option<unknown>>>;
  /** Where its problems are shown that have no key of their own. */
  readonly place: Place;
  /** Codes for its faults: selectors, interceptors and groups have their own. */
  readonly code?: ProblemCode;
}

/** Turns what reading the options found into problems. */
export function reportOptions(report: Report, subject: Subject, problems: readonly OptionProblem[]): void {
  const missing = problems.filter(({ fault }) => fault === 'missing');
  const explained = new Set<OptionProblem>();
  for (const each of problems) {
    if (each.fault !== 'unknown') continue;
    const setting = subject.settings.get(each.key);
    if (!setting) continue;
    const meant = missing.find(({ key }) => each.known?.includes(key) || key.endsWith(`.${each.key}`));
    if (meant) explained.add(meant);
    report.setting('M012', setting, 'key', `unknown property "${cut(each.key, 80)}" of ${subject.text}`, {
      severity: meant ? 'error' : 'warning',
      ...didYouMean(meant ? [meant.key] : meantBy(each, subject)),
    });
  }
  for (const each of problems) {
    if (each.fault !== 'unknown' && !explained.has(each)) reportOption(report, subject, each);
  }
}

/** Keys that may have been meant: the same one with its prefix (`hdfs.batchSize`), then those that are spelled alike. */
function meantBy({ key, known = [] }: OptionProblem, { options }: Subject): readonly string[] {
  const prefixed = Object.keys(options).filter((name) => name.toLowerCase().endsWith(`.${key.toLowerCase()}`));
  return [...new Set([...prefixed, ...known.filter((name) => !name.endsWith('.'))])].slice(0, 3);
}

/** A type as sentences name it: a short name, or the last part of a class name. */
export function shortType(definition: { readonly types: readonly [string, ...string[]] }): string {
  const [type] = definition.types;
  return type.slice(type.lastIndexOf('.') + 1);
}

function reportOption(report: Report, subject: Subject, { key, effect, fault, sentence, known }: OptionProblem): void {
  const severity = effect === 'warn' ? 'warning' : 'error';
  const setting = subject.settings.get(key);
  const hint = known ? didYouMean(known) : {};
  if (!setting) {
    const code = fault === 'missing' ? 'M014' : 'M016';
    const text = fault === 'missing' && sentence === 'is required' ? `${subject.text} needs "${key}", which is not set` : `${key} of ${subject.text} ${sentence}`;
    report.add(subject.code ?? code, { place: subject.place, severity, sentence: text, ...hint });
    return;
  }
  // A value that still holds an unresolved expression is reported as that, and only as that.
  if (stillUnresolved(setting).length > 0) return;
  const trailing = fault === 'bad' ? trailingComment(setting) : undefined;
  if (trailing) {
    report.setting('M026', setting, trailing.place, `${trailing.quoted} is not a comment but part of the value of ${key} of ${subject.text}`, COMMENT_HINT);
    return;
  }
  if (fault === 'without effect') {
    const reason = sentence.replace(/\.$/, '').replace(/^[A-Z](?=[a-z])/, (letter) => letter.toLowerCase());
    report.setting('M017', setting, 'key', `${key} of ${subject.text} ${reason}`, { severity });
    return;
  }
  if (fault === 'conflict') {
    report.setting(subject.code ?? 'M016', setting, 'value', `${key} of ${subject.text} ${sentence}`, { severity });
    return;
  }
  const what = isHidden(setting, subject.options[key]) ? `the value of ${key}` : `value ${quoted(setting.value)} of ${key}`;
  report.setting(subject.code ?? 'M015', setting, 'value', `${what} of ${subject.text} ${sentence}`, { severity, ...hint });
}

export const COMMENT_HINT = { hint: 'comments need a line of their own', severity: 'error' } as const;

export function didYouMean(names: readonly string[]): { hint?: string } {
  if (names.length === 0) return {};
  return { hint: `did you mean ${names.map((name) => `"${name}"`).join(' or ')}?` };
}

/** A value as sentences show it: shortened, and without logins. */
export function quoted(value: string): string {
  return `"${cut(hideSecrets(value), 60)}"`;
}

function isHidden(setting: Setting, option: Option<unknown> | undefined): boolean {
  return setting.filtered || setting.property.secret || (option?.secret ?? false);
}

/** Expressions of the value that neither interpolation nor a filter replaced. */
export function stillUnresolved({ property, value }: Setting): readonly string[] {
  return property.unresolved.length === 0 ? [] : property.unresolved.filter((expression) => value.includes('${') && !isFilled(expression, value));
}

/** Nested expressions are named by their resolved text, which the value need not hold. */
function isFilled(expression: string, value: string): boolean {
  return /^\$\{[^[\]}]*\[.*\]\}$/.test(expression) && !value.includes(expression);
}

/** ` # …` behind a value, as people write comments. */
export function trailingComment(setting: Setting): { place: Place; quoted: string; before: string } | undefined {
  const { origin } = setting.property;
  const value = origin.value.trimEnd();
  for (let at = value.indexOf('#'); at >= 0; at = value.indexOf('#', at + 1)) {
    if (at === 0 || !/[ \t\u00a0\u3000]/.test(value[at - 1] as string)) continue;
    return { place: origin.valuePlace(at, value.length), quoted: quoted(value.slice(at)), before: value.slice(0, at).trimEnd() };
  }
  return undefined;
}

/** Where a component's settings begin. */
export function firstPlace(settings: Settings, fallback: Place): Place {
  const [first] = settings.values();
  return first ? first.property.origin.keyPlace() : fallback;
}
