import { boolean, choice, ignored, integer, optional, prefix, string } from '../../core/options.ts';

export const kafkaChannelOptions = {
  'kafka.bootstrap.servers': string({ aliases: ['brokerList'], doc: 'Brokers to begin with: host:port, separated by commas.' }),
  'kafka.topic': string({ default: 'flume-channel', aliases: ['topic'], doc: 'Topic that holds the events.' }),
  'kafka.consumer.group.id': string({ default: 'flume', aliases: ['groupId'], doc: 'Consumer group that the sinks of this channel read as.' }),
  'kafka.consumer.auto.offset.reset': choice({
    values: ['earliest', 'latest', 'none'],
    default: 'earliest',
    otherwise: 'refuse',
    doc: 'Where a group without offsets begins; stronger than readSmallestOffset.',
  }),
  readSmallestOffset: optional(boolean({ doc: 'Old name of kafka.consumer.auto.offset.reset: true means earliest, false means latest.' })),
  parseAsFlumeEvent: boolean({
    default: true,
    doc: 'Store events in the Avro encoding of Flume, with headers; false stores and reads bare bodies.',
  }),
  'kafka.pollTimeout': integer({ default: 500, long: true, doc: 'Milliseconds that a take waits for Kafka.' }),
  pollTimeout: ignored({ doc: 'is not read, whatever the Flume guide says: the key is kafka.pollTimeout', instead: 'kafka.pollTimeout' }),
  defaultPartitionId: optional(integer({ min: 0, outside: 'refuse', doc: 'Partition for all events.' })),
  partitionIdHeader: optional(string({ doc: 'Header that names the partition of an event; stronger than defaultPartitionId.' })),
  'kafka.producer.*': prefix({ doc: 'Settings of the Kafka producer, such as kafka.producer.compression.type.' }),
  'kafka.consumer.*': prefix({ doc: 'Settings of the Kafka consumer, such as kafka.consumer.max.poll.records.' }),
  exactlyOnce: boolean({
    default: false,
    doc: 'Store each batch, and the place it comes from, in one transaction of Kafka, and lend only what is committed; for an avro or Kafka source, and a Kafka sink with exactlyOnce; ours.',
  }),
  zookeeperConnect: optional(string({ doc: 'ZooKeeper servers to look old offsets up in; deprecated.' })),
  migrateZookeeperOffsets: boolean({
    default: true,
    doc: 'With zookeeperConnect: begin at the offsets that the group has in ZooKeeper if it has none in Kafka.',
  }),
  capacity: ignored({ doc: 'has no effect: the topic is the limit' }),
  transactionCapacity: ignored({ doc: 'has no effect: a transaction of this channel has no limit' }),
} as const;
