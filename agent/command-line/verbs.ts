import { join } from 'node:path';
import yargs, { type Argv } from 'yargs';
import type { CheckArguments, CommandIo, DemoArguments, ExplainArguments, HelpArguments, TopologyArguments } from './types.ts';
import { addDeadLetters } from './dead-letters-verb.ts';
import { addChannel } from './channel-verb.ts';
import { addStatus } from './status-verb.ts';
import { home, readBuildFacts } from '../installation.ts';

/** EX_USAGE: the command line cannot be understood. */
const EXIT_USAGE = 64;

/** All verbs but `agent`, whose start must not wait for yargs (see docs/decisions/001-command-line.md). Resolves with the exit code. */
export async function runVerb(words: readonly string[], io: CommandIo): Promise<number> {
  let code = 0;
  const ended = (result: number): void => {
    code = result;
  };
  const parser = yargs()
    .scriptName('millrace')
    .detectLocale(false)
    .exitProcess(false)
    .strict()
    .version(false)
    // Under its usual name it would take "help" for a call of its own.
    .help('show-help')
    .hide('show-help')
    .wrap(110)
    .demandCommand(1)
    .fail((message, error) => {
      throw error ?? new Error(message);
    });
  addChannel(parser, io, pluginsOption(io).default, ended);
  addCheck(parser, io, ended);
  addDeadLetters(parser, io, pluginsOption(io).default, ended);
  addDemo(parser, io, ended);
  addExplain(parser, io, ended);
  addPositions(parser, io, ended);
  addStatus(parser, io, ended);
  addTopology(parser, io, ended);
  addHelp(parser, io, ended);
  parser.command('version', 'show the version', {}, () => {
    const { version, revision } = readBuildFacts();
    io.out(`millrace ${version} (revision ${revision}, Node ${process.versions.node}, runs configurations of Flume 1.11.0)\n`);
  });
  try {
    await parser.parseAsync(spelledOut(words), {}, (error, _found, output) => {
      if (!error && output) io.out(`${output}\n`);
    });
    return code;
  } catch (error) {
    io.err(`Error: ${error instanceof Error ? error.message : String(error)}\nSee: millrace help\n`);
    return EXIT_USAGE;
  }
}

type Ended = (code: number) => void;

const JSON_OPTION = { type: 'boolean', default: false, describe: 'one JSON object per line' } as const;

function pluginsOption(io: CommandIo) {
  const place = join(io.env.get('FLUME_HOME') || home, 'plugins.d');
  return { type: 'string', describe: 'directories of plug-ins, separated by colons', default: place } as const;
}

function addCheck(parser: Argv, io: CommandIo, ended: Ended): void {
  parser.command(
    'check <files...>',
    'find every problem of configuration files',
    (command) =>
      command
        .positional('files', { type: 'string', array: true, demandOption: true, describe: 'configuration files, each by itself' })
        .option('name', { alias: 'n', type: 'string', describe: 'only this agent' })
        .option('conf', { alias: 'c', type: 'string', describe: 'directory for classpath: URIs and lookups.properties' })
        .option('plugins-path', pluginsOption(io))
        .option('strict', { type: 'boolean', default: false, describe: 'warnings are errors' })
        .option('as-flume', { type: 'boolean', default: false, describe: 'the verdict of Flume 1.11 instead of ours' })
        .option('json', JSON_OPTION),
    async (found) => {
      const { check } = await import('../commands/check.ts');
      const args: CheckArguments = {
        files: found.files,
        ...(found.name !== undefined && { name: found.name }),
        ...(found.conf !== undefined && { confDirectory: found.conf }),
        pluginsPath: split(found.pluginsPath),
        strict: found.strict,
        asFlume: found.asFlume,
        json: found.json,
      };
      ended(await check(args, io));
    },
  );
}

function addDemo(parser: Argv, io: CommandIo, ended: Ended): void {
  parser.command(
    'demo',
    'kill an agent with kill -9 again and again, and count what is lost',
    (command) =>
      command
        .option('kills', { type: 'number', default: 10, describe: 'how often it is killed' })
        .option('seed', { type: 'number', describe: 'repeats the moments of an earlier run' })
        .option('keep', { type: 'boolean', default: false, describe: 'leave the data where it is' })
        .option('json', JSON_OPTION)
        .check(({ kills, seed }) => {
          if (!(Number.isInteger(kills) && kills >= 1 && kills <= 10_000)) throw new Error('--kills is a whole number from 1 to 10000');
          if (seed !== undefined && !Number.isSafeInteger(seed)) throw new Error('--seed is a whole number');
          return true;
        }),
    async (found) => {
      const { demo } = await import('../commands/demo.ts');
      const args: DemoArguments = { kills: found.kills, keep: found.keep, json: found.json, ...(found.seed !== undefined && { seed: found.seed }) };
      ended(await demo(args, io));
    },
  );
}

function addExplain(parser: Argv, io: CommandIo, ended: Ended): void {
  parser.command(
    'explain [code]',
    'say more about a problem',
    (command) => command.positional('code', { type: 'string', describe: 'for example M012; none lists all' }),
    async (found) => {
      const { explain } = await import('../commands/explain.ts');
      const args: ExplainArguments = found.code === undefined ? {} : { code: found.code };
      ended(await explain(args, io));
    },
  );
}

function addPositions(parser: Argv, io: CommandIo, ended: Ended): void {
  parser.command(
    'positions <file>',
    'show how far the files of a TAILDIR source were read',
    (command) =>
      command
        .positional('file', { type: 'string', demandOption: true, describe: 'its positionFile' })
        .option('json', JSON_OPTION),
    async (found) => {
      const { positions } = await import('../commands/positions.ts');
      ended(await positions({ file: found.file, json: found.json }, io));
    },
  );
}

function addTopology(parser: Argv, io: CommandIo, ended: Ended): void {
  parser.command(
    'topology <files...>',
    'see how the agents of several hosts hang together, and what does not fit',
    (command) =>
      command
        .positional('files', { type: 'string', array: true, demandOption: true, describe: 'HOST=FILE, or FILE where its name is the host; where names are alike, its folder is' })
        .option('alias', { type: 'string', array: true, default: [], describe: 'HOST=NAME,ADDRESS: what a host is called besides' })
        .option('svg', { type: 'string', describe: 'a file for the picture' })
        .option('plugins-path', pluginsOption(io)),
    async (found) => {
      const { topology } = await import('../commands/topology.ts');
      const args: TopologyArguments = {
        files: found.files,
        aliases: found.alias,
        pluginsPath: split(found.pluginsPath),
        ...(found.svg !== undefined && { svg: found.svg }),
      };
      ended(await topology(args, io));
    },
  );
}

function addHelp(parser: Argv, io: CommandIo, ended: Ended): void {
  parser.command(
    'help [topic] [type]',
    'the types of a kind, or the options of a type: help source netcat',
    (command) =>
      command
        .positional('topic', { type: 'string' })
        .positional('type', { type: 'string' })
        .option('plugins-path', pluginsOption(io))
        .option('json', JSON_OPTION),
    async (found) => {
      const { help } = await import('../commands/help.ts');
      const args: HelpArguments = {
        ...(found.topic !== undefined && { topic: found.topic }),
        ...(found.type !== undefined && { type: found.type }),
        pluginsPath: split(found.pluginsPath),
        json: found.json,
      };
      ended(await help(args, io));
    },
  );
}

/** The other ways in which people ask for the same. */
function spelledOut(words: readonly string[]): readonly string[] {
  const [verb, ...rest] = words;
  if (verb === '--version') return ['version', ...rest];
  if (verb === '--help' || verb === '-h') return ['help', ...rest];
  if (verb === 'help' && ['channel', 'check', 'demo', 'explain', 'positions', 'status', 'topology', 'version'].includes(rest[0] ?? '')) return [...rest, '--show-help'];
  return words.map((word) => (word === '--help' || word === '-h' ? '--show-help' : word));
}

function split(paths: string): readonly string[] {
  return paths.split(':').filter((path) => path !== '');
}
