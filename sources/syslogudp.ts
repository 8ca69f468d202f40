import { define } from '../core/define.ts';
import { port } from '../core/option-groups.ts';
import { ignored, optional, string } from '../core/options.ts';
import { checkFormat, syslogFormat, syslogOptions } from './syslog-options.ts';

export const syslogUdpSource = define('source', {
  types: ['syslogudp', 'org.apache.flume.source.SyslogUDPSource'],
  summary: 'Receives syslog records over UDP, one per datagram.',
  options: {
    host: optional(string({ doc: 'Host name or address to listen on; absent: every address.' })),
    port: port({ doc: 'UDP port to listen on; 0 picks a free one.' }),
    ...syslogOptions,
    ...syslogFormat,
    eventSize: ignored({ doc: 'has no effect here: a datagram is one record' }),
  },
  check: (values) => checkFormat(values['format.*']),
  async create(context, values) {
    const { SyslogUdpSource } = await import('./syslog/udp-source.ts');
    return new SyslogUdpSource(context, values);
  },
});
