import type { Argv } from 'yargs';
import { agentUrl } from './agent-url.ts';
import type { ChannelArguments, CommandIo } from './types.ts';

const ACTIONS = ['stat', 'peek', 'export', 'verify', 'repair'] as const;
const FORMATS = ['text', 'json'] as const;
const EVENTS = 10;

/** Adds `channel stat|peek|export|verify|repair`. */
export function addChannel(parser: Argv, io: CommandIo, plugins: string, ended: (code: number) => void): void {
  parser.command(
    'channel <action> [target]',
    'look into a durable channel: stat, peek, export, verify, repair',
    (command) =>
      command
        .positional('action', { choices: ACTIONS, demandOption: true, describe: 'sizes; first events; copy out; examine; set damage aside' })
        .positional('target', { type: 'string', describe: 'its data directory; with --conf-file, --port or --url its name' })
        .option('conf-file', { alias: 'f', type: 'string', describe: 'find the directories in this configuration' })
        .option('name', { type: 'string', describe: 'the agent in it, where there are several' })
        .option('conf', { alias: 'c', type: 'string', describe: 'directory for lookups.properties' })
        .option('plugins-path', { type: 'string', describe: 'directories of plug-ins, separated by colons', default: plugins })
        .option('checkpoint-dir', { type: 'string', describe: 'its checkpointDir, where that is not beside the data directory' })
        .option('port', { type: 'number', describe: 'stat, peek: ask the running agent whose monitoring has this port' })
        .option('url', { type: 'string', describe: 'stat, peek: the same by address, http://127.0.0.1:34545' })
        .option('n', { type: 'number', default: EVENTS, describe: 'peek: most events' })
        .option('to', { type: 'string', describe: 'export: a new directory for the files' })
        .option('format', { choices: FORMATS, default: 'text' as const, describe: 'export: bodies as lines, or JSON with headers' })
        .option('yes', { alias: 'y', type: 'boolean', default: false, describe: 'repair: do it; without, the plan is shown' })
        .option('json', { type: 'boolean', default: false, describe: 'JSON instead of text' }),
    async (found) => {
      const { action, target, name, to, format, yes, json, n } = found;
      const url = agentUrl(found.port, found.url);
      const args: ChannelArguments = {
        action,
        ...(target !== undefined && { target }),
        ...(found.confFile !== undefined && { confFile: found.confFile }),
        ...(name !== undefined && { agent: name }),
        ...(found.conf !== undefined && { confDirectory: found.conf }),
        pluginsPath: found.pluginsPath.split(':').filter((path) => path !== ''),
        ...(found.checkpointDir !== undefined && { checkpointDirectory: found.checkpointDir }),
        ...(url !== undefined && { url }),
        most: n,
        ...(to !== undefined && { to }),
        format,
        yes,
        json,
      };
      refuse(args);
      const { channel } = await import('../commands/channel.ts');
      ended(await channel(args, io));
    },
  );
}

/** Throws for what makes no sense together. */
function refuse({ action, target, confFile, agent, url, to, most }: ChannelArguments): void {
  if (!(Number.isInteger(most) && most >= 1)) throw new Error('-n is a whole number from 1 on');
  if (url !== undefined) {
    if (action !== 'stat' && action !== 'peek') throw new Error(`${action} needs the directory of an agent that does not run; --port and --url are for stat and peek`);
    if (confFile !== undefined) throw new Error('--conf-file is for an agent that does not run, --port and --url for one that does');
  } else if (target === undefined && confFile === undefined) throw new Error(`${action} needs a data directory, or --conf-file FILE with the name of a channel, or --port PORT of a running agent`);
  if (agent !== undefined && confFile === undefined) throw new Error('--name is the agent in a --conf-file');
  if (action === 'export' && to === undefined) throw new Error('export needs a new directory: --to DIR');
}
