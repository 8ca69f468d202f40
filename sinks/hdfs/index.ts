import { define, type Finding, type Values } from '../../core/define.ts';
import {
  checkKerberos,
  checkRoundValue,
  kerberosFiles,
  roundUnit,
  roundValue,
  type RoundUnit,
} from '../../core/option-groups.ts';
import { boolean, choice, integer, list, optional, prefix, string } from '../../core/options.ts';
import { nested } from '../../core/read-options.ts';
import { CODEC_NAMES, codecClassOf } from '../../protocols/hadoop-codec-names.ts';
import { serializers } from '../../serializers/index.ts';

const options = {
  'hdfs.path': string({ doc: 'Directory to write to, with escapes such as %Y-%m-%d and %{header}.' }),
  'hdfs.filePrefix': string({ default: 'FlumeData', doc: 'Beginning of file names, with escapes.' }),
  'hdfs.fileSuffix': string({ default: '', doc: 'End of file names, its dot included; stands instead of the ending of the codec.' }),
  'hdfs.inUsePrefix': string({ default: '', doc: 'Put in front of the name of a file while it is written.' }),
  'hdfs.inUseSuffix': string({ default: '.tmp', doc: 'Put behind the name of a file while it is written.' }),
  'hdfs.emptyInUseSuffix': boolean({ default: false, doc: 'Put nothing behind the name, whatever hdfs.inUseSuffix says.' }),
  'hdfs.rollInterval': integer({ default: 30, long: true, doc: 'Seconds after which a file is closed; 0: never.' }),
  'hdfs.rollSize': integer({ default: 1024, long: true, doc: 'Bytes of bodies after which a file is closed; 0: never.' }),
  'hdfs.rollCount': integer({ default: 10, long: true, doc: 'Events after which a file is closed; 0: never.' }),
  'hdfs.idleTimeout': integer({ default: 0, doc: 'Seconds without a write after which a file is closed; 0: never.' }),
  'hdfs.batchSize': integer({ default: 100, min: 1, long: true, doc: 'Events asked of the channel at a time; a write takes more where more wait, up to 4 MB.' }),
  'hdfs.codeC': optional(
    string({
      check: codecFault,
      doc: 'Compression of the files: gzip, bzip2, deflate, default, snappy, lz4, zstandard or none.',
    }),
  ),
  'hdfs.fileType': choice({
    values: ['SequenceFile', 'DataStream', 'CompressedStream'],
    default: 'SequenceFile',
    otherwise: 'refuse',
    doc: 'Format of the files: a Hadoop sequence file, what the serializer writes, or the same compressed.',
  }),
  'hdfs.maxOpenFiles': integer({ default: 5000, min: 1, outside: 'refuse', doc: 'Most files open at a time.' }),
  'hdfs.minBlockReplicas': optional(
    integer({ min: 0, unreadable: 'refuse', outside: 'refuse', doc: 'Copies of a block below which a file is closed; absent: as the file system says.' }),
  ),
  'hdfs.writeFormat': choice({
    values: ['Writable', 'Text'],
    default: 'Writable',
    ignoreCase: false,
    otherwise: 'refuse',
    doc: 'Type of the values in a sequence file.',
  }),
  'hdfs.threadsPoolSize': integer({ default: 10, min: 1, outside: 'refuse', doc: 'Calls to the file system at a time.' }),
  'hdfs.rollTimerPoolSize': integer({ default: 1, min: 0, outside: 'refuse', doc: 'Threads for closing files by the clock.' }),
  'hdfs.kerberosPrincipal': optional(string({ doc: 'Kerberos principal to log in as; _HOST stands for the name of the host.' })),
  'hdfs.kerberosKeytab': optional(string({ doc: 'Key tab file of the principal.' })),
  'hdfs.proxyUser': optional(string({ doc: 'User to act for.' })),
  'hdfs.round': boolean({ default: false, doc: 'Round event times down before they go into hdfs.path.' }),
  'hdfs.roundUnit': roundUnit('second'),
  'hdfs.roundValue': roundValue(),
  'hdfs.timeZone': optional(string({ doc: 'Time zone of the escapes; absent: that of the machine.' })),
  'hdfs.useLocalTimeStamp': boolean({ default: false, doc: 'Take the time of writing instead of the header timestamp.' }),
  'hdfs.closeTries': integer({ default: 2 ** 31 - 1, min: 1, outside: 'warn', doc: 'Attempts to close, and to rename, a file.' }),
  'hdfs.retryInterval': integer({ default: 180, long: true, doc: 'Seconds between two attempts; 0 or less: one attempt only.' }),
  'hdfs.callTimeout': integer({ default: 30_000, long: true, doc: 'Milliseconds for each call to the file system; 0 or less: no limit.' }),
  'hdfs.useRawLocalFileSystem': boolean({ default: false, doc: 'For file: paths, write without checksum files.' }),
  serializer: nested(serializers, {
    default: 'TEXT',
    unknownType: 'refuse',
    doc: 'How events become the bytes of a file; not used for sequence files.',
  }),
  'writeFormat.*': prefix({ doc: 'Settings of a write format of one\'s own.' }),
  'hdfs.webHdfsUrl': optional(
    list({
      separator: /[\s,]+/,
      doc: 'Addresses of WebHDFS, http://name:9870, one for each NameNode; absent: found by core-site.xml and hdfs-site.xml, else at the usual ports of the host in hdfs.path.',
    }),
  ),
  'hdfs.delegationToken': optional(string({ secret: true, doc: 'Delegation token, as "hdfs fetchdt" prints it, in place of a user name.' })),
  'hdfs.caFile': optional(string({ doc: 'PEM file with the certificates to trust for swebhdfs: and https: addresses, beside those of the system.' })),
  'hdfs.dataNodeHosts': list({
    default: [],
    separator: /[\s,]+/,
    doc: 'Hosts that a NameNode may send data to, as names or *.domain; none named: any that is not an address back into this machine.',
  }),
  'hdfs.stateDirectory': optional(string({ doc: 'Directory for the list of files in use; absent: .millrace/hdfs in the home directory.' })),
  'hdfs.sequenceFileCompression': choice({
    values: ['BLOCK', 'RECORD'],
    default: 'BLOCK',
    otherwise: 'refuse',
    doc: 'With a codec, whether a sequence file has many events compressed together, as Flume does it, or each by itself.',
  }),
};

export const hdfsSink = define('sink', {
  types: ['hdfs', 'org.apache.flume.sink.hdfs.HDFSEventSink'],
  summary: 'Writes events into files of a Hadoop file system, in directories named after time and headers.',
  options,
  check: (values) => [
    ...checkCodec(values['hdfs.fileType'], values['hdfs.codeC']),
    ...checkKerberos(values, 'hdfs.kerberosPrincipal', 'hdfs.kerberosKeytab'),
    ...refuseKerberos(values['hdfs.kerberosPrincipal'], values['hdfs.kerberosKeytab']),
    ...withoutEffect(values['hdfs.minBlockReplicas']),
    ...checkRounding(values['hdfs.round'], values['hdfs.roundUnit'], values['hdfs.roundValue']),
  ],
  readableFiles: (values) => kerberosFiles(values, 'hdfs.kerberosPrincipal', 'hdfs.kerberosKeytab'),
  batchSizeOption: 'hdfs.batchSize',
  // Loaded by agents that have such a sink.
  create: async (context, values) => (await import('./create.ts')).createHdfsSink(context, values),
});

export type HdfsValues = Values<typeof options>;

function codecFault(name: string): string | undefined {
  return codecClassOf(name) === undefined ? `is none of ${CODEC_NAMES.join(', ')}` : undefined;
}

function checkCodec(fileType: string, codec: string | undefined): readonly Finding[] {
  if (fileType === 'DataStream' && codec !== undefined) {
    return [{ option: 'hdfs.codeC', effect: 'drop', sentence: 'cannot stand with hdfs.fileType = DataStream, which is never compressed' }];
  }
  if (fileType === 'CompressedStream' && (codec === undefined || codec.toLowerCase() === 'none')) {
    return [{ option: 'hdfs.codeC', effect: 'drop', sentence: 'is required with hdfs.fileType = CompressedStream' }];
  }
  return [];
}

function refuseKerberos(principal: string | undefined, keytab: string | undefined): readonly Finding[] {
  if (principal === undefined || keytab === undefined) return [];
  const sentence =
    'asks for a login by Kerberos, which Millrace does not have; it needs a delegation token (hdfs.delegationToken, renewed by a job of yours), or a gateway in front of HDFS that logs in by itself';
  return [{ option: 'hdfs.kerberosPrincipal', effect: 'refuse', sentence }];
}

function withoutEffect(minBlockReplicas: number | undefined): readonly Finding[] {
  if (minBlockReplicas === undefined) return [];
  return [{ option: 'hdfs.minBlockReplicas', effect: 'warn', sentence: 'has no effect: WebHDFS does not tell how many copies a block has while it is written' }];
}

/** An unknown unit switches rounding off, but the value has to be good for seconds all the same. */
function checkRounding(round: boolean, unit: RoundUnit, value: number): readonly Finding[] {
  return checkRoundValue('hdfs.roundValue', value, unit, round);
}
