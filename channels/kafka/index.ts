import { define, type Finding } from '../../core/define.ts';
import { propertyFaults } from '../../protocols/kafka/properties.ts';
import { kafkaChannelOptions } from './options.ts';

export const kafkaChannel = define('channel', {
  types: ['org.apache.flume.channel.kafka.KafkaChannel'],
  summary: 'Keeps events in a topic of Apache Kafka.',
  options: kafkaChannelOptions,
  check: (values): readonly Finding[] => {
    const findings: Finding[] = [];
    if (values.zookeeperConnect !== undefined && values.migrateZookeeperOffsets) {
      const sentence = 'cannot be done: offsets in ZooKeeper are not read; set it to false, and commit where to begin with kafka-consumer-groups.sh --reset-offsets';
      findings.push({ option: 'migrateZookeeperOffsets', effect: 'refuse', sentence });
    }
    for (const kind of ['producer', 'consumer'] as const) {
      for (const { name, refuse, sentence } of propertyFaults(values[`kafka.${kind}.*`], kind)) {
        findings.push({ option: `kafka.${kind}.${name}`, effect: refuse ? 'refuse' : 'warn', sentence });
      }
    }
    return findings;
  },
  create: async (context, values) => (await import('./create.ts')).createKafkaChannel(context, values),
});
