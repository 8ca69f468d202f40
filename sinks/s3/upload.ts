import type { Readable } from 'node:stream';
import type * as Sdk from '@aws-sdk/client-s3';
import { joinCrc } from './crc-join.ts';
import { bytesOf, type ObjectBytes } from './object-bytes.ts';
import { ObjectReader } from './object-reader.ts';
import type { PartBuffers } from './part-buffers.ts';
import { NameTakenError, NoUploadError, type Attempts, type Request, type S3Requests } from './requests.ts';
import type { ObjectProperties } from './settings.ts';
import type { Stage } from './stage.ts';
import type { StagedObject } from './staged-object.ts';

/** S3 takes at most so many parts. */
const MOST_PARTS = 10_000;
/** Compressed bytes that are read to see whether there is more than a part. */
const BEYOND_BYTES = 64 * 1024;
const SLICE_BYTES = 256 * 1024;

export interface UploadParts {
  readonly requests: S3Requests;
  readonly stage: Stage;
  readonly buffers: PartBuffers;
  readonly partBytes: number;
  readonly properties: ObjectProperties;
  readonly checksums: boolean;
}

/** `taken`: another object has the name. */
export type Outcome = 'done' | 'taken';

/** Brings one object to S3: in one request, or in several parts of which a few are on their way at a time. */
export class Upload {
  readonly #parts: UploadParts;
  readonly #object: StagedObject;
  readonly #signal: AbortSignal;
  /** A request of an earlier attempt may have been carried out. */
  readonly #attempts: Attempts;

  constructor(parts: UploadParts, object: StagedObject, attempts: Attempts, signal: AbortSignal) {
    this.#parts = parts;
    this.#object = object;
    this.#attempts = attempts;
    this.#signal = signal;
  }

  /** Throws RefusedError, CorruptionError, and AbortError once the signal aborts; the object may be tried again from its head. */
  async run(): Promise<Outcome> {
    for (;;) {
      const bytes = bytesOf(new ObjectReader(this.#parts.stage, this.#object), this.#object.facts.compression);
      try {
        await this.#send(bytes);
        return 'done';
      } catch (error) {
        if (!(error instanceof NameTakenError || error instanceof NoUploadError)) throw error;
        const standing = await this.#standing();
        if (standing === 'ours') return 'done';
        if (standing === 'other') return 'taken';
        // Nothing stands there: once more from the head.
      } finally {
        bytes.end();
      }
    }
  }

  async #send(bytes: ObjectBytes): Promise<void> {
    const { buffers, partBytes } = this.#parts;
    const plain = this.#object.facts.compression === 'none';
    const first = await buffers.take(plain ? this.#object.bytes : partBytes);
    let sent = false;
    let upload: string | undefined;
    let beyond: Buffer = Buffer.alloc(0);
    let firstCrc = 0;
    try {
      const length = await bytes.fill(first);
      firstCrc = bytes.filledCrc;
      if (plain ? length < this.#object.bytes : length === first.length) {
        // Of compressed bytes nobody knows how many come.
        beyond = plain ? beyond : Buffer.alloc(BEYOND_BYTES);
        beyond = beyond.subarray(0, await bytes.fill(beyond));
        if (plain || beyond.length > 0) upload = await this.#begin();
      }
      if (upload === undefined) {
        await this.#put(first.subarray(0, length), firstCrc);
        sent = true;
      }
    } finally {
      if (upload === undefined) buffers.giveBack(first, sent);
    }
    if (upload !== undefined) await this.#sendParts(upload, first, firstCrc, new PartsOf(bytes, beyond));
  }

  #put(body: Buffer, crc: number): Promise<unknown> {
    const { checksums } = this.#parts;
    return this.#request('store', (client, { PutObjectCommand }, options) =>
      client.send(new PutObjectCommand({ ...this.#target(), ...this.#properties(), ...(checksums && { ChecksumCRC32: base64Of(crc) }), ...this.#sent(body), IfNoneMatch: '*' }), options),
    );
  }

  async #begin(): Promise<string> {
    const { checksums, stage } = this.#parts;
    const { UploadId } = await this.#request('begin to store', (client, { CreateMultipartUploadCommand }, options) =>
      client.send(
        new CreateMultipartUploadCommand({
          ...this.#target(),
          ...this.#properties(),
          ...(checksums && { ChecksumAlgorithm: 'CRC32' as const, ChecksumType: 'FULL_OBJECT' as const }),
        }),
        options,
      ),
    );
    if (UploadId === undefined) throw new Error('the destination began an upload without a name');
    await stage.note({ begun: { object: this.#object.id, ...this.#place(), uploadId: UploadId } });
    return UploadId;
  }

  /** Sends the first buffer and the rest, several at a time; completes the upload. */
  async #sendParts(uploadId: string, first: Buffer, firstCrc: number, rest: PartsOf): Promise<void> {
    const { buffers, stage, partBytes } = this.#parts;
    const done: Sdk.CompletedPart[] = [];
    const underWay = new Set<Promise<void>>();
    let failure: unknown;
    let crc = 0;
    const start = (buffer: Buffer, length: number, partCrc: number, number: number): void => {
      crc = joinCrc(crc, partCrc, length);
      let sent = false;
      const part = this.#sendPart(uploadId, number, buffer.subarray(0, length), partCrc)
        .then((completed) => {
          done.push(completed);
          sent = true;
        })
        .catch((error: unknown) => (failure ??= error))
        .finally(() => {
          buffers.giveBack(buffer, sent);
          underWay.delete(part);
        }) as Promise<void>;
      underWay.add(part);
    };
    start(first, first.length, firstCrc, 1);
    for (let number = 2; failure === undefined; number++) {
      const buffer = await buffers.take(partBytes);
      let length = 0;
      try {
        length = await rest.fill(buffer);
        if (number > MOST_PARTS && length > 0) throw new Error(`the object is larger than ${MOST_PARTS} parts of ${partBytes} bytes: raise s3.partSize`);
      } catch (error) {
        failure ??= error;
      }
      if (length === 0 || failure !== undefined) {
        buffers.giveBack(buffer, true);
        break;
      }
      start(buffer, length, rest.filledCrc, number);
    }
    await Promise.all(underWay);
    if (failure !== undefined) throw failure;
    done.sort((a, b) => (a.PartNumber ?? 0) - (b.PartNumber ?? 0));
    await this.#complete(uploadId, done, crc);
    await stage.note({ ended: uploadId });
  }

  async #sendPart(uploadId: string, number: number, body: Buffer, crc: number): Promise<Sdk.CompletedPart> {
    const checksum = this.#parts.checksums ? base64Of(crc) : undefined;
    const attempts = { unclear: false };
    const { ETag } = await this.#request(
      'store a part of',
      async (client, sdk, options) => {
        if (attempts.unclear) await this.#ask(uploadId, client, sdk, options);
        const command = new sdk.UploadPartCommand({
          ...this.#target(),
          UploadId: uploadId,
          PartNumber: number,
          ...this.#sent(body),
          ...(checksum !== undefined && { ChecksumCRC32: checksum }),
        });
        return client.send(command, options);
      },
      attempts,
    );
    return { PartNumber: number, ETag, ...(checksum !== undefined && { ChecksumCRC32: checksum }) };
  }

  /**
   * What is written to a TLS connection at once is encrypted at once, and all of it is in memory a second time: so it goes bit by bit. Then
   * the SDK makes no SHA-256 of it either, which would only cost: within TLS nobody changes a body on the way.
   */
  #sent(body: Buffer): { Body: Buffer | Readable; ContentLength: number } {
    return { Body: this.#parts.requests.isSecure ? slicesOf(body) : body, ContentLength: body.length };
  }

  /** Throws where the upload is gone: some servers then close the connection on a part, which by itself says nothing. */
  async #ask(uploadId: string, ...[client, { ListPartsCommand }, options]: Parameters<Request<unknown>>): Promise<void> {
    try {
      await client.send(new ListPartsCommand({ ...this.#target(), UploadId: uploadId, MaxParts: 1 }), options);
    } catch (error) {
      // The right to ask may be missing; the part tells the rest.
      if (error instanceof Error && error.name === 'NoSuchUpload') throw error;
    }
  }

  #complete(uploadId: string, parts: Sdk.CompletedPart[], crc: number): Promise<unknown> {
    const { checksums } = this.#parts;
    return this.#request('complete', (client, { CompleteMultipartUploadCommand }, options) =>
      client.send(
        new CompleteMultipartUploadCommand({
          ...this.#target(),
          UploadId: uploadId,
          MultipartUpload: { Parts: parts },
          IfNoneMatch: '*',
          ...(checksums && { ChecksumCRC32: base64Of(crc), ChecksumType: 'FULL_OBJECT' as const }),
        }),
        options,
      ),
    );
  }

  /** What has the object's name at the destination. What cannot be looked at counts as somebody else's: doubled rather than lost. */
  async #standing(): Promise<'ours' | 'other' | 'nothing'> {
    const answer = await this.#request('look at', async (client, { HeadObjectCommand }, options) => {
      try {
        return await client.send(new HeadObjectCommand(this.#target()), options);
      } catch (error) {
        const { $metadata } = error as { $metadata?: { httpStatusCode?: number } };
        if ($metadata?.httpStatusCode === 404) return undefined;
        if ($metadata?.httpStatusCode === 403) return { Metadata: undefined };
        throw error;
      }
    });
    if (!answer) return 'nothing';
    const { Metadata: marks = {} } = answer;
    const ours = Object.entries(this.#marks()).every(([name, value]) => marks[name] === value);
    return ours ? 'ours' : 'other';
  }

  /** By these the object is known again. */
  #marks(): Record<string, string> {
    const { id, events, crc } = this.#object;
    return { 'millrace-object': `${this.#parts.stage.id}-${id}`, 'millrace-events': String(events), 'millrace-crc32': crc.toString(16).padStart(8, '0') };
  }

  #properties(): Partial<Sdk.PutObjectCommandInput> & Partial<Sdk.CreateMultipartUploadCommandInput> {
    const { storageClass, encryption, kmsKeyId, tags, contentType } = this.#parts.properties;
    const { compression } = this.#object.facts;
    return {
      Metadata: this.#marks(),
      ...(storageClass !== undefined && { StorageClass: storageClass as Sdk.StorageClass }),
      ...(encryption !== undefined && { ServerSideEncryption: encryption as Sdk.ServerSideEncryption }),
      ...(kmsKeyId !== undefined && { SSEKMSKeyId: kmsKeyId }),
      ...(tags.size > 0 && { Tagging: [...tags].map((pair) => pair.map(encodeURIComponent).join('=')).join('&') }),
      ContentType: contentType ?? CONTENT_TYPES[compression],
    };
  }

  #place(): { bucket: string; key: string } {
    return { bucket: this.#object.facts.bucket, key: this.#object.key };
  }

  #target(): { Bucket: string; Key: string } {
    return { Bucket: this.#object.facts.bucket, Key: this.#object.key };
  }

  #request<A>(verb: string, request: Request<A>, attempts: Attempts = this.#attempts): Promise<A> {
    return this.#parts.requests.send(`${verb} s3://${this.#object.facts.bucket}/${this.#object.key}`, this.#signal, request, attempts);
  }
}

const CONTENT_TYPES = { none: 'application/octet-stream', gzip: 'application/gzip', zstd: 'application/zstd' };

/** What was read beyond the first part, then the rest. */
class PartsOf {
  readonly #bytes: ObjectBytes;
  #beyond: Buffer;

  constructor(bytes: ObjectBytes, beyond: Buffer) {
    this.#bytes = bytes;
    this.#beyond = beyond;
  }

  filledCrc = 0;

  async fill(into: Buffer): Promise<number> {
    const copied = this.#beyond.copy(into);
    this.#beyond = this.#beyond.subarray(copied);
    const more = await this.#bytes.fill(into.subarray(copied));
    this.filledCrc = joinCrc(crc32(into.subarray(0, copied)), this.#bytes.filledCrc, more);
    return copied + more;
  }
}

function slicesOf(bytes: Buffer): Readable {
  const { Readable: Stream } = process.getBuiltinModule('node:stream');
  const slices = Array.from({ length: Math.ceil(bytes.length / SLICE_BYTES) }, (_, index) => bytes.subarray(index * SLICE_BYTES, (index + 1) * SLICE_BYTES));
  return Stream.from(slices, { objectMode: false, highWaterMark: SLICE_BYTES });
}

function crc32(bytes: Buffer): number {
  return process.getBuiltinModule('node:zlib').crc32(bytes);
}

/** As S3 writes a CRC-32. */
function base64Of(crc: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc);
  return bytes.toString('base64');
}
