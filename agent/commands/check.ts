import { readConfigFile } from '../../io/config-files.ts';
import { describeError } from '../../core/errors.ts';
import type { CheckArguments, CommandIo } from '../command-line/types.ts';
import { planConfiguration, type PlannedConfiguration } from '../configuration/load-plan.ts';
import { problemsOf, unknownAgent } from '../plan/plan.ts';
import type { AgentPlan, Problem, Rules } from '../plan/types.ts';
import { applyStrictness, exitCodeFor, problem, renderProblems, sortProblems } from '../problems/problems.ts';

/**
 * `check FILE…`: every problem of every agent, each file by itself. Resolves with 0 (clean), 1 (warnings only) or 78 (errors). With
 * `asFlume` it prints what Flume 1.11 makes of each agent instead, and resolves with 0 unless a file cannot be read.
 */
export async function check(args: CheckArguments, io: CommandIo): Promise<number> {
  let worst = 0;
  for (const file of args.files) {
    const code = args.asFlume ? await judge(file, args, io) : await examine(file, args, io);
    worst = Math.max(worst, code);
  }
  return worst;
}

async function examine(file: string, args: CheckArguments, io: CommandIo): Promise<number> {
  const problems: Problem[] = [];
  const planned = await plan(file, 'millrace', args, io, problems);
  if (planned) {
    const { name } = args;
    const known = name === undefined || planned.agents.some((agent) => agent.name === name);
    problems.push(...(name === undefined ? planned.problems : known ? problemsOf(planned, name) : [unknownAgent(planned, name)]));
  }
  const shown = applyStrictness(sortProblems(problems, [file]), args.strict);
  if (args.json) for (const each of shown) io.out(`${JSON.stringify(jsonProblem(file, each))}\n`);
  else io.out(renderProblems(shown, planned?.effective.texts ?? [], io.colour));
  const code = exitCodeFor(shown);
  if (!args.json) io.out(summary(file, shown, planned));
  return code;
}

function jsonProblem(file: string, { code, severity, agent, place, sentence, hint, other }: Problem): Readonly<Record<string, unknown>> {
  return { file, code, severity, agent, line: place?.line, column: place?.column, length: place?.length, sentence, hint, other };
}

function summary(file: string, problems: readonly Problem[], planned: PlannedConfiguration | undefined): string {
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  const warnings = problems.length - errors;
  const names = planned?.agents.map(({ name }) => name) ?? [];
  const agents = names.length === 0 ? '' : ` (${names.length === 1 ? 'agent' : 'agents'} ${names.join(', ')})`;
  if (problems.length === 0) return `${file}: no problems${agents}\n`;
  const counts = [errors > 0 ? `${errors} error${errors === 1 ? '' : 's'}` : '', warnings > 0 ? `${warnings} warning${warnings === 1 ? '' : 's'}` : ''];
  return `${file}: ${counts.filter(Boolean).join(', ')}${agents}; "millrace explain ${problems[0]?.code ?? ''}" says more\n`;
}

async function judge(file: string, args: CheckArguments, io: CommandIo): Promise<number> {
  const problems: Problem[] = [];
  const planned = await plan(file, 'flume', args, io, problems);
  if (!planned) {
    io.err(renderProblems(problems, [], io.colour));
    return exitCodeFor(problems);
  }
  const wanted = planned.agents.filter(({ name }) => args.name === undefined || name === args.name);
  const lines = [...wanted].sort((a, b) => (a.name < b.name ? -1 : 1)).map((agent) => jsonVerdict(agent));
  if (planned.agents.length === 0) lines.push(jsonWithoutAgents(planned));
  for (const line of lines) io.out(`${JSON.stringify(args.files.length > 1 ? { file, ...line } : line)}\n`);
  return 0;
}

type JsonVerdict = Readonly<Record<string, unknown>>;

function jsonVerdict({ name, verdict, sources, channels, sinks, groups, dropped, fatal }: AgentPlan): JsonVerdict {
  const names = (all: readonly { readonly name: string }[]): readonly string[] => all.map((each) => each.name).sort();
  return {
    agent: name,
    verdict,
    sources: names(sources),
    channels: names(channels),
    sinks: names(sinks),
    sinkgroups: names(groups),
    dropped: [...dropped].sort((a, b) => (a.component < b.component ? -1 : 1)),
    fatal: fatal ?? null,
  };
}

/** A file without an agent: Flume ends over an empty or unreadable one, and idles over one that only holds other keys. */
function jsonWithoutAgents({ effective }: PlannedConfiguration): JsonVerdict {
  const fatal = effective.fatal ?? (effective.properties.size === 0 ? 'No configuration could be found' : null);
  return { agent: null, verdict: fatal === null ? 'idle' : 'refuses', sources: [], channels: [], sinks: [], sinkgroups: [], dropped: [], fatal };
}

async function plan(file: string, rules: Rules, args: CheckArguments, io: CommandIo, problems: Problem[]): Promise<PlannedConfiguration | undefined> {
  try {
    const { bytes, writableByAll } = await readConfigFile(file);
    if (writableByAll) problems.push(problem('M033', { sentence: `${file} may be written by everybody on this machine`, hint: `chmod o-w ${file}` }));
    return await planConfiguration({
      files: [{ name: file, bytes }],
      rules,
      env: io.env,
      systemProperties: io.systemProperties,
      pluginsPath: args.pluginsPath,
      ...(args.confDirectory !== undefined && { confDirectory: args.confDirectory }),
    });
  } catch (error) {
    problems.push(problem('M001', { sentence: `cannot read ${file}: ${describeError(error)}` }));
    return undefined;
  }
}
