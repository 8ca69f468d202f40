import { readTopicWithKafka, type TopicReader } from '../../servers/kafka-reader.ts';
import type { Account } from './account.ts';
import type { Collector } from './referee.ts';

/** The values of a topic's committed records, as Kafka's own consumer sees them. */
export class KafkaCollector implements Collector {
  #bodies: Buffer[] = [];
  #reader: TopicReader | undefined;

  async open(brokers: string, topic: string): Promise<this> {
    this.#reader = await readTopicWithKafka(brokers, topic, ({ value }) => this.#bodies.push(value ?? Buffer.alloc(0)));
    return this;
  }

  async look(account: Account): Promise<'more'> {
    const failure = this.#reader?.failure();
    if (failure !== undefined) throw new Error(`the reader of the topic ended: ${failure}`);
    const bodies = this.#bodies;
    this.#bodies = [];
    for (const body of bodies) account.see(body);
    return 'more';
  }

  reset(): void {
    throw new Error('what was read from a topic is not read again');
  }

  finish(): void {}

  async stop(): Promise<void> {
    this.#reader?.stop();
  }
}
