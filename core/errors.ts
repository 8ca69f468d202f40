/**
 * The errors that the agent answers in one place (see "Errors and log" in the architecture). `code` is a row of `docs/errors.md`
 * where the error has one.
 */
export class AgentError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** A channel has no room and its keep-alive has passed. Nothing of the batch was stored; trying again later is right. */
export class ChannelFullError extends AgentError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('M101', message, options);
  }
}

/** What is to be kept with an event that was rejected. */
export interface RejectionDetail {
  readonly reason: string;
  /** The destination's answer, as far as it concerns the event. */
  readonly reply?: string;
}

/** The events at `indices` can never be accepted; all others of the batch were. The runner sets them aside and commits. */
export class RejectedError extends AgentError {
  readonly indices: readonly number[];
  /** One for each of `indices`, where single events have reasons of their own; else `message` is the reason for all. */
  readonly details: readonly RejectionDetail[];

  constructor(indices: readonly number[], reason: string, options: { cause?: unknown; details?: readonly RejectionDetail[] } = {}) {
    super('M102', reason, 'cause' in options ? { cause: options.cause } : undefined);
    this.indices = indices;
    this.details = options.details ?? [];
  }
}

/** Our own files hold something that we did not write. That channel stops; nothing is skipped or repaired unasked. */
export class CorruptionError extends AgentError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('M103', message, options);
  }
}

/** A request that whoever sent it has to change. `status` is that of the answer: 400 to 499. */
export class BadRequestError extends Error {
  readonly status: number;

  constructor(message: string, status = 400) {
    super(message);
    this.status = status;
  }
}

/** True for what every waiting call throws once its signal aborts. */
export function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}

/** One line for a log or a peer: the message and the messages of its causes, without stacks. */
export function describeError(error: unknown): string {
  const parts: string[] = [];
  for (let at: unknown = error; at !== undefined && parts.length < 4; at = at instanceof Error ? at.cause : undefined) {
    const text = at instanceof Error ? at.message || at.name : typeof at === 'string' ? at : (JSON.stringify(at) ?? typeof at);
    if (!parts.some((part) => part.includes(text))) parts.push(text);
  }
  return parts.join(': ');
}

/** A batch that could not be stored even by an empty channel. Smaller pieces of it may be; a single event never will. */
export class TooLargeError extends AgentError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('M104', message, options);
  }
}
