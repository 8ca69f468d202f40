import { problem } from '../problems/problems.ts';
import { valuePlace } from './keys.ts';
import { shortType, type Report } from './report.ts';
import type { AgentPlan, PlannedSink, Problem } from './types.ts';

/** Channels whose events keep their numbers, by which a sink knows them again. */
const NUMBERED = /^(?:file|leveldb)$/;

/** Sinks with `exactlyOnce` whose channel does not let them know events again, or in which another sink writes some of the events. */
export function exactlyOnce(report: Report, plan: AgentPlan): readonly Problem[] {
  const problems: Problem[] = [];
  const tell = (sink: PlannedSink, sentence: string, hint: string): void => {
    const setting = report.agent.components.sinks.get(sink.name)?.get('exactlyOnce');
    const place = setting ? valuePlace(setting) : sink.place;
    problems.push(problem('M089', { agent: plan.name, ...(place && { place }), sentence, hint }));
  };
  for (const sink of plan.sinks.filter(({ values }) => values['exactlyOnce'] === true)) {
    const channel = plan.channels.find(({ name }) => name === sink.channel);
    if (channel && !channel.definition.types.some((type) => NUMBERED.test(type))) {
      tell(sink, `sink ${sink.name} is to write exactly once, and the events of channel ${channel.name} (${shortType(channel.definition)}) have no numbers that outlast a crash`, 'give it a channel of the type file');
    }
    const other = plan.sinks.find(({ name, channel: from }) => from === sink.channel && name !== sink.name);
    if (other) tell(sink, `sink ${sink.name} is to write exactly once, and ${other.name} takes events from channel ${sink.channel} as well`, 'give each of them a channel of its own');
  }
  return problems;
}
