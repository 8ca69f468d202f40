import { define, type Finding } from '../core/define.ts';
import { boolean, choice, ignored, integer, optional, string } from '../core/options.ts';
import { rpcOptions } from './rpc-options.ts';

export const thriftSink = define('sink', {
  types: ['thrift', 'org.apache.flume.sink.ThriftSink'],
  summary: 'Sends events to another agent over Thrift RPC.',
  options: {
    ...rpcOptions,
    'request-timeout': integer({
      default: 20_000,
      min: 1000,
      long: true,
      unreadable: 'refuse',
      outside: 'warn',
      doc: 'Milliseconds to wait for the answer to a batch.',
    }),
    protocol: choice({
      values: ['compact', 'binary'],
      default: 'compact',
      otherwise: 'warn',
      doc: 'Thrift protocol that the receiver speaks; Flume takes it for compact unless binary is written in small letters.',
    }),
    'connect-timeout': ignored({ doc: 'has no effect for this sink: the system decides how long connecting takes' }),
    'connection-reset-interval': ignored({
      doc: 'is not read, whatever the Flume guide says: the key is reset-connection-interval',
      instead: 'reset-connection-interval',
    }),
    'trust-all-certs': ignored({ doc: 'has no effect for this sink' }),
    maxConnections: ignored({ doc: 'has no effect for this sink: it uses one connection' }),
    kerberos: boolean({ default: false, doc: 'Authenticate by Kerberos (SASL GSSAPI).' }),
    'client-principal': optional(string({ doc: 'Kerberos principal to log in as.' })),
    'client-keytab': optional(string({ doc: 'Key tab file of the principal.' })),
    'server-principal': optional(string({ doc: 'Kerberos principal of the receiver: service/host@REALM.' })),
  },
  check: checkLogin,
  batchSizeOption: 'batch-size',
});

interface Login {
  readonly kerberos: boolean;
  readonly 'client-principal': string | undefined;
  readonly 'client-keytab': string | undefined;
  readonly 'server-principal': string | undefined;
}

/** Flume logs in when it first connects, so that nothing of this keeps the sink from starting. */
function checkLogin(values: Login): readonly Finding[] {
  if (!values.kerberos) return [];
  const findings: Finding[] = [];
  for (const option of ['client-principal', 'client-keytab', 'server-principal'] as const) {
    if (values[option] === undefined) findings.push({ option, effect: 'refuse', sentence: 'is required with kerberos = true' });
  }
  return findings;
}
