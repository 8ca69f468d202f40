import { define, type Finding } from '../../core/define.ts';
import { propertyFaults } from '../../protocols/kafka/properties.ts';
import { kafkaSinkOptions } from './options.ts';

export const kafkaSink = define('sink', {
  types: ['org.apache.flume.sink.kafka.KafkaSink'],
  summary: 'Writes events to topics of Apache Kafka.',
  options: kafkaSinkOptions,
  batchSizeOption: 'flumeBatchSize',
  check: (values): readonly Finding[] => {
    const properties = values['kafka.producer.*'];
    const findings = propertyFaults(properties, 'producer').map(
      ({ name, refuse, sentence }): Finding => ({ option: `kafka.producer.${name}`, effect: refuse ? 'refuse' : 'warn', sentence }),
    );
    const acks = values['kafka.producer.acks'];
    if (properties.get('enable.idempotence')?.toLowerCase() === 'true' && (acks === '0' || acks === '1')) {
      findings.push({ option: 'kafka.producer.enable.idempotence', effect: 'refuse', sentence: `needs kafka.producer.acks = all, and it is ${acks}` });
    }
    if (values.exactlyOnce) {
      const more = acks === '0' ? ([['kafka.producer.acks', 'is 0, and exactlyOnce needs all']] as const) : [];
      const off = properties.get('enable.idempotence')?.toLowerCase() === 'false' ? ([['kafka.producer.enable.idempotence', 'is false, and exactlyOnce needs it']] as const) : [];
      for (const [option, sentence] of [...more, ...off]) findings.push({ option, effect: 'refuse', sentence });
    }
    return findings;
  },
  create: async (context, values) => (await import('./create.ts')).createKafkaSink(context, values),
});
