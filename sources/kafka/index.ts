import { define, type Finding } from '../../core/define.ts';
import { propertyFaults } from '../../protocols/kafka/properties.ts';
import { kafkaSourceOptions } from './options.ts';

export const kafkaSource = define('source', {
  types: ['org.apache.flume.source.kafka.KafkaSource'],
  summary: 'Reads topics of Apache Kafka as a member of a consumer group.',
  options: kafkaSourceOptions,
  check: checkTopicsAndServers,
  batchSizeOption: 'batchSize',
  flume: { polled: true },
  create: async (context, values) => (await import('./create.ts')).createKafkaSource(context, values),
});

interface TopicsAndServers {
  readonly 'kafka.topics': readonly string[] | undefined;
  readonly 'kafka.topics.regex': string | undefined;
  readonly 'kafka.bootstrap.servers': string | undefined;
  readonly zookeeperConnect: string | undefined;
  readonly migrateZookeeperOffsets: boolean;
  readonly 'kafka.consumer.*': ReadonlyMap<string, string>;
}

/** Flume looks missing brokers up in ZooKeeper while it configures the source, which fails unless ZooKeeper answers. */
function checkTopicsAndServers(values: TopicsAndServers): readonly Finding[] {
  const findings: Finding[] = [];
  if (values['kafka.topics.regex'] === undefined && values['kafka.topics'] === undefined) {
    findings.push({ option: 'kafka.topics', effect: 'drop', sentence: 'is required, unless kafka.topics.regex is given' });
  }
  if (values['kafka.bootstrap.servers'] === undefined) {
    const sentence =
      values.zookeeperConnect === undefined ? 'is required' : 'is required: brokers are not looked up by zookeeperConnect';
    findings.push({ option: 'kafka.bootstrap.servers', effect: 'drop', sentence });
  }
  if (values.zookeeperConnect !== undefined && values.migrateZookeeperOffsets) {
    const sentence = 'cannot be done: offsets in ZooKeeper are not read; set it to false, and commit where to begin with kafka-consumer-groups.sh --reset-offsets';
    findings.push({ option: 'migrateZookeeperOffsets', effect: 'refuse', sentence });
  }
  for (const { name, refuse, sentence } of propertyFaults(values['kafka.consumer.*'], 'consumer')) {
    findings.push({ option: `kafka.consumer.${name}`, effect: refuse ? 'refuse' : 'warn', sentence });
  }
  return findings;
}
