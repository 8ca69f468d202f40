import { define } from '../core/define.ts';
import { checkServerTls, port, serverTls, serverTlsFiles } from '../core/option-groups.ts';
import { integer, string } from '../core/options.ts';
import { checkFormat, keyStoreOf, syslogFormat, syslogOptions } from './syslog-options.ts';

export const syslogTcpSource = define('source', {
  types: ['syslogtcp', 'org.apache.flume.source.SyslogTcpSource'],
  summary: 'Receives syslog records over TCP, one per line.',
  options: {
    host: string({ missing: 'refuse', doc: 'Host name or address to listen on; without it Flume runs and listens nowhere.' }),
    port: port({ doc: 'TCP port to listen on; 0 picks a free one.' }),
    eventSize: integer({ default: 2500, min: 1, outside: 'refuse', doc: 'Longest record in bytes; a longer one is cut into several.' }),
    ...syslogOptions,
    ...syslogFormat,
    ...serverTls,
  },
  check: (values) => [...checkServerTls(values), ...checkFormat(values['format.*'])],
  readableFiles: serverTlsFiles,
  async create(context, values) {
    const [{ SyslogTcpSource }, { syslogRecords }] = await Promise.all([import('./syslog/tcp-source.ts'), import('./syslog/events.ts')]);
    const tls = keyStoreOf(values);
    return new SyslogTcpSource(context, { ...values, ports: [values.port], tls }, syslogRecords(values.eventSize, values.keepFields));
  },
});
