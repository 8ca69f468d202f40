import type { Context, Serializer, Sink } from '../../core/component.ts';
import type { HadoopSite } from '../../io/hadoop-site.ts';
import { createObjectSink, stageOf } from '../s3/create.ts';
import { escapeOptionsOf } from './create.ts';
import type { HdfsValues } from './index.ts';
import { PlaceError, type Place } from './name-nodes.ts';
import type { HdfsSinkSettings } from './sink.ts';

/** Most bytes that wait to be uploaded, and how they are: what the s3 sink does unless it is told. */
const STAGE_BYTES = 4 * 1024 ** 3;
const UPLOADS = 4;
const PART_BYTES = 8 * 1024 * 1024;

interface ObjectParts {
  readonly place: Extract<Place, { kind: 'objects' }>;
  readonly path: string;
  readonly site: HadoopSite;
  readonly settings: HdfsSinkSettings;
  createSerializer(): Promise<Serializer>;
}

/**
 * For `s3a:`, `s3n:` and `s3:` paths: the s3 sink, with the names and rolls of this one. Objects cannot grow: what is in use lies in a
 * stage on a disk of this machine, and an object is there once it is complete. How S3 is reached stands in core-site.xml, as for Hadoop
 * (`fs.s3a.*`), or is found by the SDK.
 */
export async function createHdfsObjectSink(context: Context, values: HdfsValues, parts: ObjectParts): Promise<Sink> {
  const { place, path, site, settings } = parts;
  const property = (name: string): string | undefined => site.get(`fs.s3a.bucket.${place.bucket}.${name}`) ?? site.get(`fs.s3a.${name}`);
  if (place.bucket === '') throw new PlaceError('hdfs.path names no bucket; write s3a://bucket/path');
  const [accessKeyId, secretAccessKey, sessionToken] = [property('access.key'), property('secret.key'), property('session.token')];
  const endpoint = property('endpoint');
  const template = `${path.replace(/^\/+|\/+$/g, '')}/${values['hdfs.filePrefix']}`.replace(/^\//, '');
  return createObjectSink(context, {
    connection: {
      region: property('endpoint.region'),
      endpoint: endpoint === undefined || /^https?:/.test(endpoint) ? endpoint : `${property('connection.ssl.enabled') === 'false' ? 'http' : 'https'}://${endpoint}`,
      pathStyle: property('path.style.access') === 'true',
      keys: accessKeyId === undefined || secretAccessKey === undefined ? undefined : { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) },
      profile: undefined,
      caFile: values['hdfs.caFile'],
      callTimeoutMs: values['hdfs.callTimeout'] > 0 ? values['hdfs.callTimeout'] : 2 ** 31 - 1,
      checksums: true,
    },
    object: { storageClass: undefined, encryption: undefined, kmsKeyId: undefined, tags: new Map(), contentType: undefined },
    bucket: place.bucket,
    template,
    escapes: await escapeOptionsOf(values, template),
    naming: 'flume',
    suffix: settings.names.suffix,
    compression: 'none',
    createSerializer: () => parts.createSerializer(),
    batchSize: settings.batchSize,
    rollIntervalMs: Math.max(0, settings.rollMs),
    rollBytes: settings.roll.bodyBytes,
    rollEvents: settings.roll.events,
    idleMs: settings.idleMs,
    maxOpen: settings.mostOpenFiles,
    stageDirectory: values['hdfs.stateDirectory'] === undefined ? stageOf(context) : `${values['hdfs.stateDirectory']}/s3-${context.name.replace(/[^\w.-]/g, '_')}`,
    stageBytes: STAGE_BYTES,
    uploads: UPLOADS,
    partBytes: PART_BYTES,
  });
}
