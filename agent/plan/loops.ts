import { hostname } from 'node:os';
import { valuePlace } from './keys.ts';
import type { Report } from './report.ts';
import type { AgentPlan, Place, PlannedSink, PlannedSource, Problem } from './types.ts';
import { problem } from '../problems/problems.ts';

interface Drawn {
  readonly report: Report;
  readonly plan: AgentPlan;
}

/** A sink that sends to a source of the same configuration, over this host's own network. */
interface Hop {
  readonly agent: Drawn;
  readonly sink: PlannedSink;
  readonly target: string;
}

/** Finds sinks whose events come back to them through the agents of this configuration: A → B → A (fault scenario G2). */
export function loops(agents: readonly Drawn[]): readonly Problem[] {
  const sources = agents.flatMap((agent) => agent.plan.sources.map((source) => ({ agent, source, id: idOf(agent, source.name) })));
  const hops = agents.flatMap((agent) =>
    agent.plan.sinks.flatMap((sink): Hop[] => {
      const target = sources.find(({ source }) => reaches(sink, source));
      return target ? [{ agent, sink, target: target.id }] : [];
    }),
  );
  if (hops.length === 0) return [];
  const problems: Problem[] = [];
  for (const start of hops) {
    const path = wayBack(start, sources, hops);
    // Each loop is told once, from the sink that comes first.
    if (!path || path.some((hop) => hops.indexOf(hop) < hops.indexOf(start))) continue;
    const names = path.map(({ agent, sink }) => `${agent.plan.name}.sinks.${sink.name}`);
    const last = path.at(-1) ?? start;
    problems.push(
      problem('M036', {
        agent: start.agent.plan.name,
        place: placeOf(start),
        sentence: `events go round for ever: ${[...names, names[0] ?? ''].join(' > ')}`,
        ...(last !== start && { hint: 'back at:', other: placeOf(last) }),
      }),
    );
  }
  return problems;
}

type Reachable = readonly { readonly agent: Drawn; readonly source: PlannedSource; readonly id: string }[];

function wayBack(start: Hop, sources: Reachable, hops: readonly Hop[]): Hop[] | undefined {
  const queue: Hop[][] = [[start]];
  const seen = new Set<Hop>([start]);
  for (let path = queue.shift(); path; path = queue.shift()) {
    const hop = path.at(-1) as Hop;
    const target = sources.find(({ id }) => id === hop.target);
    for (const next of hops) {
      if (!target || next.agent !== target.agent || !target.source.channels.includes(next.sink.channel)) continue;
      if (next === start) return path;
      if (!seen.has(next)) queue.push([...path, next]);
      seen.add(next);
    }
  }
  return undefined;
}

function idOf({ plan }: Drawn, source: string): string {
  return `${plan.name}.sources.${source}`;
}

function reaches(sink: PlannedSink, source: PlannedSource): boolean {
  const kinds = ['Avro', 'Thrift'].filter((kind) => sink.definition.types.includes(`org.apache.flume.sink.${kind}Sink`));
  if (!kinds.some((kind) => source.definition.types.includes(`org.apache.flume.source.${kind}Source`))) return false;
  const { hostname: host, port } = sink.values;
  const bind = source.values['bind'];
  return typeof host === 'string' && port === source.values['port'] && (isLocal(host) || host === bind);
}

function isLocal(host: string): boolean {
  return /^(?:localhost|127\.\d+\.\d+\.\d+|::1|\[::1\])$/i.test(host) || host.toLowerCase() === hostname().toLowerCase();
}

function placeOf({ agent, sink }: Hop): Place {
  const settings = agent.report.agent.components.sinks.get(sink.name);
  const setting = settings?.get('port') ?? settings?.get('type');
  return setting ? valuePlace(setting) : agent.report.agent.place;
}
