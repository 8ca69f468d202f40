/**
 * The component types of Flume 1.11 with what each needs at least and what each reads, as far as damaging a configuration needs it.
 * Facts only about names and kinds of values; what Flume does with them is for the oracle to say.
 */

/** Kind of value of a property; a list of words is a choice among them. */
export type ValueKind = 'int' | 'long' | 'bool' | 'text' | 'charset' | 'regex' | 'double' | readonly string[];

export interface TypeEntry {
  /** Every spelling accepted, the usual one first. */
  readonly types: readonly string[];
  /** Properties without which it does not load, and good values for them. */
  readonly required: Readonly<Record<string, string>>;
  readonly optional: Readonly<Record<string, ValueKind>>;
  /** Declares a batch size under this name. */
  readonly batch?: string;
}

const flume = 'org.apache.flume';
const poll = { backoffSleepIncrement: 'long', maxBackoffSleep: 'long' } as const;
const tls = {
  ssl: 'bool',
  keystore: 'text',
  'keystore-password': 'text',
  'keystore-type': ['JKS', 'PKCS12'],
  'exclude-protocols': 'text',
} as const;
const header = { fileHeader: 'bool', fileHeaderKey: 'text' } as const;
const client = {
  'request-timeout': 'long',
  'connect-timeout': 'long',
  'reset-connection-interval': 'int',
  ssl: 'bool',
  truststore: 'text',
  'truststore-password': 'text',
  'truststore-type': 'text',
  maxConnections: 'int',
} as const;
const address = { bind: '127.0.0.1', port: '41414' } as const;

export const sourceTypes: readonly TypeEntry[] = [
  { types: ['seq', `${flume}.source.SequenceGeneratorSource`], required: {}, optional: { batchSize: 'int', totalEvents: 'long', ...poll }, batch: 'batchSize' },
  {
    types: ['netcat', `${flume}.source.NetcatSource`],
    required: address,
    optional: { 'max-line-length': 'int', 'ack-every-event': 'bool', encoding: 'charset' },
  },
  { types: ['netcatudp', `${flume}.source.NetcatUdpSource`], required: { port: '41414' }, optional: { bind: 'text', remoteAddress: 'text' } },
  {
    types: ['exec', `${flume}.source.ExecSource`],
    required: { command: 'tail -F /tmp/x.log' },
    optional: { shell: 'text', restart: 'bool', restartThrottle: 'long', logStdErr: 'bool', batchSize: 'int', batchTimeout: 'long', charset: 'charset' },
    batch: 'batchSize',
  },
  {
    types: ['spooldir', `${flume}.source.SpoolDirectorySource`],
    required: { spoolDir: '/tmp/spool' },
    optional: {
      fileSuffix: 'text', deletePolicy: ['never', 'immediate', 'delay'], trackingPolicy: ['rename', 'tracker_dir'], trackerDir: 'text', ...header,
      basenameHeader: 'bool', basenameHeaderKey: 'text', includePattern: 'regex', ignorePattern: 'regex', consumeOrder: ['oldest', 'youngest', 'random'],
      pollDelay: 'int', recursiveDirectorySearch: 'bool', batchSize: 'int', maxBackoff: 'int', inputCharset: 'charset',
      decodeErrorPolicy: ['FAIL', 'REPLACE', 'IGNORE'], deserializer: ['LINE', 'AVRO', `${flume}.serialization.LineDeserializer$Builder`, 'BLOB'],
      bufferMaxLineLength: 'int', bufferMaxLines: 'int', 'deserializer.maxLineLength': 'int',
    },
    batch: 'batchSize',
  },
  {
    types: ['TAILDIR', 'taildir', `${flume}.source.taildir.TaildirSource`],
    required: { filegroups: 'f1', 'filegroups.f1': '/tmp/.*log', positionFile: '/tmp/millrace-oracle/position.json' },
    optional: {
      ...header, ...poll, 'headers.f1.k': 'text', 'headers.f1': 'text', batchSize: 'int', maxBatchCount: 'long', skipToEnd: 'bool', idleTimeout: 'int',
      writePosInterval: 'int', byteOffsetHeader: 'bool', cachePatternMatching: 'bool', 'filegroups.f2': 'text',
    },
    batch: 'batchSize',
  },
  {
    types: [`${flume}.source.kafka.KafkaSource`],
    required: { 'kafka.bootstrap.servers': '127.0.0.1:9092', 'kafka.topics': 't1', batchSize: '100' },
    optional: {
      ...poll, 'kafka.topics.regex': 'regex', topic: 'text', 'kafka.consumer.group.id': 'text', groupId: 'text', batchSize: 'int', batchDurationMillis: 'int',
      useFlumeEventFormat: 'bool', setTopicHeader: 'bool', topicHeader: 'text', 'kafka.consumer.auto.offset.reset': 'text',
      'kafka.consumer.max.poll.records': 'int', 'kafka.consumer.security.protocol': ['PLAINTEXT', 'SSL', 'SASL_SSL'], migrateZookeeperOffsets: 'bool',
    },
    batch: 'batchSize',
  },
  {
    types: ['avro', `${flume}.source.AvroSource`],
    required: address,
    optional: { ...tls, threads: 'int', 'compression-type': ['none', 'deflate', 'gzip'], ipFilter: 'bool', ipFilterRules: 'text' },
  },
  {
    types: ['thrift', `${flume}.source.ThriftSource`],
    required: address,
    optional: { ...tls, threads: 'int', protocol: ['compact', 'binary', 'json'], kerberos: 'bool', 'agent-principal': 'text', 'agent-keytab': 'text' },
  },
  {
    types: ['syslogtcp', `${flume}.source.SyslogTcpSource`],
    required: { port: '5140' },
    optional: { ...tls, host: 'text', eventSize: 'int', keepFields: 'text', clientIPHeader: 'text', clientHostnameHeader: 'text', 'format.regex': 'regex' },
  },
  {
    types: ['syslogudp', `${flume}.source.SyslogUDPSource`],
    required: { port: '5140' },
    optional: { host: 'text', eventSize: 'int', keepFields: 'text', clientIPHeader: 'text', 'format.dateFormat': 'text' },
  },
  {
    types: ['multiport_syslogtcp', `${flume}.source.MultiportSyslogTCPSource`],
    required: { ports: '5140 5141' },
    optional: {
      ...tls, ports: 'text', host: 'text', eventSize: 'int', batchSize: 'int', readBufferBytes: 'int', numProcessors: 'int', 'charset.default': 'charset',
      'charset.port.5140': 'charset', portHeader: 'text', clientIPHeader: 'text', clientHostnameHeader: 'text', keepFields: 'text',
    },
    batch: 'batchSize',
  },
  {
    types: ['http', `${flume}.source.http.HTTPSource`],
    required: { port: '8080' },
    optional: {
      ...tls, bind: 'text', handler: [`${flume}.source.http.JSONHandler`, `${flume}.source.http.BLOBHandler`, `${flume}.sink.solr.morphline.BlobHandler`, 'JSONHandler'],
      'handler.mandatoryParameters': 'text', 'handler.maxBlobLength': 'int', 'QueuedThreadPool.maxThreads': 'int', 'HttpConfiguration.sendServerVersion': 'bool',
      'ServerConnector.idleTimeout': 'int', enableSSL: 'bool', keystorePassword: 'text', excludeProtocols: 'text',
    },
  },
  {
    types: [`${flume}.source.StressSource`],
    required: {},
    optional: { ...poll, size: 'int', maxTotalEvents: 'long', maxSuccessfulEvents: 'long', batchSize: 'int', maxEventsPerSecond: 'int' },
    batch: 'batchSize',
  },
  {
    types: ['jms', `${flume}.source.jms.JMSSource`],
    required: { initialContextFactory: 'org.example.Factory', providerURL: 'java:/jms', destinationName: 'd', destinationType: 'QUEUE' },
    optional: { ...poll, connectionFactory: 'text', destinationType: ['queue', 'TOPIC', 'x'], destinationLocator: ['CDI', 'JNDI'], batchSize: 'int', errorThreshold: 'int', pollTimeout: 'long', 'converter.type': 'text' },
    batch: 'batchSize',
  },
  {
    types: [`${flume}.source.scribe.ScribeSource`],
    required: {},
    optional: { port: 'int', workerThreads: 'int', maxReadBufferBytes: 'int' },
  },
  { types: [`${flume}.source.avroLegacy.AvroLegacySource`], required: { host: '127.0.0.1', port: '41415' }, optional: { host: 'text' } },
  { types: [`${flume}.source.thriftLegacy.ThriftLegacySource`], required: { host: '127.0.0.1', port: '41416' }, optional: { host: 'text' } },
];

export const channelTypes: readonly TypeEntry[] = [
  {
    types: ['memory', `${flume}.channel.MemoryChannel`],
    required: {},
    optional: { capacity: 'int', transactionCapacity: 'int', 'keep-alive': 'int', byteCapacity: 'long', byteCapacityBufferPercentage: 'int' },
  },
  {
    types: ['file', `${flume}.channel.file.FileChannel`],
    required: {},
    optional: {
      checkpointDir: 'text', dataDirs: 'text', useDualCheckpoints: 'bool', backupCheckpointDir: 'text', compressBackupCheckpoint: 'bool', capacity: 'int',
      transactionCapacity: 'int', 'keep-alive': 'int', checkpointInterval: 'long', checkpointOnClose: 'bool', maxFileSize: 'long', minimumRequiredSpace: 'long',
      'use-log-replay-v1': 'bool', 'use-fast-replay': 'bool', fsyncPerTransaction: 'bool', fsyncInterval: 'int', 'encryption.keyProvider': 'text',
      'encryption.activeKey': 'text', 'encryption.cipherProvider': 'text',
    },
  },
  {
    types: ['SPILLABLEMEMORY', 'spillablememory', `${flume}.channel.SpillableMemoryChannel`],
    required: {},
    optional: {
      memoryCapacity: 'int', overflowCapacity: 'int', overflowTimeout: 'int', byteCapacity: 'long', byteCapacityBufferPercentage: 'int', avgEventSize: 'int',
      transactionCapacity: 'int', overflowDeactivationThreshold: 'int', checkpointDir: 'text', dataDirs: 'text', capacity: 'int', 'keep-alive': 'int',
    },
  },
  { types: [`${flume}.channel.PseudoTxnMemoryChannel`], required: {}, optional: { capacity: 'int', 'keep-alive': 'int' } },
  {
    types: [`${flume}.channel.kafka.KafkaChannel`],
    required: { 'kafka.bootstrap.servers': '127.0.0.1:9092' },
    optional: {
      'kafka.topic': 'text', 'kafka.consumer.group.id': 'text', parseAsFlumeEvent: 'bool', 'kafka.pollTimeout': 'long', defaultPartitionId: 'int',
      partitionIdHeader: 'text', migrateZookeeperOffsets: 'bool', brokerList: 'text', topic: 'text', readSmallestOffset: 'bool', 'kafka.producer.acks': 'text',
    },
  },
];

export const sinkTypes: readonly TypeEntry[] = [
  { types: ['null', `${flume}.sink.NullSink`], required: {}, optional: { batchSize: 'int', logEveryNEvents: 'int' }, batch: 'batchSize' },
  { types: ['logger', `${flume}.sink.LoggerSink`], required: {}, optional: { maxBytesToLog: 'int', batchSize: 'int' } },
  {
    types: ['file_roll', `${flume}.sink.RollingFileSink`],
    required: { 'sink.directory': '/tmp' },
    optional: {
      'sink.rollInterval': 'long', 'sink.batchSize': 'int', 'sink.serializer': ['TEXT', 'HEADER_AND_TEXT', 'AVRO_EVENT', `${flume}.serialization.BodyTextEventSerializer$Builder`, 'nosuch'],
      'sink.serializer.appendNewline': 'bool', 'sink.pathManager': ['DEFAULT', 'ROLLTIME', `${flume}.formatter.output.RollTimePathManager$Builder`, 'nosuch'],
      'sink.pathManager.prefix': 'text', 'sink.pathManager.extension': 'text',
    },
    batch: 'sink.batchSize',
  },
  {
    types: ['hdfs', `${flume}.sink.hdfs.HDFSEventSink`],
    required: { 'hdfs.path': 'hdfs://127.0.0.1:8020/flume/%Y' },
    optional: {
      'hdfs.filePrefix': 'text', 'hdfs.fileSuffix': 'text', 'hdfs.inUsePrefix': 'text', 'hdfs.inUseSuffix': 'text', 'hdfs.emptyInUseSuffix': 'bool', 'hdfs.rollInterval': 'long',
      'hdfs.rollSize': 'long', 'hdfs.rollCount': 'long', 'hdfs.idleTimeout': 'int', 'hdfs.batchSize': 'long',
      'hdfs.codeC': ['gzip', 'bzip2', 'snappy', 'lzo', 'lzop', 'none', 'DeflateCodec', 'org.apache.hadoop.io.compress.GzipCodec', 'x'],
      'hdfs.fileType': ['SequenceFile', 'DataStream', 'CompressedStream', 'Text'], 'hdfs.maxOpenFiles': 'int', 'hdfs.minBlockReplicas': 'int', 'hdfs.writeFormat': ['Writable', 'Text', 'text'],
      'hdfs.threadsPoolSize': 'int', 'hdfs.rollTimerPoolSize': 'int', 'hdfs.round': 'bool', 'hdfs.roundUnit': ['second', 'minute', 'hour', 'day'], 'hdfs.roundValue': 'int',
      'hdfs.timeZone': 'text', 'hdfs.useLocalTimeStamp': 'bool', 'hdfs.closeTries': 'int', 'hdfs.retryInterval': 'long', 'hdfs.callTimeout': 'long', 'hdfs.useRawLocalFileSystem': 'bool',
      serializer: ['TEXT', 'HEADER_AND_TEXT', 'AVRO_EVENT', 'nosuch'], 'hdfs.kerberosPrincipal': 'text', 'hdfs.kerberosKeytab': 'text', 'hdfs.proxyUser': 'text',
    },
    batch: 'hdfs.batchSize',
  },
  {
    types: ['avro', `${flume}.sink.AvroSink`],
    required: { hostname: '127.0.0.1', port: '41414' },
    optional: { ...client, 'batch-size': 'int', 'compression-type': ['none', 'deflate', 'x'], 'compression-level': 'int', 'trust-all-certs': 'bool', maxIoWorkers: 'int', port: 'int', hostname: 'text' },
    batch: 'batch-size',
  },
  {
    types: ['thrift', `${flume}.sink.ThriftSink`],
    required: { hostname: '127.0.0.1', port: '41414' },
    optional: { ...client, 'batch-size': 'int', protocol: ['compact', 'binary', 'json'], kerberos: 'bool', port: 'int', hostname: 'text' },
    batch: 'batch-size',
  },
  {
    types: [`${flume}.sink.kafka.KafkaSink`],
    required: { 'kafka.bootstrap.servers': '127.0.0.1:9092' },
    optional: {
      'kafka.topic': 'text', flumeBatchSize: 'int', useFlumeEventFormat: 'bool', allowTopicOverride: 'bool', topicHeader: 'text', partitionIdHeader: 'text',
      defaultPartitionId: 'int', timestampHeader: 'text', 'kafka.producer.acks': 'text', 'kafka.producer.linger.ms': 'int', brokerList: 'text', topic: 'text', batchSize: 'int',
      requiredAcks: 'int', 'kafka.producer.compression.type': 'text',
    },
    batch: 'flumeBatchSize',
  },
  {
    types: ['http', `${flume}.sink.http.HttpSink`],
    required: { endpoint: 'http://127.0.0.1:8080/x' },
    optional: {
      endpoint: 'text', connectTimeout: 'int', requestTimeout: 'int', contentTypeHeader: 'text', defaultBackoff: 'bool', defaultRollback: 'bool', defaultIncrementMetrics: 'bool',
      'backoff.200': 'bool', 'rollback.5XX': 'bool', 'incrementMetrics.4xx': 'bool', 'backoff.abc': 'bool',
    },
  },
  {
    types: ['hive', `${flume}.sink.hive.HiveSink`],
    required: { 'hive.metastore': 'thrift://127.0.0.1:9083', 'hive.database': 'd', 'hive.table': 't', serializer: 'DELIMITED', 'serializer.fieldnames': 'a,b', batchSize: '100' },
    optional: {
      'hive.partition': 'text', 'hive.txnsPerBatchAsk': 'int', batchSize: 'int', idleTimeout: 'int', callTimeout: 'int', heartBeatInterval: 'int', maxOpenConnections: 'int',
      autoCreatePartitions: 'bool', round: 'bool', roundUnit: ['second', 'minute', 'hour', 'day'], roundValue: 'int', timeZone: 'text', serializer: ['DELIMITED', 'JSON', 'x'],
      'serializer.delimiter': 'text', 'serializer.serdeSeparator': 'text',
    },
    batch: 'batchSize',
  },
  {
    types: ['hbase', `${flume}.sink.hbase.HBaseSink`],
    required: { table: 't', columnFamily: 'f' },
    optional: {
      batchSize: 'long', zookeeperQuorum: 'text', znodeParent: 'text', serializer: [`${flume}.sink.hbase.SimpleHbaseEventSerializer`, `${flume}.sink.hbase.RegexHbaseEventSerializer`, 'nosuch'],
      coalesceIncrements: 'bool', enableWal: 'bool', kerberosPrincipal: 'text',
    },
    batch: 'batchSize',
  },
  {
    types: ['asynchbase', `${flume}.sink.hbase.AsyncHBaseSink`],
    required: { table: 't', columnFamily: 'f', zookeeperQuorum: '127.0.0.1:2181' },
    optional: {
      batchSize: 'long', zookeeperQuorum: 'text', znodeParent: 'text', serializer: [`${flume}.sink.hbase.SimpleAsyncHbaseEventSerializer`, 'nosuch'], timeout: 'long', coalesceIncrements: 'bool',
      maxConsecutiveFails: 'int',
    },
    batch: 'batchSize',
  },
  {
    types: ['irc', `${flume}.sink.irc.IRCSink`],
    required: { hostname: '127.0.0.1', nick: 'n', chan: 'c' },
    optional: { port: 'int', user: 'text', password: 'text', name: 'text', splitlines: 'bool', splitchars: 'regex' },
  },
  {
    types: ['morphline_solr', `${flume}.sink.solr.morphline.MorphlineSolrSink`],
    required: { morphlineFile: '/tmp/m.conf', batchSize: '100' },
    optional: { morphlineId: 'text', batchSize: 'int', batchDurationMillis: 'long', handlerClass: 'text', isProductionMode: 'bool' },
    batch: 'batchSize',
  },
];

export const interceptorTypes: readonly TypeEntry[] = [
  { types: ['timestamp', `${flume}.interceptor.TimestampInterceptor$Builder`], required: {}, optional: { headerName: 'text', preserveExisting: 'bool' } },
  { types: ['host', `${flume}.interceptor.HostInterceptor$Builder`], required: {}, optional: { hostHeader: 'text', useIP: 'bool', preserveExisting: 'bool' } },
  { types: ['static', `${flume}.interceptor.StaticInterceptor$Builder`], required: {}, optional: { key: 'text', value: 'text', preserveExisting: 'bool' } },
  {
    types: ['remove_header', `${flume}.interceptor.RemoveHeaderInterceptor$Builder`],
    required: {},
    optional: { withName: 'text', fromList: 'text', fromListSeparator: 'regex', matching: 'regex' },
  },
  {
    types: ['search_replace', `${flume}.interceptor.SearchAndReplaceInterceptor$Builder`],
    required: { searchPattern: 'a' },
    optional: { searchPattern: 'regex', replaceString: 'text', charset: 'charset' },
  },
  { types: ['regex_filter', `${flume}.interceptor.RegexFilteringInterceptor$Builder`], required: {}, optional: { regex: 'regex', excludeEvents: 'bool' } },
  {
    types: ['regex_extractor', `${flume}.interceptor.RegexExtractorInterceptor$Builder`],
    required: { regex: '(a)', serializers: 's1', 'serializers.s1.name': 'h' },
    optional: {
      regex: 'regex', serializers: 'text', 'serializers.s1.name': 'text',
      'serializers.s1.type': ['DEFAULT', 'default', `${flume}.interceptor.RegexExtractorInterceptorMillisSerializer`, `${flume}.interceptor.RegexExtractorInterceptorPassThroughSerializer`],
      'serializers.s1.pattern': 'text',
    },
  },
  { types: [`${flume}.sink.solr.morphline.UUIDInterceptor$Builder`], required: {}, optional: { headerName: 'text', preserveExisting: 'bool', prefix: 'text' } },
];

/** Values worth trying for a kind: good ones, bad ones, and those between. */
export function valuesOf(kind: ValueKind): readonly string[] {
  if (typeof kind !== 'string') {
    return [...kind, ...kind.map((word) => word.toUpperCase()), ...kind.map((word) => word.toLowerCase()), 'nosuch', '', `${kind[0]} # comment`, `${kind[0]},`];
  }
  return pools[kind];
}

const numbers = ['0', '1', '-1', '2', '50', '100', '101', '1000', '100000', 'abc', '', '1.5', '1e3', '0x10', '1_000', '1L', '10 # ten', '+5', '-0', '08', '5s', '10,000', '${nope}', '7\\u0009', '\\uff11', '--1', '2147483647', '2147483648', '-2147483648', '-2147483649'];
const pools: Readonly<Record<Exclude<ValueKind, readonly string[]>, readonly string[]>> = {
  int: numbers,
  long: [...numbers, '9223372036854775807', '9223372036854775808', '-9223372036854775808'],
  double: ['0.1', '1', 'NaN', 'Infinity', 'x', '1f', ''],
  bool: ['true', 'TRUE', 'True', 'false', 'yes', '1', 'on', '', 'abc', 'true # why', ' true', 'true,'],
  text: ['x', '', 'a b', 'x#y', '/tmp/a', '%{h}', '\\\\d', '\\u65e5', '"quoted"', 'a:b', 'a=b', '${nope}', '0', ',', 'x # y', '127.0.0.1:2181', 'a,b;c'],
  charset: ['UTF-8', 'utf8', 'utf-8', 'UTF8', 'ISO-8859-1', 'latin1', 'US-ASCII', 'ascii', 'UTF-16', 'UTF-16LE', 'Shift_JIS', 'GBK', 'GB18030', 'Big5', 'windows-1252', 'cp1252', 'IBM437', 'EUC-JP', 'KOI8-R', 'nosuch', '', 'utf-8 # c', 'UTF 8', '\u00e9'],
  regex: ['.*', '[', '(a', 'a)', 'a{2', 'a{2}', '\\\\d+', '\\d+', '(?<n>x)', '(?<a_1>x)', '*', '+', 'a**', 'a++', '(?i)x', '(?x) a b', '\\\\p{Alpha}', '\\\\p{IsLatin}', '\\\\p{Nope}', '[[:alpha:]]', '[]a]', '[^]', '[a-z&&[^b]]', '\\\\Qa.b\\\\E', '\\\\y', '\\\\Z', '{', 'x{,3}', '(?>a)', '(?<=a+)b', '\\\\h', '', '^#.*', '[z-a]'],
};
