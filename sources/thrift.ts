import { define } from '../core/define.ts';
import { checkKerberos, checkServerTls, kerberosFiles, port, serverTls, serverTlsFiles } from '../core/option-groups.ts';
import { boolean, choice, integer, optional, string } from '../core/options.ts';

export const thriftSource = define('source', {
  types: ['thrift', 'org.apache.flume.source.ThriftSource'],
  summary: 'Receives batches of events over Thrift RPC.',
  options: {
    bind: string({ doc: 'Host name or address to listen on.' }),
    port: port({ doc: 'TCP port to listen on; 0 picks a free one.' }),
    threads: integer({ default: 0, unreadable: 'warn', doc: 'Most worker threads; 0 or less: no limit.' }),
    protocol: choice({
      values: ['compact', 'binary'],
      default: 'compact',
      doc: 'Thrift protocol that the clients speak; Flume takes it for compact unless binary is written in small letters.',
    }),
    ...serverTls,
    kerberos: boolean({ default: false, doc: 'Have clients authenticate by Kerberos (SASL GSSAPI).' }),
    'agent-principal': optional(string({ doc: 'Kerberos principal of this agent; _HOST stands for the name of the host.' })),
    'agent-keytab': optional(string({ doc: 'Key tab file of the principal.' })),
  },
  check: (values) => [
    ...checkServerTls(values),
    ...checkKerberos(values, 'agent-principal', 'agent-keytab'),
    ...(values.kerberos && values['agent-principal'] === undefined && values['agent-keytab'] === undefined
      ? [{ option: 'agent-principal', effect: 'drop' as const, sentence: 'is required with kerberos = true, and agent-keytab too' }]
      : []),
  ],
  readableFiles: (values) => [...serverTlsFiles(values), ...kerberosFiles(values, 'agent-principal', 'agent-keytab')],
});
