import type { Argv } from 'yargs';
import { agentUrl } from './agent-url.ts';
import type { CommandIo, StatusArguments } from './types.ts';

/** Flume's own. */
const DEFAULT_PORT = 41_414;

/** Adds `status`. */
export function addStatus(parser: Argv, io: CommandIo, ended: (code: number) => void): void {
  parser.command(
    'status',
    'what a running agent does: components, rates, backlog, last errors',
    (command) =>
      command
        .option('port', { type: 'number', describe: 'port of its monitoring; 41414 unless given' })
        .option('url', { type: 'string', describe: 'the same by address, http://127.0.0.1:34545' })
        .option('seconds', { type: 'number', default: 1, describe: 'how long it is watched for the rates; 0: not at all' })
        .option('json', { type: 'boolean', default: false, describe: 'JSON instead of text' }),
    async (found) => {
      if (!(found.seconds >= 0 && found.seconds <= 3600)) throw new Error('--seconds is a number from 0 to 3600');
      const url = agentUrl(found.port, found.url) ?? new URL(`http://127.0.0.1:${DEFAULT_PORT}`);
      const { status } = await import('../commands/status.ts');
      const args: StatusArguments = { url, betweenMs: found.seconds * 1000, json: found.json };
      ended(await status(args, io));
    },
  );
}
