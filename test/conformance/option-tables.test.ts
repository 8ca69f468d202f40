/** Cases of the Flume reference that the option tables alone decide: what a component makes of its properties. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileChannel } from '../../channels/leveldb/index.ts';
import { kafkaChannel } from '../../channels/kafka/index.ts';
import { spillableMemoryChannel } from '../../channels/spillable-memory.ts';
import { avroSink } from '../../sinks/avro/index.ts';
import { elasticsearchSink } from '../../sinks/elasticsearch/index.ts';
import { hbase2Sink } from '../../sinks/hbase2.ts';
import { hdfsSink } from '../../sinks/hdfs/index.ts';
import { hiveSink } from '../../sinks/hive.ts';
import { httpSink } from '../../sinks/http/index.ts';
import { kafkaSink } from '../../sinks/kafka/index.ts';
import { avroSource } from '../../sources/avro/index.ts';
import { jmsSource } from '../../sources/jms.ts';
import { kafkaSource } from '../../sources/kafka/index.ts';
import { spooldirSource } from '../../sources/spooldir/index.ts';
import { taildirSource } from '../../sources/taildir/index.ts';
import { thriftSource } from '../../sources/thrift.ts';
import type { Definition, OptionTable, Values } from '../../core/define.ts';
import { readOptions } from '../../core/read-options.ts';

type Properties = Readonly<Record<string, string>>;
type Table<O extends OptionTable> = Pick<Definition<'source', O>, 'options' | 'check'>;

function faults<O extends OptionTable>(table: Table<O>, properties: Properties): readonly string[] {
  return readOptions(table, new Map(Object.entries(properties))).problems.map(({ effect, key }) => `${effect} ${key}`);
}

function valuesOf<O extends OptionTable>(table: Table<O>, properties: Properties): Values<O> {
  const { values, problems } = readOptions(table, new Map(Object.entries(properties)));
  assert.ok(values, problems.map(({ key, sentence }) => `${key} ${sentence}`).join('; '));
  return values;
}

const address = { bind: '127.0.0.1', port: '0' };

void test('AV-09 AV-10 AV-11 rules for addresses are taken', () => {
  for (const rules of ['allow:name:localhost,deny:ip:*', 'deny:ip:127.0.0.2,allow:ip:*', 'allow:ip:127*,deny:ip:*']) {
    assert.deepEqual(faults(avroSource, { ...address, ipFilter: 'true', ipFilterRules: rules }), []);
  }
});

void test('AV-12 rules missing or malformed', () => {
  assert.deepEqual(faults(avroSource, { ...address, ipFilter: 'true' }), ['drop ipFilterRules']);
  for (const rules of ['homer:ip:45.4.23.1', 'allow:sleeps:45.4.23.1']) {
    assert.deepEqual(faults(avroSource, { ...address, ipFilter: 'true', ipFilterRules: rules }), ['drop ipFilterRules']);
    assert.deepEqual(faults(avroSource, { ...address, ipFilterRules: rules }), [], 'nobody looks at them');
  }
});

void test('AV-04 threads is read and not used', () => {
  assert.equal(valuesOf(avroSource, { ...address, threads: '50' }).threads, 50);
  assert.deepEqual(faults(avroSource, { ...address, threads: 'many' }), ['warn threads']);
});

void test('TH-09 an unknown Thrift protocol', () => {
  assert.deepEqual(faults(thriftSource, { ...address, protocol: 'xml' }), ['drop protocol']);
});

void test('SD-01 SD-02 the order of files', () => {
  assert.deepEqual(faults(spooldirSource, { spoolDir: '/tmp', consumeOrder: 'undefined' }), ['drop consumeOrder']);
  for (const consumeOrder of ['oLdESt', 'yoUnGest', 'rAnDom']) assert.deepEqual(faults(spooldirSource, { spoolDir: '/tmp', consumeOrder }), []);
});

void test('groups of files without files, headers without a name', () => {
  assert.deepEqual(faults(taildirSource, { filegroups: 'f1' }), ['drop filegroups']);
  assert.deepEqual(faults(taildirSource, { filegroups: 'f1', 'filegroups.f1': '/x/.*', 'headers.f1': 'v' }), ['drop headers.f1']);
  assert.deepEqual(faults(taildirSource, { filegroups: 'f1', 'filegroups.f1': '/x/(' }), ['refuse filegroups.f1']);
});

void test('KA-14 KA-16 topics and groups under old and new names', () => {
  const servers = { 'kafka.bootstrap.servers': 'h:1' };
  assert.deepEqual(valuesOf(kafkaSource, { ...servers, 'kafka.topics': 'test1, test2' })['kafka.topics'], ['test1', 'test2']);
  const old = { ...servers, topic: 'old.topic', groupId: 'old.groupId' };
  assert.deepEqual(valuesOf(kafkaSource, old)['kafka.topics'], ['old.topic']);
  assert.equal(valuesOf(kafkaSource, old)['kafka.consumer.group.id'], 'old.groupId');
  assert.equal(valuesOf(kafkaSource, { ...old, 'kafka.consumer.group.id': 'new' })['kafka.consumer.group.id'], 'new');
  assert.equal(valuesOf(kafkaSource, { ...servers, topic: 't' })['kafka.consumer.group.id'], 'flume');
  assert.deepEqual(faults(kafkaSource, servers), ['drop kafka.topics']);
});

const jms = { initialContextFactory: 'f', providerURL: 'broker', destinationName: 'd', destinationType: 'queue' };

void test('JM-01 JM-02 JM-04 what a JMS source needs', () => {
  for (const key of Object.keys(jms)) {
    const { [key]: _, ...rest } = jms as Properties;
    assert.deepEqual(faults(jmsSource, rest), [`drop ${key}`]);
  }
  assert.deepEqual(faults(jmsSource, { ...jms, destinationType: 'DUMMY' }), ['drop destinationType']);
  assert.deepEqual(faults(jmsSource, { ...jms, batchSize: '0' }), ['drop batchSize']);
});

void test('JM-03 names that lead to a directory', () => {
  assert.deepEqual(faults(jmsSource, { ...jms, connectionFactory: 'ldap://localhost:319/connectionFactory' }), ['drop connectionFactory']);
  assert.deepEqual(faults(jmsSource, { ...jms, providerURL: 'ldap://localhost:389/test' }), ['drop providerURL']);
  assert.deepEqual(faults(jmsSource, { ...jms, providerURL: 'tcp://localhost:61616' }), ['warn providerURL']);
});

void test('JM-16 a durable subscription is of a topic and has a name', () => {
  const durable = { ...jms, createDurableSubscription: 'true' };
  assert.deepEqual(faults(jmsSource, durable), ['drop destinationType', 'drop clientId', 'drop durableSubscriptionName']);
  assert.deepEqual(faults(jmsSource, { ...durable, destinationType: 'topic', clientId: 'c', durableSubscriptionName: 's' }), []);
});

void test('FC-01 numbers of the file channel that make no sense fall back', () => {
  const values = valuesOf(fileChannel, { capacity: '-3', transactionCapacity: '-1', checkpointInterval: '-2' });
  assert.deepEqual([values.capacity, values.transactionCapacity, values.checkpointInterval], [1_000_000, 10_000, 30_000]);
});

void test('FC-37 FC-38 encryption needs a key provider that is known', () => {
  const encryption = { 'encryption.activeKey': 'k', 'encryption.cipherProvider': 'aesctrnopadding' };
  assert.deepEqual(faults(fileChannel, encryption), ['drop encryption.activeKey', 'drop encryption.cipherProvider']);
  assert.deepEqual(faults(fileChannel, { ...encryption, 'encryption.keyProvider': 'invalid' }), ['drop encryption.keyProvider']);
  const provider = {
    'encryption.keyProvider': 'JCEKSFILE',
    'encryption.keyProvider.keyStoreFile': '/k',
    'encryption.keyProvider.keyStorePasswordFile': '/p',
    'encryption.keyProvider.keys': 'k',
  };
  assert.deepEqual(faults(fileChannel, { ...encryption, ...provider }), []);
  const cipher = { 'encryption.cipherProvider': 'invalid' };
  assert.deepEqual(faults(fileChannel, { ...encryption, ...provider, ...cipher }), ['refuse encryption.cipherProvider']);
  assert.deepEqual(faults(fileChannel, { ...encryption, ...provider, 'encryption.activeKey': 'other' }), ['refuse encryption.activeKey']);
});

void test('keys of the file channel in a file each', () => {
  const keys = { 'encryption.keyProvider': 'keyfile', 'encryption.activeKey': 'k', 'encryption.keyProvider.keys': 'k old' };
  const file = { 'encryption.keyProvider.keys.k.keyFile': '/k' };
  assert.deepEqual(faults(fileChannel, { ...keys, ...file }), ['refuse encryption.keyProvider.keys']);
  assert.deepEqual(faults(fileChannel, { ...keys, ...file, 'encryption.keyProvider.keys.old.keyFile': '/o' }), []);
  assert.deepEqual(faults(fileChannel, { 'encryption.keyProvider': 'KEYFILE', 'encryption.activeKey': 'k' }), ['drop encryption.keyProvider.keys']);
});

void test('SP-10 the spillable memory channel without properties', () => {
  const values = valuesOf(spillableMemoryChannel, {});
  assert.deepEqual([values.overflowTimeout, values.memoryCapacity, values.overflowCapacity], [3, 10_000, 100_000_000]);
  assert.deepEqual(faults(spillableMemoryChannel, { overflowCapacity: '5000' }), ['drop transactionCapacity']);
});

void test('KC-01 KC-02 settings of the Kafka channel under old and new names', () => {
  const old = valuesOf(kafkaChannel, { brokerList: 'h:1', groupId: 'flume-something', readSmallestOffset: 'true', topic: 't' });
  assert.deepEqual([old['kafka.bootstrap.servers'], old['kafka.consumer.group.id'], old['kafka.topic']], ['h:1', 'flume-something', 't']);
  assert.equal(old.readSmallestOffset, true);
  const passed = valuesOf(kafkaChannel, { brokerList: 'h:1', 'kafka.producer.some-parameter': '1', 'kafka.consumer.another-parameter': '1' });
  assert.deepEqual([...passed['kafka.producer.*']], [['some-parameter', '1']]);
  assert.deepEqual([...passed['kafka.consumer.*']], [['another-parameter', '1']]);
});

void test('KS-02 settings of the Kafka sink under old names', () => {
  const values = valuesOf(kafkaSink, { topic: 't', batchSize: '300', brokerList: 'h:1', requiredAcks: 'all' });
  assert.deepEqual([values['kafka.topic'], values.flumeBatchSize, values['kafka.producer.acks']], ['t', 300, 'all']);
});

void test('HD-36 codecs and file types', () => {
  const path = { 'hdfs.path': '/x' };
  assert.deepEqual(faults(hdfsSink, { ...path, 'hdfs.fileType': 'DataStream', 'hdfs.codeC': 'none' }), ['drop hdfs.codeC']);
  assert.deepEqual(faults(hdfsSink, { ...path, 'hdfs.fileType': 'CompressedStream' }), ['drop hdfs.codeC']);
  assert.deepEqual(faults(hdfsSink, { ...path, 'hdfs.codeC': 'lzop' }), ['drop hdfs.codeC']);
  assert.deepEqual(faults(hdfsSink, { ...path, 'hdfs.fileType': 'CompressedStream', 'hdfs.codeC': 'GZIPCodec' }), []);
});

void test('HD-37 the write format is known by its exact spelling', () => {
  assert.deepEqual(faults(hdfsSink, { 'hdfs.path': '/x', 'hdfs.writeFormat': 'text' }), ['refuse hdfs.writeFormat']);
});

void test('HD-30 a key tab has to be readable, and to have a principal', () => {
  const keytab = { 'hdfs.path': '/x', 'hdfs.kerberosKeytab': '/k' };
  assert.deepEqual(faults(hdfsSink, keytab), ['drop hdfs.kerberosPrincipal']);
  const both = { ...keytab, 'hdfs.kerberosPrincipal': 'a@B' };
  // Both together are refused, because there is no login by Kerberos; what Flume makes of the file is told all the same.
  assert.deepEqual(faults(hdfsSink, both), ['refuse hdfs.kerberosPrincipal']);
  assert.deepEqual(hdfsSink.readableFiles?.({ ...valuesOf(hdfsSink, { 'hdfs.path': '/x' }), ...both }), ['hdfs.kerberosKeytab']);
});

void test('values to round to have a range by their unit, where rounding is on', () => {
  const round = (unit: string, value: string, on = 'true') =>
    faults(hdfsSink, { 'hdfs.path': '/x', 'hdfs.round': on, 'hdfs.roundUnit': unit, 'hdfs.roundValue': value });
  assert.deepEqual(round('hour', '24'), []);
  assert.deepEqual(round('hour', '25'), ['drop hdfs.roundValue']);
  assert.deepEqual(round('minute', 'abc'), ['drop hdfs.roundValue']);
  assert.deepEqual(round('minute', 'abc', 'false'), ['warn hdfs.roundValue']);
  assert.deepEqual(round('day', '10'), ['warn hdfs.roundUnit']);
});

void test('HD-12 closing is tried without end', () => {
  assert.equal(valuesOf(hdfsSink, { 'hdfs.path': '/x', 'hdfs.closeTries': '-4' })['hdfs.closeTries'], 2 ** 31 - 1);
});

void test('HT-01 addresses and times of the HTTP sink', () => {
  assert.deepEqual(faults(httpSink, {}), ['drop endpoint']);
  assert.deepEqual(faults(httpSink, { endpoint: 'invalid url' }), ['drop endpoint']);
  assert.deepEqual(faults(httpSink, { endpoint: 'http://h/', connectTimeout: '-1000' }), ['drop connectTimeout']);
  assert.deepEqual(faults(httpSink, { endpoint: 'http://h/', requestTimeout: '-1000' }), ['drop requestTimeout']);
  assert.deepEqual(faults(httpSink, { endpoint: 'http://h/', 'rollback.2xx': 'false' }), ['warn rollback.2xx', 'warn defaultRollback']);
});

void test('HV-06 the separator of the delimited serializer', () => {
  const hive = { 'hive.metastore': 'm', 'hive.database': 'd', 'hive.table': 't', serializer: 'delimited', 'serializer.fieldnames': 'a' };
  assert.deepEqual(faults(hiveSink, { ...hive, 'serializer.serdeSeparator': ',' }), []);
  assert.deepEqual(faults(hiveSink, { ...hive, 'serializer.serdeSeparator': "'\t'" }), []);
  assert.deepEqual(faults(hiveSink, { ...hive, 'serializer.serdeSeparator': 'ab' }), ['drop serializer.serdeSeparator']);
});

void test('HB-06 HB-09 servers of ZooKeeper, and the row key of the regular expression', () => {
  const hbase = { table: 't', columnFamily: 'f' };
  const servers = 'zk1.flume.apache.org:3342, zk2.flume.apache.org:3342, zk3.flume.apache.org:3342';
  assert.deepEqual(faults(hbase2Sink, { ...hbase, zookeeperQuorum: servers }), []);
  assert.deepEqual(faults(hbase2Sink, { ...hbase, zookeeperQuorum: 'a:1,b:2' }), ['drop zookeeperQuorum']);
  const regex = { ...hbase, serializer: 'org.apache.flume.sink.hbase2.RegexHBase2EventSerializer', 'serializer.rowKeyIndex': '2' };
  assert.deepEqual(faults(hbase2Sink, { ...regex, 'serializer.colNames': 'col1,col2,ROW_KEY' }), []);
  assert.deepEqual(faults(hbase2Sink, { ...regex, 'serializer.colNames': 'col1,ROW_KEY,col2' }), ['drop serializer.rowKeyIndex']);
});

void test('ES-02 ES-03 ES-13 the Elasticsearch sink', () => {
  const values = valuesOf(elasticsearchSink, { hostNames: 'h' });
  assert.deepEqual([values.indexName, values.indexType, values.clusterName], ['flume', 'log', 'elasticsearch']);
  const times = ['1ms', '1s', '1m', '1h', '1d', '1w', '1', '10'].map((ttl) => valuesOf(elasticsearchSink, { hostNames: 'h', ttl }).ttl);
  assert.deepEqual(times, [1, 1000, 60_000, 3_600_000, 86_400_000, 604_800_000, 86_400_000, 864_000_000]);
  assert.deepEqual(faults(elasticsearchSink, { hostNames: 'h', ttl: '0d' }), ['drop ttl']);
  assert.deepEqual(faults(elasticsearchSink, { hostNames: 'h', serializer: 'java.lang.String' }), ['drop serializer']);
});

void test('AV-14 maxIoWorkers has no effect', () => {
  assert.deepEqual(faults(avroSink, { hostname: 'h', port: '1', maxIoWorkers: '2' }), ['warn maxIoWorkers']);
  assert.deepEqual(faults(avroSink, { hostname: '::1', port: '1' }), ['refuse hostname']);
  assert.equal(valuesOf(avroSink, { hostname: 'h', port: '1', 'batch-size': '0' })['batch-size'], 100);
});
