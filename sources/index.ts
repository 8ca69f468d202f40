import { Registry } from '../core/registry.ts';

/** Every source type, under the names of its definition. */
export const sources = new Registry('source', [
  { types: ['netcat', 'org.apache.flume.source.NetcatSource'], read: async () => (await import('./netcat.ts')).netcatSource },
  { types: ['netcatudp', 'org.apache.flume.source.NetcatUdpSource'], read: async () => (await import('./netcatudp.ts')).netcatUdpSource },
  { types: ['exec', 'org.apache.flume.source.ExecSource'], read: async () => (await import('./exec.ts')).execSource },
  { types: ['seq', 'org.apache.flume.source.SequenceGeneratorSource'], read: async () => (await import('./seq.ts')).sequenceSource },
  { types: ['org.apache.flume.source.StressSource'], read: async () => (await import('./stress.ts')).stressSource },
  { types: ['avro', 'org.apache.flume.source.AvroSource'], read: async () => (await import('./avro/index.ts')).avroSource },
  { types: ['thrift', 'org.apache.flume.source.ThriftSource'], read: async () => (await import('./thrift.ts')).thriftSource },
  { types: ['syslogtcp', 'org.apache.flume.source.SyslogTcpSource'], read: async () => (await import('./syslogtcp.ts')).syslogTcpSource },
  { types: ['syslogudp', 'org.apache.flume.source.SyslogUDPSource'], read: async () => (await import('./syslogudp.ts')).syslogUdpSource },
  { types: ['multiport_syslogtcp', 'org.apache.flume.source.MultiportSyslogTCPSource'], read: async () => (await import('./multiport-syslogtcp.ts')).multiportSyslogTcpSource },
  { types: ['spooldir', 'org.apache.flume.source.SpoolDirectorySource'], read: async () => (await import('./spooldir/index.ts')).spooldirSource },
  { types: ['TAILDIR', 'org.apache.flume.source.taildir.TaildirSource'], read: async () => (await import('./taildir/index.ts')).taildirSource },
  { types: ['http', 'org.apache.flume.source.http.HTTPSource'], read: async () => (await import('./http/index.ts')).httpSource },
  { types: ['jms', 'org.apache.flume.source.jms.JMSSource'], read: async () => (await import('./jms.ts')).jmsSource },
  { types: ['org.apache.flume.source.kafka.KafkaSource'], read: async () => (await import('./kafka/index.ts')).kafkaSource },
  { types: ['org.apache.flume.source.twitter.TwitterSource'], read: async () => (await import('./twitter.ts')).twitterSource },
  { types: ['org.apache.flume.source.scribe.ScribeSource'], read: async () => (await import('./scribe.ts')).scribeSource },
  { types: ['org.apache.flume.source.avroLegacy.AvroLegacySource'], read: async () => (await import('./avro-legacy.ts')).avroLegacySource },
  { types: ['org.apache.flume.source.thriftLegacy.ThriftLegacySource'], read: async () => (await import('./thrift-legacy.ts')).thriftLegacySource },
]);
