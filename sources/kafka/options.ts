import { regexFault } from '../../core/option-groups.ts';
import { boolean, ignored, integer, list, optional, prefix, string } from '../../core/options.ts';

export const kafkaSourceOptions = {
  'kafka.bootstrap.servers': optional(string({ doc: 'Brokers to begin with: host:port, separated by commas.' })),
  'kafka.topics': optional(
    list({ separator: /[ \t]*,[ \t]*/, aliases: ['topic'], doc: 'Topics to read, separated by commas.' }),
  ),
  'kafka.topics.regex': optional(
    string({ check: regexFault, doc: 'Regular expression for names of topics to read; stronger than kafka.topics.' }),
  ),
  'kafka.consumer.group.id': string({ default: 'flume', aliases: ['groupId'], doc: 'Consumer group to read as.' }),
  batchSize: integer({ default: 1000, min: 1, outside: 'refuse', doc: 'Most events put into the channels at a time.' }),
  batchDurationMillis: integer({
    default: 1000,
    min: 0,
    outside: 'refuse',
    doc: 'Longest time in milliseconds that a batch is collected for.',
  }),
  useFlumeEventFormat: boolean({ default: false, doc: 'Take values for events in the Avro encoding of Flume, with headers.' }),
  setTopicHeader: boolean({ default: true, doc: 'Put the name of the topic into a header.' }),
  topicHeader: string({ default: 'topic', doc: 'Name of the header for the topic.' }),
  'header.*': prefix({ doc: 'Copies a header of the Kafka record: header.<header of the event> = <header of the record>.' }),
  'kafka.consumer.*': prefix({ doc: 'Settings of the Kafka consumer, such as kafka.consumer.auto.offset.reset or security.protocol.' }),
  timestampHeader: ignored({ doc: 'is not read: the time of the record goes into the header timestamp' }),
  zookeeperConnect: optional(string({ doc: 'ZooKeeper servers to look brokers and old offsets up in; deprecated.' })),
  migrateZookeeperOffsets: boolean({
    default: true,
    doc: 'With zookeeperConnect: begin at the offsets that the group has in ZooKeeper if it has none in Kafka.',
  }),
} as const;
