import { join } from 'node:path';
import { descriptorTarget, isJournal, isTerminal } from '../io/output-descriptor.ts';
import { Output } from '../io/output.ts';
import { openRollingFile } from '../io/rolling-file.ts';
import { readSmallFile } from '../io/small-file.ts';
import { optionsFilePlaces, parseAgentWords, readAgentArguments, type OptionsFile } from './command-line/agent-arguments.ts';
import { takeJvmArguments, type JvmArguments } from './command-line/jvm-arguments.ts';
import { UsageError } from './command-line/option-syntax.ts';
import type { AgentIo, AgentLog, CommandIo } from './command-line/types.ts';
import { agentUsage, programUsage, type Program } from './command-line/usage.ts';
import { home, readBuildFacts } from './installation.ts';
import { droppedLine, openLog } from './log/log.ts';
import { readLogSettings, type LogSettings } from './log/settings.ts';

/** As Flume's launcher for a command it does not know. */
const EXIT_UNKNOWN_COMMAND = 1;
/** EX_CONFIG: the agent was not started because of what it was asked to do. Flume 1.11 ends with 0. */
const EXIT_CONFIG = 78;
/** EX_SOFTWARE: a fault of the program. */
const EXIT_INTERNAL = 70;
const LOG_ROLLS = { mostBytes: 100 * 1024 * 1024, mostArchiveBytes: 1024 * 1024 * 1024 };
const LOG_CLOSE_MS = 2000;

/**
 * The command line. Resolves with the exit code, all output written. `words` is what stands behind the program; the launcher puts
 * `--program=flume-ng` in front when it was called by that name.
 */
export async function main(words: readonly string[]): Promise<number> {
  const asFlume = words[0] === '--program=flume-ng';
  const program: Program = asFlume ? 'flume-ng' : 'millrace';
  const [verb = '', ...rest] = asFlume ? words.slice(1) : words;
  if (verb === 'agent' || verb === 'node') return agentVerb(program, verb, rest);
  const io = plainIo(takeJvmArguments(rest));
  try {
    return await otherVerb(program, verb, rest, io);
  } finally {
    await new Promise((resolve) => process.stdout.write('', resolve));
  }
}

async function otherVerb(program: Program, verb: string, rest: readonly string[], io: CommandIo): Promise<number> {
  if (program === 'flume-ng') {
    if (verb === 'help') return say(io, programUsage(program));
    if (verb === 'version') return say(io, flumeVersion());
    if (verb === 'avro-client') return (await import('./commands/avro-client.ts')).avroClient(takeJvmArguments(rest).words, io);
    if (verb === 'tool') {
      io.err(`Error: "${verb}" is a Flume command that Millrace does not have yet.\n`);
      return EXIT_UNKNOWN_COMMAND;
    }
  } else if (['channel', 'check', 'dead-letters', 'demo', 'explain', 'help', 'positions', 'status', 'topology', 'version', '--help', '-h', '--version'].includes(verb)) {
    const { runVerb } = await import('./command-line/verbs.ts');
    return runVerb([verb, ...takeJvmArguments(rest).words], io);
  }
  io.err(`Error: Unknown or unspecified command '${verb}'\n`);
  io.out(programUsage(program));
  return EXIT_UNKNOWN_COMMAND;
}

function say(io: CommandIo, text: string): number {
  io.out(text);
  return 0;
}

/** Five lines, since scripts cut Flume's version out of the first. */
function flumeVersion(): string {
  const { version, revision, date, checksum } = readBuildFacts();
  return [
    `Flume 1.11.0 (Millrace ${version})`,
    'Source code repository: the millrace package',
    `Revision: ${revision}`,
    `Compiled by millrace on ${date}`,
    `From source with checksum ${checksum}`,
    '',
  ].join('\n');
}

/** Output that waits for its reader: nothing is running that could be held up, and nothing may be missing. */
function plainIo(jvm: JvmArguments): CommandIo {
  // A reader that has seen enough, `| head` for example, is no fault.
  process.stdout.on('error', () => undefined);
  process.stderr.on('error', () => undefined);
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    ...surroundings(jvm),
    terminal: isTerminal(2) && process.env['TERM'] !== 'dumb',
  };
}

function surroundings(jvm: JvmArguments): Pick<CommandIo, 'colour' | 'env' | 'systemProperties'> {
  const env = new Map(Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])));
  const wanted = !env.get('NO_COLOR') && env.get('TERM') !== 'dumb';
  return { colour: wanted && isTerminal(1) && isTerminal(2), env, systemProperties: jvm.systemProperties };
}

async function agentVerb(program: Program, verb: string, words: readonly string[]): Promise<number> {
  const jvm = takeJvmArguments(words);
  const settings = readLogSettings(withLogFormat(jvm), isJournal(1, process.env['JOURNAL_STREAM']));
  const stdout = new Output(descriptorTarget(1), (dropped) => droppedLine(dropped, settings.format));
  const stderr = new Output(descriptorTarget(2));
  const plain: CommandIo = { out: (text) => stdout.write(text), err: (text) => stderr.write(text), ...surroundings(jvm) };
  try {
    if (verb === 'node') plain.err("Warning: The 'node' command is deprecated. Please use 'agent' instead.\n");
    if (jvm.ignored.length > 0) plain.err(`Warning: there is no Java machine; ignored: ${jvm.ignored.join(' ')}\n`);
    const parsed = parseAgentWords(jvm.words);
    const request = readAgentArguments(parsed, await findOptionsFile(optionsFilePlaces(parsed)), pluginsDirectory(plain.env));
    if (request.ask === 'help') return say(plain, agentUsage(program));
    for (const warning of request.warnings) plain.err(`Warning: ${warning}\n`);
    const log = startLog(settings, plain, stdout);
    const { runAgent } = await import('./commands/agent.ts');
    return await runToTheEnd((io) => runAgent(request.arguments, io), { ...plain, log }, [stdout, stderr]);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    plain.err(`Error: ${error.message}\nSee: ${program} agent --help\n`);
    return EXIT_CONFIG;
  } finally {
    await Promise.all([stdout.close(LOG_CLOSE_MS), stderr.close(LOG_CLOSE_MS)]);
  }
}

/** The log is opened before anything else is read, so that everything else can be told in it. */
function withLogFormat({ words, systemProperties }: JvmArguments): ReadonlyMap<string, string> {
  const at = words.findIndex((word) => /^--log-format(?:=|$)/.test(word));
  if (at < 0) return systemProperties;
  const format = words[at]?.split('=')[1] ?? words[at + 1] ?? '';
  return new Map([...systemProperties, ['millrace.log.format', format]]);
}

function pluginsDirectory(env: ReadonlyMap<string, string>): string {
  return join(env.get('FLUME_HOME') || home, 'plugins.d');
}

/** Flume's options file. Its syntax is that of Java properties, of which the last occurrence of a key counts. */
async function findOptionsFile(places: readonly string[]): Promise<OptionsFile | undefined> {
  for (const path of places) {
    const text = readSmallFile(path);
    if (text === undefined) continue;
    const { Properties } = await import('properties-file/parser');
    const entries = new Properties(text).nodes.flatMap((node) => (node.type === 'property' ? [[node.key, node.value.trim()] as const] : []));
    return { path, entries: [...new Map(entries)] };
  }
  return undefined;
}

function startLog(settings: LogSettings, io: CommandIo, stdout: Output): AgentLog {
  const { level, format, warnings } = settings;
  for (const warning of warnings) io.err(`Warning: ${warning}\n`);
  const outputs = settings.console ? [stdout] : [];
  if (settings.file !== undefined) {
    try {
      outputs.push(new Output(openRollingFile(settings.file, LOG_ROLLS), (dropped) => droppedLine(dropped, format)));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      io.err(`Warning: the log file ${settings.file} cannot be opened, so the log goes to the console: ${reason}\n`);
      outputs.splice(0, outputs.length, stdout);
    }
  }
  return openLog({ level, format, colour: io.colour, outputs, toConsole: outputs.includes(stdout) && format !== 'json' });
}

/** Runs the agent; a fault of the program is told in the log and ends it, since nothing is known to work any more. */
async function runToTheEnd(run: (io: AgentIo) => Promise<number>, io: AgentIo, outputs: readonly Output[]): Promise<number> {
  const tell = (error: unknown): void => {
    const stack = error instanceof Error ? error.stack : undefined;
    io.log.logger('agent').error('internal error; the agent ends', { reason: error, stack });
  };
  process.on('uncaughtException', (error) => {
    // While it runs, the agent answers itself, and stops in order.
    if (process.listenerCount('uncaughtException') > 1) return;
    tell(error);
    void io.log.close(LOG_CLOSE_MS).finally(() => process.exit(EXIT_INTERNAL));
  });
  process.on('exit', () => outputs.forEach((output) => output.flushNow()));
  try {
    return await run(io);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    // Here, since the log is closed below, and what is thrown on would end the process without a word.
    tell(error);
    return EXIT_INTERNAL;
  } finally {
    await io.log.close(LOG_CLOSE_MS);
  }
}
