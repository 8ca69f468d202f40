import { setTimeout as sleep } from 'node:timers/promises';
import type { Batch } from '../../core/batch.ts';
import type { Channel } from '../../core/component.ts';
import { ChannelFullError } from '../../core/errors.ts';

const LOOK_MS = 20;
const MOST_EVENTS = 10_000;
/** How long a successor that does not start or stays full is waited for. */
const SUCCESSOR_MS = 30_000;

/** Resolves once all channels are empty, loans included, or at `deadline` (of `performance.now()`). */
export async function empty(channels: readonly Channel[], deadline: number): Promise<void> {
  while (channels.some((channel) => channel.status().size > 0) && performance.now() < deadline) await sleep(LOOK_MS);
}

/**
 * Moves all events of a channel to its successor, in order. What the successor does not take within 30 s, or everything without a
 * successor, is set aside.
 */
export async function moveEvents(
  from: Channel,
  to: Channel | undefined,
  setAside: (batch: Batch, reason: string) => Promise<void>,
): Promise<{ moved: number; setAside: number }> {
  const late = AbortSignal.timeout(SUCCESSOR_MS);
  const counts = { moved: 0, setAside: 0 };
  const reason = to ? 'the new channel did not take it' : 'its channel was removed from the configuration';
  while (from.status().size > 0) {
    const transaction = await from.take(MOST_EVENTS, late);
    if (!transaction) break;
    const { batch } = transaction;
    const stored = to ? await putMany(to, batch, late) : 0;
    if (stored < batch.size) await setAside(batch.slice(stored, batch.size), reason);
    await transaction.commit();
    counts.moved += stored;
    counts.setAside += batch.size - stored;
  }
  return counts;
}

/** Puts as much of the batch as the channel takes before `late` aborts; resolves with the number of events stored. */
async function putMany(to: Channel, batch: Batch, late: AbortSignal): Promise<number> {
  let stored = 0;
  while (stored < batch.size && !late.aborted) {
    try {
      const end = Math.min(batch.size, stored + to.transactionCapacity);
      await to.put(batch.slice(stored, end), late);
      stored = end;
    } catch (error) {
      if (!(error instanceof ChannelFullError)) await sleep(LOOK_MS, undefined, { signal: late }).catch(() => undefined);
    }
  }
  return stored;
}
