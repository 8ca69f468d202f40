import type { LogFacts, Logger } from '../../core/log.ts';
import type { Output } from '../../io/output.ts';
import type { AgentLog } from '../command-line/types.ts';
import { eventLine, logLine, type LineStyle, type LogEntry } from './line.ts';
import { Secrets } from './secrets.ts';
import { LOG_LEVELS, type LogFormat, type LogLevel } from './settings.ts';

/** A warning or error of one component and sentence is printed once in this time. */
const REPEAT_MS = 10_000;
/** Most characters of all lines but those of events and of debugging in that time: below 1 MB a minute, whatever goes wrong. */
const MOST_PER_WINDOW = 150_000;
/** Sentences are constant, so there are few; a component that makes them up is limited as a whole beyond this. */
const MOST_SENTENCES = 200;
/** Warnings and errors that `millrace status` can show. */
const MOST_RECENT = 10;
const FLOOD = 'lines were left out: too many in 10 s';

export interface LogOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
  readonly colour: boolean;
  /** All lines go to each of them. */
  readonly outputs: readonly Output[];
  readonly toConsole: boolean;
}

/** The line that an output writes when it had to give up `dropped` others. */
export function droppedLine(dropped: number, format: LogFormat): string {
  const entry = { timeMs: Date.now(), level: 'warn', component: 'log', sentence: 'lines were left out: the reader is too slow' } as const;
  return logLine({ ...entry, facts: { lines: dropped } }, { format, colour: false, mask: (text) => text });
}

/** See AgentLog. `Date` and timers are those of the process. */
export function openLog(options: LogOptions): AgentLog {
  return new Log(options);
}

class Log implements AgentLog {
  readonly toConsole: boolean;
  readonly #options: LogOptions;
  readonly #rank: number;
  readonly #style: LineStyle;
  readonly #secrets = new Secrets();
  readonly #loggers = new Map<string, ComponentLogger>();
  readonly #recent: string[] = [];
  #windowStart = 0;
  #windowLength = 0;
  #leftOut = 0;
  #leftOutTold = 0;
  #closed = false;

  constructor(options: LogOptions) {
    this.#options = options;
    this.toConsole = options.toConsole;
    this.#rank = LOG_LEVELS.indexOf(options.level);
    this.#style = { format: options.format, colour: options.colour, mask: (text) => this.#secrets.mask(text) };
  }

  get dropped(): number {
    return this.#options.outputs.reduce((sum, output) => sum + output.dropped, this.#leftOut);
  }

  logger(component: string): Logger {
    // The same logger again after a restart of its component, or a component that keeps failing would be told of without limit.
    let logger = this.#loggers.get(component);
    if (!logger) this.#loggers.set(component, (logger = new ComponentLogger(this, component)));
    return logger;
  }

  hide(secrets: Iterable<string>): void {
    this.#secrets.hide(secrets);
  }

  recent(): readonly string[] {
    return [...this.#recent];
  }

  mask(text: string): string {
    return this.#secrets.mask(text);
  }

  async close(deadlineMs: number): Promise<void> {
    for (const logger of this.#loggers.values()) logger.tellRepeats();
    this.#closed = true;
    await Promise.all(this.#options.outputs.map((output) => output.close(deadlineMs)));
  }

  shows(level: LogLevel): boolean {
    return !this.#closed && LOG_LEVELS.indexOf(level) <= this.#rank;
  }

  write(level: LogLevel, component: string, sentence: string, facts?: LogFacts): void {
    const timeMs = Date.now();
    const line = logLine({ timeMs, level, component, sentence, facts }, this.#style);
    if (level === 'error' || level === 'warn') this.#remember({ timeMs, level, component, sentence, facts });
    if (level !== 'debug' && !this.#hasRoom(timeMs, line.length)) {
      this.#leftOut++;
      return;
    }
    this.#print(line);
  }

  writeEvent(component: string, line: string): void {
    this.#print(eventLine({ timeMs: Date.now(), level: 'info', component, sentence: line }, this.#options.format));
  }

  async ready(): Promise<void> {
    await Promise.all(this.#options.outputs.map((output) => output.ready()));
  }

  #remember(entry: LogEntry): void {
    this.#recent.push(logLine(entry, { ...this.#style, format: 'text', colour: false }).trimEnd());
    if (this.#recent.length > MOST_RECENT) this.#recent.shift();
  }

  #print(line: string): void {
    for (const output of this.#options.outputs) output.write(line);
  }

  #hasRoom(nowMs: number, length: number): boolean {
    const age = nowMs - this.#windowStart;
    if (age >= REPEAT_MS || age < 0) {
      this.#windowStart = nowMs;
      this.#windowLength = 0;
      const lines = this.#leftOut - this.#leftOutTold;
      this.#leftOutTold = this.#leftOut;
      if (lines > 0) this.#print(logLine({ timeMs: nowMs, level: 'warn', component: 'log', sentence: FLOOD, facts: { lines } }, this.#style));
    }
    this.#windowLength += length;
    return this.#windowLength <= MOST_PER_WINDOW;
  }
}

interface Repeat {
  sinceMs: number;
  count: number;
  facts: LogFacts | undefined;
  timer: NodeJS.Timeout | undefined;
}

class ComponentLogger implements Logger {
  readonly #log: Log;
  readonly #component: string;
  readonly #repeats = new Map<string, Repeat>();

  constructor(log: Log, component: string) {
    this.#log = log;
    this.#component = component;
  }

  error(sentence: string, facts?: LogFacts): void {
    this.#limited('error', sentence, facts);
  }

  warn(sentence: string, facts?: LogFacts): void {
    this.#limited('warn', sentence, facts);
  }

  info(sentence: string, facts?: LogFacts): void {
    if (this.#log.shows('info')) this.#log.write('info', this.#component, sentence, facts);
  }

  debug(sentence: string, facts?: LogFacts): void {
    if (this.#log.shows('debug')) this.#log.write('debug', this.#component, sentence, facts);
  }

  event(line: string): void {
    if (this.#log.shows('info')) this.#log.writeEvent(this.#component, line);
  }

  ready(): Promise<void> {
    return this.#log.ready();
  }

  /** Prints what was held back as repeated. */
  tellRepeats(): void {
    for (const [key, repeat] of this.#repeats) this.#tell(key, repeat);
  }

  #limited(level: 'warn' | 'error', sentence: string, facts?: LogFacts): void {
    if (!this.#log.shows(level)) return;
    let key = `${level} ${sentence}`;
    if (this.#repeats.size >= MOST_SENTENCES && !this.#repeats.has(key)) key = `${level} lines of many kinds`;
    const now = Date.now();
    const repeat = this.#repeats.get(key);
    const age = repeat ? now - repeat.sinceMs : REPEAT_MS;
    if (!repeat || age >= REPEAT_MS || age < 0) {
      if (repeat?.timer) this.#tell(key, repeat);
      this.#repeats.set(key, { sinceMs: now, count: 0, facts: undefined, timer: undefined });
      this.#log.write(level, this.#component, sentence, facts);
      return;
    }
    repeat.count++;
    repeat.facts = facts;
    repeat.timer ??= setTimeout(() => this.#tell(key, repeat), REPEAT_MS - age).unref();
  }

  #tell(key: string, repeat: Repeat): void {
    if (repeat.timer) clearTimeout(repeat.timer);
    repeat.timer = undefined;
    const { count, facts } = repeat;
    if (count === 0) return;
    repeat.count = 0;
    repeat.facts = undefined;
    repeat.sinceMs = Date.now();
    const space = key.indexOf(' ');
    const level = key.slice(0, space) as 'warn' | 'error';
    if (this.#log.shows(level)) this.#log.write(level, this.#component, key.slice(space + 1), { ...facts, repeated: count });
  }
}
