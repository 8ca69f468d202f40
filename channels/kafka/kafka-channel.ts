import type { Batch } from '../../core/batch.ts';
import type { Channel, ChannelStatus, Context, Description, GroupPosition, Transaction } from '../../core/component.ts';
import { describeError, TooLargeError } from '../../core/errors.ts';
import { BatchSender, type SenderSettings } from '../../protocols/kafka/batch-sender.ts';
import { ExactlyOnceSender } from '../../protocols/kafka/exactly-once-sender.ts';
import { GroupReader, type GroupReaderSettings } from '../../protocols/kafka/group-reader.ts';
import { reasonOf } from '../../protocols/kafka/library.ts';
import { eventsOf, type EventForm } from '../../protocols/kafka/message-events.ts';
import { KafkaProducer, type ProducerSettings } from '../../protocols/kafka/producer.ts';
import { LoanOrder, type Chunk, type Offsets } from './loan-order.ts';

export interface KafkaChannelSettings {
  readonly summary: string;
  readonly avro: boolean;
  readonly producer: ProducerSettings;
  readonly reader: GroupReaderSettings;
  readonly sender: SenderSettings;
  /** Present: each put is a transaction under this id, with the place that its events come from. */
  readonly transactionalId: string | undefined;
}

/** There is no limit in Kafka; so many events are in memory at a time. */
const TRANSACTION_CAPACITY = 100_000;

/** A topic as a channel: puts are written to it, takes are read from it as a member of a group, which other agents may be members of. */
export class KafkaChannel implements Channel {
  readonly transactionCapacity = TRANSACTION_CAPACITY;
  readonly durable = true;
  readonly #context: Context;
  readonly #settings: KafkaChannelSettings;
  readonly #producer: KafkaProducer;
  readonly #sender: BatchSender;
  readonly #exactlyOnce: ExactlyOnceSender | undefined;
  readonly #reader: GroupReader;
  readonly #form: EventForm;
  readonly #order = new LoanOrder();
  /** Given back, and lent before anything else. */
  readonly #returned: Chunk[] = [];
  readonly #uncommitted: Offsets = new Map();
  #lastPut: Promise<void> = Promise.resolve();
  #lastTake: Promise<unknown> = Promise.resolve();

  constructor(context: Context, settings: KafkaChannelSettings) {
    this.#context = context;
    this.#settings = settings;
    this.#producer = new KafkaProducer(settings.producer);
    this.#sender = new BatchSender(this.#producer, settings.sender);
    const { transactionalId: id } = settings;
    this.#exactlyOnce = id === undefined ? undefined : new ExactlyOnceSender(this.#producer, this.#sender, { idOf: () => id, allOrNothing: true });
    this.#reader = new GroupReader(settings.reader, context.log);
    this.#form = {
      avro: settings.avro,
      decorate: (headers, { key }) => void (key && headers.set('key', key.toString())),
      undecodable: ({ topic, partition, offset }, error) =>
        context.log.error(`the record at offset ${offset} of partition ${partition} of ${topic} is passed over: its value is no event in Flume's Avro format (parseAsFlumeEvent): ${describeError(error)}`),
    };
  }

  get commitsGroups(): boolean {
    return this.#exactlyOnce !== undefined;
  }

  async start(): Promise<void> {
    await this.#producer.start();
  }

  async stop(): Promise<void> {
    await this.#reader.stop();
    await this.#producer.stop();
  }

  describe(): Description {
    return { summary: this.#settings.summary };
  }

  /** What this agent has read and not yet committed; how much the topic holds is for Kafka to tell. */
  status(): ChannelStatus {
    let size = 0;
    let byteLength = 0;
    for (const records of this.#order.records) {
      size += records.size;
      byteLength += records.byteLength;
    }
    return { size, capacity: 0, byteLength };
  }

  /** One after another, so that the order of the calls is the order in each partition; after a failure those that wait fail, too. */
  put(batch: Batch, signal: AbortSignal, group?: GroupPosition): Promise<void> {
    const put = this.#lastPut.then(() => this.#put(batch, signal, group));
    this.#lastPut = put;
    const forget = (): void => {
      if (this.#lastPut === put) this.#lastPut = Promise.resolve();
    };
    put.then(forget, forget);
    return put;
  }

  async take(max: number, signal: AbortSignal): Promise<Transaction | undefined> {
    try {
      for (;;) {
        const chunk = this.#takeReturned(max) ?? (await this.#read(max, signal));
        const batch = eventsOf(chunk.records, this.#form);
        if (batch.size > 0) return this.#loan(chunk, batch);
        await this.#settle(chunk);
      }
    } catch (error) {
      if (signal.aborted) return undefined;
      throw error;
    }
  }

  async #put(batch: Batch, signal: AbortSignal, group: GroupPosition | undefined): Promise<void> {
    const rejected = await (this.#exactlyOnce ? this.#exactlyOnce.send(batch, { origin: batch.origin, group }, signal) : this.#sender.send(batch, signal));
    const [first] = rejected;
    if (first) throw new TooLargeError(`${rejected.length} of ${batch.size} events cannot be stored in the topic: ${first.reason}`);
  }

  /** Readers wait one behind another. */
  #read(max: number, signal: AbortSignal): Promise<Chunk> {
    const read = this.#lastTake.then(async () => this.#order.add(await this.#reader.read(max, signal)));
    this.#lastTake = read.catch(() => undefined);
    return read;
  }

  #takeReturned(max: number): Chunk | undefined {
    const chunk = this.#returned.shift();
    if (!chunk || chunk.records.size <= max) return chunk;
    const [head, rest] = this.#order.split(chunk, max);
    this.#returned.unshift(rest);
    return head;
  }

  #loan(chunk: Chunk, batch: Batch): Transaction {
    const group = this.#exactlyOnce && this.#reader.position(chunk.records);
    return {
      batch,
      ...(group && { group }),
      commit: () => this.#settle(chunk),
      rollback: () => this.#giveBack(chunk),
    };
  }

  /** A sink that commits for us may have done so and not know it: then only the group knows where it stands. */
  async #giveBack(chunk: Chunk): Promise<void> {
    if (!this.#exactlyOnce) return void this.#returned.unshift(chunk);
    this.#order.clear();
    this.#uncommitted.clear();
    await this.#reader.rewind();
  }

  /** As in Flume, events whose offsets cannot be committed are done with; the next commit takes them along. */
  async #settle(chunk: Chunk): Promise<void> {
    for (const [place, offset] of this.#order.settle(chunk)) this.#uncommitted.set(place, offset);
    if (this.#uncommitted.size === 0) return;
    const offsets = new Map(this.#uncommitted);
    try {
      await this.#reader.commit(offsets.values());
      for (const [place, offset] of offsets) if (this.#uncommitted.get(place) === offset) this.#uncommitted.delete(place);
    } catch (error) {
      this.#context.log.warn(`committing offsets failed, so that events may be lent again after a restart: ${reasonOf(error)}`);
    }
  }
}
