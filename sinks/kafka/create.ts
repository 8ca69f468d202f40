import type { Context, Sink } from '../../core/component.ts';
import type { Values } from '../../core/define.ts';
import { compileEscapes } from '../../core/path-escapes.ts';
import { clientContext } from '../../io/tls/contexts.ts';
import type { Provenance } from '../../protocols/kafka/exactly-once-sender.ts';
import { clientOptions, numberOf, type KafkaProperties } from '../../protocols/kafka/properties.ts';
import { DEFAULT_REQUEST_BYTES, producerSettings, transactionalId } from '../../protocols/kafka/producer-settings.ts';
import { KafkaSink } from './kafka-sink.ts';
import type { kafkaSinkOptions } from './options.ts';
import { recordPlanner } from './record-plans.ts';

export async function createKafkaSink(context: Context, values: Values<typeof kafkaSinkOptions>): Promise<Sink> {
  const properties = values['kafka.producer.*'];
  const servers = values['kafka.bootstrap.servers'];
  const topic = values['kafka.topic'];
  const hosts = topic.includes('%[') ? { hosts: await (await import('../../core/local-host.ts')).hostNames() } : {};
  const settings = producerSettings(await clientOptions(servers, properties, context.name, clientContext), properties, values.exactlyOnce ? 'all' : values['kafka.producer.acks']);
  return new KafkaSink(context, {
    batchSize: values.flumeBatchSize,
    servers,
    topic,
    producer: settings,
    exactlyOnce: values.exactlyOnce ? idOf(context.name, properties) : undefined,
    sender: {
      compression: settings.compression,
      mostBytes: numberOf(properties, 'max.request.size', DEFAULT_REQUEST_BYTES),
      avro: values.useFlumeEventFormat,
      plan: recordPlanner({
        // Flume puts escapes in only where events may name their topics.
        topic: values.allowTopicOverride ? compileEscapes(topic, hosts) : topic,
        topicHeader: values.allowTopicOverride ? values.topicHeader : undefined,
        partition: values.defaultPartitionId,
        partitionHeader: values.partitionIdHeader,
        timestampHeader: values.timestampHeader,
        headers: values['header.*'],
        badTimestamp: (text) => context.log.warn(`a record gets the present time: "${text}" in the header ${values.timestampHeader} is no number of milliseconds`),
      }),
    },
  });
}

/** A store that numbers its events has one sink, on whatever host: a copy of it is noticed. */
function idOf(name: string, properties: KafkaProperties): (provenance: Provenance) => string {
  const own = transactionalId(name, properties);
  return ({ origin }) => (origin && !properties.has('transactional.id') ? `millrace-${origin.store}` : own);
}
