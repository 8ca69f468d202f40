import { define } from '../core/define.ts';
import { choice, optional } from '../core/options.ts';
import { checkRegexSerializer, hbaseLogin, hbaseOptions, regexSerializer, simpleSerializer, zookeeperQuorum } from './hbase-options.ts';

const SIMPLE = 'org.apache.flume.sink.hbase2.SimpleHBase2EventSerializer';
const REGEX = 'org.apache.flume.sink.hbase2.RegexHBase2EventSerializer';

export const hbase2Sink = define('sink', {
  types: ['hbase2', 'org.apache.flume.sink.hbase2.HBase2Sink'],
  summary: 'Writes events into a table of Apache HBase 2.',
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
