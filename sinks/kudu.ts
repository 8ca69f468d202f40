import { define, type Finding } from '../core/define.ts';
import { checkKerberos } from '../core/option-groups.ts';
import { boolean, choice, integer, optional, string } from '../core/options.ts';

const CLASS = 'org.apache.flume.sink.kudu.KuduSink';
const producers = ['Simple', 'SimpleKeyed', 'Regexp', 'Avro'] as const;
type Producer = `org.apache.flume.sink.kudu.${(typeof producers)[number]}KuduOperationsProducer`;
const producerClasses = producers.map((name): Producer => `org.apache.flume.sink.kudu.${name}KuduOperationsProducer`);

export const kuduSink = define('sink', {
  types: [CLASS],
  summary: 'Writes events into a table of Apache Kudu.',
  options: {
    masterAddresses: string({ doc: 'Masters of Kudu: host:port, separated by commas.' }),
    tableName: string({ doc: 'Table to write to; it has to be there.' }),
    batchSize: integer({ default: 1000, min: 1, long: true, outside: 'refuse', doc: 'Most events taken from the channel at a time.' }),
    timeoutMillis: integer({ default: 30_000, long: true, doc: 'Milliseconds for each call to Kudu.' }),
    ignoreDuplicateRows: boolean({ default: true, doc: 'Pass over rows whose key is there already.' }),
    producer: choice({
      values: producerClasses,
      default: 'org.apache.flume.sink.kudu.SimpleKuduOperationsProducer',
      ignoreCase: false,
      doc: 'How an event becomes rows: the body as one column, with a key of a header, by a regular expression, or by an Avro schema.',
    }),
    'producer.payloadColumn': string({ default: 'payload', doc: 'Simple and SimpleKeyed: column that takes the body.' }),
    'producer.keyColumn': string({ default: 'key', doc: 'SimpleKeyed: column of the key, and name of the header with it.' }),
    'producer.operation': choice({ values: ['upsert', 'insert'], default: 'upsert', doc: 'Whether a row replaces one of the same key.' }),
    'producer.pattern': optional(string({ doc: 'Regexp: regular expression whose named groups are the columns.' })),
    'producer.encoding': string({ default: 'utf-8', doc: 'Regexp: character set of bodies.' }),
    'producer.missingColumnPolicy': policy('REJECT', 'Regexp: what to do about a column that the table has and the expression has not.'),
    'producer.badColumnValuePolicy': policy('REJECT', 'Regexp: what to do about a value that a column cannot hold.'),
    'producer.unmatchedRowPolicy': policy('WARN', 'Regexp: what to do about a body that does not match.'),
    'producer.skipMissingColumn': optional(boolean({ doc: 'Regexp: old form of missingColumnPolicy.' })),
    'producer.skipBadColumnValue': optional(boolean({ doc: 'Regexp: old form of badColumnValuePolicy.' })),
    'producer.warnUnmatchedRows': optional(boolean({ aliases: ['producer.skipUnmatchedRows'], doc: 'Regexp: old form of unmatchedRowPolicy.' })),
    'producer.schemaPath': optional(string({ doc: 'Avro: address of the schema of bodies that name none.' })),
    kerberosPrincipal: optional(string({ doc: 'Kerberos principal to log in as.' })),
    kerberosKeytab: optional(string({ doc: 'Key tab file of the principal.' })),
    proxyUser: optional(string({ doc: 'User to act for.' })),
  },
  check: (values): readonly Finding[] => [
    ...checkKerberos(values, 'kerberosPrincipal', 'kerberosKeytab'),
    ...(values.producer.includes('Regexp') && values['producer.pattern'] === undefined
      ? [{ option: 'producer.pattern', effect: 'drop' as const, sentence: 'is required with this producer' }]
      : []),
  ],
  flume: { notLoadable: CLASS },
});

function policy(fallback: 'REJECT' | 'WARN', doc: string) {
  return choice({ values: ['REJECT', 'WARN', 'IGNORE'], default: fallback, doc });
}
