import type { Serializer } from '../../core/component.ts';
import type { EscapeOptions } from '../../core/path-escapes.ts';

/** How S3 is reached. Absent keys: the SDK's chain (environment, profile, container, instance). */
export interface S3Connection {
  readonly region: string | undefined;
  readonly endpoint: string | undefined;
  readonly pathStyle: boolean;
  readonly keys: { readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken?: string } | undefined;
  readonly profile: string | undefined;
  /** PEM file with the certificates to trust beside those of the system. */
  readonly caFile: string | undefined;
  /** Without a byte from the server for so long, a request counts as failed. */
  readonly callTimeoutMs: number;
  /** False for servers that refuse the checksum headers of today's S3. */
  readonly checksums: boolean;
}

/** What each new object is given. */
export interface ObjectProperties {
  readonly storageClass: string | undefined;
  readonly encryption: string | undefined;
  readonly kmsKeyId: string | undefined;
  readonly tags: ReadonlyMap<string, string>;
  readonly contentType: string | undefined;
}

export type Compression = 'none' | 'gzip' | 'zstd';

/** All that the sink needs to know, whatever the options were called: the hdfs sink comes here with paths of S3, too. */
export interface ObjectSinkSettings {
  readonly connection: S3Connection;
  readonly object: ObjectProperties;
  readonly bucket: string;
  /** The key without its counter and ending, with escapes: `logs/%Y/%m/%d/events`. */
  readonly template: string;
  readonly escapes: EscapeOptions;
  /** `unique`: `<template>-<milliseconds>-<stage>-<number><suffix>`; `flume`: `<template>.<counter><suffix>`. */
  readonly naming: 'unique' | 'flume';
  /** Ending of the keys, its dot included. */
  readonly suffix: string;
  readonly compression: Compression;
  /** One for each object; one for all of them where it can go on with another file (`canAppend`). */
  createSerializer(): Promise<Serializer>;
  readonly batchSize: number;
  /** 0: never, for this and the three below. */
  readonly rollIntervalMs: number;
  /** Before compression. */
  readonly rollBytes: number;
  readonly rollEvents: number;
  readonly idleMs: number;
  /** Objects that grow at a time; above it the one that was not written to for longest is uploaded. */
  readonly maxOpen: number;
  readonly stageDirectory: string;
  /** Most bytes on disk that wait to be uploaded. */
  readonly stageBytes: number;
  /** Requests that carry data at a time. */
  readonly uploads: number;
  readonly partBytes: number;
}
