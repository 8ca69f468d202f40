/**
 * What is asked of real Flume about the option tables: for each type a smallest set of properties that loads, and values, one at a time
 * or several together, that may make Flume drop the component.
 */

export type Properties = Readonly<Record<string, string>>;

const flume = 'org.apache.flume';

/** Properties without which the type does not load (part of a probe unless it says otherwise), by the type's first name. */
export const base: Readonly<Record<string, Properties>> = {
  'source netcat': { bind: '127.0.0.1', port: '41414' },
  'source netcatudp': { port: '41414' },
  'source exec': { command: 'true' },
  'source avro': { bind: '127.0.0.1', port: '41414' },
  'source thrift': { bind: '127.0.0.1', port: '41414' },
  'source syslogtcp': { host: '127.0.0.1', port: '41414' },
  'source syslogudp': { port: '41414' },
  'source multiport_syslogtcp': { ports: '41414 41415' },
  'source spooldir': { spoolDir: '/tmp' },
  'source TAILDIR': { filegroups: 'f1', 'filegroups.f1': '/tmp/x.*', positionFile: '/tmp/millrace-position.json' },
  'source http': { port: '41414' },
  'source jms': { initialContextFactory: 'no.such.Factory', providerURL: 'broker', destinationName: 'd', destinationType: 'QUEUE' },
  [`source ${flume}.source.kafka.KafkaSource`]: { 'kafka.bootstrap.servers': '127.0.0.1:9', 'kafka.topics': 't1' },
  [`source ${flume}.source.twitter.TwitterSource`]: { consumerKey: 'a', consumerSecret: 'b', accessToken: '1-c', accessTokenSecret: 'd' },
  [`source ${flume}.source.avroLegacy.AvroLegacySource`]: { host: '127.0.0.1', port: '41414' },
  [`source ${flume}.source.thriftLegacy.ThriftLegacySource`]: { host: '127.0.0.1', port: '41414' },
  [`channel ${flume}.channel.kafka.KafkaChannel`]: { 'kafka.bootstrap.servers': '127.0.0.1:9' },
  'sink file_roll': { 'sink.directory': '/tmp' },
  'sink hdfs': { 'hdfs.path': '/tmp/x' },
  'sink irc': { hostname: '127.0.0.1', nick: 'n', chan: 'c' },
  'sink avro': { hostname: '127.0.0.1', port: '41414' },
  'sink thrift': { hostname: '127.0.0.1', port: '41414' },
  'sink hbase': { table: 't', columnFamily: 'f', zookeeperQuorum: 'z1:2181' },
  'sink asynchbase': { table: 't', columnFamily: 'f', zookeeperQuorum: 'z1:2181' },
  'sink morphline_solr': { morphlineFile: '/tmp/x' },
  'sink hive': {
    'hive.metastore': 'thrift://127.0.0.1:9',
    'hive.database': 'd',
    'hive.table': 't',
    serializer: 'DELIMITED',
    'serializer.fieldnames': 'a,b',
  },
  'sink http': { endpoint: 'http://127.0.0.1/' },
  [`sink ${flume}.sink.kafka.KafkaSink`]: { 'kafka.bootstrap.servers': '127.0.0.1:9' },
  'interceptor static': {},
  'interceptor regex_extractor': { regex: '(x)', serializers: 's1', 'serializers.s1.name': 'n' },
  'interceptor search_replace': { searchPattern: 'x', replaceString: 'y' },
};

/** Values for options of each shape; `undefined` leaves the option out. */
export const values: Readonly<Record<string, readonly (string | undefined)[]>> = {
  'whole number': [undefined, 'abc', '-1', '0', '1', '+7', '65536', '2147483647', '2147483648', '9223372036854775808', '1.5', '0x10', '5 5', '1e3', '٣'],
  number: [undefined, 'abc', '-1', '0', '1.5', '1e3', 'NaN', '1f'],
  'true or false': [undefined, 'TRUE', 'yes', '1', 'false'],
  text: [undefined, 'abc', '-1', 'a:b', 'a b', ',', '(', '%', 'é', 'UTF-8', '/'],
  'one of': [undefined, 'abc', '-1', 'none'],
  list: [undefined, 'a', 'a,b', 'a b', ',', '5', '(', '/'],
  nested: [undefined, 'abc', 'text', 'TEXT', 'no.such.Builder'],
  ignored: ['abc', '-1'],
};

const tlsCases: readonly Properties[] = [
  { ssl: 'true' },
  { ssl: 'true', keystore: '/nowhere' },
  { ssl: 'true', 'keystore-password': 'x' },
  { ssl: 'true', keystore: '/nowhere', 'keystore-password': 'x' },
  { ssl: 'true', keystore: '/etc/hostname', 'keystore-password': 'x', 'keystore-type': 'abc' },
  { ssl: 'no', 'keystore-type': 'abc' },
];
const encryption = { 'encryption.activeKey': 'k', 'encryption.cipherProvider': 'AESCTRNOPADDING', 'encryption.keyProvider': 'jceksfile' };
const keyStore = 'encryption.keyProvider.keyStore';
const fileCases: readonly Properties[] = [
  { useDualCheckpoints: 'true' },
  { useDualCheckpoints: 'true', checkpointDir: '/tmp/a', backupCheckpointDir: '/tmp/a' },
  { useDualCheckpoints: 'true', checkpointDir: '/tmp/a', backupCheckpointDir: '/tmp/b' },
  { 'encryption.activeKey': 'k' },
  { 'encryption.cipherProvider': 'AESCTRNOPADDING' },
  { 'encryption.keyProvider': 'JCEKSFILE' },
  { 'encryption.keyProvider': 'JCEKSFILE', 'encryption.activeKey': 'k' },
  encryption,
  { ...encryption, [`${keyStore}File`]: '/nowhere' },
  { ...encryption, [`${keyStore}File`]: '/nowhere', [`${keyStore}PasswordFile`]: '/nowhere', 'encryption.keyProvider.keys': 'k' },
  { ...encryption, 'encryption.keyProvider': 'java.lang.String' },
];
const round = (prefix: string): readonly Properties[] =>
  ['second', 'MINUTE', 'hour', 'day'].flatMap((unit) =>
    ['0', '1', '24', '25', '60', '61', 'abc', '-1'].map((value) => ({
      [`${prefix}round`]: 'true',
      [`${prefix}roundUnit`]: unit,
      [`${prefix}roundValue`]: value,
    })),
  );
const codecs = ['none', 'gzip', 'GzipCodec', `org.apache.hadoop.io.compress.GzipCodec`, 'lzo', 'lzop', 'bzip2', 'BZIP2codec', 'default', 'deflate'];
const moreCodecs = ['snappy', 'lz4', 'zstandard', 'zstd', 'noneCodec', 'codec', 'passthrough', 'org.apache.hadoop.io.compress.gzipcodec'];
const regexSerializer = { serializer: `${flume}.sink.hbase.RegexHbaseEventSerializer` };
const durable = { createDurableSubscription: 'true' };

/** Properties that matter together; put over `base`. */
export const together: Readonly<Record<string, readonly Properties[]>> = {
  'source avro': [
    ...tlsCases,
    { threads: 'abc' },
    { ipFilter: 'true' },
    ...['allow:ip:*', 'deny:name:localhost, allow:ip:*', 'homer:ip:1', 'allow:sleeps:1', 'allow', ',', 'allow:ip:1,,deny:ip:*', 'Allow:ip:1', 'allow:ip:'].map(
      (ipFilterRules) => ({ ipFilter: 'true', ipFilterRules }),
    ),
    { ipFilterRules: 'rubbish' },
  ],
  'source thrift': [
    ...tlsCases,
    { protocol: 'BINARY' },
    { kerberos: 'true' },
    { 'agent-principal': 'a@B' },
    { 'agent-keytab': '/nowhere' },
    { 'agent-principal': 'a@B', 'agent-keytab': '/nowhere' },
  ],
  'source syslogtcp': tlsCases,
  'source multiport_syslogtcp': [
    ...tlsCases,
    ...['1', '70000', '1,2', 'a 1', '1 1'].map((ports) => ({ ports })),
    { 'charset.port.5': 'UTF-8' },
    { 'charset.port.5': 'abc' },
    { 'charset.port.x': 'UTF-8' },
    { 'charset.default': 'latin1' },
  ],
  'source spooldir': [
    { consumeOrder: 'oLdESt' },
    { decodeErrorPolicy: 'replace' },
    { deserializer: 'no.such.Builder' },
    { 'deserializer.maxLineLength': '0' },
  ],
  'source TAILDIR': [
    { filegroups: 'f1 f2' },
    { filegroups: 'f2' },
    { filegroups: 'f1', 'filegroups.f1': 'nodirectory' },
    { filegroups: 'f1', 'filegroups.f1': '/nowhere/(' },
    { 'headers.f1': 'x' },
    { 'headers.f1.a.b': 'x' },
    { positionFile: 'bare' },
    { positionFile: './bare' },
  ],
  'source http': [
    ...tlsCases,
    { enableSSL: 'true' },
    { enableSSL: 'true', keystore: '/nowhere', keystorePassword: 'x' },
    { handler: `${flume}.source.http.BLOBHandler` },
    ...['abc', '0', '-1', '5'].map((size) => ({ handler: `${flume}.sink.solr.morphline.BlobHandler`, 'handler.maxBlobLength': size })),
    { handler: `${flume}.source.http.jsonhandler` },
  ],
  'source jms': [
    { destinationType: 'Topic' },
    { providerURL: 'ldap://h/x' },
    { connectionFactory: 'ldap://h/x' },
    { connectionFactory: 'java:comp/x' },
    { passwordFile: '/nowhere' },
    { passwordFile: '/etc/hostname' },
    { 'converter.type': 'default' },
    { 'converter.type': 'java.lang.String' },
    durable,
    { ...durable, destinationType: 'topic' },
    { ...durable, destinationType: 'topic', clientId: 'c' },
    { ...durable, destinationType: 'topic', clientId: 'c', durableSubscriptionName: 'd' },
    { ...durable, destinationType: 'queue', clientId: 'c', durableSubscriptionName: 'd' },
    { durableSubscriptionName: 'd' },
  ],
  [`source ${flume}.source.kafka.KafkaSource`]: [
    { 'kafka.topics': '', topic: 't' },
    { 'kafka.topics': '', 'kafka.topics.regex': '^t[0-9]$' },
    { 'kafka.topics.regex': '(' },
  ],
  'channel memory': [{ capacity: '50' }, { capacity: '50', transactionCapacity: '50' }, { capacity: 'abc', transactionCapacity: '101' }],
  'channel file': [...fileCases, { capacity: '50' }, { capacity: '50', transactionCapacity: '50' }, { capacity: '-1', transactionCapacity: '-1' }],
  'channel jdbc': [
    { 'driver.url': 'jdbc:derby:x' },
    { 'driver.url': 'jdbc:derby:x', 'db.type': 'derby' },
    { 'driver.url': 'jdbc:derby:x', 'driver.class': 'org.apache.derby.jdbc.EmbeddedDriver' },
    { 'driver.url': 'jdbc:derby:x', 'db.type': 'ORACLE', 'driver.class': 'org.apache.derby.jdbc.EmbeddedDriver' },
    { 'db.type': 'ORACLE' },
    { 'driver.url': 'jdbc:derby:x;create=true', 'db.type': 'derby', 'driver.class': 'org.apache.derby.jdbc.EmbeddedDriver' },
    { 'transaction.isolation': 'serializable' },
    { 'transaction.isolation': 'abc' },
    { 'maximum.connections': 'abc' },
    { 'maximum.capacity': 'abc' },
  ],
  'channel SPILLABLEMEMORY': [
    ...fileCases,
    { overflowCapacity: '5000' },
    { overflowCapacity: '0' },
    { overflowCapacity: '5000', transactionCapacity: '5000' },
    { capacity: '5' },
    { 'keep-alive': 'abc' },
  ],
  [`channel ${flume}.channel.kafka.KafkaChannel`]: [{ 'kafka.bootstrap.servers': '', brokerList: 'x:1' }],
  'sink hdfs': [
    ...round('hdfs.'),
    { 'hdfs.roundValue': 'abc' },
    { 'hdfs.roundValue': '99', 'hdfs.round': 'yes' },
    ...[...codecs, ...moreCodecs].flatMap((codec) =>
      ['SequenceFile', 'DataStream', 'compressedstream', 'abc'].map((fileType) => ({ 'hdfs.codeC': codec, 'hdfs.fileType': fileType })),
    ),
    { 'hdfs.fileType': 'CompressedStream' },
    { 'hdfs.fileType': 'DataStream' },
    { 'hdfs.kerberosPrincipal': 'a@B' },
    { 'hdfs.kerberosKeytab': '/nowhere' },
    { 'hdfs.kerberosPrincipal': 'a@B', 'hdfs.kerberosKeytab': '/nowhere' },
    { 'hdfs.minBlockReplicas': 'abc' },
  ],
  'sink hbase': [
    ...['z1', 'z1:1,z2:1', 'z1:1, z2:1', 'z1:1,z2:2', 'z1:a'].map((zookeeperQuorum) => ({ zookeeperQuorum })),
    { ...regexSerializer },
    { ...regexSerializer, 'serializer.rowKeyIndex': 'abc' },
    { ...regexSerializer, 'serializer.rowKeyIndex': '0' },
    { ...regexSerializer, 'serializer.rowKeyIndex': '1' },
    { ...regexSerializer, 'serializer.rowKeyIndex': '-5' },
    { ...regexSerializer, 'serializer.rowKeyIndex': '1', 'serializer.colNames': 'a,row_key' },
    { ...regexSerializer, 'serializer.charset': 'abc' },
    { ...regexSerializer, 'serializer.regex': '(' },
    { 'serializer.rowKeyIndex': 'abc', 'serializer.charset': 'abc' },
  ],
  'sink asynchbase': [{ serializer: 'no.such.Serializer' }, { zookeeperQuorum: 'z1' }],
  'sink hive': [
    ...round(''),
    { roundValue: '61' },
    { serializer: 'json', 'serializer.fieldnames': '' },
    { serializer: 'delimited' },
    { 'serializer.fieldnames': '' },
    ...['ab', "a,'", ';', "';'"].map((separator) => ({ 'serializer.serdeSeparator': separator })),
  ],
  'sink http': ['http://h:abc/', 'h', 'ftp://h/', 'HTTPS://h', 'http:/h', 'file:/x', 'gopher://h', 'http://h:70000/'].map((endpoint) => ({ endpoint })),
  [`sink ${flume}.sink.kafka.KafkaSink`]: [
    { 'kafka.bootstrap.servers': '', brokerList: 'x:1' },
    { batchSize: 'abc' },
    { batchSize: 'abc', flumeBatchSize: '5' },
    { requiredAcks: 'abc' },
  ],
  'selector multiplexing': [
    { default: 'c1' },
    { default: 'c3' },
    { default: 'c1  c2' },
    { 'mapping.a': 'c1' },
    { 'mapping.a': 'c1 c2' },
    { 'mapping.a': 'c3' },
    { 'mapping.a': 'c1,c2' },
    { 'optional.a': 'c2' },
    { 'optional.a': 'c3' },
    { 'mapping.a': 'c1', 'optional.a': 'c1' },
  ],
  'selector replicating': [{ optional: 'c1' }, { optional: 'c3' }, { optional: 'c1 c2' }],
  'selector load_balancing': [{ policy: 'random' }, { policy: 'abc' }],
  'sink processor failover': [
    { 'priority.k1': '5', 'priority.k2': '10' },
    { 'priority.k1': '5' },
    { 'priority.k1': 'abc' },
    { 'priority.k1': '5', 'priority.k2': '5' },
    { 'priority.k3': '5' },
    { 'priority.k3': 'abc' },
    { 'priority.k1': '5', maxpenalty: 'abc' },
  ],
  'sink processor load_balance': [{ selector: 'RANDOM' }, { selector: 'abc' }, { backoff: 'true', 'selector.maxTimeOut': 'abc' }],
  'interceptor timestamp': [{ preserveExisting: 'yes', headerName: 'x' }],
  'interceptor regex_filter': [{ regex: '(' }, { excludeEvents: 'yes' }],
  'interceptor remove_header': [{ fromList: 'a', fromListSeparator: '(' }, { matching: '(' }, { withName: 'a' }],
  'interceptor search_replace': [{ searchPattern: '(' }, { replaceString: '$9' }, { charset: 'abc' }],
  'interceptor regex_extractor': [
    { regex: '(' },
    { serializers: 's1 s2' },
    { 'serializers.s1.name': '' },
    { 'serializers.s1.type': 'default' },
    { 'serializers.s1.type': 'abc' },
    { 'serializers.s1.type': `${flume}.interceptor.RegexExtractorInterceptorMillisSerializer` },
    { 'serializers.s1.type': `${flume}.interceptor.RegexExtractorInterceptorMillisSerializer`, 'serializers.s1.pattern': 'yyyy' },
    { 'serializers.s1.type': `${flume}.interceptor.RegexExtractorInterceptorMillisSerializer`, 'serializers.s1.pattern': 'YYYYbogusj' },
    { serializers: '' },
  ],
};
