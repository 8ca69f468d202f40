import { define } from '../core/define.ts';
import { port } from '../core/option-groups.ts';
import { string } from '../core/options.ts';

export const thriftLegacySource = define('source', {
  types: ['org.apache.flume.source.thriftLegacy.ThriftLegacySource'],
  summary: 'Receives events from agents of Flume 0.9 over Thrift RPC.',
  options: {
    host: string({ missing: 'refuse', doc: 'Host name or address to listen on.' }),
    port: port({ doc: 'TCP port to listen on; 0 picks a free one.' }),
  },
});
