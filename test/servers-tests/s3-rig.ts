import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { CreateBucketCommand, GetObjectCommand, ListMultipartUploadsCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import type { Account } from '../faults/referee/account.ts';
import type { Collector } from '../faults/referee/referee.ts';
import { splitLines } from '../faults/referee/rolled-files.ts';
import { CuttingProxy } from '../harness/cutting-proxy.ts';
import { startAgent, type RunningAgent } from '../harness/agent.ts';
import type { S3Server } from '../servers/s3-server.ts';

/** A bucket of its own on a real server, a proxy in between, and agents that run one after the other over one folder. */
export class S3Place {
  readonly bucket: string;
  readonly server: S3Server;
  readonly client: S3Client;
  readonly proxy: CuttingProxy;
  readonly folder: string;
  agent: RunningAgent | undefined;

  private constructor(server: S3Server, bucket: string, proxy: CuttingProxy, folder: string) {
    this.server = server;
    this.bucket = bucket;
    this.proxy = proxy;
    this.folder = folder;
    const { accessKeyId, secretAccessKey, endpoint, region } = server;
    this.client = new S3Client({ region, endpoint, forcePathStyle: true, credentials: { accessKeyId, secretAccessKey } });
  }

  static async open(t: TestContext, server: S3Server): Promise<S3Place> {
    const proxy = await new CuttingProxy(Number(new URL(server.endpoint).port)).start();
    const folder = await mkdtemp(join(tmpdir(), 'millrace-s3-'));
    const place = new S3Place(server, `b${process.pid}-${Math.random().toString(36).slice(2, 8)}`, proxy, folder);
    t.after(() => place.close());
    await place.client.send(new CreateBucketCommand({ Bucket: place.bucket }));
    return place;
  }

  /** The agent over the folder: netcat, the durable channel, this sink. */
  async start(properties: Record<string, string> = {}, more: readonly string[] = [], env: Readonly<Record<string, string>> = {}): Promise<RunningAgent> {
    this.agent = await startAgent({ conf: [this.conf(properties), ...more].join('\n'), folder: this.folder, env });
    await this.agent.ready();
    return this.agent;
  }

  /** How a sink gets to the bucket: through the proxy. */
  get connection(): Record<string, string> {
    return {
      's3.bucket': this.bucket,
      's3.endpoint': `http://127.0.0.1:${this.proxy.port}`,
      's3.region': this.server.region,
      's3.accessKeyId': this.server.accessKeyId,
      's3.secretAccessKey': this.server.secretAccessKey,
    };
  }

  conf(properties: Record<string, string> = {}): string {
    const s3 = { type: 's3', ...this.connection, 's3.prefix': 'app', 's3.stageDirectory': '@FOLDER@/stage', 's3.rollInterval': '1', 's3.callTimeout': '1500' };
    const sink: Record<string, string> = { channel: 'c1', ...(properties['type'] === undefined && s3), ...properties };
    return [
      'a1.sources = r1',
      'a1.channels = c1',
      'a1.sinks = k1',
      'a1.sources.r1.type = netcat',
      'a1.sources.r1.bind = 127.0.0.1',
      'a1.sources.r1.port = 0',
      'a1.sources.r1.max-line-length = 200000',
      'a1.sources.r1.channels = c1',
      'a1.channels.c1.type = file',
      'a1.channels.c1.checkpointDir = @FOLDER@/checkpoint',
      'a1.channels.c1.dataDirs = @FOLDER@/data',
      ...Object.entries(sink).map(([key, value]) => `a1.sinks.k1.${key} = ${value}`),
    ].join('\n');
  }

  async keys(): Promise<string[]> {
    const keys: string[] = [];
    for (let token: string | undefined; ; ) {
      const answer = await this.client.send(new ListObjectsV2Command({ Bucket: this.bucket, ...(token !== undefined && { ContinuationToken: token }) }));
      for (const { Key } of answer.Contents ?? []) if (Key !== undefined) keys.push(Key);
      token = answer.NextContinuationToken;
      if (token === undefined) return keys.sort((a, b) => numberOf(a) - numberOf(b));
    }
  }

  async body(key: string): Promise<Buffer> {
    const { Body } = await this.client.send(new GetObjectCommand({ Bucket: this.bucket, Key: key }));
    const bytes = Buffer.from((await Body?.transformToByteArray()) ?? []);
    return key.endsWith('.gz') ? gunzipSync(bytes) : key.endsWith('.zst') ? zstdDecompressSync(bytes) : bytes;
  }

  /** Multipart uploads that were begun under a key's beginning and not ended. */
  async unfinished(prefix: string): Promise<number> {
    const { Uploads = [] } = await this.client.send(new ListMultipartUploadsCommand({ Bucket: this.bucket, Prefix: prefix }));
    return Uploads.length;
  }

  async close(): Promise<void> {
    await this.agent?.stop();
    await this.proxy.stop();
    this.client.destroy();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Reads the lines of the objects in the order in which they were begun. */
export class S3Objects implements Collector {
  readonly #place: S3Place;
  readonly #bodies = new Map<string, Buffer>();
  #seen: string[] = [];

  constructor(place: S3Place) {
    this.#place = place;
  }

  async look(account: Account): Promise<'more' | 'again'> {
    // The server may be down: what is there is seen at the next look.
    const keys = await this.#place.keys().catch(() => this.#seen);
    for (const key of keys) {
      const body = this.#bodies.get(key) ?? (await this.#place.body(key).catch(() => undefined));
      if (!body) return 'more';
      this.#bodies.set(key, body);
    }
    const begun = this.#seen.length;
    if (this.#seen.some((key, index) => keys[index] !== key)) return 'again';
    for (const key of keys.slice(begun)) {
      const rest = splitLines(this.#bodies.get(key) as Buffer, [], (line) => account.see(line));
      if (rest.length > 0) account.seeTorn(Buffer.concat(rest));
    }
    this.#seen = keys;
    return 'more';
  }

  reset(): void {
    this.#seen = [];
  }

  finish(): void {}

  async stop(): Promise<void> {}
}

/** `…-<milliseconds>-<stage>-<number>`. */
function numberOf(key: string): number {
  return Number(/-(\d+)(?:\.\w+)?$/.exec(key)?.[1] ?? 0);
}
