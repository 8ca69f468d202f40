import type { Argv } from 'yargs';
import type { CommandIo, DeadLettersArguments } from './types.ts';

const ACTIONS = ['ls', 'show', 'replay', 'purge'] as const;
const UNITS_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Adds `dead-letters ls|show|replay|purge`. */
export function addDeadLetters(parser: Argv, io: CommandIo, plugins: string, ended: (code: number) => void): void {
  parser.command(
    'dead-letters <action> [ids..]',
    'events that no destination accepted: ls, show, replay, purge',
    (command) =>
      command
        .positional('action', { choices: ACTIONS, demandOption: true, describe: 'list them, show them whole, send them on, remove them' })
        .positional('ids', { type: 'string', array: true, describe: 'only these letters; what stands before the dash is enough for all of one batch' })
        .option('name', { alias: 'n', type: 'string', describe: 'only those of this agent' })
        .option('dir', { type: 'string', describe: 'their folder (~/.millrace/dead-letters, the agent below it)' })
        .option('component', { type: 'string', describe: 'only those of this component: k1, a1.sinks.k1' })
        .option('reason', { type: 'string', describe: 'only those whose reason holds this text' })
        .option('since', { type: 'string', describe: 'only from this time on: 2026-11-21T10:00, or 2h for two hours ago' })
        .option('until', { type: 'string', describe: 'only up to this time' })
        .option('all', { type: 'boolean', default: false, describe: 'all that are meant: needed for replay and purge without a choice; ls shows every line' })
        .option('channel', { type: 'string', describe: 'replay: the channel that gets the events' })
        .option('url', { type: 'string', default: 'http://127.0.0.1:41414', describe: 'replay: the monitoring of the running agent' })
        .option('conf-file', { alias: 'f', type: 'string', describe: 'replay: the configuration of an agent that does not run' })
        .option('conf', { alias: 'c', type: 'string', describe: 'replay: directory for lookups.properties' })
        .option('plugins-path', { type: 'string', describe: 'replay: directories of plug-ins, separated by colons', default: plugins })
        .option('json', { type: 'boolean', default: false, describe: 'one JSON object per line' }),
    async (found) => {
      const { deadLetters } = await import('../commands/dead-letters.ts');
      const { action, ids, name, component, reason, all, channel, json } = found;
      const args: DeadLettersArguments = {
        action,
        selection: {
          ...(name !== undefined && { agent: name }),
          ...(component !== undefined && { component }),
          ...(reason !== undefined && { reason }),
          ...(found.since !== undefined && { since: timeOf('since', found.since) }),
          ...(found.until !== undefined && { until: timeOf('until', found.until) }),
          ...(ids && ids.length > 0 && { ids }),
        },
        ...(found.dir !== undefined && { directory: found.dir }),
        ...(channel !== undefined && { channel }),
        ...(found.confFile !== undefined && { confFile: found.confFile }),
        ...(found.conf !== undefined && { confDirectory: found.conf }),
        url: urlOf(found.url),
        pluginsPath: found.pluginsPath.split(':').filter((path) => path !== ''),
        all,
        json,
      };
      if (action === 'show' && args.selection.ids === undefined && !all) throw new Error('show needs the ids of letters, or --all');
      ended(await deadLetters(args, io));
    },
  );
}

/** Epoch milliseconds. */
function timeOf(option: string, text: string): number {
  const [, count, unit] = /^([0-9]+)([smhd])$/.exec(text) ?? [];
  const time = unit === undefined ? Date.parse(text) : Date.now() - Number(count) * (UNITS_MS[unit] ?? 0);
  if (Number.isNaN(time)) throw new Error(`--${option}: "${text}" is no time such as 2026-11-21T10:00 or 2h`);
  return time;
}

function urlOf(text: string): URL {
  const url = URL.parse(/^[0-9]+$/.test(text) ? `http://127.0.0.1:${text}` : text);
  if (url?.protocol !== 'http:') throw new Error(`--url: "${text}" is no address such as http://127.0.0.1:34545`);
  return url;
}
