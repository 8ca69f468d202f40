/**
 * From the effective properties to what the agents of a configuration consist of: one simulation of what Flume 1.11 does with them, used
 * for running (`millrace` rules), for `--lenient` and for Flume's own verdict (`flume` rules).
 */
import { dirname, resolve } from 'node:path';
import { javaTrim } from '../../core/java-values.ts';
import { nearest } from '../../core/nearest.ts';
import type { Effective, EffectiveProperty } from '../configuration/effective.ts';
import { applyConfigFilters, type FilterSurroundings } from './filters.ts';
import { buildAgent, emptyPlan, type BuildContext } from './build.ts';
import { checkAgent, checkTogether } from './checks.ts';
import { LISTS, splitKeys, type AgentKeys } from './keys.ts';
import { reportCommas, withoutCommas } from './commas.ts';
import { didYouMean, Report } from './report.ts';
import type { Lineage } from './shared-directories.ts';
import type { AgentPlan, Plan, Problem, Registries } from './types.ts';
import { inspectRest } from './rest.ts';
import { LoadFailure, validateAgent, type ValidAgent } from './validate.ts';
import { problem } from '../problems/problems.ts';
import { isSecretKey } from '../configuration/secrets.ts';

export interface PlanSurroundings extends FilterSurroundings {
  /** Whether a file can be read now. Without it every file can. */
  readonly readable?: (path: string) => boolean;
  /** What a path leads to and what is above it, the nearest first. Without it only the names are compared. */
  readonly lineage?: Lineage;
  /** By option: what components with TLS take where they name nothing of their own. */
  readonly tlsDefaults?: ReadonlyMap<string, string>;
}

/** All agents of a configuration and all problems of all of them. The registries must be complete: plug-ins come first. */
export async function planAgents(effective: Effective, registries: Registries, surroundings: PlanSurroundings): Promise<Plan> {
  const { rules } = effective;
  const { agents, empty, nameless } = splitKeys(effective);
  const problems: Problem[] = [...effective.problems];
  const context: BuildContext = { registries, rules, readable: surroundings.readable ?? (() => true), tlsDefaults: surroundings.tlsDefaults ?? new Map() };
  const drafts: Draft[] = [];
  let fatal = effective.fatal;
  for (const agent of agents) {
    const meant = rules === 'millrace' ? withoutCommas(agent) : undefined;
    const report = new Report(meant ?? agent, agents);
    if (meant) reportCommas(report, agent);
    await applyConfigFilters(report, registries.configFilters, rules, surroundings);
    await readDefinitions(report.agent, registries);
    if (meant) await readDefinitions(agent, registries);
    let valid: ValidAgent | undefined;
    try {
      valid = validateAgent(report, rules);
    } catch (error) {
      if (!(error instanceof LoadFailure)) throw error;
      fatal ??= `NullPointerException: ${error.message}`;
    }
    drafts.push({ report, valid, asWritten: agent });
  }
  const examined = drafts.map((draft) => planOf(draft, context, fatal));
  // Problems come from the lists as they were meant; what would run, from those in the file.
  const plans = drafts.map((draft, index) => {
    const { report, asWritten } = draft;
    if (report.agent === asWritten) return examined[index] as AgentPlan;
    const literal = new Report(asWritten, agents);
    return planOf({ report: literal, valid: validateAgent(literal, rules), asWritten }, context, fatal);
  });
  const secrets = new Set([...effective.secrets, ...drafts.flatMap(({ report }) => [...report.secrets])].filter((text) => text !== ''));
  if (rules === 'flume') return { agents: plans, problems, secrets };
  const lineage = surroundings.lineage ?? lineageOfNames;
  for (const [index, { report, valid }] of drafts.entries()) {
    inspectRest(report, valid, context);
    checkAgent(report, valid, examined[index] as AgentPlan, lineage);
  }
  problems.push(...drafts.flatMap(({ report }) => report.problems));
  problems.push(...checkTogether(drafts.map(({ report }, index) => ({ report, plan: examined[index] as AgentPlan })), lineage));
  problems.push(...strayProblems(effective, agents, empty, nameless));
  return { agents: plans, problems, secrets };
}

/** Of the types that an agent names. */
async function readDefinitions({ components }: AgentKeys, registries: Registries): Promise<void> {
  for (const list of ['sources', 'channels', 'sinks'] as const) {
    for (const settings of components[list].values()) {
      const type = settings.get('type')?.value;
      if (type !== undefined) await registries[list].read(type);
    }
  }
}

function lineageOfNames(path: string): readonly string[] {
  const lineage = [resolve(path)];
  for (let above = dirname(lineage[0] as string); above !== lineage.at(-1); above = dirname(above)) lineage.push(above);
  return lineage;
}

interface Draft {
  readonly report: Report;
  readonly valid: ValidAgent | undefined;
  readonly asWritten: AgentKeys;
}

function planOf({ report, valid }: Draft, context: BuildContext, fatal: string | undefined): AgentPlan {
  if (fatal !== undefined) return { ...emptyPlan(report.agent.name, 'refuses'), fatal };
  if (!valid) return { ...emptyPlan(report.agent.name, 'idle'), dropped: report.dropped };
  return buildAgent(report, valid, context);
}

/** Says that `name` is not among the agents, and which are. */
export function unknownAgent(plan: Plan, name: string): Problem {
  const names = plan.agents.map((agent) => agent.name);
  const list = names.length > 0 ? `it has ${names.join(', ')}` : 'it has none';
  return problem('M034', { sentence: `the configuration has no agent named "${name}"; ${list}`, ...didYouMean(nearest(name, names)) });
}

/** What matters for one agent: its own problems, and those of no agent in particular. */
export function problemsOf(plan: Plan, name: string): readonly Problem[] {
  return plan.problems.filter(({ agent }) => agent === undefined || agent === name);
}

/** Text that somebody forgot to comment out. */
const NO_PROPERTY = 'this line is neither a property nor a comment';

function strayProblems(effective: Effective, agents: readonly AgentKeys[], empty: readonly EffectiveProperty[], nameless: readonly EffectiveProperty[]): Problem[] {
  const problems: Problem[] = [];
  for (const property of empty) {
    const key = javaTrim(property.key);
    if (effective.variables.has(property.key)) continue;
    const { origin } = property;
    const agent = agents.find(({ name }) => key.startsWith(`${name}.`));
    const sentence = origin.hasSign || agent ? `${key} has no value and is ignored` : NO_PROPERTY;
    problems.push(problem('M006', { place: origin.keyPlace(), sentence, ...(agent && { agent: agent.name }) }));
  }
  for (const property of nameless) {
    const key = javaTrim(property.key);
    if (effective.variables.has(property.key)) continue;
    const [agent] = agents;
    const word = LISTS.find((list) => key === list || key.startsWith(`${list}.`));
    const hint = word && agent ? { hint: `did you mean "${agent.name}.${key}"?` } : {};
    const sentence = property.origin.hasSign || hint.hint !== undefined ? `"${key}" names no agent and is used by no \${…}` : NO_PROPERTY;
    problems.push(problem('M007', { place: property.origin.keyPlace(), sentence, hideLine: isSecretKey(key), ...hint }));
  }
  if (agents.length === 0 && effective.texts.length > 0) {
    const files = effective.texts.map(({ name }) => name).join(', ');
    problems.push(problem('M003', { sentence: `${files}: there is no agent in it`, hint: 'a configuration has lines like "a1.sources = r1"' }));
  }
  return problems;
}
