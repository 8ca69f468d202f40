import { isKnownCharset } from '../core/charset.ts';
import type { Finding } from '../core/define.ts';
import { readIfNeeded, regexFault, splitLikeJava } from '../core/option-groups.ts';
import { boolean, choice, integer, optional, string, type Option } from '../core/options.ts';

/** What the three HBase sinks have in common. */
export const hbaseOptions = {
  table: string({ doc: 'Table to write to; it has to be there.' }),
  columnFamily: string({ doc: 'Column family to write to; it has to be there.' }),
  batchSize: integer({ default: 100, min: 1, long: true, outside: 'refuse', doc: 'Most events taken from the channel at a time.' }),
  znodeParent: string({ default: '/hbase', doc: 'Node of ZooKeeper that HBase keeps its state below.' }),
  coalesceIncrements: boolean({ default: false, doc: 'Add up increments of the same cell within a batch.' }),
  enableWal: boolean({ default: true, doc: 'Have HBase log each write; without, a crash of HBase loses what it had in memory.' }),
};

/** The log in of the two sinks that use the client of HBase itself. */
export const hbaseLogin = {
  kerberosPrincipal: optional(string({ doc: 'Kerberos principal to log in as.' })),
  kerberosKeytab: optional(string({ doc: 'Key tab file of the principal.' })),
};

/** Settings of the simple serializers. */
export const simpleSerializer = {
  'serializer.payloadColumn': string({ default: 'pCol', doc: 'Column that takes the body.' }),
  'serializer.incrementColumn': string({ default: 'iCol', doc: 'Column that counts events.' }),
  'serializer.incrementRow': string({ default: 'incRow', doc: 'Row that counts events.' }),
  'serializer.rowPrefix': string({ default: 'default', doc: 'Beginning of row keys.' }),
  'serializer.suffix': choice({
    values: ['uuid', 'random', 'timestamp', 'nano'],
    default: 'uuid',
    ignoreCase: false,
    otherwise: 'warn',
    doc: 'End of row keys.',
  }),
};

/** Settings of the serializers that take a body apart; they are read only if one of those is chosen. */
export const regexSerializer = {
  'serializer.regex': string({ default: '(.*)', doc: 'RegexSerializer: regular expression that the whole body must match.' }),
  'serializer.regexIgnoreCase': boolean({ default: false, doc: 'RegexSerializer: take small and capital letters for the same.' }),
  'serializer.colNames': string({ default: 'payload', doc: 'RegexSerializer: column of each group, separated by commas.' }),
  'serializer.rowKeyIndex': readIfNeeded(
    integer({ default: -1, doc: 'RegexSerializer: which group is the row key, from 0; its column is named ROW_KEY; less than 0: none.' }),
  ),
  'serializer.depositHeaders': boolean({ default: false, doc: 'RegexSerializer: write each header into a column of its name.' }),
  'serializer.charset': string({ default: 'UTF-8', doc: 'RegexSerializer: character set of bodies and columns.' }),
};

interface RegexValues {
  readonly 'serializer.regex': string;
  readonly 'serializer.colNames': string;
  readonly 'serializer.rowKeyIndex': number;
  readonly 'serializer.charset': string;
}

export function checkRegexSerializer(values: RegexValues): readonly Finding[] {
  const findings: Finding[] = [];
  const fault = regexFault(values['serializer.regex']);
  if (fault) findings.push({ option: 'serializer.regex', effect: 'drop', sentence: fault });
  const charset = values['serializer.charset'];
  if (!isKnownCharset(charset)) {
    findings.push({ option: 'serializer.charset', effect: 'drop', sentence: `"${charset}" is not the name of a character set` });
  }
  const index = values['serializer.rowKeyIndex'];
  const columns = values['serializer.colNames'].split(',');
  const sentence = Number.isNaN(index)
    ? 'is not a whole number of 32 bits'
    : index >= columns.length
      ? `${index} is beyond the ${columns.length} columns of serializer.colNames`
      : index >= 0 && columns[index]?.toUpperCase() !== 'ROW_KEY'
        ? `${index} stands for the column ${columns[index]}, which would have to be named ROW_KEY`
        : undefined;
  if (sentence) findings.push({ option: 'serializer.rowKeyIndex', effect: 'drop', sentence });
  return findings;
}

/** Servers of ZooKeeper for the client of HBase, which wants one port for all. */
export function zookeeperQuorum(): Option<string> {
  return string({
    check: (value) => {
      const ports = splitLikeJava(value, ',').map((server) => server.split(':')[1]?.trim());
      if (ports.some((port) => port === undefined || !/^[+-]?[0-9]+$/.test(port))) return 'has a server without a port: host:port is meant';
      return new Set(ports.map(Number)).size <= 1 ? undefined : 'has different ports: all servers must use the same';
    },
    doc: 'Servers of ZooKeeper: host:port, separated by commas, the same port for all; absent: as hbase-site.xml says.',
  });
}
