/** Facts of a log line: printed as `name=value` behind the sentence. */
export type LogFacts = Readonly<Record<string, unknown>>;

/**
 * A component's way to the agent's log. Sentences are constant and in lower case; what varies is a fact. `warn` and `error` lines of the
 * same component and sentence appear at most once per 10 s, with a count of those left out.
 */
export interface Logger {
  /** Data was lost or a person is needed. */
  error(sentence: string, facts?: LogFacts): void;
  /** Retrying, or degraded. */
  warn(sentence: string, facts?: LogFacts): void;
  /** Started, stopped, rolled. */
  info(sentence: string, facts?: LogFacts): void;
  /** Once per batch. */
  debug(sentence: string, facts?: LogFacts): void;
  /** Prints `line` as it stands at level info, never left out for being repeated: for the logger sink. Control characters are escaped. */
  event(line: string): void;
  /** Resolves once the log can take more; at once where it can, or where its reader is gone. */
  ready(): Promise<void>;
}
