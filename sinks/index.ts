import { Registry } from '../core/registry.ts';

/** Every sink type, under the names of its definition. */
export const sinks = new Registry('sink', [
  { types: ['null', 'org.apache.flume.sink.NullSink'], read: async () => (await import('./null.ts')).nullSink },
  { types: ['logger', 'org.apache.flume.sink.LoggerSink'], read: async () => (await import('./logger.ts')).loggerSink },
  { types: ['file_roll', 'org.apache.flume.sink.RollingFileSink'], read: async () => (await import('./file-roll.ts')).fileRollSink },
  { types: ['hdfs', 'org.apache.flume.sink.hdfs.HDFSEventSink'], read: async () => (await import('./hdfs/index.ts')).hdfsSink },
  { types: ['s3'], read: async () => (await import('./s3/index.ts')).s3Sink },
  { types: ['irc', 'org.apache.flume.sink.irc.IRCSink'], read: async () => (await import('./irc.ts')).ircSink },
  { types: ['avro', 'org.apache.flume.sink.AvroSink'], read: async () => (await import('./avro/index.ts')).avroSink },
  { types: ['thrift', 'org.apache.flume.sink.ThriftSink'], read: async () => (await import('./thrift.ts')).thriftSink },
  { types: ['elasticsearch', 'org.apache.flume.sink.elasticsearch.ElasticSearchSink'], read: async () => (await import('./elasticsearch/index.ts')).elasticsearchSink },
  { types: ['hbase', 'org.apache.flume.sink.hbase.HBaseSink'], read: async () => (await import('./hbase.ts')).hbaseSink },
  { types: ['asynchbase', 'org.apache.flume.sink.hbase.AsyncHBaseSink'], read: async () => (await import('./asynchbase.ts')).asyncHbaseSink },
  { types: ['hbase2', 'org.apache.flume.sink.hbase2.HBase2Sink'], read: async () => (await import('./hbase2.ts')).hbase2Sink },
  { types: ['morphline_solr', 'org.apache.flume.sink.solr.morphline.MorphlineSolrSink'], read: async () => (await import('./morphline-solr.ts')).morphlineSolrSink },
  { types: ['hive', 'org.apache.flume.sink.hive.HiveSink'], read: async () => (await import('./hive.ts')).hiveSink },
  { types: ['http', 'org.apache.flume.sink.http.HttpSink'], read: async () => (await import('./http/index.ts')).httpSink },
  { types: ['org.apache.flume.sink.kafka.KafkaSink'], read: async () => (await import('./kafka/index.ts')).kafkaSink },
  { types: ['org.apache.flume.sink.kudu.KuduSink'], read: async () => (await import('./kudu.ts')).kuduSink },
  { types: ['org.apache.flume.sink.kite.DatasetSink'], read: async () => (await import('./kite-dataset.ts')).kiteDatasetSink },
]);
