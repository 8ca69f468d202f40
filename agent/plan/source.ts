import { javaWhitespaceSplit } from '../../core/java-values.ts';
import { integer, type Option } from '../../core/options.ts';
import { batchFits, component, usable, type BuildContext, type Built } from './build.ts';
import { below, valuePlace, wordPlace, type Setting, type Settings } from './keys.ts';
import { findDefinition, readType, readValues, reportUnknownType } from './part.ts';
import { reportOptions, shortType, type Report, type Subject } from './report.ts';
import type { Place, PlannedInterceptor, PlannedPart, PlannedSource } from './types.ts';
import type { ValidSource } from './validate.ts';

/** What the agent reads for sources that it polls. */
const POLL_OPTIONS = {
  backoffSleepIncrement: integer({ default: 1000, min: 1, long: true, outside: 'refuse', doc: 'Milliseconds by which the pause of an idle source grows.' }),
  maxBackoffSleep: integer({ default: 5000, min: 1, long: true, outside: 'refuse', doc: 'Longest pause of an idle source in milliseconds.' }),
};

/** A source with everything that Flume configures along with it. All faults are reported, although the first would do for Flume. */
export function planSource(report: Report, name: string, { settings, channels: valid }: ValidSource, context: BuildContext, built: Built): PlannedSource | undefined {
  const channels = valid.filter((channel) => built.channels.has(channel));
  const { reading, backoff, selector, interceptors } = readSource(report, name, settings, channels, context);
  if (!usable(report, 'sources', name, reading)) return undefined;
  const { definition, values } = reading;
  if (channels.length === 0) {
    report.drop('sources', name, `source ${name} is not connected to a channel`);
    return undefined;
  }
  if (!batchFits(report, { list: 'sources', name, settings, definition, values, channels }, built)) return undefined;
  if (!selector || !interceptors || !backoff) {
    report.drop('sources', name, !backoff ? 'backoff is not a number' : !selector ? 'the channel selector cannot be made' : 'an interceptor cannot be made');
    return undefined;
  }
  return { ...component(name, settings, reading), definition, values, channels, selector, interceptors, backoff };
}

/** Everything that the settings of a source say, its channels aside. Reports what is wrong. */
export function readSource(report: Report, name: string, settings: Settings, channels: readonly string[], context: BuildContext) {
  const { sources } = context.registries;
  const type = settings.get('type') as Setting;
  const polled = sources.find(type.value)?.flume?.polled ?? false;
  const own: Settings = new Map([...settings].filter(([key]) => !polled || !Object.hasOwn(POLL_OPTIONS, key)));
  return {
    reading: readType({ report, context, kind: 'source', registry: sources, list: 'sources', name, settings: own, place: report.agent.place }),
    backoff: polled ? readBackoff(report, name, settings) : { incrementMs: 1000, maxMs: 5000 },
    selector: planSelector(report, name, settings, channels, context),
    interceptors: planInterceptors(report, name, settings, context),
  };
}

function readBackoff(report: Report, name: string, settings: Settings): PlannedSource['backoff'] | undefined {
  const own: Settings = new Map([...settings].filter(([key]) => Object.hasOwn(POLL_OPTIONS, key)));
  const value = (key: keyof typeof POLL_OPTIONS): number | undefined => {
    const setting = own.get(key);
    const option: Option<number> = POLL_OPTIONS[key];
    if (!setting) return option.fallback;
    const { value: read, bad } = option.read(setting.value);
    const subject: Subject = { text: `source ${name}`, settings: own, options: POLL_OPTIONS, place: valuePlace(setting) };
    if (bad) reportOptions(report, subject, [{ key, effect: bad.effect, fault: 'bad', sentence: bad.sentence }]);
    return bad?.effect === 'drop' ? undefined : (read ?? option.fallback);
  };
  const incrementMs = value('backoffSleepIncrement');
  const maxMs = value('maxBackoffSleep');
  return incrementMs === undefined || maxMs === undefined ? undefined : { incrementMs, maxMs };
}

function planSelector(report: Report, source: string, settings: Settings, channels: readonly string[], context: BuildContext): PlannedPart<'selector'> | undefined {
  const { selectors } = context.registries;
  const own = below(settings, 'selector.');
  const type = own.get('type');
  const owner = `the selector of source ${source}`;
  const name = type?.value ?? 'replicating';
  const definition = findDefinition('selector', selectors, name, context.rules);
  if (!definition) {
    if (type) reportUnknownType(report, 'selector', selectors, type, owner);
    return undefined;
  }
  const subject: Subject = {
    text: `${owner} (${shortType(definition)})`,
    settings: own,
    options: definition.options,
    place: place(report, type, settings),
    code: 'M031',
  };
  const { values } = readValues(report, context, subject, definition, { generic: /^(?:type|config)$/, names: channels });
  return values && { definition, values };
}

function planInterceptors(report: Report, source: string, settings: Settings, context: BuildContext): readonly PlannedInterceptor[] | undefined {
  const { interceptors } = context.registries;
  const listed = settings.get('interceptors');
  const names = listed ? javaWhitespaceSplit(listed.value) : [];
  const planned: PlannedInterceptor[] = [];
  let whole = true;
  for (const name of names) {
    const own = below(settings, `interceptors.${name}.`);
    const type = own.get('type');
    const owner = `interceptor ${name} of source ${source}`;
    if (!listed || !type) {
      report.add('M032', { place: listed ? wordPlace(listed, name) : place(report, listed, settings), sentence: `${owner} has no type` });
      whole = false;
      continue;
    }
    const definition = findDefinition('interceptor', interceptors, type.value, context.rules);
    if (!definition) {
      reportUnknownType(report, 'interceptor', interceptors, type, owner);
      whole = false;
      continue;
    }
    if (!definition.create) report.setting('M029', type, 'value', `"${type.value}" is a Flume type that Millrace does not have yet`);
    const subject: Subject = { text: `${owner} (${shortType(definition)})`, settings: own, options: definition.options, place: valuePlace(type), code: 'M032' };
    const { values } = readValues(report, context, subject, definition, { generic: /^type$/ });
    if (values) planned.push({ name, definition, values });
    else whole = false;
  }
  return whole ? planned : undefined;
}

function place(report: Report, setting: Setting | undefined, settings: Settings): Place {
  const shown = setting ?? settings.get('type');
  return shown ? valuePlace(shown) : report.agent.place;
}
