import { define } from '../core/define.ts';
import { port } from '../core/option-groups.ts';
import { integer } from '../core/options.ts';

export const scribeSource = define('source', {
  types: ['org.apache.flume.source.scribe.ScribeSource'],
  summary: 'Receives log entries from clients of Scribe over Thrift.',
  options: {
    port: port({ default: 1499, doc: 'TCP port to listen on, on every address.' }),
    workerThreads: integer({ default: 5, min: 1, outside: 'warn', doc: 'Threads that handle requests.' }),
    maxReadBufferBytes: integer({ default: 16_384_000, min: 1, outside: 'warn', doc: 'Longest request in bytes.' }),
  },
});
