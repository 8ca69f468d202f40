import type { Kind } from '../../core/component.ts';
import { problem } from '../problems/problems.ts';
import { valuePlace } from './keys.ts';
import { shortType, type Report } from './report.ts';
import type { AgentPlan, PlannedComponent, PlannedSink, Problem } from './types.ts';

/** Channels whose events keep their numbers, by which a sink knows them again. */
const NUMBERED = /^(?:file|leveldb)$/;
const KAFKA_CHANNEL = /\.KafkaChannel$/;
/** Sources whose events have a place that can be written down with them. */
const PLACED = /\.(?:KafkaSource|AvroSource)$/;

/** Components with `exactlyOnce` that could not know events again which come a second time. */
export function exactlyOnce(report: Report, plan: AgentPlan): readonly Problem[] {
  const on = ({ values }: PlannedComponent<Kind>): boolean => values['exactlyOnce'] === true;
  const tell = (list: 'sinks' | 'channels', component: PlannedComponent<Kind>, sentence: string, hint: string): Problem => {
    const setting = report.agent.components[list].get(component.name)?.get('exactlyOnce');
    const place = setting ? valuePlace(setting) : component.place;
    return problem('M089', { agent: plan.name, ...(place && { place }), sentence, hint });
  };
  return [
    ...plan.sinks.filter(on).flatMap((sink) => sinkFaults(plan, sink).map(([sentence, hint]) => tell('sinks', sink, sentence, hint))),
    ...plan.channels.filter(on).flatMap((channel) => channelFaults(plan, channel).map(([sentence, hint]) => tell('channels', channel, sentence, hint))),
  ];
}

type Fault = readonly [sentence: string, hint: string];

function sinkFaults(plan: AgentPlan, { name, channel: from }: PlannedSink): readonly Fault[] {
  const faults: Fault[] = [];
  const channel = plan.channels.find((each) => each.name === from);
  if (channel && !has(channel, NUMBERED) && !(has(channel, KAFKA_CHANNEL) && channel.values['exactlyOnce'] === true)) {
    faults.push([
      `sink ${name} is to write exactly once, and the events of channel ${from} (${shortType(channel.definition)}) have no place that outlasts a crash`,
      'give it a channel of the type file, or a Kafka channel with exactlyOnce',
    ]);
  }
  if (channel?.values['fsyncPerTransaction'] === false) {
    faults.push([`sink ${name} is to write exactly once, and the events of channel ${from} have no number before a sync that is not waited for`, `leave fsyncPerTransaction of ${from} at true`]);
  }
  const other = plan.sinks.find((each) => each.channel === from && each.name !== name);
  if (other) faults.push([`sink ${name} is to write exactly once, and ${other.name} takes events from channel ${from} as well`, 'give each of them a channel of its own']);
  return faults;
}

function channelFaults(plan: AgentPlan, { name }: PlannedComponent<'channel'>): readonly Fault[] {
  const faults: Fault[] = [];
  for (const source of plan.sources.filter(({ channels }) => channels.includes(name))) {
    if (!has(source, PLACED)) {
      faults.push([
        `channel ${name} is to store exactly once, and the events of source ${source.name} (${shortType(source.definition)}) have no place that could be written down with them`,
        'put a file channel and an avro sink in front of it, or write with a Kafka sink that has exactlyOnce',
      ]);
      continue;
    }
    if (source.channels.length > 1) faults.push([`channel ${name} is to store exactly once, and source ${source.name} has other channels as well`, 'give the source one channel']);
    const properties = source.values['kafka.consumer.*'] as ReadonlyMap<string, string> | undefined;
    if (properties && properties.get('isolation.level') !== 'read_committed') {
      faults.push([`channel ${name} is to store exactly once, and source ${source.name} reads what is not committed`, `set kafka.consumer.isolation.level = read_committed for ${source.name}`]);
    }
  }
  return faults;
}

function has({ definition }: PlannedComponent<Kind>, pattern: RegExp): boolean {
  return definition.types.some((type) => pattern.test(type));
}
