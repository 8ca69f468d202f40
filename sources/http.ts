import { define, type Finding } from '../core/define.ts';
import { checkServerTls, port, readIfNeeded, serverTls, serverTlsFiles, withAliases } from '../core/option-groups.ts';
import { choice, integer, optional, prefix, string } from '../core/options.ts';

const JSON_HANDLER = 'org.apache.flume.source.http.JSONHandler';
const BLOB_HANDLER = 'org.apache.flume.sink.solr.morphline.BlobHandler';
const CORE_BLOB_HANDLER = 'org.apache.flume.source.http.BLOBHandler';

export const httpSource = define('source', {
  types: ['http', 'org.apache.flume.source.http.HTTPSource'],
  summary: 'Receives events by HTTP POST, all events of a request as one batch.',
  options: {
    bind: string({ default: '0.0.0.0', doc: 'Host name or address to listen on.' }),
    port: port({ doc: 'TCP port to listen on; 0 picks a free one.' }),
    handler: choice({
      values: [JSON_HANDLER, BLOB_HANDLER, CORE_BLOB_HANDLER],
      default: JSON_HANDLER,
      ignoreCase: false,
      doc: 'How a request becomes events: a JSON array of events, or the whole body as one event.',
    }),
    'handler.maxBlobLength': readIfNeeded(
      integer({ default: 100_000_000, min: 1, doc: 'BlobHandler of the morphline package: longest body in bytes; the rest is cut off.' }),
    ),
    'handler.mandatoryParameters': optional(
      string({ doc: 'BLOBHandler: parameters that a request must have, separated by commas.' }),
    ),
    ...serverTls,
    ssl: withAliases(serverTls.ssl, 'enableSSL'),
    'keystore-password': withAliases(serverTls['keystore-password'], 'keystorePassword'),
    'exclude-protocols': withAliases(serverTls['exclude-protocols'], 'excludeProtocols'),
    'QueuedThreadPool.*': prefix({ doc: 'Settings of the thread pool of the Java HTTP server, such as maxThreads.' }),
    'HttpConfiguration.*': prefix({ doc: 'Settings of the Java HTTP server, such as sendServerVersion or requestHeaderSize.' }),
    'ServerConnector.*': prefix({ doc: 'Settings of the listening socket of the Java HTTP server, such as idleTimeout in milliseconds.' }),
    'SslContextFactory.*': prefix({ doc: 'Settings of the TLS layer of the Java HTTP server; only with ssl.' }),
  },
  check: (values) => [...checkServerTls(values), ...checkHandler(values.handler, values['handler.maxBlobLength'])],
  readableFiles: serverTlsFiles,
});

function checkHandler(handler: string, maxBlobLength: number): readonly Finding[] {
  if (handler !== BLOB_HANDLER || !Number.isNaN(maxBlobLength)) return [];
  return [{ option: 'handler.maxBlobLength', effect: 'drop', sentence: 'is not a whole number of 1 or more' }];
}
