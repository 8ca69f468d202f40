import { join, resolve } from 'node:path';
import { encryptionOptions, type EncryptionValues } from '../../channels/leveldb/encryption-options.ts';
import { readConfigFile } from '../../io/config-files.ts';
import type { ChannelArguments, CommandIo } from '../command-line/types.ts';
import { planConfiguration } from '../configuration/load-plan.ts';
import { homeDirectory } from '../configuration/system-properties.ts';
import type { AgentPlan } from '../plan/types.ts';

/** Where the data of a channel lies. */
export interface Target {
  readonly dataDirectory: string;
  /** Absent: not known. */
  readonly checkpointDirectory?: string;
  /** `channel c1 of agent a1`, where it came out of a configuration. */
  readonly words?: string;
  /** Where its records are encrypted: what leads to the keys. */
  readonly encryption?: EncryptionValues;
}

/** Finds the directories that the arguments mean. Throws a sentence where there are none. */
export async function findTarget(args: ChannelArguments, io: CommandIo): Promise<Target> {
  const { target, confFile, checkpointDirectory } = args;
  const given = checkpointDirectory === undefined ? {} : { checkpointDirectory: resolve(checkpointDirectory) };
  if (confFile === undefined) return { dataDirectory: resolve(target ?? ''), ...given };
  return { ...(await fromConfiguration(confFile, args, io)), ...given };
}

async function fromConfiguration(file: string, args: ChannelArguments, io: CommandIo): Promise<Target> {
  const { bytes } = await readConfigFile(file);
  const { agents } = await planConfiguration({
    files: [{ name: file, bytes }],
    rules: 'millrace',
    env: io.env,
    systemProperties: io.systemProperties,
    pluginsPath: args.pluginsPath,
    ...(args.confDirectory !== undefined && { confDirectory: args.confDirectory }),
  });
  const agent = theAgent(file, agents, args.agent);
  const durable = agent.channels.filter(({ definition }) => 'checkpointDir' in definition.options && 'dataDirs' in definition.options);
  const names = durable.map(({ name }) => name);
  const found = args.target === undefined && durable.length === 1 ? durable[0] : durable.find(({ name }) => name === args.target);
  if (!found) {
    const which = args.target === undefined ? 'say which channel is meant' : `agent ${agent.name} has no durable channel "${args.target}"`;
    throw new Error(`${file}: ${which}; ${names.length === 0 ? 'it has none on disk' : `there are ${names.join(', ')}`}`);
  }
  const { dataDirs, checkpointDir } = found.values as { readonly dataDirs?: readonly string[]; readonly checkpointDir?: string };
  const fallback = join(homeDirectory(), '.flume', 'file-channel');
  return {
    dataDirectory: resolve(dataDirs?.[0] ?? join(fallback, 'data')),
    checkpointDirectory: resolve(checkpointDir ?? join(fallback, 'checkpoint')),
    words: `channel ${found.name} of agent ${agent.name}`,
    ...encryptionOf(found.values),
  };
}

function encryptionOf(values: Readonly<Record<string, unknown>>): Pick<Target, 'encryption'> {
  if (values['encryption.keyProvider'] === undefined) return {};
  // The options of the file channel, which the definition has: it was found by two others of them.
  return { encryption: Object.fromEntries(Object.keys(encryptionOptions).map((name) => [name, values[name]])) as unknown as EncryptionValues };
}

function theAgent(file: string, agents: readonly AgentPlan[], name: string | undefined): AgentPlan {
  const found = name === undefined && agents.length === 1 ? agents[0] : agents.find((agent) => agent.name === name);
  if (found) return found;
  const names = agents.map((agent) => agent.name).join(', ');
  throw new Error(`${file}: ${name === undefined ? 'say which agent is meant with --name' : `there is no agent "${name}"`}; it has ${names || 'none'}`);
}
