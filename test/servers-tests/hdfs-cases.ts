/** Configurations of the hdfs sink that real Flume and Millrace are to run alike. Times come from headers, so that paths follow from the input. */
export interface HdfsCase {
  readonly name: string;
  /** Behind the folder of the case. */
  readonly path?: string;
  readonly sink: Readonly<Record<string, string>>;
  readonly interceptors?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly lines: readonly string[];
  /** How a file is read; as it is unless given. */
  readonly read?: 'hadoop' | 'gzip' | 'deflate' | 'avro';
}

const TIME = '1700000123456';
const three = ['event 1', 'event 2', 'event 3'];
const many = (count: number): string[] => Array.from({ length: count }, (_, index) => `line ${index}`);
const stream = { 'hdfs.fileType': 'DataStream' };

function header(name: string, value: string): Record<string, Record<string, string>> {
  return { [`i${name}`]: { type: 'static', key: name, value } };
}

const at = header('timestamp', TIME);
const byFirstWord = { x: { type: 'regex_extractor', regex: '^(\\\\w+)', serializers: 's1', 'serializers.s1.name': 'k' } };

function dated(name: string, path: string, sink: Readonly<Record<string, string>> = {}): HdfsCase {
  return { name, path, sink: { ...stream, ...sink }, interceptors: at, lines: three };
}

export const cases: readonly HdfsCase[] = [
  { name: 'DataStream, TEXT', sink: stream, lines: three },
  { name: 'DataStream without newlines', sink: { ...stream, 'serializer.appendNewline': 'false' }, lines: three },
  { name: 'letters outside ASCII', sink: stream, lines: ['\u00e9\u65e5\u672c', '', 'x'] },
  { name: 'HEADER_AND_TEXT', sink: { ...stream, serializer: 'HEADER_AND_TEXT' }, interceptors: { ...header('a', '1'), ...header('host', 'h') }, lines: three },
  { name: 'AVRO_EVENT with a suffix', sink: { ...stream, serializer: 'AVRO_EVENT', 'hdfs.fileSuffix': '.avro' }, interceptors: header('a', '1'), lines: three, read: 'avro' },
  { name: 'HD-16 AVRO_EVENT rolled by count', sink: { ...stream, serializer: 'avro_event', 'hdfs.rollCount': '2' }, lines: three, read: 'avro' },
  { name: 'SequenceFile, Writable', sink: {}, interceptors: at, lines: three, read: 'hadoop' },
  { name: 'SequenceFile, Text', sink: { 'hdfs.writeFormat': 'Text' }, interceptors: at, lines: ['a', '', 'x'.repeat(300)], read: 'hadoop' },
  { name: 'SequenceFile, deflate', sink: { 'hdfs.codeC': 'DeflateCodec' }, interceptors: at, lines: three, read: 'hadoop' },
  { name: 'SequenceFile, default, Text, rolled by count', sink: { 'hdfs.codeC': 'default', 'hdfs.writeFormat': 'Text', 'hdfs.rollCount': '2' }, interceptors: at, lines: three, read: 'hadoop' },
  { name: 'HD-17 SequenceFile rolled by count', sink: { 'hdfs.rollCount': '5' }, interceptors: at, lines: many(6), read: 'hadoop' },
  { name: 'CompressedStream, gzip', sink: { 'hdfs.fileType': 'CompressedStream', 'hdfs.codeC': 'gzip' }, lines: three, read: 'gzip' },
  { name: 'HD-07 CompressedStream, gzip with a suffix of its own', sink: { 'hdfs.fileType': 'CompressedStream', 'hdfs.codeC': 'gzip', 'hdfs.fileSuffix': '.foo' }, lines: three, read: 'gzip' },
  { name: 'CompressedStream, deflate by class name', sink: { 'hdfs.fileType': 'CompressedStream', 'hdfs.codeC': 'org.apache.hadoop.io.compress.DeflateCodec' }, lines: three, read: 'deflate' },
  { name: 'CompressedStream, default, rolled by count', sink: { 'hdfs.fileType': 'CompressedStream', 'hdfs.codeC': 'default', 'hdfs.rollCount': '2' }, lines: three, read: 'deflate' },
  { name: 'HD-01 rollCount', sink: { ...stream, 'hdfs.rollCount': '3' }, lines: many(10) },
  { name: 'rollCount 1', sink: { ...stream, 'hdfs.rollCount': '1' }, lines: three },
  { name: 'HD-02 rollSize', sink: { ...stream, 'hdfs.rollSize': '20' }, lines: many(12) },
  { name: 'both limits, the defaults of Flume', sink: { ...stream, 'hdfs.rollCount': '10', 'hdfs.rollSize': '1024' }, lines: [...many(11), 'x'.repeat(1024), 'y', 'z'] },
  { name: 'HD-06 prefix and suffix', sink: { ...stream, 'hdfs.filePrefix': 'events', 'hdfs.fileSuffix': '.log' }, lines: three },
  { name: 'a prefix with escapes', sink: { ...stream, 'hdfs.filePrefix': 'e-%{host}-%Y' }, interceptors: { ...at, ...header('host', 'web1') }, lines: three },
  { name: 'HD-08 names in use', sink: { ...stream, 'hdfs.inUsePrefix': '_', 'hdfs.inUseSuffix': '.part' }, lines: three },
  { name: 'HD-09 no suffix in use', sink: { ...stream, 'hdfs.emptyInUseSuffix': 'true' }, lines: three },
  dated('HD-19 year, month, day, hour', '/%Y/%m/%d/%H'),
  dated('a time zone', '/%y-%j-%b-%a-%H%M', { 'hdfs.timeZone': 'Asia/Tokyo' }),
  dated('rounded to minutes', '/%H%M%S', { 'hdfs.round': 'true', 'hdfs.roundValue': '10', 'hdfs.roundUnit': 'minute' }),
  dated('rounded to hours', '/%H%M-%s', { 'hdfs.round': 'true', 'hdfs.roundValue': '6', 'hdfs.roundUnit': 'hour' }),
  dated('milliseconds and seconds', '/%t/%s'),
  dated('twelve hours, and numbers without padding', '/%p-%I-%l-%k-%e-%n'),
  dated('a date with slashes', '/%D/x'),
  dated('an unknown escape', '/a%qb'),
  { name: 'HD-22 values of headers', path: '/%{k}', sink: stream, interceptors: byFirstWord, lines: ['a 1', 'b 1', 'a 2', 'c 1', 'b 2'] },
  { name: 'a header that is missing', path: '/a/%{nope}/b', sink: stream, lines: three },
  { name: 'the name of the host', path: '/%[localhost]', sink: stream, lines: three },
  { name: 'one event in a transaction', sink: { ...stream, 'hdfs.batchSize': '1' }, lines: three },
  { name: 'HD-25 idleTimeout', sink: { ...stream, 'hdfs.idleTimeout': '1' }, lines: three },
  { name: 'a time of day by the clock', path: '/%Y', sink: { ...stream, 'hdfs.useLocalTimeStamp': 'true' }, lines: three },
];
