import { AGENT_OPTIONS, type CliOption } from './option-syntax.ts';

export type Program = 'millrace' | 'flume-ng';

/** What millrace can do, as its usage shows it. */
export const MILLRACE_VERBS: readonly (readonly [string, string])[] = [
  ['agent', 'run an agent'],
  ['channel stat|peek|export|verify|repair', 'look into a durable channel, running or not'],
  ['check FILE...', 'find every problem of configuration files'],
  ['demo', 'kill an agent with kill -9 ten times and count what is lost'],
  ['dead-letters ls|show|replay|purge', 'events that no destination accepted: see them, send them on, remove them'],
  ['explain CODE', 'say more about a problem, for example M012'],
  ['positions FILE', 'show how far the files of a TAILDIR source were read'],
  ['status', 'what a running agent does: components, rates, backlog, last errors'],
  ['topology [HOST=]FILE...', 'how the agents of several hosts hang together, and what does not fit'],
  ['help [KIND [TYPE]]', 'this text, the types of a kind, or the options of a type: help source netcat'],
  ['version', 'show the version'],
];

const FLUME_COMMANDS: readonly (readonly [string, string])[] = [
  ['help', 'show this text'],
  ['agent', 'run an agent'],
  ['node', 'the same, under its old name'],
  ['avro-client', 'send lines of a file, of standard input or of a directory to an avro source'],
  ['tool', 'repair a file channel of Flume (not there; ours: millrace channel repair)'],
  ['version', 'show the version'],
];

/** Usage of the whole program. */
export function programUsage(program: Program): string {
  const commands = program === 'flume-ng' ? FLUME_COMMANDS : MILLRACE_VERBS;
  return [
    `Usage: ${program} <command> [options]`,
    '',
    'Commands:',
    ...columns(commands),
    '',
    agentOptions(),
    '',
    `Example: ${program} agent --conf conf --conf-file conf/quickstart.properties --name a1 -Dflume.root.logger=INFO,console`,
    '',
  ].join('\n');
}

/** Usage of `agent` alone. */
export function agentUsage(program: Program): string {
  return `Usage: ${program} agent --name NAME --conf-file FILE [options]\n\n${agentOptions()}\n`;
}

function agentOptions(): string {
  return [
    'Options of agent:',
    ...columns(AGENT_OPTIONS.map((option) => [spelling(option), option.doc])),
    '',
    'System properties of agent (-Dname=value):',
    ...columns([
      ['flume.root.logger', 'level and place of the log: INFO,console; DEBUG,LOGFILE'],
      ['flume.log.dir, flume.log.file', 'where LOGFILE is: flume.log in the working directory'],
      ['millrace.log.format', 'text or json'],
      ['flume.monitoring.type, .port', 'http and a port: metrics over HTTP'],
    ]),
  ].join('\n');
}

function spelling({ long, short, argument }: CliOption): string {
  return `${short === undefined ? '' : `-${short}, `}--${long}${argument === undefined ? '' : ` <${argument}>`}`;
}

function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}
