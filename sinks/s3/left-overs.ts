import type { Context } from '../../core/component.ts';
import { describeError } from '../../core/errors.ts';
import type { UploadFacts } from './frames.ts';
import { NoUploadError, type Request } from './requests.ts';
import type { StagedObject } from './staged-object.ts';
import type { UploadParts } from './upload.ts';

/** Ends multipart uploads that nobody will complete: those that were written down, and those that the destination lists under our names. */
export class LeftOvers {
  readonly #parts: UploadParts & { readonly context: Pick<Context, 'log'> };
  readonly #signal: AbortSignal;
  readonly #underWay = new Set<Promise<void>>();

  constructor(parts: UploadParts & { readonly context: Pick<Context, 'log'> }, signal: AbortSignal) {
    this.#parts = parts;
    this.#signal = signal;
  }

  /** At the start. Resolves when the destination has answered; what cannot be ended stays written down for the next start. */
  endAll(uploads: readonly UploadFacts[], objects: readonly StagedObject[], prefix: string, bucket: string): Promise<void> {
    return this.#follow(async () => {
      for (const facts of uploads) await this.#end(facts, true);
      // Not all servers list by a prefix that is no whole key.
      const large = objects.filter(({ bytes }) => bytes > this.#parts.partBytes).map(({ key }) => key);
      for (const key of uploads.length > 0 || objects.length > 0 ? [prefix, ...large] : []) await this.#endListed(bucket, key);
    });
  }

  /** The object stands: no upload of its name is needed any more. `unclear`: one may have begun that we do not know. */
  endOf(object: StagedObject, unclear: boolean): void {
    const known = [...this.#parts.stage.uploads.values()].filter((facts) => facts.object === object.id);
    const maybeMore = unclear && object.bytes > this.#parts.partBytes;
    if (known.length === 0 && !maybeMore) return;
    void this.#follow(async () => {
      for (const facts of known) await this.#end(facts, true);
      if (maybeMore) await this.#endListed(object.facts.bucket, object.key);
    });
  }

  async idle(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  async #endListed(bucket: string, prefix: string): Promise<void> {
    const answer = await this.#send(`list unfinished uploads of s3://${bucket}/${prefix}`, (client, { ListMultipartUploadsCommand }, options) =>
      client.send(new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: prefix }), options),
    );
    if (answer === undefined || answer === 'gone') return;
    const { stage } = this.#parts;
    const ours = new RegExp(`-${stage.id}-[0-9]+[^/]*$`);
    for (const { Key: key, UploadId: uploadId } of answer.Uploads ?? []) {
      if (key === undefined || uploadId === undefined || !(ours.test(key) || key === prefix) || stage.uploads.has(uploadId)) continue;
      await this.#end({ object: 0, bucket, key, uploadId }, false);
    }
  }

  async #end({ bucket, key, uploadId }: UploadFacts, noted: boolean): Promise<void> {
    const ended = await this.#send(`end the unfinished upload of s3://${bucket}/${key}`, (client, { AbortMultipartUploadCommand }, options) =>
      client.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key: key, UploadId: uploadId }), options),
    );
    if (ended === undefined) return;
    this.#parts.context.log.info('an upload that was left unfinished is ended', { bucket, key });
    if (noted) await this.#parts.stage.note({ ended: uploadId });
  }

  /** `undefined` where it was refused. */
  async #send<A>(what: string, request: Request<A>): Promise<A | 'gone' | undefined> {
    try {
      return await this.#parts.requests.send(what, this.#signal, request, { unclear: false, optional: true });
    } catch (error) {
      if (error instanceof NoUploadError) return 'gone';
      if (!this.#signal.aborted) this.#parts.context.log.warn('unfinished uploads cannot be looked after; they are tried again at the next start', { reason: describeError(error) });
      return undefined;
    }
  }

  #follow(work: () => Promise<void>): Promise<void> {
    const done = work()
      .catch((error: unknown) => {
        if (!this.#signal.aborted) this.#parts.context.log.warn('unfinished uploads cannot be looked after; they are tried again at the next start', { reason: describeError(error) });
      })
      .finally(() => this.#underWay.delete(done));
    this.#underWay.add(done);
    return done;
  }
}
