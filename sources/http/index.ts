import { define, type Finding } from '../../core/define.ts';
import { checkServerTls, clientAddress, port, serverTls, serverTlsFiles, withAliases } from '../../core/option-groups.ts';
import { integer, prefix, string } from '../../core/options.ts';
import { nested } from '../../core/read-options.ts';
import { httpHandlers } from './handlers/index.ts';

export const httpSource = define('source', {
  types: ['http', 'org.apache.flume.source.http.HTTPSource'],
  summary: 'Receives events by HTTP POST, all events of a request as one batch.',
  options: {
    bind: string({ default: '0.0.0.0', doc: 'Host name or address to listen on.' }),
    port: port({ doc: 'TCP port to listen on; 0 picks a free one.' }),
    handler: nested(httpHandlers, { default: 'org.apache.flume.source.http.JSONHandler', doc: 'How a request becomes events.' }),
    ...serverTls,
    ssl: withAliases(serverTls.ssl, 'enableSSL'),
    'keystore-password': withAliases(serverTls['keystore-password'], 'keystorePassword'),
    'exclude-protocols': withAliases(serverTls['exclude-protocols'], 'excludeProtocols'),
    ...clientAddress,
    maxRequestBytes: integer({
      default: 32 * 1024 * 1024,
      min: 1024,
      unreadable: 'refuse',
      outside: 'refuse',
      doc: 'Largest body of a request in bytes; a larger one is answered with 413. Not in Flume.',
    }),
    maxConnections: integer({
      default: 0,
      min: 0,
      unreadable: 'refuse',
      outside: 'refuse',
      doc: 'Most connections at a time; 0: as many as the descriptor limit leaves room for. Not in Flume.',
    }),
    'QueuedThreadPool.*': prefix({ doc: 'Settings of the thread pool of the Java HTTP server, such as maxThreads: without effect here.' }),
    'HttpConfiguration.*': prefix({ doc: 'Settings of the Java HTTP server: sendServerVersion, sendXPoweredBy and requestHeaderSize are followed.' }),
    'ServerConnector.*': prefix({ doc: 'Settings of the listening socket of the Java HTTP server: idleTimeout, in milliseconds, is followed.' }),
    'SslContextFactory.*': prefix({ doc: 'Settings of the TLS layer of the Java HTTP server: without effect here.' }),
  },
  check: (values) => [...checkServerTls(values), ...checkNumber('HttpConfiguration.', 'requestHeaderSize', values['HttpConfiguration.*']), ...checkNumber('ServerConnector.', 'idleTimeout', values['ServerConnector.*'])],
  readableFiles: serverTlsFiles,
  async create(context, values) {
    const { HttpSource } = await import('./http-source.ts');
    const handler = await values.handler.create({ name: `${context.name}.handler`, log: context.log, count: (counter, amount) => context.count(counter, amount) });
    const server = values['HttpConfiguration.*'];
    const { keystore } = values;
    return new HttpSource(context, handler, {
      ...values,
      tls: values.ssl && keystore !== undefined ? { path: keystore, password: values['keystore-password'] } : undefined,
      headers: [
        ...(isTrue(server.get('sendServerVersion') ?? 'true') ? [['Server', 'Millrace'] as const] : []),
        ...(isTrue(server.get('sendXPoweredBy') ?? 'false') ? [['X-Powered-By', 'Millrace'] as const] : []),
      ],
      headerBytes: Number(server.get('requestHeaderSize') ?? 8192),
      idleMs: Number(values['ServerConnector.*'].get('idleTimeout') ?? 30_000),
    });
  },
});

/** As Flume reads them: it fails to start, again and again. */
function checkNumber(prefixKey: string, name: string, values: ReadonlyMap<string, string>): readonly Finding[] {
  const value = values.get(name);
  if (value === undefined || /^[0-9]{1,9}$/.test(value)) return [];
  return [{ option: `${prefixKey}${name}`, effect: 'refuse', sentence: 'is not a whole number of 0 or more' }];
}

function isTrue(text: string): boolean {
  return text.toLowerCase() === 'true';
}
