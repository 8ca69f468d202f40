import type { Batch } from '../core/batch.ts';
import type { Channel, ChannelStatus, Description, Transaction } from '../core/component.ts';
import { define } from '../core/define.ts';
import { TooLargeError } from '../core/errors.ts';
import { inThousands } from '../core/printable.ts';
import { integer } from '../core/options.ts';
import { MemoryQueue } from './memory-queue.ts';
import { PutOnce } from './put-once.ts';

/** Body bytes that one slot of `byteCapacity` stands for. */
const SLOT_BYTES = 100;
const DEFAULT_BYTE_CAPACITY = 32 * 1024 * 1024;
const PEEK_BYTES = 1 << 20;
const MOST_SLOTS = 2 ** 31 - 1;

export const memoryChannel = define('channel', {
  types: ['memory', 'org.apache.flume.channel.MemoryChannel'],
  summary: 'Keeps events in memory: fast, and lost with the process.',
  options: {
    capacity: integer({ default: 100, min: 1, unreadable: 'warn', outside: 'warn', doc: 'Most events held.' }),
    transactionCapacity: integer({
      default: 100,
      min: 1,
      unreadable: 'warn',
      outside: 'warn',
      doc: 'Most events that a source puts or a sink takes at a time.',
    }),
    'keep-alive': integer({
      default: 3,
      min: 0,
      unreadable: 'warn',
      outside: 'warn',
      doc: 'Seconds that a put waits for room before the channel counts as full.',
    }),
    byteCapacity: integer({
      default: DEFAULT_BYTE_CAPACITY,
      min: 0,
      long: true,
      unreadable: 'warn',
      outside: 'warn',
      doc: 'Most bytes of bodies held, counted in slots of 100 bytes; 0: no limit.',
    }),
    byteCapacityBufferPercentage: integer({
      default: 20,
      min: 0,
      max: 99,
      unreadable: 'warn',
      outside: 'warn',
      doc: 'Share of byteCapacity, in percent, that is set aside for headers.',
    }),
  },
  transactionCapacityOption: 'transactionCapacity',
  check: ({ capacity, transactionCapacity }) =>
    transactionCapacity > capacity
      ? [
          {
            option: 'transactionCapacity',
            effect: 'drop',
            sentence: `is ${transactionCapacity}, above the capacity of ${capacity}: such a transaction could never fit`,
          },
        ]
      : [],
  create: (context, values) => {
    const limits = {
      capacity: values.capacity,
      transactionCapacity: values.transactionCapacity,
      keepAliveMs: values['keep-alive'] * 1000,
      slots: slotsFor(values.byteCapacity, values.byteCapacityBufferPercentage),
    };
    return new MemoryChannel(limits, (events) => context.count('EventRepeatedCount', events));
  },
});

/** Flume's arithmetic: what is left of `byteCapacity` in slots of 100 bytes; less than one slot means no limit. */
export function slotsFor(byteCapacity: number, bufferPercentage: number): number {
  const slots = Math.trunc((byteCapacity * (1 - bufferPercentage * 0.01)) / SLOT_BYTES);
  return slots < 1 ? MOST_SLOTS : Math.min(slots, MOST_SLOTS);
}

export interface MemoryLimits {
  readonly capacity: number;
  readonly transactionCapacity: number;
  readonly keepAliveMs: number;
  readonly slots: number;
}

export class MemoryChannel implements Channel {
  readonly transactionCapacity: number;
  readonly durable = false;
  readonly #limits: MemoryLimits;
  readonly #queue: MemoryQueue;
  readonly #once: PutOnce;

  /** `repeated` is told of events that another agent sent again and that were not put again. */
  constructor(limits: MemoryLimits, repeated: (events: number) => void = () => undefined) {
    this.#limits = limits;
    this.#once = new PutOnce(repeated);
    this.transactionCapacity = limits.transactionCapacity;
    this.#queue = new MemoryQueue({ events: limits.capacity, slots: limits.slots, slotBytes: SLOT_BYTES }, limits.keepAliveMs);
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {}

  put(batch: Batch, signal: AbortSignal): Promise<void> {
    if (batch.size > this.transactionCapacity) {
      const most = `the channel takes up to ${this.transactionCapacity} at a time (transactionCapacity)`;
      return Promise.reject(new TooLargeError(`${batch.size} events are more than one transaction holds: ${most}`));
    }
    return this.#once.put(batch, (unseen) => this.#queue.put(unseen, signal));
  }

  take(max: number, signal: AbortSignal): Promise<Transaction | undefined> {
    return this.#queue.take(Math.min(max, this.transactionCapacity), signal);
  }

  status(): ChannelStatus {
    return { size: this.#queue.size, capacity: this.#limits.capacity, byteLength: this.#queue.byteLength };
  }

  async peek(max: number): Promise<Batch> {
    return this.#queue.peek(max, PEEK_BYTES);
  }

  describe(): Description {
    const { capacity, slots } = this.#limits;
    const bytes = slots === MOST_SLOTS ? '' : ` or ${Math.floor((slots * SLOT_BYTES) / 1_000_000)} MB`;
    return {
      summary: `up to ${inThousands(capacity)} events${bytes}, in memory`,
      lostOnPowerCut: 'every event it holds',
    };
  }
}
