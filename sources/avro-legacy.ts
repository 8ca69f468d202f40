import { define } from '../core/define.ts';
import { port } from '../core/option-groups.ts';
import { string } from '../core/options.ts';

export const avroLegacySource = define('source', {
  types: ['org.apache.flume.source.avroLegacy.AvroLegacySource'],
  summary: 'Receives events from agents of Flume 0.9 over Avro RPC on HTTP.',
  options: {
    host: string({ missing: 'refuse', doc: 'Host name or address to listen on.' }),
    port: port({ doc: 'TCP port to listen on; 0 picks a free one.' }),
  },
});
