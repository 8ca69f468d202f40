import type { Batch } from '../../core/batch.ts';
import type { Context, Description, Sink } from '../../core/component.ts';
import { RejectedError } from '../../core/errors.ts';
import { BatchSender, type SenderSettings } from '../../protocols/kafka/batch-sender.ts';
import { KafkaProducer, type ProducerSettings } from '../../protocols/kafka/producer.ts';

export interface KafkaSinkSettings {
  readonly batchSize: number;
  readonly servers: string;
  /** As configured, with its escapes. */
  readonly topic: string;
  readonly producer: ProducerSettings;
  readonly sender: SenderSettings;
}

/** A request to a broker costs about the same up to here. */
const GATHERED_BYTES = 1024 * 1024;

/** Writes record batches; resolves when the brokers have acknowledged them as `acks` asks. */
export class KafkaSink implements Sink {
  readonly batchSize: number;
  readonly gathersBytes = GATHERED_BYTES;
  readonly #context: Context;
  readonly #settings: KafkaSinkSettings;
  readonly #producer: KafkaProducer;
  readonly #sender: BatchSender;

  constructor(context: Context, settings: KafkaSinkSettings) {
    this.#context = context;
    this.#settings = settings;
    this.batchSize = settings.batchSize;
    this.#producer = new KafkaProducer(settings.producer);
    this.#sender = new BatchSender(this.#producer, settings.sender);
  }

  async start(): Promise<void> {
    await this.#producer.start();
  }

  async stop(): Promise<void> {
    await this.#producer.stop();
  }

  describe(): Description {
    const { servers, topic, producer } = this.#settings;
    const acks = producer.acks === -1 ? 'all' : producer.acks;
    return { summary: `topic ${topic} at ${servers}, acks ${acks}${producer.compression === 'none' ? '' : `, ${producer.compression}`}` };
  }

  async write(batch: Batch, signal: AbortSignal): Promise<void> {
    const rejected = await this.#sender.send(batch, signal);
    if (rejected.length === 0) return;
    this.#context.count('EventRejectedByKafkaCount', rejected.length);
    const sorted = [...rejected].sort((a, b) => a.index - b.index);
    throw new RejectedError(
      sorted.map(({ index }) => index),
      `${sorted.length} of ${batch.size} events can never be written to Kafka: ${sorted[0]?.reason}`,
      { details: sorted.map(({ reason }) => ({ reason })) },
    );
  }
}
