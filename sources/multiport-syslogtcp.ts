import { isKnownCharset } from '../core/charset.ts';
import { define } from '../core/define.ts';
import { checkServerTls, serverTls, serverTlsFiles } from '../core/option-groups.ts';
import { ignored, integer, option, optional, prefix, string, type Option } from '../core/options.ts';
import { keyStoreOf, syslogOptions } from './syslog-options.ts';

export const multiportSyslogTcpSource = define('source', {
  types: ['multiport_syslogtcp', 'org.apache.flume.source.MultiportSyslogTCPSource'],
  summary: 'Receives syslog records over TCP on several ports, each with a character set of its own.',
  options: {
    ports: portList('TCP ports to listen on, separated by white space.'),
    host: optional(string({ doc: 'Host name or address to listen on; absent: every address.' })),
    eventSize: integer({
      default: 2500,
      min: 1,
      outside: 'refuse',
      doc: 'Longest line in bytes, its line feed included; a longer one is cut into several.',
    }),
    batchSize: integer({ default: 100, min: 1, outside: 'refuse', doc: 'Most events put into the channels at a time.' }),
    readBufferBytes: integer({ default: 1024, min: 1, outside: 'refuse', doc: 'Has no effect: what has arrived is read at once.' }),
    readBufferSize: ignored({ doc: 'is not read, whatever the Flume guide says: the key is readBufferBytes', instead: 'readBufferBytes' }),
    numProcessors: optional(integer({ min: 1, outside: 'refuse', doc: 'Has no effect: one thread handles all connections.' })),
    'charset.default': string({
      default: 'UTF-8',
      check: (name) => (isKnownCharset(name) ? undefined : 'is not the name of a character set'),
      doc: 'Character set of ports that have none of their own.',
    }),
    'charset.port.*': prefix({ check: checkPortCharsets, doc: 'Character set of one port: charset.port.10514 = ISO-8859-1.' }),
    portHeader: optional(string({ doc: 'Header to put the port into that the record came in on.' })),
    ...syslogOptions,
    ...serverTls,
  },
  check: checkServerTls,
  readableFiles: serverTlsFiles,
  batchSizeOption: 'batchSize',
  async create(context, values) {
    const [{ SyslogTcpSource }, { multiportRecords }] = await Promise.all([import('./syslog/tcp-source.ts'), import('./syslog/multiport-events.ts')]);
    const charsets = new Map([...values['charset.port.*']].map(([port, charset]) => [Number(port), charset]));
    const charset = (port: number): string => charsets.get(port) ?? values['charset.default'];
    return new SyslogTcpSource(context, { ...values, tls: keyStoreOf(values) }, multiportRecords({ ...values, charset }));
  },
});

function portList(doc: string): Option<readonly number[]> {
  return option<readonly number[]>('list', { doc }, undefined, 'numbers of 1 to 65535', (raw) => {
    const pieces = raw.split(/[ \t\n\v\f\r]+/);
    const bad = pieces.find((piece) => !isInt(piece));
    if (bad !== undefined) return { bad: { effect: 'drop', sentence: `holds "${bad}", which is not a whole number` } };
    const ports = pieces.map(Number);
    const outside = ports.find((port) => port < 0 || port > 65535);
    if (outside === undefined) return { value: ports };
    return { bad: { effect: 'refuse', sentence: `holds ${outside}, which is outside of 0 to 65535` } };
  });
}

function checkPortCharsets(entries: ReadonlyMap<string, string>): string | undefined {
  for (const [port, charset] of entries) {
    if (!isInt(port)) return `stands for the port "${port}", which is not a whole number`;
    if (!isKnownCharset(charset)) return `is "${charset}", which is not the name of a character set`;
  }
  return undefined;
}

/** A number as Java's parseInt takes it. */
function isInt(text: string): boolean {
  return /^[+-]?[0-9]+$/.test(text) && Math.abs(Number(text)) <= 2 ** 31 - 1;
}
