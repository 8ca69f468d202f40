import type { Context } from '../../core/component.ts';
import { AgentError, ChannelFullError, describeError } from '../../core/errors.ts';
import type { GuardReading } from './guard.ts';
import { describeGap, type Opened } from './opening.ts';
import type { Place } from './place.ts';
import type { IndexContent } from './record-index.ts';
import type { Gap } from './log-reader.ts';

type Reporter = Pick<Context, 'log' | 'count'>;

const SHOWN_GAPS = 10;

interface FoundAccounts {
  readonly guard: GuardReading;
  readonly index: IndexContent | undefined;
  readonly indexRemarks: readonly string[];
  /** Something was stored already. */
  readonly stored: boolean;
}

/** Which of the accounts beside the segments was missing or damaged. */
export function reportAccounts(log: Context['log'], place: Place, { guard, index, indexRemarks, stored }: FoundAccounts): void {
  if (guard.fault !== undefined) log.warn('the guard of the store is damaged and was written anew', { path: place.guard, reason: guard.fault });
  else if (!guard.state && stored) log.warn('the guard of the store is missing and was written anew', { path: place.guard });
  if (!index && indexRemarks.length === 0 && stored) log.info('the index is missing; it is built anew', { directory: place.index });
}

/** What was found, and mended, while a store was opened. */
export function reportOpening(context: Reporter, directory: string, { gaps, remarks, aside }: Opened): void {
  for (const found of remarks) context.log.warn('the store was not as it was left', { directory, found });
  if (gaps.length > 0) reportGaps(context, directory, gaps, aside);
  else if (aside !== undefined) context.log.warn('no event is missing; the files as they were found are kept', { directory: aside });
}

/** Exactly which events are lost. */
export function reportGaps(context: Reporter, directory: string, gaps: readonly Gap[], aside: string | undefined): void {
  const events = gaps.reduce((sum, { from, to }) => sum + to - from, 0);
  const ranges = joined(gaps);
  const shown = ranges.slice(0, SHOWN_GAPS).map(describeGap).join(', ');
  const which = ranges.length > SHOWN_GAPS ? `${shown} and ${ranges.length - SHOWN_GAPS} ranges more` : shown;
  context.count('EventLostCount', events);
  context.log.error('stored events are damaged or missing; the rest is delivered', { events, which, directory, aside: aside ?? 'nothing' });
}

/** For puts that a store in `directory` did not take, or that came before it was mended. */
export function brokenError(directory: string, cause?: Error): AgentError {
  const reason = cause ? describeError(cause) : 'a write failed';
  const message = `cannot store events in ${directory}: ${reason}; nothing is taken until the store has been opened again and verified`;
  return /ENOSPC|No space left|EDQUOT|quota/i.test(reason) ? new ChannelFullError(message, { cause }) : new AgentError('M134', message, { cause });
}

/** For whoever waits for a channel that stops. */
export function stoppedError(name: string): Error {
  return new DOMException(`channel ${name} was stopped, or has not started`, 'AbortError');
}

/** Begins with Flume's words: senders compare them. */
export function fullText(name: string, capacity: number): string {
  return `The channel has reached it's capacity of ${capacity} events: its sinks are not keeping up with its sources, or the capacity is too small. [channel=${name}]`;
}

/** Ranges that touch are told as one. */
function joined(gaps: readonly Gap[]): { from: number; to: number }[] {
  const ranges: { from: number; to: number }[] = [];
  for (const { from, to } of gaps.toSorted((a, b) => a.from - b.from)) {
    const last = ranges.at(-1);
    if (last?.to === from) last.to = to;
    else ranges.push({ from, to });
  }
  return ranges;
}
