import { define, type Finding } from '../../core/define.ts';
import { checkServerTls, clientAddress, compressionType, port, serverTls, serverTlsFiles, splitLikeJava } from '../../core/option-groups.ts';
import { boolean, choice, integer, optional, string } from '../../core/options.ts';

export const avroSource = define('source', {
  types: ['avro', 'org.apache.flume.source.AvroSource'],
  summary: 'Receives batches of events over Avro RPC, from other agents and from client libraries.',
  options: {
    bind: string({ doc: 'Host name or address to listen on.' }),
    port: port({ doc: 'TCP port to listen on; 0 picks a free one.' }),
    threads: integer({ default: 0, unreadable: 'warn', doc: 'Worker threads; read and not used, in Flume 1.11 as well.' }),
    'compression-type': compressionType(),
    ...serverTls,
    ipFilter: boolean({ default: false, doc: 'Look at ipFilterRules for each connection.' }),
    ipFilterRules: optional(
      string({
        doc: 'Rules of the form allow:ip:127.* or deny:name:localhost, separated by commas; the first that matches decides, none: allowed.',
      }),
    ),
    'client-auth': choice({
      values: ['none', 'required'],
      default: 'none',
      otherwise: 'refuse',
      doc: 'Ask clients for a certificate that truststore trusts: none or required; needs ssl. Not in Flume.',
    }),
    truststore: optional(string({ doc: 'File with the certificates to trust in clients; needed with client-auth = required. Not in Flume.' })),
    'truststore-password': optional(string({ secret: true, doc: 'Password of the trust store; absent: its integrity is not checked. Not in Flume.' })),
    ...clientAddress,
    clientCertificateHeader: optional(
      string({ doc: 'Header that gets the subject of the certificate that the client has shown, in place of what the client says under this name; needs client-auth = required. Not in Flume.' }),
    ),
    maxConnections: integer({
      default: 0,
      min: 0,
      unreadable: 'refuse',
      outside: 'refuse',
      doc: 'Most connections at a time; 0: as many as the descriptor limit leaves room for. Not in Flume.',
    }),
    maxMessageBytes: integer({
      default: 256 * 1024 * 1024,
      min: 1024,
      unreadable: 'refuse',
      outside: 'refuse',
      doc: 'Largest call, in bytes, that a client may send; the connection is closed at a larger one. Not in Flume.',
    }),
  },
  check: (values) => [...checkServerTls(values), ...checkIpFilter(values.ipFilter, values.ipFilterRules), ...checkClients(values)],
  readableFiles: (values) => [...serverTlsFiles(values), ...(values['client-auth'] === 'required' ? (['truststore'] as const) : [])],
  async create(context, values) {
    const [{ AvroSource }, { IpFilter }] = await Promise.all([import('./avro-source.ts'), import('./ip-filter.ts')]);
    const { keystore, truststore } = values;
    return new AvroSource(context, {
      ...values,
      compressed: values['compression-type'] === 'deflate',
      tls: values.ssl && keystore !== undefined ? { path: keystore, password: values['keystore-password'] } : undefined,
      clients: values['client-auth'] === 'required' && truststore !== undefined ? { path: truststore, password: values['truststore-password'] } : undefined,
      filter: values.ipFilter && values.ipFilterRules !== undefined ? new IpFilter(values.ipFilterRules) : undefined,
      messageBytes: values.maxMessageBytes,
    });
  },
});

/** Half a protection is none: the agent does not start with it. */
function checkClients(values: {
  readonly ssl: boolean;
  readonly 'client-auth': string;
  readonly truststore: string | undefined;
  readonly clientCertificateHeader: string | undefined;
}): readonly Finding[] {
  if (values['client-auth'] !== 'required') {
    return values.clientCertificateHeader === undefined ? [] : [{ option: 'clientCertificateHeader', effect: 'refuse', sentence: 'needs client-auth = required: clients are not asked for certificates' }];
  }
  if (!values.ssl) return [{ option: 'client-auth', effect: 'refuse', sentence: 'asks clients for certificates, which needs ssl = true' }];
  if (values.truststore === undefined) return [{ option: 'truststore', effect: 'refuse', sentence: 'is required with client-auth = required' }];
  return [];
}

/** Flume reads the rules only when the filter is on, and then drops the source on the first that is malformed. */
function checkIpFilter(on: boolean, rules: string | undefined): readonly Finding[] {
  if (!on) return [];
  if (!rules) return [{ option: 'ipFilterRules', effect: 'drop', sentence: 'is required with ipFilter = true' }];
  const bad = splitLikeJava(rules, ',').find((rule) => !/^(?:allow|deny):(?:ip|name):/.test(rule.trim()));
  if (bad === undefined) return [];
  const sentence = `has the rule "${bad.trim()}", which is not of the form allow:ip:pattern (allow or deny, ip or name)`;
  return [{ option: 'ipFilterRules', effect: 'drop', sentence }];
}
