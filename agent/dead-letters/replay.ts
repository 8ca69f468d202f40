import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Batch } from '../../core/batch.ts';
import type { Channel } from '../../core/component.ts';
import { ChannelFullError, describeError } from '../../core/errors.ts';
import { letterFiles } from '../../io/letter-files.ts';
import type { Letter } from './letter.ts';
import { noteTimes, requestName, takeLetters, type Selection } from './segments.ts';

export type ReplayChannel = Pick<Channel, 'put' | 'transactionCapacity'>;

/** What a command writes into the folder of the dead letters, which shows that it may. */
export interface ReplayRequest {
  readonly channel: string;
  readonly selection: Selection;
}

export interface ReplayAnswer {
  /** 200, 404 without such a request or channel, 500. */
  readonly status: number;
  readonly taken: number;
  /** Letters of the file that was come to last which are still there: ask again. */
  readonly left: number;
  readonly error?: string;
}

/** How long one answer may take; whoever asks goes on asking. */
const ANSWER_MS = 4000;
const PAUSE_MS = 50;
const MOST_EVENTS = 1000;
const MOST_BYTES = 1024 * 1024;

export function requestPath(folder: string, request: string): string {
  return join(folder, requestName(request));
}

/** Does what a request file asks for, as far as the time of one answer goes. */
export async function answerReplay(
  folder: string | undefined,
  request: string,
  channels: (name: string) => ReplayChannel | undefined,
): Promise<ReplayAnswer> {
  const refusal = (error: string): ReplayAnswer => ({ status: 404, taken: 0, left: 0, error });
  if (folder === undefined) return refusal('this agent keeps no dead letters');
  if (!/^[0-9a-f]{32}$/.test(request)) return refusal('the request is not named by 32 hexadecimal digits');
  const text = await letterFiles.read(requestPath(folder, request)).catch(() => undefined);
  if (!text) return refusal('there is no such request in the folder of this agent');
  try {
    const { channel: name, selection } = JSON.parse(text.toString()) as ReplayRequest;
    const channel = channels(name);
    if (!channel) return refusal(`this agent has no channel ${JSON.stringify(name)}`);
    return { status: 200, ...(await replay(folder, selection, channel, ANSWER_MS)) };
  } catch (error) {
    return { status: 500, taken: 0, left: 0, error: describeError(error) };
  }
}

/**
 * Puts the letters selected into a channel, in order, and removes those that it has stored; goes on until there are none, or `mostMs` have
 * passed, for which a channel without room is waited for. Without a limit in time a channel without room ends it. Throws what else the channel
 * throws.
 */
export async function replay(folder: string, selection: Selection, channel: ReplayChannel, mostMs?: number): Promise<{ taken: number; left: number }> {
  const deadline = performance.now() + (mostMs ?? Infinity);
  return takeLetters(folder, selection, async (letters, place) => {
    let stored = 0;
    let noted = 0;
    while (stored < letters.length && performance.now() < deadline) {
      const piece = letters.slice(stored, pieceEnd(letters, stored, channel.transactionCapacity));
      // Before they are stored: they may be back at once.
      if (stored >= noted) await noteTimes(place, piece);
      noted = Math.max(noted, stored + piece.length);
      try {
        await channel.put(Batch.of(piece.map(({ event }) => event)), AbortSignal.timeout(ANSWER_MS));
      } catch (error) {
        if (stored > 0 || (mostMs === undefined && error instanceof ChannelFullError)) break;
        if (!(error instanceof ChannelFullError)) throw error;
        await sleep(PAUSE_MS);
        continue;
      }
      stored += piece.length;
    }
    return stored;
  });
}

function pieceEnd(letters: readonly Letter[], from: number, capacity: number): number {
  let bytes = 0;
  let end = from;
  while (end < letters.length && end - from < Math.min(capacity, MOST_EVENTS)) {
    bytes += letters[end]?.event.body.length ?? 0;
    if (end > from && bytes > MOST_BYTES) break;
    end++;
  }
  return end;
}
