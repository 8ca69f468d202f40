/**
 * The short names that Flume 1.11 knows for `type`, with their classes (part 1 §1.6). They decide what its validation makes of a type;
 * whether a class can be loaded is said by our definitions.
 */

export type FlumeKind = 'source' | 'channel' | 'sink' | 'selector' | 'sink processor' | 'interceptor' | 'config filter';

const TYPES: Readonly<Record<FlumeKind, Readonly<Record<string, string>>>> = {
  source: {
    seq: 'source.SequenceGeneratorSource',
    netcat: 'source.NetcatSource',
    netcatudp: 'source.NetcatUdpSource',
    exec: 'source.ExecSource',
    avro: 'source.AvroSource',
    thrift: 'source.ThriftSource',
    syslogtcp: 'source.SyslogTcpSource',
    multiport_syslogtcp: 'source.MultiportSyslogTCPSource',
    syslogudp: 'source.SyslogUDPSource',
    spooldir: 'source.SpoolDirectorySource',
    http: 'source.http.HTTPSource',
    jms: 'source.jms.JMSSource',
    taildir: 'source.taildir.TaildirSource',
  },
  channel: {
    memory: 'channel.MemoryChannel',
    file: 'channel.file.FileChannel',
    jdbc: 'channel.jdbc.JdbcChannel',
    spillablememory: 'channel.SpillableMemoryChannel',
  },
  sink: {
    null: 'sink.NullSink',
    logger: 'sink.LoggerSink',
    file_roll: 'sink.RollingFileSink',
    hdfs: 'sink.hdfs.HDFSEventSink',
    irc: 'sink.irc.IRCSink',
    avro: 'sink.AvroSink',
    thrift: 'sink.ThriftSink',
    elasticsearch: 'sink.elasticsearch.ElasticSearchSink',
    hbase: 'sink.hbase.HBaseSink',
    asynchbase: 'sink.hbase.AsyncHBaseSink',
    hbase2: 'sink.hbase2.HBase2Sink',
    morphline_solr: 'sink.solr.morphline.MorphlineSolrSink',
    hive: 'sink.hive.HiveSink',
    http: 'sink.http.HttpSink',
  },
  selector: {
    replicating: 'channel.ReplicatingChannelSelector',
    multiplexing: 'channel.MultiplexingChannelSelector',
    load_balancing: 'channel.LoadBalancingChannelSelector',
  },
  'sink processor': {
    default: 'sink.DefaultSinkProcessor',
    failover: 'sink.FailoverSinkProcessor',
    load_balance: 'sink.LoadBalancingSinkProcessor',
  },
  interceptor: {
    timestamp: 'interceptor.TimestampInterceptor$Builder',
    host: 'interceptor.HostInterceptor$Builder',
    static: 'interceptor.StaticInterceptor$Builder',
    regex_filter: 'interceptor.RegexFilteringInterceptor$Builder',
    regex_extractor: 'interceptor.RegexExtractorInterceptor$Builder',
    remove_header: 'interceptor.RemoveHeaderInterceptor$Builder',
    search_replace: 'interceptor.SearchAndReplaceInterceptor$Builder',
  },
  'config filter': {
    env: 'configfilter.EnvironmentVariableConfigFilter',
    external: 'configfilter.ExternalProcessConfigFilter',
    hadoop: 'configfilter.HadoopCredentialStoreConfigFilter',
  },
};

/** The short name that Flume's validation takes a type for: the name itself or its class, both in any case. */
export function flumeAlias(kind: FlumeKind, type: string): string | undefined {
  const lower = type.toLowerCase();
  const types = TYPES[kind];
  if (Object.hasOwn(types, lower)) return lower;
  return Object.keys(types).find((alias) => `org.apache.flume.${types[alias] ?? ''}`.toLowerCase() === lower);
}

/** Whether Flume has the type under this spelling: a short name in any case, or a class name, which it looks for as it stands. */
export function isFlumeSpelling(kind: FlumeKind, type: string): boolean {
  return type.includes('.') || Object.hasOwn(TYPES[kind], type.toLowerCase());
}
