import { define } from '../core/define.ts';
import { choice, integer, optional, prefix, string } from '../core/options.ts';
import { hbaseOptions, simpleSerializer } from './hbase-options.ts';

const SIMPLE = 'org.apache.flume.sink.hbase.SimpleAsyncHbaseEventSerializer';

export const asyncHbaseSink = define('sink', {
  types: ['asynchbase', 'org.apache.flume.sink.hbase.AsyncHBaseSink'],
  summary: 'Writes events into a table of Apache HBase 1, many at a time.',
  options: {
    ...hbaseOptions,
    zookeeperQuorum: optional(string({ doc: 'Servers of ZooKeeper, separated by commas; absent: as hbase-site.xml says.' })),
    serializer: choice({ values: [SIMPLE], default: SIMPLE, ignoreCase: false, doc: 'How an event becomes rows and columns.' }),
    ...simpleSerializer,
    timeout: integer({ default: 60_000, min: 1, long: true, outside: 'warn', doc: 'Milliseconds for all writes of a batch.' }),
    maxConsecutiveFails: integer({
      default: 10,
      doc: 'Batches that may fail in a row before the connection is made anew; 0 or less: any number.',
    }),
    'async.*': prefix({ doc: 'Settings of the asynchronous HBase client.' }),
  },
  batchSizeOption: 'batchSize',
});
