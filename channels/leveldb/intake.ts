import type { Batch } from '../../core/batch.ts';
import { ChannelFullError } from '../../core/errors.ts';
import { Gathering } from './gathering.ts';
import { tooLargeError, type Group } from './group.ts';
import type { RecordCodec } from './record.ts';
import { fullText } from './reports.ts';
import type { DurableSettings } from './settings.ts';
import { abortReason, WaitingPuts, type Put } from './waiting-puts.ts';

const STORED = Promise.resolve();

export interface IntakeParts {
  /** Of the channel. */
  readonly name: string;
  readonly settings: Pick<DurableSettings, 'capacity' | 'transactionCapacity' | 'keepAliveMs'>;
  readonly codec: RecordCodec;
  /** Events that are stored. */
  readonly held: () => number;
  /** Why nothing is taken at the moment. */
  readonly closed: () => Error | undefined;
  /** Why there is no room on the disk for so many bytes. */
  readonly refusal: (bytes: number) => string | undefined;
  /** Something waits to be written. */
  readonly waiting: () => void;
}

/** The side of the sources: puts that wait for room in the channel, those that have it and wait for the next write, and those being written. */
export class Intake {
  readonly #parts: IntakeParts;
  readonly #blocked: WaitingPuts;
  readonly #gathering: Gathering;
  #beingWritten = 0;

  constructor(parts: IntakeParts) {
    const { name, settings, codec } = parts;
    this.#parts = parts;
    this.#gathering = new Gathering(codec);
    this.#blocked = new WaitingPuts(settings.keepAliveMs, () => fullText(name, settings.capacity));
  }

  /** Nothing waits to be written. */
  get isEmpty(): boolean {
    return this.#gathering.isEmpty;
  }

  put(batch: Batch, signal: AbortSignal): Promise<void> {
    const { settings, closed, refusal } = this.#parts;
    if (batch.size === 0) return STORED;
    const error = tooLargeError(batch, settings) ?? (signal.aborted ? abortReason(signal) : closed());
    if (error) return Promise.reject(error);
    const full = refusal(batch.byteLength);
    if (full !== undefined) return Promise.reject(new ChannelFullError(full));
    if (this.#blocked.first || !this.#hasRoom(batch)) return this.#blocked.wait(batch, signal);
    return new Promise((stored, failed) => this.#gather({ batch, stored, failed }));
  }

  /** There is room: lets those in that waited for it. */
  admit(): void {
    for (let put = this.#blocked.first; put && !this.#parts.closed() && this.#hasRoom(put.batch); put = this.#blocked.first) {
      this.#blocked.shift();
      this.#gather(put);
    }
  }

  /** What is written next: the caller's until the next call. */
  next(): Group {
    const group = this.#gathering.next();
    this.#beingWritten = group.events;
    return group;
  }

  /** The write is under way: the next group can be encoded. */
  refill(): void {
    this.#gathering.refill();
  }

  /** What was being written is stored, or failed. */
  written(): void {
    this.#beingWritten = 0;
  }

  /** Fails everything that waits, and `group`; answers how many events that are. Those that wait for room are not among them. */
  fail(error: Error, group?: Group): number {
    const puts = [...(group?.puts ?? []), ...this.#gathering.drop()];
    for (const put of puts) put.failed(error);
    this.#blocked.failAll(error);
    return puts.reduce((sum, { batch }) => sum + batch.size, 0);
  }

  #hasRoom(batch: Batch): boolean {
    return this.#parts.held() + this.#gathering.events + this.#beingWritten + batch.size <= this.#parts.settings.capacity;
  }

  #gather(put: Put): void {
    this.#gathering.add(put);
    this.#parts.waiting();
  }
}
