import { setTimeout as sleep } from 'node:timers/promises';
import { Batch } from '../../core/batch.ts';
import type { Sink, Source, SourceContext } from '../../core/component.ts';
import type { AnyDefinition, Definition } from '../../core/define.ts';
import { describeError } from '../../core/errors.ts';
import type { LogFacts, Logger } from '../../core/log.ts';
import { readOptions } from '../../core/read-options.ts';
import { readConfigFile } from '../../io/config-files.ts';
import { readLines } from '../../io/line-input.ts';
import { spoolFiles } from '../../io/spool-files.ts';
import { avroSink } from '../../sinks/avro/index.ts';
import { spooldirSource } from '../../sources/spooldir/index.ts';
import { parseOptions, UsageError, type CliOption, type ParsedOptions } from '../command-line/option-syntax.ts';
import type { CommandIo } from '../command-line/types.ts';

const EXIT_FAILED = 1;
/** Flume sends 5 at a time; no channel takes fewer, and most take this many. */
const BATCH_EVENTS = 100;
const SMALL_BATCH_EVENTS = 5;
/** How often a directory is looked at for files that are not finished. */
const LOOK_MS = 100;
/** What Flume's client puts behind the names of files that it has sent: the name of an option, where it means the value. */
const FLUMES_SUFFIX = 'fileSuffix';

export const AVRO_CLIENT_OPTIONS: readonly CliOption[] = [
  { long: 'host', short: 'H', argument: 'host', doc: 'host name of the avro source' },
  { long: 'port', short: 'p', argument: 'port', doc: 'port of the avro source' },
  { long: 'rpcProps', short: 'P', argument: 'file', doc: 'properties of the client, in place of host and port' },
  { long: 'filename', short: 'F', argument: 'file', doc: 'file whose lines are sent; without it, standard input' },
  { long: 'dirname', argument: 'dir', doc: 'spooling directory whose files are sent' },
  { long: 'headerFile', short: 'R', argument: 'file', doc: 'properties that become the headers of every event' },
  { long: 'help', short: 'h', doc: 'show this and end' },
];

/**
 * `flume-ng avro-client`: sends the lines of a file, of standard input or of the files of a directory to an avro source. Resolves with the
 * exit code: 0 once all is stored there, 1 where something was not, whereas Flume ends with 0.
 */
export async function avroClient(words: readonly string[], io: CommandIo): Promise<number> {
  try {
    const parsed = parseOptions(words, AVRO_CLIENT_OPTIONS);
    if (parsed.values.has('help')) {
      io.out(usage());
      return 0;
    }
    const value = (name: string): string | undefined => parsed.values.get(name)?.[0];
    const [filename, directory] = [value('filename'), value('dirname')];
    if (filename !== undefined && directory !== undefined) throw new UsageError('--filename and --dirname cannot be used together');
    const headers = await headersOf(value('headerFile'), io);
    const client = await Client.open(await clientProperties(parsed), io);
    try {
      const sent = directory === undefined ? await sendLines(client, readLines(filename), headers) : await sendDirectory(client, directory, headers, io);
      io.err(`${sent} event${sent === 1 ? '' : 's'} sent\n`);
      return 0;
    } finally {
      await client.close();
    }
  } catch (error) {
    io.err(`Error: ${describeError(error)}\n${error instanceof UsageError ? 'See: flume-ng avro-client --help\n' : ''}`);
    return EXIT_FAILED;
  }
}

/** The avro sink, driven by hand. */
class Client {
  readonly #sink: Sink;
  #batchEvents: number;

  private constructor(sink: Sink, batchEvents: number) {
    this.#sink = sink;
    this.#batchEvents = batchEvents;
  }

  static async open(properties: ReadonlyMap<string, string>, io: CommandIo): Promise<Client> {
    const sink = (await create(avroSink, properties, contextOf(io))) as Sink;
    await sink.start();
    return new Client(sink, properties.has('batch-size') ? sink.batchSize : BATCH_EVENTS);
  }

  get batchEvents(): number {
    return this.#batchEvents;
  }

  /** A batch that is refused goes again in pieces as small as Flume's: the channel behind may take no more at a time. */
  async send(batch: Batch): Promise<void> {
    const signal = new AbortController().signal;
    try {
      await this.#sink.write(batch, signal);
    } catch (error) {
      if (batch.size <= SMALL_BATCH_EVENTS || !/answered FAILED/.test(describeError(error))) throw error;
      this.#batchEvents = SMALL_BATCH_EVENTS;
      for (let from = 0; from < batch.size; from += SMALL_BATCH_EVENTS) {
        await this.#sink.write(batch.slice(from, Math.min(from + SMALL_BATCH_EVENTS, batch.size)), signal);
      }
    }
  }

  close(): Promise<void> {
    return this.#sink.stop();
  }
}

async function sendLines(client: Client, lines: AsyncIterable<Buffer>, headers: ReadonlyMap<string, string>): Promise<number> {
  let sent = 0;
  let bodies: Buffer[] = [];
  const send = async (): Promise<void> => {
    await client.send(Batch.of(bodies.map((body) => ({ body, headers }))));
    sent += bodies.length;
    bodies = [];
  };
  for await (const line of lines) {
    bodies.push(line);
    if (bodies.length >= client.batchEvents) await send();
  }
  if (bodies.length > 0) await send();
  return sent;
}

/** The spooldir source with its defaults, until no file is left that it has not finished, or something could not be sent. */
async function sendDirectory(client: Client, directory: string, headers: ReadonlyMap<string, string>, io: CommandIo): Promise<number> {
  let sent = 0;
  let failure: Error | undefined;
  const failed = (error: unknown): void => void (failure ??= error instanceof Error ? error : new Error(String(error)));
  const context: SourceContext = {
    ...contextOf(io),
    batchLimit: BATCH_EVENTS,
    fail: failed,
    async deliver(batch) {
      try {
        await client.send(headers.size > 0 ? batch.withHeaders(Array.from({ length: batch.size }, () => headers)) : batch);
        sent += batch.size;
      } catch (error) {
        failed(error);
        throw error;
      }
    },
  };
  const source = (await create(spooldirSource, new Map([['spoolDir', directory], ['ignorePattern', `.*${FLUMES_SUFFIX}`]]), context)) as Source;
  await source.start();
  try {
    while (!failure && (await hasWork(directory))) await sleep(LOOK_MS);
  } finally {
    await source.stop();
  }
  if (failure) throw failure;
  return sent;
}

async function hasWork(directory: string): Promise<boolean> {
  for await (const entries of spoolFiles.list(directory)) {
    for (const { name } of entries) {
      if (name.startsWith('.') || name.endsWith(FLUMES_SUFFIX) || /\.(?:COMPLETED|SETASIDE)(?:\.\d+)?$/.test(name)) continue;
      if ((await spoolFiles.look(`${directory}/${name}`))?.kind === 'file') return true;
    }
  }
  return false;
}

async function clientProperties({ values }: ParsedOptions): Promise<ReadonlyMap<string, string>> {
  const file = values.get('rpcProps')?.[0];
  if (file === undefined) {
    const [host, port] = [values.get('host')?.[0], values.get('port')?.[0]];
    if (host === undefined || port === undefined) throw new UsageError('--host and --port are needed, or --rpcProps');
    return new Map([['hostname', host], ['port', port]]);
  }
  const properties = new Map(await readProperties(file));
  const [first = ''] = (properties.get('hosts') ?? '').split(/\s+/);
  const [host, port] = (properties.get(`hosts.${first}`) ?? '').split(':');
  // The options of the sink, which knows a single receiver by two names of its own.
  return new Map([['hostname', host || 'localhost'], ['port', port || '1'], ...properties]);
}

async function headersOf(file: string | undefined, io: CommandIo): Promise<ReadonlyMap<string, string>> {
  if (file === undefined) return new Map();
  try {
    return await readProperties(file);
  } catch (error) {
    io.err(`Warning: no headers: ${describeError(error)}\n`);
    return new Map();
  }
}

async function readProperties(file: string): Promise<ReadonlyMap<string, string>> {
  const { Properties } = await import('properties-file/parser');
  try {
    const text = (await readConfigFile(file)).bytes.toString();
    return new Map(new Properties(text).nodes.flatMap((node) => (node.type === 'property' ? [[node.key, node.value] as const] : [])));
  } catch (error) {
    throw new Error(`${file} cannot be read`, { cause: error });
  }
}

async function create(definition: AnyDefinition<'source'> | AnyDefinition<'sink'>, properties: ReadonlyMap<string, string>, context: unknown): Promise<Source | Sink> {
  const { values, problems } = readOptions(definition as unknown as Definition, properties);
  const problem = problems.find(({ effect }) => effect !== 'warn');
  if (!values || problem) throw new UsageError(problem ? `${problem.key} ${problem.sentence}` : 'the properties of the client cannot be used');
  return (definition.create as unknown as (context: unknown, values: unknown) => Promise<Source | Sink>)(context, values);
}

function contextOf(io: CommandIo): Omit<SourceContext, 'batchLimit' | 'deliver'> {
  const line = (sentence: string, facts: LogFacts = {}): void => {
    const reason = facts['reason'];
    io.err(`Warning: ${sentence}${typeof reason === 'string' ? `: ${reason}` : ''}\n`);
  };
  const log: Logger = { error: line, warn: line, info: () => undefined, debug: () => undefined, event: () => undefined, ready: () => Promise.resolve() };
  return { name: 'avro-client', log, count: () => undefined, fail: () => undefined };
}

function usage(): string {
  const rows = AVRO_CLIENT_OPTIONS.map(({ long, short, argument, doc }) => {
    const spelling = `${short === undefined ? '   ' : `-${short},`} --${long}${argument === undefined ? '' : ` <${argument}>`}`;
    return `  ${spelling.padEnd(30)}${doc}\n`;
  });
  return `Usage: flume-ng avro-client --host HOST --port PORT [options]\n\n${rows.join('')}`;
}
