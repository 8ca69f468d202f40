import type { Source, SourceContext } from '../../core/component.ts';
import type { Values } from '../../core/define.ts';
import { compileJavaRegex } from '../../core/java-regex.ts';
import { chunkWasRead } from '../../io/read-memory.ts';
import { clientContext } from '../../io/tls/contexts.ts';
import { clientOptions } from '../../protocols/kafka/properties.ts';
import { readerSettings } from '../../protocols/kafka/reader-settings.ts';
import { KafkaSource } from './kafka-source.ts';
import type { kafkaSourceOptions } from './options.ts';

export async function createKafkaSource(context: SourceContext, values: Values<typeof kafkaSourceOptions>): Promise<Source> {
  const properties = values['kafka.consumer.*'];
  const servers = values['kafka.bootstrap.servers'] ?? '';
  const pattern = values['kafka.topics.regex'];
  const regex = pattern === undefined ? undefined : compileJavaRegex(pattern);
  const topics = regex ? (name: string) => regex.matches(name) : (values['kafka.topics'] ?? []);
  const client = await clientOptions(servers, properties, context.name, clientContext);
  return new KafkaSource(context, {
    batchSize: values.batchSize,
    batchMs: values.batchDurationMillis,
    avro: values.useFlumeEventFormat,
    topicHeader: values.setTopicHeader ? values.topicHeader : undefined,
    headers: values['header.*'],
    summary: `${pattern === undefined ? `topics ${values['kafka.topics']?.join(', ')}` : `topics like ${pattern}`} at ${servers}, group ${values['kafka.consumer.group.id']}`,
    reader: readerSettings(client, properties, { groupId: values['kafka.consumer.group.id'], topics, withHeaders: values['header.*'].size > 0, wereRead: chunkWasRead }),
  });
}
