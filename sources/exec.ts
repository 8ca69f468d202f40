import { setTimeout as sleep } from 'node:timers/promises';
import { isKnownCharset } from '../core/charset.ts';
import type { Batch } from '../core/batch.ts';
import type { Description, Source, SourceContext } from '../core/component.ts';
import { define, type Values } from '../core/define.ts';
import { describeError } from '../core/errors.ts';
import { javaWhitespaceSplit } from '../core/java-values.ts';
import { boolean, integer, list, optional, string } from '../core/options.ts';
import { environmentFor, startChild, type Child, type Exit } from '../io/child-process.ts';
import { LineBatches } from './exec-batches.ts';
import { OutputLines } from './exec-lines.ts';
import { StderrLog } from './exec-stderr.ts';

/** How long a command has to end by itself when the source stops, before it is killed. */
const GRACE_MS = 1500;
/** How long a command whose output has ended may take to end itself. */
const EXIT_MS = 1000;
/** A command that fails within this time, and without a line, died at once. */
const AT_ONCE_MS = 1000;
const MOST_PAUSE_MS = 60_000;
const LEAST_PAUSE_MS = 10;

const options = {
  command: string({ doc: 'Program and arguments, split at white space; with `shell`, one argument of the shell.' }),
  shell: optional(string({ doc: 'Shell that runs the command, for example `/bin/sh -c`; without it no shell is used.' })),
  restart: boolean({ default: false, doc: 'Start the command again whenever it ends.' }),
  restartThrottle: integer({
    default: 10_000,
    min: 0,
    long: true,
    outside: 'warn',
    doc: 'Milliseconds before the command is started again; the pause grows while the command dies at once.',
  }),
  logStdErr: boolean({ default: false, doc: 'Log what the command writes to its standard error.' }),
  batchSize: integer({ default: 20, min: 1, outside: 'warn', doc: 'Most lines put at a time.' }),
  batchTimeout: integer({
    default: 3000,
    min: 0,
    long: true,
    outside: 'warn',
    doc: 'Milliseconds that lines may wait for a batch to fill; 0: they do not wait.',
  }),
  charset: string({
    default: 'UTF-8',
    check: (name) => (isKnownCharset(name) ? undefined : 'is not the name of a character set'),
    doc: 'Character set of the output; bytes that are none of UTF-8 become U+FFFD.',
  }),
  maxLineBytes: integer({
    default: 10 * 1024 * 1024,
    min: 1024,
    unreadable: 'refuse',
    outside: 'refuse',
    doc: 'A line that goes on beyond this is cut into several events.',
  }),
  environment: list({
    default: [],
    doc: 'Names of environment variables that the command gets besides the usual ones and those its text refers to; `*`: all.',
  }),
};

export const execSource = define('source', {
  types: ['exec', 'org.apache.flume.source.ExecSource'],
  summary: 'Runs a command and makes an event of each line it prints.',
  options,
  batchSizeOption: 'batchSize',
  create: (context, values) => new ExecSource(context, values),
});

type ExecSettings = Values<typeof options>;

interface Run {
  readonly exit: Exit;
  readonly lines: number;
  readonly durationMs: number;
}

/**
 * Nothing that was read is dropped for a full channel: the pipe is not read meanwhile, and the command waits. What the command itself
 * loses, or prints again when it is restarted, nobody can mend: see `tail -F` and the TAILDIR source.
 */
class ExecSource implements Source {
  readonly #context: SourceContext;
  readonly #settings: ExecSettings;
  readonly #argv: readonly string[];
  readonly #stopping = new AbortController();
  #child: Child | undefined;
  #running: Promise<void> | undefined;
  #ended: Exit | undefined;
  #diedAtOnce = 0;

  constructor(context: SourceContext, settings: ExecSettings) {
    this.#context = context;
    this.#settings = settings;
    this.#argv = argvOf(settings.command, settings.shell);
  }

  async start(): Promise<void> {
    if (/(^|[\s/])tail\s(.*\s)?(-\w*[fF]|--follow|--retry)/.test(this.#settings.command)) {
      this.#context.log.info('tail loses lines while the agent is down and repeats some after a restart; the TAILDIR source does not');
    }
    const child = await this.#spawn();
    this.#running = this.#runAll(child).catch((error: unknown) => {
      this.#context.fail(error instanceof Error ? error : new Error(String(error)));
    });
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    if (this.#child) await this.#endGroup(this.#child);
    await this.#running;
  }

  describe(): Description {
    const { command } = this.#settings;
    const short = command.length > 60 ? `${command.slice(0, 59)}…` : command;
    return { summary: this.#ended ? `the command has ended (${exitText(this.#ended)})` : `runs ${short}` };
  }

  async #runAll(first: Child): Promise<void> {
    const { log } = this.#context;
    const { signal } = this.#stopping;
    for (let child: Child | undefined = first; ; ) {
      if (child) {
        const run = await this.#runOnce(child);
        if (signal.aborted) return;
        const failed = run.exit.code !== 0;
        const atOnce = failed && run.lines === 0 && run.durationMs < AT_ONCE_MS;
        this.#diedAtOnce = atOnce ? this.#diedAtOnce + 1 : 0;
        if (!this.#settings.restart) {
          this.#ended = run.exit;
          const facts = { command: this.#settings.command, exit: exitText(run.exit), lines: run.lines };
          if (failed) log.error('command ended; the source makes no more events, because restart is false', facts);
          else log.info('command ended; the source makes no more events', facts);
          return;
        }
      }
      const pauseMs = this.#pauseMs();
      if (this.#diedAtOnce > 0) log.warn('command dies at once; it is started again', { inSeconds: Math.ceil(pauseMs / 1000) });
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      child = await this.#spawn().catch((error: unknown) => {
        this.#diedAtOnce++;
        log.error('command could not be started', { reason: describeError(error) });
        return undefined;
      });
    }
  }

  /** Flume's throttle, doubled for each time in a row that the command died at once. */
  #pauseMs(): number {
    const { restartThrottle } = this.#settings;
    if (this.#diedAtOnce < 2) return restartThrottle;
    const grown = Math.max(LEAST_PAUSE_MS, restartThrottle) * 2 ** Math.min(this.#diedAtOnce - 1, 20);
    return Math.max(restartThrottle, Math.min(MOST_PAUSE_MS, grown));
  }

  /** Reads the output of one process to its end; what it left running in its group is ended with it. */
  async #runOnce(child: Child): Promise<Run> {
    const began = performance.now();
    const { batchSize, batchTimeout, charset, maxLineBytes } = this.#settings;
    const output = new OutputLines(charset, maxLineBytes);
    const rules = { batchSize, batchTimeoutMs: batchTimeout, now: () => performance.now() };
    const batches = new LineBatches(this.#context, rules, () => child.stdout.resume());
    const stderr = new StderrLog(this.#context.log, this.#settings.logStdErr);
    let lines = 0;
    const add = (batch: Batch | undefined): void => {
      if (!batch) return;
      lines += batch.size;
      batches.add(batch);
    };
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.stderr.on('error', () => undefined);
    child.stdout.on('data', (chunk: Buffer) => {
      const before = output.split;
      add(output.push(chunk));
      if (output.split > before) this.#tellSplit(output.split - before);
      if (batches.full) child.stdout.pause();
    });
    child.stdout.on('error', (error) => this.#context.log.warn('output of the command cannot be read', { reason: error.message }));
    if (!child.stdout.closed) await new Promise<void>((resolve) => child.stdout.once('close', () => resolve()));
    if (this.#stopping.signal.aborted) this.#tellIncomplete(output.unfinishedBytes);
    else add(output.finish());
    batches.flush();
    const exit = await this.#exitOf(child);
    await batches.settled();
    if (exit.code !== 0 && !this.#stopping.signal.aborted) stderr.tellLast();
    return { exit, lines, durationMs: performance.now() - began };
  }

  async #spawn(): Promise<Child> {
    const { command, shell, environment } = this.#settings;
    try {
      const child = await startChild(this.#argv, environmentFor([...environment, ...variablesIn(`${shell ?? ''} ${command}`)]));
      this.#child = child;
      if (this.#stopping.signal.aborted) await this.#endGroup(child);
      return child;
    } catch (error) {
      throw new Error(`cannot start "${this.#argv[0]}" of the command "${command}": is it installed and in the PATH?`, { cause: error });
    }
  }

  async #exitOf(child: Child): Promise<Exit> {
    const timer = new AbortController();
    const late = sleep(EXIT_MS, undefined, { signal: timer.signal }).catch(() => undefined);
    await Promise.race([child.exited, late]);
    timer.abort();
    await this.#endGroup(child);
    return Promise.race([child.exited, Promise.resolve({ code: null, signal: null })]);
  }

  async #endGroup(child: Child): Promise<void> {
    const gone = await child.end(GRACE_MS);
    if (!gone) this.#context.log.warn('processes of the command are left: they cannot be killed', { group: child.pid });
    if (this.#child === child) this.#child = undefined;
  }

  #tellSplit(times: number): void {
    this.#context.count('EventSplitCount', times);
    this.#context.log.warn('line cut into several events: it is longer than the limit', { maxLineBytes: this.#settings.maxLineBytes });
  }

  #tellIncomplete(bytes: number): void {
    if (bytes === 0) return;
    this.#context.count('EventIncompleteCount', 1);
    this.#context.log.warn('line without an end dropped: the command was stopped while it wrote it', { bytes });
  }
}

function argvOf(command: string, shell: string | undefined): readonly string[] {
  const words = (text: string): string[] => javaWhitespaceSplit(text).filter((word) => word !== '');
  return shell === undefined ? words(command) : [...words(shell), command];
}

/** Names in `$NAME` and `${NAME}`. */
function variablesIn(text: string): string[] {
  return [...text.matchAll(/\$\{?([A-Za-z_][A-Za-z0-9_]*)/g)].map((match) => match[1] as string);
}

function exitText({ code, signal }: Exit): string {
  if (signal !== null) return `killed by ${signal}`;
  return code === null ? 'not yet ended' : `exit status ${code}`;
}
