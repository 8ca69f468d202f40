import { check } from '../../../agent/commands/check.ts';
import { planConfiguration, type PlannedConfiguration } from '../../../agent/configuration/load-plan.ts';
import type { AgentPlan, Rules } from '../../../agent/plan/types.ts';

/** For tests of planning: a configuration as text, without a file. */
export interface Surroundings {
  readonly env?: Readonly<Record<string, string>>;
  readonly system?: Readonly<Record<string, string>>;
  readonly confDirectory?: string;
}

export async function planTexts(texts: readonly (string | Buffer)[], rules: Rules, { env = {}, system = {}, confDirectory }: Surroundings = {}): Promise<PlannedConfiguration> {
  return planConfiguration({
    files: texts.map((text, index) => ({ name: `${index + 1}.conf`, bytes: Buffer.from(text as string) })),
    rules,
    env: new Map(Object.entries(env)),
    systemProperties: new Map(Object.entries(system)),
    pluginsPath: [],
    ...(confDirectory !== undefined && { confDirectory }),
  });
}

/** The plan of the only agent, by Flume's rules. */
export async function flumes(text: string, surroundings?: Surroundings): Promise<AgentPlan> {
  const { agents } = await planTexts([text], 'flume', surroundings);
  const [agent] = agents;
  if (!agent || agents.length > 1) throw new Error(`expected one agent, not ${agents.map(({ name }) => name).join(', ')}`);
  return agent;
}

/** `r1 | c1 | k1 | g1`: what stays of an agent. */
export function stay({ sources, channels, sinks, groups }: AgentPlan): string {
  return [sources, channels, sinks, groups].map((parts) => parts.map(({ name }) => name).sort().join(' ')).join(' | ');
}

export function droppedOf({ dropped }: AgentPlan): readonly string[] {
  return dropped.map(({ component }) => component).sort();
}

/** Code and place of each problem by our own rules: `M012 7:15`. */
export async function problemsIn(text: string | Buffer, surroundings?: Surroundings): Promise<readonly string[]> {
  const { problems } = await planTexts([text], 'millrace', surroundings);
  return problems.map(({ code, place }) => (place ? `${code} ${place.line}:${place.column}` : code)).sort();
}

export async function sentencesIn(text: string, surroundings?: Surroundings): Promise<string> {
  const { problems } = await planTexts([text], 'millrace', surroundings);
  return problems.map(({ sentence, hint }) => `${sentence}${hint === undefined ? '' : ` (${hint})`}`).join('\n');
}

export interface CheckRun {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export async function runCheck(files: readonly string[], options: Partial<{ strict: boolean; asFlume: boolean; json: boolean; name: string; env: Readonly<Record<string, string>>; colour: boolean }> = {}): Promise<CheckRun> {
  let out = '';
  let err = '';
  const { env = {}, colour = false, strict = false, asFlume = false, json = false, name } = options;
  const code = await check(
    { files, pluginsPath: [], strict, asFlume, json, ...(name !== undefined && { name }) },
    { out: (text) => (out += text), err: (text) => (err += text), colour, env: new Map(Object.entries(env)), systemProperties: new Map() },
  );
  return { code, out, err };
}

/** A valid agent, piece by piece: `S` seq source r1 on c1, `C` memory channel c1, `K` null sink k1 on c1. */
export const LISTS = 'a1.sources = r1\na1.channels = c1\na1.sinks = k1\n';
export const S = 'a1.sources.r1.type = seq\na1.sources.r1.channels = c1\n';
export const C = 'a1.channels.c1.type = memory\n';
export const K = 'a1.sinks.k1.type = null\na1.sinks.k1.channel = c1\n';
