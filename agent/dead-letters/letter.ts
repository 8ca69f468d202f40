import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import type { Event } from '../../core/event.ts';

/** An event that its destination will never take, as it lies in the dead letters. */
export interface Letter {
  /** Eight hexadecimal digits for the write, and its number in it: `3fa9c2d1-17`. */
  readonly id: string;
  /** When it was set aside. */
  readonly time: string;
  /** Who could not take it: `a1.sinks.k1`. */
  readonly component: string;
  readonly reason: string;
  /** What the destination answered, where it did. */
  readonly reply?: string;
  /** How often it was set aside: 2 and more after replays. */
  readonly times: number;
  readonly event: Event;
}

const LONGEST_REASON = 1000;
const LONGEST_REPLY = 4000;

/**
 * One line of a file of dead letters: a JSON object of `id`, `time`, `component`, `reason`, `reply`, `times`, `headers` (pairs, in their
 * order) and `body`, or `bodyBase64` where the body is not UTF-8.
 */
export function lineOf(letter: Letter): Buffer {
  const { id, time, component, times, event } = letter;
  const reason = letter.reason.slice(0, LONGEST_REASON);
  const content = isUtf8(event.body) ? { body: event.body.toString() } : { bodyBase64: event.body.toString('base64') };
  const reply = letter.reply === undefined ? {} : { reply: letter.reply.slice(0, LONGEST_REPLY) };
  return Buffer.from(`${JSON.stringify({ id, time, component, reason, ...reply, times, headers: [...event.headers], ...content })}\n`);
}

/** `undefined` for what is no letter: a line that a crash cut short, or something that is not ours. */
export function letterOf(line: string): Letter | undefined {
  try {
    const found = JSON.parse(line) as Record<string, unknown>;
    const { id, time, component, reason, reply, times, headers, body, bodyBase64 } = found;
    if (typeof time !== 'string' || typeof component !== 'string' || !Array.isArray(headers)) return undefined;
    const bytes = typeof body === 'string' ? Buffer.from(body) : typeof bodyBase64 === 'string' ? Buffer.from(bodyBase64, 'base64') : undefined;
    if (!bytes || !headers.every(isPair)) return undefined;
    return {
      id: typeof id === 'string' ? id : createHash('sha256').update(line).digest('hex').slice(0, 8),
      time,
      component,
      reason: String(reason),
      ...(typeof reply === 'string' && { reply }),
      times: typeof times === 'number' ? times : 1,
      event: { body: bytes, headers: new Map(headers) },
    };
  } catch {
    return undefined;
  }
}

/** The same for the same event, whichever way it came. */
export function fingerprint({ headers, body }: Event): string {
  return createHash('sha256').update(JSON.stringify([...headers].sort(byName))).update('\0').update(body).digest('hex').slice(0, 16);
}

function byName([a]: readonly [string, string], [b]: readonly [string, string]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function isPair(value: unknown): value is [string, string] {
  return Array.isArray(value) && value.length === 2 && value.every((part) => typeof part === 'string');
}
