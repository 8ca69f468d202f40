import { join } from 'node:path';

/** Flume's levels; `fatal` is none of ours and stands for `error` alone. */
export const LOG_LEVELS = ['off', 'error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** `journal`: text whose lines begin with a priority, for journald, which knows the time itself. */
export type LogFormat = 'text' | 'json' | 'journal';

export interface LogSettings {
  readonly level: LogLevel;
  readonly console: boolean;
  /** Absent: no file. */
  readonly file?: string;
  readonly format: LogFormat;
  /** What could not be understood, and what is done instead. */
  readonly warnings: readonly string[];
}

const LEVELS: Readonly<Record<string, LogLevel>> = {
  off: 'off',
  fatal: 'error',
  error: 'error',
  warn: 'warn',
  info: 'info',
  debug: 'debug',
  trace: 'debug',
  all: 'debug',
};

/**
 * Reads `flume.root.logger=LEVEL[,appender…]`, `flume.log.dir`, `flume.log.file` and `millrace.log.format`. Text that goes to journald
 * alone gets its priorities. The appenders are those
 * of Flume's own log4j files: `console`, and `LOGFILE` and `DAILY`, which both mean the rolling file. Without an appender the log
 * goes to the console.
 */
export function readLogSettings(systemProperties: ReadonlyMap<string, string>, toJournal = false): LogSettings {
  const warnings: string[] = [];
  const [levelName = '', ...appenders] = (systemProperties.get('flume.root.logger') ?? 'INFO,console').split(',').map((part) => part.trim());
  const level = LEVELS[levelName.toLowerCase()];
  if (!level) warnings.push(`flume.root.logger: "${levelName}" is no level (OFF, ERROR, WARN, INFO, DEBUG, TRACE); INFO is used`);
  let console = false;
  let toFile = false;
  for (const appender of appenders.map((name) => name.toLowerCase()).filter((name) => name !== '')) {
    if (appender === 'console') console = true;
    else if (appender === 'logfile' || appender === 'daily') toFile = true;
    else warnings.push(`flume.root.logger: "${appender}" is no appender (console, LOGFILE, DAILY); it is left out`);
  }
  const format = (systemProperties.get('millrace.log.format') ?? 'text').toLowerCase();
  if (format !== 'text' && format !== 'json') warnings.push(`millrace.log.format: "${format}" is neither text nor json; text is used`);
  return {
    level: level ?? 'info',
    console: console || !toFile,
    ...(toFile && { file: logFile(systemProperties) }),
    format: format === 'json' ? 'json' : toJournal && !toFile ? 'journal' : 'text',
    warnings,
  };
}

function logFile(systemProperties: ReadonlyMap<string, string>): string {
  const directory = systemProperties.get('flume.log.dir') ?? systemProperties.get('LOG_DIR') ?? '.';
  return join(directory === '' ? '.' : directory, systemProperties.get('flume.log.file') || 'flume.log');
}
