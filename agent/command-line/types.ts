import type { Logger } from '../../core/log.ts';
import type { Selection } from '../dead-letters/segments.ts';

/** What every command gets instead of the process: it reads and writes nothing else. */
export interface CommandIo {
  /** Writes text to standard output as it stands; line feeds are the caller's. */
  out(text: string): void;
  /** The same to standard error. */
  err(text: string): void;
  /** Whether `out` and `err` may carry colours: both are terminals, and NO_COLOR is unset or empty. */
  readonly colour: boolean;
  /** Whether standard error is a terminal on which a line can be written over; absent: no. */
  readonly terminal?: boolean;
  readonly env: ReadonlyMap<string, string>;
  /** What stood on the command line as `-Dname=value`, and in JAVA_OPTS and FLUME_JAVA_OPTS. The last one counts, as in a JVM. */
  readonly systemProperties: ReadonlyMap<string, string>;
}

/** What `agent` gets. */
export interface AgentIo extends CommandIo {
  /** Opened from the system properties; the caller of the command closes it. */
  readonly log: AgentLog;
}

/** The log of one agent. */
export interface AgentLog {
  /** The logger of a component by its configured name, `a1.sinks.k1`; the agent itself is `a1`. Ask once per component and keep it. */
  logger(component: string): Logger;
  /** From now on these texts appear as `***`, wherever they stand in a line. Texts shorter than 4 characters are left alone. */
  hide(secrets: Iterable<string>): void;
  /** A text without what `hide` was told, for other places where it may be seen. */
  mask(text: string): string;
  /** The last warnings and errors as lines of text, the oldest first, with secrets masked; a few. */
  recent(): readonly string[];
  /** Lines given up since the start because the reader was too slow or gone. */
  readonly dropped: number;
  /** Whether the log goes to standard output as text, so that the start-up picture can stand there by itself. */
  readonly toConsole: boolean;
  /** Writes what is still held, for at most `deadlineMs`, then closes. The log takes no more lines. */
  close(deadlineMs: number): Promise<void>;
}

/** Flume's `agent` options (see its `--help`), and those that are ours. */
export interface AgentArguments {
  readonly name: string;
  /** Relative to the working directory, in the order of the command line; they are merged. Empty where `confUris` is not. */
  readonly confFiles: readonly string[];
  readonly confUris: readonly string[];
  /** `--conf`: the directory that stands first in Flume's class path: `classpath:` URIs and `lookups.properties` are found there. */
  readonly confDirectory?: string;
  /** For HTTP configurations; to be used only if both are there and not empty. */
  readonly confUser?: string;
  readonly confPassword?: string;
  /** As given: 0 is the default (30 s; 300 s if a URI begins with http), negative is never. Absent: the default. */
  readonly pollIntervalSeconds?: number;
  /** False with `--no-reload-conf`: the configuration is loaded once and never looked at again. */
  readonly reload: boolean;
  readonly backupDirectory?: string;
  readonly zkConnString?: string;
  readonly zkBasePath?: string;
  /** Directories and files of `--classpath`, `FLUME_CLASSPATH`. */
  readonly classPath: readonly string[];
  /** Directories that hold plug-ins: `--plugins-path`, else `plugins.d` of the installation. */
  readonly pluginsPath: readonly string[];
  /** Warnings of the configuration are errors. */
  readonly strict: boolean;
  /** Runs what Flume would have run of a file that has errors. */
  readonly lenient: boolean;
  /** Most milliseconds between the first signal and the end. Absent: the default of the agent. */
  readonly stopTimeoutMs?: number;
}

export interface CheckArguments {
  /** At least one. */
  readonly files: readonly string[];
  /** Only this agent of the files. */
  readonly name?: string;
  readonly confDirectory?: string;
  readonly pluginsPath: readonly string[];
  readonly strict: boolean;
  /** Flume's own verdict instead of ours. */
  readonly asFlume: boolean;
  readonly json: boolean;
}

export interface PositionsArguments {
  /** The position file of a TAILDIR source. */
  readonly file: string;
  readonly json: boolean;
}

export interface DeadLettersArguments {
  readonly action: 'ls' | 'show' | 'replay' | 'purge';
  readonly selection: Selection;
  /** The folder of the letters, unless it is that of everybody. */
  readonly directory?: string;
  /** `replay`: where the events go. */
  readonly channel?: string;
  /** `replay`: monitoring of the running agent. */
  readonly url: URL;
  /** `replay`: configuration of an agent that does not run. */
  readonly confFile?: string;
  readonly confDirectory?: string;
  readonly pluginsPath: readonly string[];
  /** `replay`, `purge`: without any choice; `ls`: without a limit. */
  readonly all: boolean;
  readonly json: boolean;
}

export interface ExplainArguments {
  /** `M012`; none lists all codes. */
  readonly code?: string;
}

export interface HelpArguments {
  /** A verb, or a kind of component (`source`, `sinks`, `sink-processor`). None shows the overview. */
  readonly topic?: string;
  /** A type of that kind. None lists the types. */
  readonly type?: string;
  readonly pluginsPath: readonly string[];
  readonly json: boolean;
}

export interface DemoArguments {
  readonly kills: number;
  /** What the moments of the kills follow from; absent: made up. */
  readonly seed?: number;
  /** Leave the folder where it is. */
  readonly keep: boolean;
  readonly json: boolean;
}

export interface ChannelArguments {
  readonly action: 'stat' | 'peek' | 'export' | 'verify' | 'repair';
  /** A data directory; the name of a channel where `confFile` or `url` is there. */
  readonly target?: string;
  readonly confFile?: string;
  /** The agent in `confFile`; may be absent where there is one only. */
  readonly agent?: string;
  readonly confDirectory?: string;
  readonly pluginsPath: readonly string[];
  readonly checkpointDirectory?: string;
  /** Monitoring of a running agent. */
  readonly url?: URL;
  /** `peek`: most events. */
  readonly most: number;
  /** `export`: a directory for the files. */
  readonly to?: string;
  readonly format: 'text' | 'json';
  /** `repair`: do what the plan says. */
  readonly yes: boolean;
  readonly json: boolean;
}

/** What `status` gets. */
export interface StatusArguments {
  /** Monitoring of the running agent. */
  readonly url: URL;
  /** Milliseconds between the two looks that rates come from. */
  readonly betweenMs: number;
  readonly json: boolean;
}

/** What `topology` gets. */
export interface TopologyArguments {
  /** `HOST=FILE`, or a file whose name is the host's. */
  readonly files: readonly string[];
  /** `HOST=NAME,ADDRESS`. */
  readonly aliases: readonly string[];
  readonly pluginsPath: readonly string[];
  /** File for the picture. */
  readonly svg?: string;
}
