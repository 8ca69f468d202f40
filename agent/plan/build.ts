/**
 * The second pass of Flume (part 1 §1.8), as far as it can be told without creating anything: types are looked up, options read, channels
 * given to sources and sinks. What is left is the plan of the agent.
 */
import { hashOrder } from '../../core/java-values.ts';
import { readType, unknownType, type TypeReading } from './part.ts';
import { planGroups } from './groups.ts';
import { canonicalText, valuesOf, type ListName, type Settings } from './keys.ts';
import type { Report } from './report.ts';
import { planSource } from './source.ts';
import type { AgentPlan, Place, PlannedComponent, PlannedGroup, PlannedSink, PlannedSource, Registries, Rules, Verdict } from './types.ts';
import type { ValidAgent, ValidSink } from './validate.ts';
import { namesIn } from './validate.ts';

export interface BuildContext {
  readonly registries: Registries;
  readonly rules: Rules;
  /** Whether a file can be read now. */
  readable(path: string): boolean;
  /** By option: what components with TLS take where they name nothing of their own. */
  readonly tlsDefaults: ReadonlyMap<string, string>;
}

/** What is built so far. */
export interface Built {
  readonly channels: Map<string, PlannedComponent<'channel'>>;
  readonly sources: Map<string, PlannedSource>;
  readonly sinks: Map<string, PlannedSink>;
  readonly groups: Map<string, PlannedGroup>;
  /** Channels that something is attached to. */
  readonly used: Set<string>;
}

/** The plan of a valid agent. */
export function buildAgent(report: Report, valid: ValidAgent, context: BuildContext): AgentPlan {
  const droppedBefore = report.dropped;
  const fatal = firstFatal(report, valid, context);
  const built: Built = { channels: new Map(), sources: new Map(), sinks: new Map(), groups: new Map(), used: new Set() };
  for (const [name, settings] of valid.channels) planChannel(report, name, settings, context, built);
  for (const [name, source] of valid.sources) {
    const planned = planSource(report, name, source, context, built);
    if (!planned) continue;
    built.sources.set(name, planned);
    for (const channel of planned.channels) built.used.add(channel);
  }
  for (const [name, sink] of valid.sinks) planSink(report, name, sink, context, built);
  const whole = planGroups(report, valid, context, built);
  for (const name of built.channels.keys()) {
    if (built.used.has(name)) continue;
    built.channels.delete(name);
    report.drop('channels', name, 'has no components connected and has been removed');
  }
  if (fatal !== undefined) return { ...emptyPlan(report.agent.name, 'refuses'), dropped: droppedBefore, fatal };
  if (!whole) return { ...emptyPlan(report.agent.name, 'idle'), dropped: dropEverything(report) };
  const idle = built.sources.size === 0 && built.sinks.size === 0;
  return {
    name: report.agent.name,
    sources: [...built.sources.values()],
    channels: [...built.channels.values()],
    sinks: [...built.sinks.values()],
    groups: [...built.groups.values()],
    verdict: idle ? 'idle' : report.dropped.length > 0 ? 'degraded' : 'ok',
    dropped: report.dropped,
  };
}

export function emptyPlan(name: string, verdict: Verdict): AgentPlan {
  return { name, sources: [], channels: [], sinks: [], groups: [], verdict, dropped: [] };
}

/** A member of a group that could not be built takes everything with it: Flume discards the whole result. */
function dropEverything(report: Report): AgentPlan['dropped'] {
  for (const list of ['sources', 'channels', 'sinks', 'sinkgroups'] as const) {
    for (const name of namesIn(report.agent.lists.get(list), list === 'sinkgroups' ? 'single spaces' : 'blanks')) {
      report.drop(list, name, 'Failed to instantiate component');
    }
  }
  return report.dropped;
}

/** The type over which Flume ends: the first, in its order, that it cannot load. */
function firstFatal(report: Report, valid: ValidAgent, context: BuildContext): string | undefined {
  const { registries } = context;
  const steps = [
    ['channel', 'channels', registries.channels, valid.channels],
    ['source', 'sources', registries.sources, new Map([...valid.sources].map(([name, { settings }]) => [name, settings]))],
    ['sink', 'sinks', registries.sinks, new Map([...valid.sinks].map(([name, { settings }]) => [name, settings]))],
  ] as const;
  let fatal: string | undefined;
  for (const [kind, list, registry, components] of steps) {
    // The set was made from the whole list, those that are gone by now included.
    for (const name of hashOrder(namesIn(report.agent.lists.get(list)), { fromList: true })) {
      const type = components.get(name)?.get('type')?.value;
      if (type === undefined) continue;
      const reason = unknownType(kind, registry, type, context.rules);
      if (reason !== undefined) fatal ??= `Unable to load ${kind} type: ${reason}`;
    }
  }
  return fatal;
}

function planChannel(report: Report, name: string, settings: Settings, context: BuildContext, built: Built): void {
  const reading = readType({ report, context, kind: 'channel', registry: context.registries.channels, list: 'channels', name, settings, place: report.agent.place });
  if (!usable(report, 'channels', name, reading)) return;
  built.channels.set(name, { ...component(name, settings, reading), definition: reading.definition, values: reading.values });
}

function planSink(report: Report, name: string, { settings, channel }: ValidSink, context: BuildContext, built: Built): void {
  const reading = readType({ report, context, kind: 'sink', registry: context.registries.sinks, list: 'sinks', name, settings, place: report.agent.place });
  if (!usable(report, 'sinks', name, reading)) return;
  const { definition, values } = reading;
  if (!built.channels.has(channel)) {
    report.drop('sinks', name, `sink ${name} is not connected to a channel`);
    return;
  }
  if (!batchFits(report, { list: 'sinks', name, settings, definition, values, channels: [channel] }, built)) return;
  built.sinks.set(name, { ...component(name, settings, reading), definition, values, channel });
  built.used.add(channel);
}

/** Whether a reading gave something to go on with; if not, the component is dropped. */
export function usable<R extends TypeReading>(report: Report, list: ListName, name: string, reading: R): reading is R & { definition: NonNullable<R['definition']>; values: NonNullable<R['values']> } {
  if (reading.definition && reading.values) return true;
  report.drop(list, name, reading.reason ?? 'has been removed due to an error during configuration');
  return false;
}

export function component(name: string, settings: Settings, { place }: TypeReading): { name: string; canonical: string; place?: Place } {
  return { name, canonical: canonicalText(valuesOf(settings)), ...(place && { place }) };
}

interface BatchCheck {
  readonly list: 'sources' | 'sinks';
  readonly name: string;
  readonly settings: Settings;
  readonly definition: { readonly batchSizeOption?: string; readonly types: readonly string[] };
  readonly values: Readonly<Record<string, unknown>>;
  readonly channels: readonly string[];
}

/** A batch size above the transaction capacity of a channel drops the source or sink; equal is fine. */
export function batchFits(report: Report, { list, name, settings, definition, values, channels }: BatchCheck, built: Built): boolean {
  const { batchSizeOption } = definition;
  const size = batchSizeOption === undefined ? undefined : values[batchSizeOption];
  if (typeof size !== 'number' || batchSizeOption === undefined) return true;
  for (const channelName of channels) {
    const channel = built.channels.get(channelName);
    const option = channel?.definition.transactionCapacityOption;
    const capacity = option === undefined ? undefined : channel?.values[option];
    if (!channel || typeof capacity !== 'number' || size <= capacity) continue;
    const word = list === 'sources' ? 'source' : 'sink';
    const setting = [...settings.values()].find(({ key }) => key === batchSizeOption) ?? settings.get('type');
    const isDefault = setting?.key === 'type' ? ' (its default)' : '';
    const sentence = `${batchSizeOption} ${size}${isDefault} of ${word} ${name} is above the transactionCapacity ${capacity} of channel ${channelName}`;
    report.add('M021', {
      place: setting ? setting.property.origin.valuePlace() : report.agent.place,
      sentence,
      hint: `set ${channelName}.transactionCapacity to ${size} or more, or ${batchSizeOption} to ${capacity} or less`,
      ...(channel.place && { other: channel.place }),
    });
    report.drop(list, name, `${word}'s batch size ${size} is greater than the transaction capacity ${capacity} of channel ${channelName}`);
    return false;
  }
  return true;
}
