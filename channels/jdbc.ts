import { define, type Finding } from '../core/define.ts';
import { withAliases } from '../core/option-groups.ts';
import { boolean, choice, integer, optional, prefix, string, type Option } from '../core/options.ts';

export const jdbcChannel = define('channel', {
  types: ['jdbc', 'org.apache.flume.channel.jdbc.JdbcChannel'],
  summary: 'Keeps events in the tables of an embedded Derby database.',
  options: {
    'driver.url': optional(old('driver.url', string({ doc: 'JDBC address of the database; absent: a Derby database below the home directory.' }))),
    'driver.class': optional(old('driver.class', string({ doc: 'Java class of the JDBC driver; needed with driver.url.' }))),
    'db.type': optional(old('db.type', string({ doc: 'DERBY; needed with driver.url.' }))),
    'db.username': optional(old('db.username', string({ doc: 'User to log in as.' }))),
    'db.password': optional(old('db.password', string({ secret: true, doc: 'Password of the user.' }))),
    'connection.properties.file': optional(
      old('connection.properties.file', string({ doc: 'Java properties file with more settings for the connection.' })),
    ),
    'create.schema': old('create.schema', boolean({ default: true, doc: 'Create the tables if they are not there.' })),
    'create.index': old('create.index', boolean({ default: true, doc: 'Create indexes along with the tables.' })),
    'create.foreignkey': old('create.foreignkey', boolean({ default: true, doc: 'Create foreign keys along with the tables.' })),
    'transaction.isolation': old(
      'transaction.isolation',
      choice({
        values: ['READ_UNCOMMITTED', 'READ_COMMITTED', 'REPEATABLE_READ', 'SERIALIZABLE'],
        default: 'READ_COMMITTED',
        doc: 'Isolation of transactions in the database.',
      }),
    ),
    'maximum.connections': old(
      'maximum.connections',
      integer({ default: 10, unreadable: 'warn', doc: 'Most connections to the database.' }),
    ),
    'maximum.capacity': old(
      'maximum.capacity',
      integer({ default: 0, long: true, unreadable: 'warn', doc: 'Most events held by all channels of this type; 0 or less: no limit.' }),
    ),
    'sysprop.*': prefix({ doc: 'System properties of the Java process.' }),
    'org.apache.flume.channel.jdbc.sysprop.*': prefix({ doc: 'Old name of sysprop.' }),
  },
  check: checkDatabase,
  readableFiles: (values) =>
    values['driver.url'] !== undefined && values['connection.properties.file'] !== undefined ? ['connection.properties.file'] : [],
});

function old<T>(key: string, inner: Option<T>): Option<T> {
  return withAliases(inner, `org.apache.flume.channel.jdbc.${key}`);
}

interface DatabaseValues {
  readonly 'driver.url': string | undefined;
  readonly 'driver.class': string | undefined;
  readonly 'db.type': string | undefined;
}

/** Without an address Flume overrides everything else; with one it wants type and driver. Its MYSQL takes events and forgets them. */
function checkDatabase(values: DatabaseValues): readonly Finding[] {
  if (values['driver.url'] === undefined) return [];
  const findings: Finding[] = [];
  const type = values['db.type']?.toUpperCase();
  if (type === undefined) findings.push({ option: 'db.type', effect: 'drop', sentence: 'is required with driver.url' });
  else if (type === 'MYSQL') findings.push({ option: 'db.type', effect: 'refuse', sentence: 'makes Flume lose every event: MYSQL was never finished' });
  else if (type !== 'DERBY') findings.push({ option: 'db.type', effect: 'drop', sentence: `"${type}" is no database that the channel works with` });
  if (values['driver.class'] === undefined) {
    findings.push({ option: 'driver.class', effect: 'drop', sentence: 'is required with driver.url' });
  }
  return findings;
}
