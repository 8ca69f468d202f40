import { boolean, choice, ignored, integer, optional, prefix, string } from '../../core/options.ts';

export const kafkaSinkOptions = {
  'kafka.bootstrap.servers': string({ aliases: ['brokerList'], doc: 'Brokers to begin with: host:port, separated by commas.' }),
  'kafka.topic': string({
    default: 'default-flume-topic',
    aliases: ['topic'],
    doc: 'Topic to write to, with escapes such as %{header} unless allowTopicOverride is off.',
  }),
  flumeBatchSize: integer({
    default: 100,
    min: 1,
    outside: 'refuse',
    aliases: ['batchSize'],
    doc: 'Most events taken from the channel at a time.',
  }),
  'kafka.flumeBatchSize': ignored({ doc: 'is not read, whatever the Flume guide says: the key is flumeBatchSize', instead: 'flumeBatchSize' }),
  'kafka.batchSize': ignored({ doc: 'is not read: the key is flumeBatchSize', instead: 'flumeBatchSize' }),
  useFlumeEventFormat: boolean({ default: false, doc: 'Write events in the Avro encoding of Flume, with headers, instead of bare bodies.' }),
  allowTopicOverride: boolean({ default: true, doc: 'Let the header topicHeader of an event name its topic.' }),
  topicHeader: string({ default: 'topic', doc: 'Header that names the topic of an event.' }),
  partitionIdHeader: optional(string({ doc: 'Header that names the partition of an event; stronger than defaultPartitionId.' })),
  defaultPartitionId: optional(integer({ min: 0, outside: 'refuse', doc: 'Partition for all events.' })),
  timestampHeader: optional(string({ doc: 'Header that holds the time of the record, in milliseconds since 1970.' })),
  'header.*': prefix({ doc: 'Copies a header into the Kafka record: header.<header of the event> = <header of the record>.' }),
  'kafka.producer.acks': choice({
    values: ['all', '-1', '0', '1'],
    default: '1',
    otherwise: 'refuse',
    aliases: ['requiredAcks'],
    doc: 'Brokers that must have a record before it counts as written: all of its replicas, one, or none.',
  }),
  'kafka.producer.*': prefix({ doc: 'Settings of the Kafka producer, such as kafka.producer.compression.type or security.protocol.' }),
  exactlyOnce: boolean({
    default: false,
    doc: 'Write each batch, and the numbers of its events in a file channel, in one transaction of Kafka, so that readers with read_committed see every event once; ours. Implies acks = all.',
  }),
  'serializer.class': ignored({ doc: 'has no effect: kafka.producer.value.serializer is what Flume reads now' }),
  'key.serializer.class': ignored({ doc: 'has no effect: kafka.producer.key.serializer is what Flume reads now' }),
} as const;
