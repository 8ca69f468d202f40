import type { Batch } from '../../core/batch.ts';
import type { GroupPosition, Origin } from '../../core/component.ts';
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
/** Stores whose numbers are remembered at a time; those of another one are read when it is heard of again. */
const MOST_STORES = 1000;
/** So long a failure waits for what it left open to be closed. */
const TIDY_MS = 10_000;

/** Where events come from: a store that numbers them, or topics that a group reads. */
export interface Provenance {
  readonly origin?: Origin | undefined;
  readonly group?: GroupPosition | undefined;
}

export interface ExactlyOnceSettings {
  /** The transactional id, which nobody else may use: one writer takes it from another. */
  idOf(provenance: Provenance): string;
  /** A batch of which an event is rejected is not written at all. */
  readonly allOrNothing: boolean;
}

interface Begun {
  readonly id: string;
  readonly transactions: Transactions;
  readonly numbers: Map<string, WrittenNumbers>;
}

/**
 * Writes batches, each in a transaction together with the place its events come from, so that whoever reads only what is committed sees each
 * event once. Of a store it is the numbers of the events there: after a failure, or a kill, they are read back from Kafka, and what it has is
 * not written again. Of a group it is the group's own offsets: after a failure its reader must go back to these.
 */
export class ExactlyOnceSender {
  readonly #producer: KafkaProducer;
  readonly #sender: BatchSender;
  readonly #settings: ExactlyOnceSettings;
  #coordinators: Coordinators | undefined;
  #begun: Begun | undefined;
  #mostEvents: number | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(producer: KafkaProducer, sender: BatchSender, settings: ExactlyOnceSettings) {
    this.#producer = producer;
    this.#sender = sender;
    this.#settings = settings;
  }

  /** Most events of the next batch, where there was one whose numbers did not fit. */
  get mostEvents(): number | undefined {
    return this.#mostEvents;
  }

  /** Resolves when Kafka has every event but those that are answered, and counts them. After a failure nobody knows, and the batch is to be sent again. */
  send(batch: Batch, provenance: Provenance, signal: AbortSignal): Promise<readonly Rejected[]> {
    // One after another, also behind a write that was given up and goes on.
    const sent = this.#last.then(() => this.#once(batch, provenance, signal));
    this.#last = sent.catch(() => undefined);
    return sent;
  }

  async #once(batch: Batch, provenance: Provenance, signal: AbortSignal): Promise<readonly Rejected[]> {
    const id = this.#settings.idOf(provenance);
    try {
      const begun = this.#begun?.id === id ? this.#begun : await this.#begin(id, signal);
      const { origin, group } = provenance;
      if (origin) return await this.#sendNumbered(begun, await this.#writtenOf(begun, origin.store, signal), batch, origin, signal);
      return await this.#sendRead(begun, batch, group, signal);
    } catch (error) {
      this.#begun = undefined;
      // Whoever reads committed offsets, or records, waits for a transaction that is left open.
      if (!signal.aborted) await this.#begin(id, AbortSignal.any([signal, AbortSignal.timeout(TIDY_MS)])).catch(() => undefined);
      throw error;
    }
  }

  async #begin(id: string, signal: AbortSignal): Promise<Begun> {
    this.#begun = undefined;
    const coordinators = (this.#coordinators ??= this.#producer.coordinators());
    const transactions = await this.#producer.beginTransactions(coordinators, id, signal);
    return (this.#begun = { id, transactions, numbers: new Map() });
  }

  async #writtenOf({ numbers }: Begun, store: string, signal: AbortSignal): Promise<WrittenNumbers> {
    const known = numbers.get(store);
    if (known) return known;
    const written = new WrittenNumbers(`millrace-${store}`);
    await written.read(await kafkaLibrary(), this.#coordinators as Coordinators, signal);
    for (const oldest of numbers.keys()) if (numbers.size >= MOST_STORES) numbers.delete(oldest);
    numbers.set(store, written);
    return written;
  }

  async #sendNumbered({ transactions }: Begun, written: WrittenNumbers, batch: Batch, origin: Origin, signal: AbortSignal): Promise<readonly Rejected[]> {
    const indices = indicesOutside(written.ranges, origin.spans);
    const fresh = indices ? batch.select(indices) : batch;
    if (fresh.size === 0) return [];
    const indexOf = (row: number): number => (indices ? (indices[row] as number) : row);
    const rejected = (await this.#sender.send(fresh, signal)).map((one) => ({ ...one, index: indexOf(one.index) }));
    const [place] = transactions.included;
    if (!place) return rejected;
    if (rejected.length === fresh.size || (rejected.length > 0 && this.#settings.allOrNothing)) {
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
    if (rejected.length === 0) this.#mostEvents = undefined;
    return rejected;
  }

  /** Where events are rejected the group keeps its place until they are set aside; killed before, it reads the others again as well. */
  async #sendRead({ transactions }: Begun, batch: Batch, position: GroupPosition | undefined, signal: AbortSignal): Promise<readonly Rejected[]> {
    if (position) await this.#producer.checkCluster(position.cluster);
    const rejected = await this.#sender.send(batch, signal);
    if (transactions.included.length === 0) return rejected;
    const whole = rejected.length === 0;
    if (position && whole) await transactions.commitOffsets(position, signal);
    await transactions.end(whole || (rejected.length < batch.size && !this.#settings.allOrNothing), signal);
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
