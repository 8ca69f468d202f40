import type { Channel, Context } from '../../core/component.ts';
import { readConfigFile } from '../../io/config-files.ts';
import type { CommandIo, DeadLettersArguments } from '../command-line/types.ts';
import { planConfiguration } from '../configuration/load-plan.ts';
import type { AgentPlan, PlannedComponent } from '../plan/types.ts';
import { renderProblems } from '../problems/problems.ts';
import { replay } from './replay.ts';

/**
 * Opens a channel of an agent that does not run, as its configuration says, and puts letters into it. Resolves with how many; `undefined`
 * where it could not be opened, which was said. The channel itself refuses where its agent runs after all.
 */
export async function replayIntoStopped(
  folder: string,
  channelName: string,
  args: DeadLettersArguments & { readonly confFile: string },
  io: CommandIo,
): Promise<number | undefined> {
  const plan = await planned(args, io);
  if (!plan) return undefined;
  const found = plan.channels.find(({ name }) => name === channelName);
  if (!found) {
    io.err(`Error: agent ${plan.name} has no channel ${JSON.stringify(channelName)}; it has ${plan.channels.map(({ name }) => name).join(', ') || 'none'}\n`);
    return undefined;
  }
  const channel = await opened(plan.name, found, io);
  try {
    if (!channel.durable) {
      io.err(`Error: channel ${channelName} is kept in memory: start the agent, and replay into it while it runs\n`);
      return undefined;
    }
    await channel.start();
    const { taken, left } = await replay(folder, args.selection, channel);
    if (left > 0) io.err(`channel ${channelName} has no more room: ${left} dead letters and those behind them are left\n`);
    return taken;
  } finally {
    await channel.stop();
  }
}

async function planned({ confFile, confDirectory, pluginsPath, selection }: DeadLettersArguments & { readonly confFile: string }, io: CommandIo): Promise<AgentPlan | undefined> {
  const { bytes } = await readConfigFile(confFile);
  const configuration = await planConfiguration({
    files: [{ name: confFile, bytes }],
    rules: 'millrace',
    env: io.env,
    systemProperties: io.systemProperties,
    pluginsPath,
    ...(confDirectory !== undefined && { confDirectory }),
  });
  const { agents } = configuration;
  const plan = selection.agent === undefined && agents.length === 1 ? agents[0] : agents.find(({ name }) => name === selection.agent);
  if (plan) return plan;
  io.err(renderProblems(configuration.problems, configuration.effective.texts, io.colour));
  io.err(`Error: --name says which agent of ${confFile} is meant: ${agents.map(({ name }) => name).join(', ') || 'there is none'}\n`);
  return undefined;
}

async function opened(agent: string, { name, definition, values }: PlannedComponent<'channel'>, io: CommandIo): Promise<Channel> {
  if (!definition.create) throw new Error(`channel type "${definition.types[0]}" is one that Millrace does not have yet`);
  const say = (sentence: string, facts?: object): void => io.err(`${sentence}${facts ? ` ${JSON.stringify(facts)}` : ''}\n`);
  const context: Context = {
    name: `${agent}.channels.${name}`,
    log: { error: say, warn: say, info: () => undefined, debug: () => undefined, event: say, ready: async () => undefined },
    count: () => undefined,
    fail: (error) => say(error.message),
  };
  return definition.create(context, values as never);
}
