import { define, type Finding } from '../core/define.ts';
import { checkRoundValue, roundUnit, roundValue, type RoundUnit } from '../core/option-groups.ts';
import { boolean, choice, integer, list, optional, string } from '../core/options.ts';

const DELIMITED = ['DELIMITED', 'org.apache.flume.sink.hive.HiveDelimitedTextSerializer'] as const;
const JSON_TYPES = ['JSON', 'org.apache.flume.sink.hive.HiveJsonSerializer'] as const;

export const hiveSink = define('sink', {
  types: ['hive', 'org.apache.flume.sink.hive.HiveSink'],
  summary: 'Writes events into a transactional table of Apache Hive.',
  options: {
    'hive.metastore': string({ doc: 'Address of the metastore: thrift://host:9083.' }),
    'hive.database': string({ doc: 'Database of the table.' }),
    'hive.table': string({ doc: 'Table to write to.' }),
    'hive.partition': optional(list({ separator: ',', doc: 'Values that name the partition, separated by commas, with escapes.' })),
    'hive.txnsPerBatchAsk': integer({ default: 100, min: 0, outside: 'warn', doc: 'Transactions asked for at a time.' }),
    batchSize: integer({ default: 15_000, min: 0, outside: 'warn', doc: 'Most events in a transaction; more than 0.' }),
    idleTimeout: integer({ default: 0, min: 0, outside: 'warn', doc: 'Milliseconds without use after which a writer may be closed.' }),
    callTimeout: integer({ default: 10_000, min: 0, outside: 'warn', doc: 'Milliseconds for each call to Hive; 0: no limit.' }),
    heartBeatInterval: integer({ default: 240, min: 0, outside: 'warn', doc: 'Seconds between two signs of life; 0: none are sent.' }),
    maxOpenConnections: integer({ default: 500, doc: 'Most writers open at a time.' }),
    autoCreatePartitions: boolean({ default: true, doc: 'Create partitions that are not there.' }),
    round: boolean({ default: false, doc: 'Round event times down before they go into hive.partition.' }),
    roundUnit: roundUnit('minute'),
    roundValue: roundValue(),
    timeZone: optional(string({ doc: 'Time zone of the escapes; absent: that of the machine.' })),
    useLocalTimeStamp: boolean({ default: false, doc: 'Take the time of writing instead of the header timestamp.' }),
    serializer: choice({
      values: [...DELIMITED, ...JSON_TYPES],
      doc: 'How the columns are found in a body: DELIMITED text, or JSON by name.',
    }),
    'serializer.delimiter': string({ default: ',', doc: 'DELIMITED: text between fields; may stand in double quotes.' }),
    'serializer.fieldnames': optional(string({ doc: 'DELIMITED: column of each field, separated by commas; an empty one is left out.' })),
    'serializer.serdeSeparator': optional(string({ doc: 'DELIMITED: character between the fields that Hive is handed.' })),
  },
  check: (values) => [
    ...(values.batchSize === 0 ? [{ option: 'batchSize', effect: 'drop' as const, sentence: 'has to be more than 0' }] : []),
    ...checkRounding(values.roundUnit, values.roundValue),
    ...checkSerializer(values),
  ],
  batchSizeOption: 'batchSize',
});

/** Unlike the HDFS sink, this one reads the value always, and has no range for a unit that it does not know. */
function checkRounding(unit: RoundUnit, value: number): readonly Finding[] {
  if (unit === 'none' && !Number.isNaN(value)) return [];
  return checkRoundValue('roundValue', value, unit, true);
}

interface SerializerValues {
  readonly serializer: (typeof DELIMITED)[number] | (typeof JSON_TYPES)[number];
  readonly 'serializer.fieldnames': string | undefined;
  readonly 'serializer.serdeSeparator': string | undefined;
}

function checkSerializer(values: SerializerValues): readonly Finding[] {
  if (!DELIMITED.some((type) => type === values.serializer)) return [];
  const findings: Finding[] = [];
  if (values['serializer.fieldnames'] === undefined) {
    findings.push({ option: 'serializer.fieldnames', effect: 'drop', sentence: 'is required with serializer = DELIMITED' });
  }
  const separator = values['serializer.serdeSeparator'] ?? '.';
  if (separator.length !== 1 && !(separator.length === 3 && separator.endsWith("'"))) {
    const sentence = `"${separator}" is neither one character nor one in single quotes`;
    findings.push({ option: 'serializer.serdeSeparator', effect: 'drop', sentence });
  }
  return findings;
}
