import { join, resolve } from 'node:path';
import { homeDirectory } from '../configuration/system-properties.ts';
import { problem } from '../problems/problems.ts';
import { valuePlace } from './keys.ts';
import type { Report } from './report.ts';
import type { AgentPlan, Place, PlannedComponent, Problem } from './types.ts';

export interface PlannedAgent {
  readonly report: Report;
  readonly plan: AgentPlan;
}

/** What a path leads to and all that is above it, the nearest first; equal texts are one directory. */
export type Lineage = (path: string) => readonly string[];

/** Where a channel on disk keeps its data, with Flume's own places below the home directory where nothing is said. */
const OPTIONS: readonly { readonly option: string; readonly fallback?: string }[] = [
  { option: 'checkpointDir', fallback: 'checkpoint' },
  { option: 'backupCheckpointDir' },
  { option: 'dataDirs', fallback: 'data' },
];

interface Claim {
  readonly agent: string;
  readonly channel: string;
  /** As it is written, or as the default. */
  readonly path: string;
  readonly isDefault: boolean;
  readonly place: Place;
  readonly lineage: readonly string[];
}

/**
 * Channels that keep their data in one directory, or one inside of a directory of the other, however it is spelled. Between two agents it
 * is a warning: they may be meant for two machines, and where they are not, the second store is refused when it is opened.
 */
export function sharedDirectories(agents: readonly PlannedAgent[], lineage: Lineage): readonly Problem[] {
  const claims = agents.flatMap((agent) => agent.plan.channels.flatMap((channel) => claimsOf(agent, channel, lineage)));
  const problems: Problem[] = [];
  const told = new Set<string>();
  for (const [index, later] of claims.entries()) {
    for (const earlier of claims.slice(0, index)) {
      if (earlier.agent === later.agent && earlier.channel === later.channel) continue;
      const relation = relationOf(earlier, later);
      const pair = JSON.stringify([earlier.agent, earlier.channel, later.agent, later.channel]);
      if (relation === undefined || told.has(pair)) continue;
      told.add(pair);
      problems.push(shared(earlier, later, relation));
    }
  }
  return problems;
}

function claimsOf({ report, plan }: PlannedAgent, channel: PlannedComponent<'channel'>, lineage: Lineage): Claim[] {
  const { definition, values, name } = channel;
  // A plug-in may mean something else by these words, and a channel without an overflow opens nothing.
  if (!OPTIONS.every(({ option }) => option in definition.options) || Number(values['overflowCapacity'] ?? 1) < 1) return [];
  const settings = report.agent.components.channels.get(name);
  return OPTIONS.flatMap(({ option, fallback }) => {
    if (option === 'backupCheckpointDir' && values['useDualCheckpoints'] !== true) return [];
    const given = values[option];
    const paths = (Array.isArray(given) ? (given as unknown[]) : [given]).filter((path) => typeof path === 'string' && path !== '') as string[];
    const isDefault = paths.length === 0 && given === undefined && fallback !== undefined;
    const all = isDefault ? [join(homeDirectory(), '.flume', 'file-channel', fallback)] : paths;
    const setting = settings?.get(option) ?? settings?.get('type');
    const place = setting ? valuePlace(setting) : (channel.place ?? report.agent.place);
    return all.map((path): Claim => ({ agent: plan.name, channel: name, path, isDefault, place, lineage: lineage(path) }));
  });
}

type Relation = 'same' | 'inside' | 'around';

/** How the later one lies to the earlier one. */
function relationOf(earlier: Claim, later: Claim): Relation | undefined {
  const [first = ''] = earlier.lineage;
  const [second = ''] = later.lineage;
  if (first === second) return 'same';
  if (later.lineage.includes(first)) return 'inside';
  return earlier.lineage.includes(second) ? 'around' : undefined;
}

function shared(earlier: Claim, later: Claim, relation: Relation): Problem {
  const together = earlier.agent === later.agent;
  const name = ({ agent, channel }: Claim): string => (together ? `channel ${channel}` : `channel ${channel} of agent ${agent}`);
  const directory = ({ path, isDefault }: Claim): string => `${path}${isDefault ? ' (the default)' : ''}`;
  const both = `${name(earlier)} and ${name(later)} both keep their data in the directory ${directory(later)}`;
  const sentences: Readonly<Record<Relation, string>> = {
    same: resolve(earlier.path) === resolve(later.path) ? both : `${both}, which is ${directory(earlier)} under another name`,
    inside: `the directory ${directory(later)} of ${name(later)} lies inside of the directory ${directory(earlier)} of ${name(earlier)}`,
    around: `the directory ${directory(earlier)} of ${name(earlier)} lies inside of the directory ${directory(later)} of ${name(later)}`,
  };
  return problem('M028', {
    ...(together ? { agent: later.agent } : { severity: 'warning' as const }),
    place: later.place,
    sentence: `${sentences[relation]}${together ? '' : ': they cannot run on one machine'}`,
    hint: later.isDefault || earlier.isDefault ? 'give each channel a checkpointDir and dataDirs of its own; the other place:' : 'the other place:',
    other: earlier.place,
  });
}
