import type { Channel, Context } from '../../core/component.ts';
import type { Values } from '../../core/define.ts';
import { parseJavaInteger } from '../../core/java-values.ts';
import { chunkWasRead } from '../../io/read-memory.ts';
import { clientContext } from '../../io/tls/contexts.ts';
import { DEFAULT_REQUEST_BYTES, producerSettings, transactionalId } from '../../protocols/kafka/producer-settings.ts';
import { clientOptions, numberOf } from '../../protocols/kafka/properties.ts';
import { readerSettings } from '../../protocols/kafka/reader-settings.ts';
import { KafkaChannel } from './kafka-channel.ts';
import type { kafkaChannelOptions } from './options.ts';

type Options = Values<typeof kafkaChannelOptions>;

export async function createKafkaChannel(context: Context, values: Options): Promise<Channel> {
  const servers = values['kafka.bootstrap.servers'];
  const topic = values['kafka.topic'];
  const [produces, consumes] = [values['kafka.producer.*'], values['kafka.consumer.*']];
  const producer = producerSettings(await clientOptions(servers, produces, context.name, clientContext), produces, produces.get('acks') ?? 'all');
  const client = await clientOptions(servers, consumes, context.name, clientContext);
  const reader = readerSettings(client, consumes, { groupId: values['kafka.consumer.group.id'], topics: [topic], offsetReset: offsetReset(values), withHeaders: false, wereRead: chunkWasRead });
  const { partitionIdHeader, defaultPartitionId } = values;
  return new KafkaChannel(context, {
    summary: `topic ${topic} at ${servers}, group ${values['kafka.consumer.group.id']}`,
    avro: values.parseAsFlumeEvent,
    producer,
    reader: values.exactlyOnce ? { ...reader, fetch: { ...reader.fetch, committedOnly: true } } : reader,
    transactionalId: values.exactlyOnce ? transactionalId(context.name, produces) : undefined,
    sender: {
      compression: producer.compression,
      mostBytes: numberOf(produces, 'max.request.size', DEFAULT_REQUEST_BYTES),
      avro: values.parseAsFlumeEvent,
      plan: (batch, index) => {
        const text = partitionIdHeader === undefined ? undefined : batch.header(index, partitionIdHeader);
        const partition = text === undefined ? defaultPartitionId : parseJavaInteger(text);
        if (text !== undefined && (partition === undefined || partition < 0)) {
          return { rejected: `its header ${partitionIdHeader} is ${JSON.stringify(text.slice(0, 100))}, which is not the number of a partition` };
        }
        const key = batch.header(index, 'key');
        return { topic, partition, key: key === undefined ? undefined : Buffer.from(key) };
      },
    },
  });
}

/** The old name counts where the new one says what it says by default. */
function offsetReset(values: Options): string {
  const reset = values['kafka.consumer.auto.offset.reset'];
  const isDefault = !values['kafka.consumer.*'].has('auto.offset.reset') && reset === 'earliest';
  return isDefault && values.readSmallestOffset === false ? 'latest' : reset;
}
