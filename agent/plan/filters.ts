import type { ConfigFilter, PartContext } from '../../core/component.ts';
import { describeError } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import type { Definition } from '../../core/define.ts';
import { readOptions } from '../../core/read-options.ts';
import type { Registry } from '../../core/registry.ts';
import { firstPlace, reportOptions, shortType, type Report } from './report.ts';
import { findDefinition, reportUnknownType } from './part.ts';
import { valuePlace, valuesOf, type Setting } from './keys.ts';
import type { Rules } from './types.ts';
import { placeOf } from '../configuration/effective.ts';
import { namesIn } from './validate.ts';

export interface FilterSurroundings {
  /** What the `env` filter sees. Filters get it through their context. */
  readonly env: ReadonlyMap<string, string>;
}

/** A config filter may ask for the environment; nothing else in the agent does. */
export interface FilterContext extends PartContext {
  readonly env: ReadonlyMap<string, string>;
}

/**
 * Replaces `${filter[key]}` in the values of sources, channels, sinks and groups, one filter after another (part 1 §1.10). What a filter
 * gives is not looked at again by the same filter.
 */
export async function applyConfigFilters(report: Report, registry: Registry<'config filter'>, rules: Rules, surroundings: FilterSurroundings): Promise<void> {
  const { agent } = report;
  for (const name of namesIn(agent.lists.get('configfilters'))) {
    const filter = await makeFilter(report, registry, name, rules, surroundings);
    if (!filter) continue;
    const answers = new Map<string, Promise<string | undefined>>();
    const pattern = expressionsOf(name);
    for (const list of ['sources', 'channels', 'sinks', 'sinkgroups'] as const) {
      for (const settings of agent.components[list].values()) {
        for (const setting of settings.values()) if (setting.value.includes('${')) await replace(report, name, filter, answers, pattern, setting);
      }
    }
  }
}

function expressionsOf(filter: string): RegExp {
  return new RegExp(`\\$\\{${filter.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')}\\[(['"]?)([-A-Za-z0-9_]+)\\1\\]\\}`, 'g');
}

async function replace(
  report: Report,
  name: string,
  filter: ConfigFilter,
  answers: Map<string, Promise<string | undefined>>,
  pattern: RegExp,
  setting: Setting,
): Promise<void> {
  let out = '';
  let at = 0;
  for (const match of setting.value.matchAll(pattern)) {
    const key = match[2] as string;
    let answer = answers.get(key);
    if (!answer) answers.set(key, (answer = filter.lookUp(key)));
    let found: string | undefined;
    let reason = 'it has no such key';
    try {
      found = await answer;
    } catch (error) {
      reason = describeError(error);
    }
    if (found === undefined) {
      const place = placeOf(setting.property.origin, match[0]);
      report.setting('M024', setting, place, `config filter ${name} gives nothing for "${key}": ${reason}`);
      continue;
    }
    report.secrets.add(found);
    out += setting.value.slice(at, match.index) + found;
    at = match.index + match[0].length;
    setting.filtered = true;
  }
  if (at > 0) setting.value = out + setting.value.slice(at);
}

async function makeFilter(report: Report, registry: Registry<'config filter'>, name: string, rules: Rules, { env }: FilterSurroundings): Promise<ConfigFilter | undefined> {
  const listed = report.agent.lists.get('configfilters') as Setting;
  const settings = report.agent.components.configfilters.get(name);
  const type = settings?.get('type');
  if (!settings || !type) {
    report.setting('M024', listed, 'value', `config filter ${name} is listed, but has no type`);
    return undefined;
  }
  const definition = findDefinition('config filter', registry, type.value, rules);
  if (!definition) {
    reportUnknownType(report, 'config filter', registry, type, `config filter ${name}`);
    return undefined;
  }
  const subject = { text: `config filter ${name} (${shortType(definition)})`, settings, options: definition.options, place: firstPlace(settings, valuePlace(type)), code: 'M024' } as const;
  const reading = readOptions(definition as unknown as Definition, valuesOf(settings), (key) => key === 'type');
  reportOptions(report, subject, reading.problems);
  if (!reading.values) return undefined;
  try {
    if (!definition.create) throw new Error('Millrace does not have it yet');
    const context: FilterContext = { name: `${report.agent.name}.configfilters.${name}`, log: SILENT, count: () => undefined, env };
    return await definition.create(context, reading.values as never);
  } catch (error) {
    report.setting('M024', type, 'value', `config filter ${name} (${shortType(definition)}) cannot be used: ${describeError(error)}`);
    return undefined;
  }
}

/** Filters work before there is a log; what they have to say they throw. */
const SILENT: Logger = {
  error: () => undefined,
  warn: () => undefined,
  info: () => undefined,
  debug: () => undefined,
  event: () => undefined,
  ready: () => Promise.resolve(),
};
