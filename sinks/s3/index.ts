import { define, type Finding } from '../../core/define.ts';
import { checkRoundValue, roundUnit, roundValue } from '../../core/option-groups.ts';
import { boolean, choice, integer, list, optional, string } from '../../core/options.ts';
import { nested } from '../../core/read-options.ts';
import { serializers } from '../../serializers/index.ts';
import { checkPlace, checkTags } from './checks.ts';

const MIB = 1024 * 1024;

const options = {
  's3.bucket': string({ check: bucketFault, doc: 'Bucket to write to; it has to be there.' }),
  's3.prefix': string({ default: '', doc: 'Folder of the objects, with escapes such as %Y/%m/%d and %{header}; a "/" is put behind it.' }),
  's3.name': string({ default: 'events', doc: 'Beginning of the names of objects, with escapes; a time, the stage and a number follow it.' }),
  's3.suffix': optional(string({ doc: 'Ending of the names, its dot included; absent: .gz or .zst for what is compressed, otherwise none.' })),
  's3.anyPrefix': boolean({ default: false, doc: 'Allow a key that begins with the value of a header.' }),
  's3.region': optional(string({ doc: 'Region of the bucket; absent: as the environment says, or us-east-1 with an endpoint of your own.' })),
  's3.endpoint': optional(string({ check: endpointFault, doc: 'Address of another S3 than that of Amazon, for example https://minio.example:9000.' })),
  's3.pathStyle': optional(boolean({ doc: 'Write the bucket into the path, not into the host name; absent: with an endpoint of your own.' })),
  's3.accessKeyId': optional(string({ doc: 'Key; absent: the chain of the SDK finds one (environment, profile, container, instance).' })),
  's3.secretAccessKey': optional(string({ secret: true, doc: 'Secret of the key; best given by a configuration filter.' })),
  's3.sessionToken': optional(string({ secret: true, doc: 'Token of a key that is good for a time.' })),
  's3.profile': optional(string({ doc: 'Profile of the shared configuration files to take the credentials from.' })),
  's3.caCertificates': optional(string({ doc: 'PEM file with certificates to trust beside those that Node brings; read again for new connections after a failure.' })),
  's3.storageClass': optional(string({ doc: 'Storage class of the objects, for example STANDARD_IA.' })),
  's3.encryption': choice({ values: ['none', 'AES256', 'aws:kms', 'aws:kms:dsse'], default: 'none', otherwise: 'refuse', doc: 'Encryption at the server; none: what the bucket says.' }),
  's3.kmsKeyId': optional(string({ doc: 'Key for aws:kms; absent: that of the account.' })),
  's3.tags': list({ default: [], separator: /\s*,\s*/, doc: 'Tags of the objects, name=value, separated by commas.' }),
  's3.contentType': optional(string({ doc: 'Content type of the objects.' })),
  's3.checksums': boolean({ default: true, doc: 'Send CRC-32 checksums; false for servers that refuse them.' }),
  's3.compression': choice({ values: ['none', 'gzip', 'zstd'], default: 'none', otherwise: 'refuse', doc: 'Compression of the objects.' }),
  's3.rollInterval': integer({ default: 300, min: 0, outside: 'refuse', doc: 'Seconds after which an object is uploaded; 0: never for that reason.' }),
  's3.rollSize': integer({ default: 64 * MIB, min: 0, long: true, outside: 'refuse', doc: 'Bytes of bodies after which an object is uploaded; 0: never for that reason.' }),
  's3.rollCount': integer({ default: 0, min: 0, long: true, outside: 'refuse', doc: 'Events after which an object is uploaded; 0: never for that reason.' }),
  's3.idleTimeout': integer({ default: 0, min: 0, outside: 'refuse', doc: 'Seconds without an event after which an object is uploaded; 0: never for that reason.' }),
  's3.maxOpenObjects': integer({ default: 5000, min: 1, outside: 'refuse', doc: 'Most objects that grow at a time; the one without events for longest is uploaded first.' }),
  's3.batchSize': integer({ default: 100, min: 1, outside: 'refuse', doc: 'Most events taken from the channel at a time; batches that come while the stage is synced share the next sync.' }),
  's3.round': boolean({ default: false, doc: 'Round event times down before they go into s3.prefix and s3.name.' }),
  's3.roundUnit': roundUnit('second'),
  's3.roundValue': roundValue(),
  's3.timeZone': optional(string({ doc: 'Time zone of the escapes; absent: that of the machine.' })),
  's3.useLocalTimeStamp': boolean({ default: false, doc: 'Take the time of writing instead of the header timestamp.' }),
  's3.stageDirectory': optional(string({ doc: 'Directory of the events that are not uploaded yet; absent: .millrace/s3/ and the name of the sink, below the home directory.' })),
  's3.stageCapacity': integer({ default: 4096 * MIB, min: 256 * MIB, long: true, outside: 'refuse', doc: 'Most bytes of that directory; above it the events stay in their channel.' }),
  's3.uploads': integer({ default: 4, min: 1, max: 64, outside: 'refuse', doc: 'Objects and parts on their way at a time.' }),
  's3.partSize': integer({ default: 8 * MIB, min: 5 * MIB, max: 512 * MIB, outside: 'refuse', doc: 'Bytes above which an object goes in parts, and bytes of a part; s3.uploads of them are in memory.' }),
  's3.callTimeout': integer({ default: 30_000, min: 100, outside: 'refuse', doc: 'Milliseconds without a byte from the server after which a request is given up and made again.' }),
  serializer: nested(serializers, { default: 'TEXT', unknownType: 'refuse', doc: 'How events become the bytes of an object: TEXT, JSON, AVRO_EVENT and others.' }),
};

/** Ours: Flume has none. See docs/s3.md. */
export const s3Sink = define('sink', {
  types: ['s3'],
  summary: 'Writes events into objects of S3, or of a server that speaks its protocol, named after time and headers.',
  options,
  batchSizeOption: 's3.batchSize',
  flume: { notLoadable: '' },
  check: (values): readonly Finding[] => [
    ...checkPlace(values),
    ...checkTags(values['s3.tags']),
    ...checkRoundValue('s3.roundValue', values['s3.roundValue'], values['s3.roundUnit'], values['s3.round']),
  ],
  // Loaded by agents that have such a sink.
  create: async (context, values) => (await import('./create.ts')).createS3Sink(context, values),
});

export type S3Options = typeof options;

function bucketFault(name: string): string | undefined {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$/.test(name) ? undefined : 'is no name of a bucket';
}

function endpointFault(address: string): string | undefined {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:')) return 'is no http: or https: address';
  if (url.username !== '' || url.password !== '') return 'must not hold credentials: use s3.accessKeyId and s3.secretAccessKey';
  return url.search === '' && url.hash === '' ? undefined : 'must not have anything behind its path';
}
