import { readFile, stat } from 'node:fs/promises';
import type { AgentArguments, AgentIo } from './cli-types.ts';
import { planConfiguration } from './load-plan.ts';
import { problemsOf, unknownAgent } from './plan.ts';
import { applyStrictness, renderProblems, sortProblems } from './problems.ts';
import type { ConfigurationLoader, LoadedConfiguration } from './running-agent.ts';

/** Reads, plans and reports the configuration that the arguments of `agent` name. */
export function configurationLoader(args: AgentArguments, io: AgentIo): ConfigurationLoader {
  return {
    files: args.confFiles,
    load: () => load(args, io),
    async look() {
      const looks = await Promise.all(args.confFiles.map((f) => stat(f, { bigint: true }).then((s) => `${s.ino} ${s.size} ${s.mtimeNs}`, (e) => String(e.code))));
      return looks.join(';');
    },
  };
}

async function load(args: AgentArguments, io: AgentIo): Promise<LoadedConfiguration> {
  const files = await Promise.all(args.confFiles.map(async (name) => ({ name, bytes: await readFile(name) })));
  const plan = await planConfiguration({
    files,
    rules: 'millrace',
    env: io.env,
    systemProperties: io.systemProperties,
    pluginsPath: args.pluginsPath,
    ...(args.confDirectory !== undefined && { confDirectory: args.confDirectory }),
  });
  const agent = plan.agents.find(({ name }) => name === args.name);
  const own = [...problemsOf(plan, args.name), ...(agent ? [] : [unknownAgent(plan, args.name)])];
  const problems = sortProblems(applyStrictness(own, args.strict), args.confFiles);
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  const { properties, texts } = plan.effective;
  return {
    ...(agent && (errors === 0 || args.lenient) && { plan: agent }),
    report: renderProblems(problems, texts, io.colour),
    errors,
    warnings: problems.length - errors,
    secrets: new Set([...properties.values()].filter(({ secret }) => secret).map(({ value }) => value)),
  };
}
