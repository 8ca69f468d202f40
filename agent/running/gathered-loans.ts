import { Batch } from '../../core/batch.ts';
import type { Channel, GroupPosition, Origin, Transaction } from '../../core/component.ts';
import { SpareMemory } from '../../io/spare-memory.ts';

/** Longest wait for events that the channel has but not at hand. */
const WAIT_MS = 20;
/** However small they are. */
const MOST_EVENTS = 100_000;

/**
 * Adds to a loan what the channel has besides, up to `mostBytes` of bodies, for a sink to which a write costs the same whatever its size.
 * What comes out is one loan: a batch with all events in order, committed and rolled back as a whole. It is the first itself where there
 * is nothing to add, and does not wait for events that are not in the channel yet. It lies in `memory`, which gets it back once it is released.
 */
export async function gatherLoans(channel: Channel, first: Transaction, mostBytes: number, signal: AbortSignal, memory = new SpareMemory()): Promise<Transaction> {
  const loans = [first];
  let { size, byteLength } = first.batch;
  const hasMore = (): boolean => byteLength < mostBytes && size < MOST_EVENTS && channel.status().size > size && !signal.aborted;
  if (!hasMore()) return first;
  // Not the signals that time out by themselves, which are dear where this is done for each batch.
  const late = new AbortController();
  const giveUp = (): void => late.abort();
  const timer = setTimeout(giveUp, WAIT_MS);
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    while (hasMore() && !late.signal.aborted) {
      const perEvent = Math.max(1, byteLength / size);
      const max = Math.min(MOST_EVENTS - size, Math.max(1, Math.floor((mostBytes - byteLength) / perEvent)));
      const next = await channel.take(max, late.signal);
      if (!next) break;
      // Numbers are told under one name at a time: what has another one, or none, goes with the next write.
      if (next.origin?.store !== first.origin?.store) {
        await next.rollback();
        break;
      }
      loans.push(next);
      size += next.batch.size;
      byteLength += next.batch.byteLength;
    }
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', giveUp);
  }
  return loans.length === 1 ? first : joined(loans, memory);
}

function joined(loans: readonly Transaction[], memory: SpareMemory): Transaction {
  const batch = Batch.concat(loans.map((loan) => loan.batch), (bytes) => memory.take(bytes));
  const origin = joinedOrigin(loans);
  const group = joinedGroup(loans);
  return {
    batch,
    ...(origin && { origin }),
    ...(group && { group }),
    async commit(released) {
      // What one of them cannot write down does not keep the others from being done with.
      const results = await Promise.allSettled(loans.map((loan) => loan.commit(released)));
      for (const result of results) if (result.status === 'rejected') throw result.reason;
      if (released === true) memory.give(batch.bytes);
    },
    async rollback() {
      // Each goes in front of what the channel still has: the last one first.
      for (const loan of loans.toReversed()) await loan.rollback();
    },
  };
}

function joinedOrigin(loans: readonly Transaction[]): Origin | undefined {
  const first = loans[0]?.origin;
  return first && { ...first, spans: loans.flatMap(({ origin }) => origin?.spans ?? []) };
}

/** Of each partition the position of the last loan that has any; nothing where the group was divided anew in between. */
function joinedGroup(loans: readonly Transaction[]): GroupPosition | undefined {
  const first = loans[0]?.group;
  const same = ({ group }: Transaction): boolean => group?.cluster === first?.cluster && group?.group.generation === first?.group.generation && group?.group.memberId === first?.group.memberId;
  if (!first || !loans.every(same)) return undefined;
  const offsets = new Map(loans.flatMap(({ group }) => group?.offsets ?? []).map((offset) => [`${offset.topic}/${offset.partition}`, offset]));
  return { ...first, offsets: [...offsets.values()] };
}
