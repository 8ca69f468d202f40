import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Context, Serializer, Sink } from '../../core/component.ts';
import { TimeZone } from '../../core/date-fields.ts';
import type { Values } from '../../core/define.ts';
import type { RoundUnit } from '../../core/option-groups.ts';
import type { EscapeOptions } from '../../core/path-escapes.ts';
import type { Nested } from '../../core/read-options.ts';
import { hostNames } from '../../core/local-host.ts';
import { logFiles } from '../../io/log-files.ts';
import { readUrlText } from '../../io/url-text.ts';
import type { S3Options } from './index.ts';
import type { Compression, ObjectSinkSettings } from './settings.ts';
import { S3Sink } from './sink.ts';
import { templateOf } from './template.ts';

/** The sink of a configuration. */
export async function createS3Sink(context: Context, values: Values<S3Options>, files = logFiles): Promise<Sink> {
  const endpoint = values['s3.endpoint'];
  const compression = values['s3.compression'];
  const [accessKeyId, secretAccessKey, sessionToken] = [values['s3.accessKeyId'], values['s3.secretAccessKey'], values['s3.sessionToken']];
  const template = templateOf(values['s3.prefix'], values['s3.name']);
  const encryption = values['s3.encryption'];
  const settings: ObjectSinkSettings = {
    connection: {
      region: values['s3.region'],
      endpoint,
      pathStyle: values['s3.pathStyle'] ?? endpoint !== undefined,
      keys: accessKeyId === undefined || secretAccessKey === undefined ? undefined : { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) },
      profile: values['s3.profile'],
      caFile: values['s3.caCertificates'],
      callTimeoutMs: values['s3.callTimeout'],
      checksums: values['s3.checksums'],
    },
    object: {
      storageClass: values['s3.storageClass'],
      encryption: encryption === 'none' ? undefined : encryption,
      kmsKeyId: values['s3.kmsKeyId'],
      tags: new Map(values['s3.tags'].map((tag) => [tag.slice(0, tag.indexOf('=')), tag.slice(tag.indexOf('=') + 1)])),
      contentType: values['s3.contentType'],
    },
    bucket: values['s3.bucket'],
    template,
    escapes: await escapesOf(template, values['s3.timeZone'], values['s3.useLocalTimeStamp'], values['s3.round'] ? values['s3.roundUnit'] : 'none', values['s3.roundValue']),
    naming: 'unique',
    suffix: values['s3.suffix'] ?? suffixOf(compression),
    compression,
    createSerializer: () => serializerOf(context, values.serializer),
    batchSize: values['s3.batchSize'],
    rollIntervalMs: values['s3.rollInterval'] * 1000,
    rollBytes: values['s3.rollSize'],
    rollEvents: values['s3.rollCount'],
    idleMs: values['s3.idleTimeout'] * 1000,
    maxOpen: values['s3.maxOpenObjects'],
    stageDirectory: resolve(values['s3.stageDirectory'] ?? stageOf(context)),
    stageBytes: values['s3.stageCapacity'],
    uploads: values['s3.uploads'],
    partBytes: values['s3.partSize'],
  };
  return createObjectSink(context, settings, files);
}

/** For whoever has the settings from elsewhere: the hdfs sink with a path of S3. */
export function createObjectSink(context: Context, settings: ObjectSinkSettings, files = logFiles): Sink {
  return new S3Sink(context, settings, files);
}

/** Where the events of a sink wait unless it is told. */
export function stageOf(context: Pick<Context, 'name'>): string {
  return join(homedir(), '.millrace', 's3', context.name.replace(/[^\w.-]/g, '_'));
}

export function suffixOf(compression: Compression): string {
  return { none: '', gzip: '.gz', zstd: '.zst' }[compression];
}

export async function escapesOf(template: string, zone: string | undefined, useLocalTimeStamp: boolean, unit: RoundUnit, value: number): Promise<EscapeOptions> {
  return {
    ...(zone !== undefined && { zone: TimeZone.of(zone) }),
    ...(unit !== 'none' && { round: { unit, value } }),
    ...(/%\[/.test(template) && { hosts: await hostNames() }),
    useLocalTimeStamp,
  };
}

export async function serializerOf(context: Context, nested: Nested<'serializer'> | undefined): Promise<Serializer> {
  if (!nested) throw new Error('the serializer could not be read');
  const { name, log } = context;
  return nested.create({ name, log, count: (counter, amount) => context.count(counter, amount), readText: readUrlText });
}
