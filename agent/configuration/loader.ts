import { describeError } from '../../core/errors.ts';
import type { AgentArguments, AgentIo } from '../command-line/types.ts';
import { readBackup, writeBackup, backupPath } from './backup.ts';
import { configSources, ConfigSourceError, type ConfigSource, type SourceList } from './source.ts';
import { planConfiguration, type PlannedConfiguration } from './load-plan.ts';
import { problemsOf, unknownAgent } from '../plan/plan.ts';
import type { AgentPlan, Problem } from '../plan/types.ts';
import { applyStrictness, problem, renderProblems, sortProblems } from '../problems/problems.ts';
import type { ConfigurationLoader, LoadedConfiguration } from '../running/running-agent.ts';

/** Reads, plans and reports the configuration that the arguments of `agent` name. */
export function configurationLoader(args: AgentArguments, io: AgentIo): ConfigurationLoader {
  const list = configSources(args);
  return {
    files: list.sources.map(({ name }) => name),
    load: () => load(list, args, io),
    look: async () => (await Promise.all(list.sources.map(lookAt))).join('\n'),
  };
}

/** A document that cannot be read has a look of its own: it is a change when it goes, and when it comes back. */
async function lookAt(source: ConfigSource): Promise<string> {
  try {
    return await source.look();
  } catch (error) {
    return describeError(error);
  }
}

async function load(list: SourceList, args: AgentArguments, io: AgentIo): Promise<LoadedConfiguration> {
  const found: Problem[] = [...list.problems];
  const files = await readAll(list.sources, found);
  if (found.some(({ severity }) => severity === 'error')) return refusal(found, args, io);
  let planned = await plan(files, args, io);
  if (planned.effective.properties.size === 0 && args.backupDirectory !== undefined) {
    const backup = await readBackup(args.backupDirectory, args.name).catch(() => undefined);
    if (backup) {
      const name = backupPath(args.backupDirectory, args.name);
      found.push(problem('M003', { severity: 'warning', sentence: `${files.map((file) => file.name).join(', ')}: empty; the backup ${name} is used` }));
      planned = await plan([{ name, bytes: backup }], args, io);
    }
  }
  const agent = planned.agents.find(({ name }) => name === args.name);
  const own = [...found, ...problemsOf(planned, args.name), ...(agent ? [] : [unknownAgent(planned, args.name)])];
  const problems = sortProblems(applyStrictness(own, args.strict), planned.effective.texts.map(({ name }) => name));
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  const runs = agent !== undefined && (errors === 0 || (args.lenient && canRun(agent, problems)));
  if (runs && errors === 0 && args.backupDirectory !== undefined) await backUp(args.backupDirectory, args.name, planned, io);
  return {
    ...(runs && { plan: agent }),
    report: renderProblems(problems, planned.effective.texts, io.colour) + (errors > 0 ? conclusion(errors, args, runs ? agent : undefined) : ''),
    errors,
    warnings: problems.length - errors,
    secrets: planned.secrets,
  };
}

/** What Flume could not start either, what we do not have, and an agent of which nothing is left, no leniency can run. */
function canRun(agent: AgentPlan, problems: readonly Problem[]): boolean {
  if (agent.sources.length + agent.sinks.length === 0) return false;
  return agent.fatal === undefined && !problems.some(({ code, severity }) => severity === 'error' && (code === 'M029' || code === 'M023'));
}

function conclusion(errors: number, args: AgentArguments, running: AgentPlan | undefined): string {
  const count = `${errors} error${errors === 1 ? '' : 's'}`;
  if (!running) return `${count}: agent ${args.name} does not run with this configuration${args.lenient ? ', not even with --lenient' : ''}\n`;
  const without = running.dropped.map(({ component, reason }) => `${component} (${reason})`);
  return `${count}: agent ${args.name} runs all the same because of --lenient, as Flume would${without.length > 0 ? `, without ${without.join(', ')}` : ''}\n`;
}

async function readAll(sources: readonly ConfigSource[], problems: Problem[]): Promise<{ name: string; bytes: Buffer }[]> {
  const files: { name: string; bytes: Buffer }[] = [];
  for (const source of sources) {
    try {
      files.push({ name: source.name, bytes: await source.read() });
      if (source.writableByAll) {
        problems.push(problem('M033', { sentence: `${source.name} may be written by everybody on this machine`, hint: `chmod o-w ${source.name}` }));
      }
    } catch (error) {
      const hint = error instanceof ConfigSourceError ? { hint: error.hint } : {};
      problems.push(problem('M001', { sentence: describeError(error), ...hint }));
    }
  }
  return files;
}

function plan(files: readonly { readonly name: string; readonly bytes: Buffer }[], args: AgentArguments, io: AgentIo): Promise<PlannedConfiguration> {
  return planConfiguration({
    files,
    rules: 'millrace',
    env: io.env,
    systemProperties: io.systemProperties,
    pluginsPath: args.pluginsPath,
    ...(args.confDirectory !== undefined && { confDirectory: args.confDirectory }),
  });
}

function refusal(found: readonly Problem[], args: AgentArguments, io: AgentIo): LoadedConfiguration {
  const problems = applyStrictness(found, args.strict);
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  return { report: renderProblems(problems, [], io.colour) + conclusion(errors, args, undefined), errors, warnings: problems.length - errors, secrets: new Set() };
}

/** A backup that cannot be written does not stop the agent; it is only said. */
async function backUp(directory: string, agent: string, planned: PlannedConfiguration, io: AgentIo): Promise<void> {
  try {
    await writeBackup(directory, agent, planned.effective);
  } catch (error) {
    io.log.logger(agent).warn('the configuration cannot be backed up', { directory, error: describeError(error) });
  }
}
