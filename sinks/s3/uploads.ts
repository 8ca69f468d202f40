import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from '../../core/component.ts';
import { describeError } from '../../core/errors.ts';
import type { UploadFacts } from './frames.ts';
import { LeftOvers } from './left-overs.ts';
import { RefusedError, type Attempts } from './requests.ts';
import type { StagedObject } from './staged-object.ts';
import { Upload, type UploadParts } from './upload.ts';

/** Between two attempts to store an object that is refused by itself: 1 s, 2 s, … */
const REFUSED = { firstMs: 1000, mostMs: 300_000 };

export interface UploadsParts extends UploadParts {
  readonly context: Pick<Context, 'log' | 'count'>;
  /** Objects on their way at a time. */
  readonly atATime: number;
  /** Another name for an object whose name belongs to something else. */
  otherKey(object: StagedObject): string;
}

/** Brings complete objects to S3, oldest first, for as long as it takes. */
export class Uploads {
  readonly #parts: UploadsParts;
  readonly #stopping = new AbortController();
  readonly #waiting: StagedObject[] = [];
  readonly #attempts = new Map<StagedObject, Attempts>();
  readonly #leftOvers: LeftOvers;
  /** Objects that are refused by themselves and wait for their next attempt. */
  readonly #refused = new Map<StagedObject, number>();
  #running = 0;
  #idle: (() => void)[] = [];
  #room: (() => void)[] = [];

  constructor(parts: UploadsParts) {
    this.#parts = parts;
    this.#leftOvers = new LeftOvers(parts, this.#stopping.signal);
  }

  /** Objects that are not stored yet. */
  get pending(): number {
    return this.#waiting.length + this.#running + this.#refused.size;
  }

  /** What a run before this one left: objects to be stored, multipart uploads to be ended. */
  recover(objects: readonly StagedObject[], uploads: readonly UploadFacts[], prefix: string, bucket: string): void {
    for (const object of objects) {
      this.#attempts.set(object, { unclear: true });
      this.#waiting.push(object);
    }
    void this.#leftOvers.endAll(uploads, objects, prefix, bucket).then(() => this.#pump());
  }

  add(object: StagedObject): void {
    this.#attempts.set(object, { unclear: false });
    this.#waiting.push(object);
    this.#pump();
  }

  /** Resolves when nothing is on its way, or nothing can be; at the latest after `mostMs`. */
  async settle(mostMs: number): Promise<void> {
    const late = new AbortController();
    const given = sleep(mostMs, undefined, { signal: late.signal }).catch(() => undefined);
    while (this.#waiting.length + this.#running > 0 && this.#parts.requests.gate.isOpen) {
      const changed = new Promise<'changed'>((resolve) => this.#idle.push(() => resolve('changed')));
      const look = sleep(100, 'changed' as const, { signal: late.signal }).catch(() => 'changed' as const);
      if ((await Promise.race([changed, look, given])) === undefined) break;
    }
    late.abort();
  }

  /** Resolves once fewer objects wait, or after `mostMs`. */
  async room(mostMs: number): Promise<void> {
    const late = new AbortController();
    await Promise.race([new Promise<void>((resolve) => this.#room.push(resolve)), sleep(mostMs, undefined, { signal: late.signal }).catch(() => undefined)]);
    late.abort();
  }

  /** What is on its way is given up; it stays in the stage. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    while (this.#running > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
    await this.#leftOvers.idle();
    this.#parts.requests.close();
  }

  #pump(): void {
    while (this.#running < this.#parts.atATime && !this.#stopping.signal.aborted) {
      const object = this.#waiting.shift();
      if (!object) break;
      this.#running++;
      void this.#run(object).finally(() => {
        this.#running--;
        for (const resolve of [...this.#idle.splice(0), ...this.#room.splice(0)]) resolve();
        this.#pump();
      });
    }
  }

  async #run(object: StagedObject): Promise<void> {
    const { context, stage } = this.#parts;
    const attempts = this.#attempts.get(object) ?? { unclear: true };
    try {
      for (;;) {
        const outcome = await new Upload(this.#parts, object, attempts, this.#stopping.signal).run();
        if (outcome === 'done') break;
        const key = this.#parts.otherKey(object);
        context.log.warn('the name of an object is taken by another one; it gets a new name', { key: object.key, newKey: key });
        await stage.note({ renamed: object.id, key });
      }
      this.#attempts.delete(object);
      this.#refused.delete(object);
      context.count('ConnectionClosedCount', 1);
      context.count('ObjectsStored', 1);
      context.count('BytesStored', object.bytes);
      context.log.debug('object stored', { bucket: object.facts.bucket, key: object.key, events: object.events, bytes: object.bytes });
      this.#leftOvers.endOf(object, attempts.unclear);
      await stage.finish(object);
    } catch (error) {
      if (!this.#stopping.signal.aborted) await this.#putOff(object, error);
    }
  }

  /** The object cannot be stored now: the others go on, and it is tried again. */
  async #putOff(object: StagedObject, error: unknown): Promise<void> {
    const { context } = this.#parts;
    const failures = (this.#refused.get(object) ?? 0) + 1;
    this.#refused.set(object, failures);
    const pauseMs = Math.min(REFUSED.mostMs, REFUSED.firstMs * 2 ** Math.min(failures - 1, 20));
    context.count('ObjectsRefused', 1);
    context.log.error('an object cannot be stored; its events stay on disk, and it is tried again', {
      bucket: object.facts.bucket,
      key: object.key,
      events: object.events,
      attempt: failures,
      inSeconds: Math.round(pauseMs / 1000),
      reason: error instanceof RefusedError ? error.message : describeError(error),
    });
    const { signal } = this.#stopping;
    void sleep(pauseMs, undefined, { signal, ref: false }).then(
      () => {
        this.#waiting.push(object);
        this.#pump();
      },
      () => undefined,
    );
  }
}
