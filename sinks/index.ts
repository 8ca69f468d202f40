import type { AnyDefinition } from '../core/define.ts';
import { Registry } from '../core/registry.ts';
import { nullSink } from './null.ts';
import { loggerSink } from './logger.ts';
import { fileRollSink } from './file-roll.ts';
import { hdfsSink } from './hdfs/index.ts';
import { s3Sink } from './s3/index.ts';
import { ircSink } from './irc.ts';
import { avroSink } from './avro/index.ts';
import { thriftSink } from './thrift.ts';
import { elasticsearchSink } from './elasticsearch/index.ts';
import { hbaseSink } from './hbase.ts';
import { asyncHbaseSink } from './asynchbase.ts';
import { hbase2Sink } from './hbase2.ts';
import { morphlineSolrSink } from './morphline-solr.ts';
import { hiveSink } from './hive.ts';
import { httpSink } from './http/index.ts';
import { kafkaSink } from './kafka/index.ts';
import { kuduSink } from './kudu.ts';
import { kiteDatasetSink } from './kite-dataset.ts';

const all: readonly AnyDefinition<'sink'>[] = [
  nullSink,
  loggerSink,
  fileRollSink,
  hdfsSink,
  s3Sink,
  ircSink,
  avroSink,
  thriftSink,
  elasticsearchSink,
  hbaseSink,
  asyncHbaseSink,
  hbase2Sink,
  morphlineSolrSink,
  hiveSink,
  httpSink,
  kafkaSink,
  kuduSink,
  kiteDatasetSink,
];

export const sinks = new Registry('sink', all);
