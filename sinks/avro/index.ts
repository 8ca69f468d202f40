import { define, type Finding } from '../../core/define.ts';
import { compressionType } from '../../core/option-groups.ts';
import { boolean, choice, ignored, integer, list, optional, prefix, string } from '../../core/options.ts';
import { rpcOptions } from '../rpc-options.ts';
import type { Receiver } from './avro-sink.ts';
import { addressesOf, checkHosts, clientKind } from './hosts.ts';

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
    'host-selector': choice({
      values: ['round_robin', 'random'],
      default: 'round_robin',
      otherwise: 'refuse',
      doc: 'Order of receivers for default_loadbalance: round_robin or random.',
    }),
    'verify-host-name': boolean({ default: true, doc: 'Refuse a receiver whose certificate is for another name. Not in Flume, which never looks.' }),
    'allow-trust-all-certs': boolean({ default: false, doc: 'Has to be true as well for trust-all-certs to be taken. Not in Flume.' }),
    keystore: optional(string({ doc: 'File with a private key and its certificates, for receivers that ask for them. Not in Flume.' })),
    'keystore-password': optional(string({ secret: true, doc: 'Password of the key store and of the key in it. Not in Flume.' })),
  },
  batchSizeOption: 'batch-size',
  check: (values) => [...checkHosts(values), ...checkTrust(values)],
  async create(context, values) {
    const [{ AvroSink }, receivers] = await Promise.all([import('./avro-sink.ts'), import('./receivers.ts')]);
    const { truststore, keystore } = values;
    const kind = clientKind(values['client.type']);
    return new AvroSink(context, {
      ...values,
      batchSize: values['batch-size'],
      connectMs: values['connect-timeout'],
      requestMs: values['request-timeout'],
      resetMs: 1000 * values['reset-connection-interval'],
      deflateLevel: values['compression-type'] === 'deflate' ? values['compression-level'] : undefined,
      verify: !values.ssl ? undefined : values['trust-all-certs'] ? 'nothing' : values['verify-host-name'] ? 'all' : 'chain',
      truststore: truststore === undefined ? undefined : { path: truststore, password: values['truststore-password'] },
      keystore: keystore === undefined ? undefined : { path: keystore, password: values['keystore-password'] },
      addresses: addressesOf(values),
      arrange: (list) => {
        const [first] = list;
        if (!first || kind === 'single') return receivers.oneReceiver(first as Receiver);
        if (kind === 'failover') return new receivers.FailoverReceivers(list, values['max-attempts'] ?? list.length);
        const options = { random: values['host-selector'] === 'random', backoff: values.backoff, maxBackoffMs: values.maxBackoff ?? DEFAULT_MAX_BACKOFF_MS };
        return new receivers.BalancedReceivers(list, options);
      },
    });
  },
});

const DEFAULT_MAX_BACKOFF_MS = 30_000;

/** Taking any certificate gives the events to whoever answers, so it has to be said twice. */
function checkTrust(values: { readonly ssl: boolean; readonly 'trust-all-certs': boolean; readonly 'allow-trust-all-certs': boolean }): readonly Finding[] {
  if (!values.ssl || !values['trust-all-certs'] || values['allow-trust-all-certs']) return [];
  const sentence = 'would send the events to whoever answers; name a truststore, or say allow-trust-all-certs = true as well';
  return [{ option: 'trust-all-certs', effect: 'refuse', sentence }];
}

function milliseconds(doc: string) {
  return integer({ default: 20_000, min: 1000, long: true, unreadable: 'warn', outside: 'warn', doc });
}
