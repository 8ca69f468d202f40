import { problem } from '../problems/problems.ts';
import type { Report } from './report.ts';
import type { AgentPlan, Place, PlannedComponent, Problem } from './types.ts';
import type { Lineage } from './shared-directories.ts';
import { valuePlace, type ListName, type Setting } from './keys.ts';

/** Something that only one component can have. */
interface Claim {
  readonly component: string;
  /** `port 44444`, `directory /data`. */
  readonly what: string;
  readonly place: Place;
}

/** Sources of one agent that listen at the same address, or keep data in the same place. Both places are named. */
export function sharedPlaces(report: Report, plan: AgentPlan, lineage: Lineage): readonly Problem[] {
  return [...sharedPorts(report, plan), ...sharedPaths(report, plan, lineage)];
}

interface Listener extends Claim {
  readonly protocol: 'tcp' | 'udp';
  readonly host: string;
  readonly port: number;
}

const WILDCARD = /^(?:|0\.0\.0\.0|::|\[::\])$/;

function sharedPorts(report: Report, plan: AgentPlan): Problem[] {
  const listeners = plan.sources.flatMap((source) => listenersOf(report, source));
  const problems: Problem[] = [];
  for (const [index, later] of listeners.entries()) {
    const earlier = listeners.slice(0, index).find(({ protocol, host, port }) => {
      if (protocol !== later.protocol || port !== later.port) return false;
      return canonicalHost(host) === canonicalHost(later.host) || WILDCARD.test(host) || WILDCARD.test(later.host);
    });
    if (earlier) problems.push(shared(report, earlier, later, 'listen at'));
  }
  return problems;
}

function canonicalHost(host: string): string {
  return host.toLowerCase() === 'localhost' || host === '::1' ? '127.0.0.1' : host.toLowerCase();
}

function listenersOf(report: Report, source: PlannedComponent<'source'>): Listener[] {
  const { name, values, definition } = source;
  if (definition.types.some((type) => /\.JMSSource$|KafkaSource$/.test(type))) return [];
  const host = [values['bind'], values['host']].find((value) => typeof value === 'string') ?? '0.0.0.0';
  const protocol = definition.types.some((type) => /udp/i.test(type)) ? 'udp' : 'tcp';
  const ports = [values['port'], ...(Array.isArray(values['ports']) ? (values['ports'] as unknown[]) : [])].map(Number);
  const setting = settingOf(report, 'sources', name, Number.isNaN(ports[0]) ? 'ports' : 'port');
  if (!setting) return [];
  return ports
    .filter((port) => Number.isInteger(port) && port > 0)
    .map((port) => ({ component: `source ${name}`, what: `port ${port}`, place: valuePlace(setting), protocol, host, port }));
}

/** Options of sources that name a place to keep data in. Channels: shared-directories.ts. */
const PATHS = [
  { option: 'positionFile', what: 'the position file' },
  { option: 'spoolDir', what: 'the directory' },
] as const;

function sharedPaths(report: Report, plan: AgentPlan, lineage: Lineage): Problem[] {
  const claims = new Map<string, Claim>();
  const problems: Problem[] = [];
  for (const { name, values, place: own } of plan.sources) {
    for (const { option, what } of PATHS) {
      const path = values[option];
      const setting = settingOf(report, 'sources', name, option);
      const place = setting ? valuePlace(setting) : own;
      if (!place || typeof path !== 'string' || path === '') continue;
      const [identity = ''] = lineage(path);
      const claim = { component: `source ${name}`, what: `${what} ${path.trim()}`, place };
      const earlier = claims.get(identity);
      if (!earlier) claims.set(identity, claim);
      else problems.push(shared(report, earlier, claim, 'keep their data in'));
    }
  }
  return problems;
}

function settingOf(report: Report, list: ListName, name: string, key: string): Setting | undefined {
  return report.agent.components[list].get(name)?.get(key);
}

function shared(report: Report, earlier: Claim, later: Claim, verb: string): Problem {
  return problem('M028', {
    agent: report.agent.name,
    place: later.place,
    sentence: `${earlier.component} and ${later.component} both ${verb} ${later.what}`,
    hint: 'the other place:',
    other: earlier.place,
  });
}
