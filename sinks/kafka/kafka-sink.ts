import type { Batch } from '../../core/batch.ts';
import type { Context, Description, GroupPosition, Origin, Sink } from '../../core/component.ts';
import { RejectedError } from '../../core/errors.ts';
import { storedBytesWereRead } from '../../io/read-memory.ts';
import { BatchSender, type Rejected, type SenderSettings } from '../../protocols/kafka/batch-sender.ts';
import { ExactlyOnceSender, type Provenance } from '../../protocols/kafka/exactly-once-sender.ts';
import { KafkaProducer, type ProducerSettings } from '../../protocols/kafka/producer.ts';

export interface KafkaSinkSettings {
  readonly batchSize: number;
  readonly servers: string;
  /** As configured, with its escapes. */
  readonly topic: string;
  readonly producer: ProducerSettings;
  readonly sender: SenderSettings;
  /** Present: each batch in a transaction with the place its events come from, under this id. */
  readonly exactlyOnce: ((provenance: Provenance) => string) | undefined;
}

/** A request to a broker costs about the same up to here. */
const GATHERED_BYTES = 1024 * 1024;

/** Writes record batches; resolves when the brokers have acknowledged them as `acks` asks. */
export class KafkaSink implements Sink {
  readonly #context: Context;
  readonly #settings: KafkaSinkSettings;
  readonly #producer: KafkaProducer;
  readonly #sender: BatchSender;
  readonly #exactlyOnce: ExactlyOnceSender | undefined;

  constructor(context: Context, settings: KafkaSinkSettings) {
    this.#context = context;
    this.#settings = settings;
    this.#producer = new KafkaProducer(settings.producer);
    this.#sender = new BatchSender(this.#producer, settings.sender);
    this.#exactlyOnce = settings.exactlyOnce ? new ExactlyOnceSender(this.#producer, this.#sender, { idOf: settings.exactlyOnce, allOrNothing: false }) : undefined;
  }

  get batchSize(): number {
    return Math.min(this.#settings.batchSize, this.#exactlyOnce?.mostEvents ?? Infinity);
  }

  get gathersBytes(): number | undefined {
    return this.#exactlyOnce?.mostEvents === undefined ? GATHERED_BYTES : undefined;
  }

  async start(): Promise<void> {
    await this.#producer.start();
  }

  async stop(): Promise<void> {
    await this.#producer.stop();
  }

  describe(): Description {
    const { servers, topic, producer, exactlyOnce } = this.#settings;
    const acks = producer.acks === -1 ? 'all' : producer.acks;
    return { summary: `topic ${topic} at ${servers}, ${exactlyOnce ? 'exactly once' : `acks ${acks}`}${producer.compression === 'none' ? '' : `, ${producer.compression}`}` };
  }

  async write(batch: Batch, signal: AbortSignal, origin?: Origin, group?: GroupPosition): Promise<void> {
    const rejected = await (this.#exactlyOnce ? this.#once(this.#exactlyOnce, batch, signal, { origin, group }) : this.#sender.send(batch, signal));
    // What was gathered, and the request, have outlived the looks at young objects while the brokers were waited for.
    storedBytesWereRead(2 * batch.byteLength);
    if (rejected.length === 0) return;
    this.#context.count('EventRejectedByKafkaCount', rejected.length);
    const sorted = [...rejected].sort((a, b) => a.index - b.index);
    throw new RejectedError(
      sorted.map(({ index }) => index),
      `${sorted.length} of ${batch.size} events can never be written to Kafka: ${sorted[0]?.reason}`,
      { details: sorted.map(({ reason }) => ({ reason })) },
    );
  }
  #once(sender: ExactlyOnceSender, batch: Batch, signal: AbortSignal, provenance: Provenance): Promise<readonly Rejected[]> {
    if (provenance.origin ?? provenance.group) return sender.send(batch, provenance, signal);
    throw new Error('exactlyOnce needs to know where events come from: the channel is to be of the type file, or a Kafka channel with exactlyOnce');
  }
}
