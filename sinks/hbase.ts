import { define } from '../core/define.ts';
import { choice, optional } from '../core/options.ts';
import { checkRegexSerializer, hbaseLogin, hbaseOptions, regexSerializer, simpleSerializer, zookeeperQuorum } from './hbase-options.ts';

const SIMPLE = 'org.apache.flume.sink.hbase.SimpleHbaseEventSerializer';
const REGEX = 'org.apache.flume.sink.hbase.RegexHbaseEventSerializer';

export const hbaseSink = define('sink', {
  types: ['hbase', 'org.apache.flume.sink.hbase.HBaseSink'],
  summary: 'Writes events into a table of Apache HBase 1.',
  options: {
    ...hbaseOptions,
    ...hbaseLogin,
    zookeeperQuorum: optional(zookeeperQuorum()),
    serializer: choice({ values: [SIMPLE, REGEX], default: SIMPLE, ignoreCase: false, doc: 'How an event becomes rows and columns.' }),
    ...simpleSerializer,
    ...regexSerializer,
  },
  check: (values) => (values.serializer === REGEX ? checkRegexSerializer(values) : []),
  batchSizeOption: 'batchSize',
});
