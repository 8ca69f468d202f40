import type { Description, Source, SourceContext } from '../../core/component.ts';
import { describeError, isAbort } from '../../core/errors.ts';
import { eventsOf, offsetsBehind, type EventForm } from '../../protocols/kafka/message-events.ts';
import { GroupReader, type GroupReaderSettings, type KafkaMessage } from '../../protocols/kafka/group-reader.ts';

export interface KafkaSourceSettings {
  readonly batchSize: number;
  readonly avro: boolean;
  /** Header for the name of the topic. */
  readonly topicHeader: string | undefined;
  /** Header of the event to the name of the record's header that it is copied from. */
  readonly headers: ReadonlyMap<string, string>;
  readonly summary: string;
  readonly reader: GroupReaderSettings;
}

/** Puts records into the channels and commits their offsets once they are stored there, never before. */
export class KafkaSource implements Source {
  readonly #context: SourceContext;
  readonly #settings: KafkaSourceSettings;
  readonly #reader: GroupReader;
  readonly #form: EventForm;

  constructor(context: SourceContext, settings: KafkaSourceSettings) {
    this.#context = context;
    this.#settings = settings;
    this.#reader = new GroupReader(settings.reader, context.log);
    this.#form = {
      avro: settings.avro,
      decorate: (headers, message) => decorate(settings, headers, message),
      undecodable: ({ topic, partition, offset }, error) => {
        context.count('EventReadFail', 1);
        context.log.warn(`the record at offset ${offset} of partition ${partition} of ${topic} is passed over: its value is no event in Flume's Avro format: ${describeError(error)}`);
      },
    };
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {
    await this.#reader.stop();
  }

  describe(): Description {
    return { summary: this.#settings.summary };
  }

  async poll(signal: AbortSignal): Promise<'more' | 'idle'> {
    const messages = await this.#reader.read(Math.min(this.#settings.batchSize, this.#context.batchLimit), signal);
    const batch = eventsOf(messages, this.#form);
    this.#context.count('EventReceivedCount', batch.size);
    try {
      if (batch.size > 0) await this.#context.deliver(batch, { wait: true });
    } catch (error) {
      // The records are read again from where the offsets stand.
      if (!isAbort(error)) this.#context.count('ChannelWriteFail', 1);
      await this.#reader.close();
      throw error;
    }
    this.#context.count('EventAcceptedCount', batch.size);
    try {
      await this.#reader.commit(offsetsBehind(messages).values());
    } catch (error) {
      this.#context.log.warn(`committing offsets failed, so that up to ${messages.length} events may be read again: ${describeError(error)}`);
    }
    return 'more';
  }
}

/** Flume's headers, in Flume's order; which of them give way to those that the event brought with it is Flume's choice, too. */
function decorate({ headers: mapped, topicHeader }: KafkaSourceSettings, headers: Map<string, string>, message: KafkaMessage): void {
  const { key, headerEntries, topic, partition, offset, timestamp } = message as Omit<KafkaMessage, 'key'> & { readonly key: Buffer | undefined };
  const setIfAbsent = (name: string, value: string): void => void (headers.has(name) || headers.set(name, value));
  setIfAbsent('timestamp', String(timestamp));
  for (const [name, from] of mapped) {
    const value: Buffer | undefined = headerEntries.findLast(([entry]) => entry.toString() === from)?.[1];
    if (value) headers.set(name, value.toString());
  }
  if (topicHeader !== undefined) setIfAbsent(topicHeader, topic);
  setIfAbsent('partition', String(partition));
  setIfAbsent('offset', String(offset));
  if (key) headers.set('key', key.toString());
}
