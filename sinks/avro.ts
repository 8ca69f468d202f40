import { define } from '../core/define.ts';
import { compressionType } from '../core/option-groups.ts';
import { boolean, ignored, integer, list, optional, prefix, string } from '../core/options.ts';
import { rpcOptions } from './rpc-options.ts';

export const avroSink = define('sink', {
  types: ['avro', 'org.apache.flume.sink.AvroSink'],
  summary: 'Sends events to another agent over Avro RPC.',
  options: {
    ...rpcOptions,
    'connect-timeout': milliseconds('Milliseconds to connect, the first batch on the connection included.'),
    'request-timeout': milliseconds('Milliseconds to wait for the answer to a batch.'),
    'compression-type': compressionType(),
    'compression-level': integer({
      default: 6,
      min: 0,
      max: 9,
      unreadable: 'warn',
      outside: 'refuse',
      doc: 'How hard to compress: 0 not at all, 9 most.',
    }),
    'trust-all-certs': boolean({ default: false, doc: 'Take any certificate of the receiver.' }),
    maxIoWorkers: ignored({ doc: 'has no effect, in Flume since 1.10 as well' }),
    'client.type': string({
      default: 'default',
      doc: 'How to use several receivers: default (only the first), default_failover or default_loadbalance.',
    }),
    hosts: optional(list({ doc: 'Short names of several receivers, separated by white space.' })),
    'hosts.*': prefix({ doc: 'Address of a receiver: hosts.h1 = host:port.' }),
    'max-attempts': optional(integer({ unreadable: 'warn', doc: 'Receivers tried for a batch by default_failover; absent: all.' })),
    backoff: boolean({ default: false, doc: 'Have default_loadbalance pass over receivers that failed, for a while.' }),
    maxBackoff: optional(integer({ long: true, unreadable: 'refuse', doc: 'Longest time in milliseconds that a receiver is passed over.' })),
    'host-selector': string({ default: 'round_robin', doc: 'Order of receivers for default_loadbalance: round_robin or random.' }),
  },
  batchSizeOption: 'batch-size',
});

function milliseconds(doc: string) {
  return integer({ default: 20_000, min: 1000, long: true, unreadable: 'warn', outside: 'warn', doc });
}
