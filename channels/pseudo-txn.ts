import type { Batch } from '../core/batch.ts';
import type { Channel, ChannelStatus, Context, Description, Transaction } from '../core/component.ts';
import { define } from '../core/define.ts';
import { inThousands } from '../core/printable.ts';
import { integer } from '../core/options.ts';
import { MemoryQueue } from './memory-queue.ts';

/** No limit in bytes. */
const MOST_SLOTS = 2 ** 31 - 1;
const SLOT_BYTES = 100;

export const pseudoTxnChannel = define('channel', {
  types: ['org.apache.flume.channel.PseudoTxnMemoryChannel'],
  summary: 'Keeps events in memory without transactions; for tests only: events that a sink fails to deliver are lost.',
  options: {
    capacity: integer({ default: 50, min: 1, doc: 'Most events held; a put waits for room without a limit.' }),
    'keep-alive': integer({ default: 3, doc: 'Read for the sake of Flume; a take waits for as long as there is nothing.' }),
  },
  create: (context, { capacity }) => new PseudoTxnChannel(context, capacity),
});

/** What is taken is gone at once: a roll-back gives nothing back, and only counts it (`EventLostCount`). */
class PseudoTxnChannel implements Channel {
  readonly transactionCapacity: number;
  readonly durable = false;
  readonly #context: Context;
  readonly #queue: MemoryQueue;

  constructor(context: Context, capacity: number) {
    this.#context = context;
    this.transactionCapacity = capacity;
    this.#queue = new MemoryQueue({ events: capacity, slots: MOST_SLOTS, slotBytes: SLOT_BYTES }, Infinity);
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {}

  put(batch: Batch, signal: AbortSignal): Promise<void> {
    return this.#queue.put(batch, signal);
  }

  async take(max: number, signal: AbortSignal): Promise<Transaction | undefined> {
    const transaction = await this.#queue.take(Math.min(max, this.transactionCapacity), signal);
    if (!transaction) return undefined;
    const { batch } = transaction;
    await transaction.commit();
    return {
      batch,
      commit: async () => undefined,
      rollback: async () => {
        this.#context.count('EventLostCount', batch.size);
        this.#context.log.error('events are lost: this channel has no transactions and gives nothing back', { events: batch.size });
      },
    };
  }

  status(): ChannelStatus {
    return { size: this.#queue.size, capacity: this.transactionCapacity, byteLength: this.#queue.byteLength };
  }

  describe(): Description {
    return {
      summary: `up to ${inThousands(this.transactionCapacity)} events, in memory, without transactions: for tests`,
      lostOnPowerCut: 'every event it holds, and every batch that a sink fails to deliver',
    };
  }
}
