import type { Batch } from '../../core/batch.ts';
import type { Origin } from '../../core/component.ts';
import { EventNumbers } from '../../core/event-numbers.ts';
import { indicesOutside, insertRange, type NumberRange } from '../../core/number-ranges.ts';
import type { BatchSender, Rejected } from './batch-sender.ts';
import type { Coordinators } from './coordinators.ts';
import { kafkaLibrary } from './library.ts';
import type { KafkaProducer } from './producer.ts';
import type { Transactions } from './transactions.ts';
import { WrittenNumbers } from './written-numbers.ts';

/** So many have room for their numbers in one transaction, whatever of them is rejected. */
const NARROW_EVENTS = 1000;

interface Begun {
  readonly store: string;
  readonly transactions: Transactions;
  readonly written: WrittenNumbers;
}

/**
 * Writes batches, each in a transaction together with the numbers that its events have in the channel they come from. Whoever reads only
 * what is committed sees each event once: after a failure, or a kill, the numbers are read back from Kafka, and what it has is not written
 * again. Transactional id and group of the numbers are named after the channel's store, which no other sink may read.
 */
export class ExactlyOnceSender {
  readonly #producer: KafkaProducer;
  readonly #sender: BatchSender;
  #coordinators: Coordinators | undefined;
  #begun: Begun | undefined;
  #mostEvents: number | undefined;

  constructor(producer: KafkaProducer, sender: BatchSender) {
    this.#producer = producer;
    this.#sender = sender;
  }

  /** Most events of the next batch, where there was one whose numbers did not fit. */
  get mostEvents(): number | undefined {
    return this.#mostEvents;
  }

  /** Resolves when Kafka has every event but those that are answered, and counts them. After a failure nobody knows, and the batch is to be sent again. */
  async send(batch: Batch, origin: Origin, signal: AbortSignal): Promise<readonly Rejected[]> {
    try {
      const begun = this.#begun?.store === origin.store ? this.#begun : await this.#begin(origin.store, signal);
      this.#begun = begun;
      return await this.#send(begun, batch, origin, signal);
    } catch (error) {
      this.#begun = undefined;
      throw error;
    }
  }

  async #begin(store: string, signal: AbortSignal): Promise<Begun> {
    this.#begun = undefined;
    const id = `millrace-${store}`;
    const coordinators = (this.#coordinators ??= this.#producer.coordinators());
    const transactions = await this.#producer.beginTransactions(coordinators, id, signal);
    const written = new WrittenNumbers(id);
    await written.read(await kafkaLibrary(), coordinators, signal);
    return { store, transactions, written };
  }

  async #send({ transactions, written }: Begun, batch: Batch, origin: Origin, signal: AbortSignal): Promise<readonly Rejected[]> {
    const indices = indicesOutside(written.ranges, origin.spans);
    const fresh = indices ? batch.select(indices) : batch;
    if (fresh.size === 0) return [];
    const indexOf = (row: number): number => (indices ? (indices[row] as number) : row);
    const rejected = (await this.#sender.send(fresh, signal)).map((one) => ({ ...one, index: indexOf(one.index) }));
    const [place] = transactions.included;
    if (!place) return rejected;
    if (rejected.length === fresh.size) {
      await transactions.end(false, signal);
      return rejected;
    }
    const all = rejected.length === 0 && !indices;
    const numbers = all ? origin.spans : numbersOf(origin, fresh.size, indexOf, new Set(rejected.map(({ index }) => index)));
    const next = written.with(numbers, origin.settled ?? 0, place.topic);
    if (!next) {
      this.#mostEvents = NARROW_EVENTS;
      throw new Error(`the numbers of ${batch.size} events, of which Kafka takes some and never takes others, do not fit into one transaction: fewer events are written at a time`);
    }
    await transactions.commitOffsets(next.offsets, signal);
    await transactions.end(true, signal);
    next.keep();
    this.#mostEvents = undefined;
    return rejected;
  }
}

/** Numbers of the events that were written. */
function numbersOf(origin: Origin, size: number, indexOf: (row: number) => number, rejected: ReadonlySet<number>): readonly (readonly [number, number])[] {
  const numbers = new EventNumbers(origin);
  const ranges: NumberRange[] = [];
  for (let row = 0; row < size; row++) {
    const index = indexOf(row);
    if (rejected.has(index)) continue;
    const number = numbers.at(index);
    const last = ranges.at(-1);
    if (last?.[1] === number) last[1]++;
    else insertRange(ranges, number, number + 1);
  }
  return ranges;
}
