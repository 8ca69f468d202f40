import type { Batch } from '../../core/batch.ts';
import type { SourceContext } from '../../core/component.ts';
import { describeError, isAbort } from '../../core/errors.ts';
import { Backoff } from '../../io/backoff.ts';
import type { Mark } from './marks.ts';
import type { InFlight, TailFile } from './tail-file.ts';

const RETRY = { firstMs: 100, mostMs: 5000 };
/** What a line costs besides its bytes while it waits. */
const LINE_BYTES = 16;

/**
 * Batches on their way to the channels, and the positions that follow from them: a file's stored position moves on in the order in which
 * it was read, and only over what every required channel holds.
 */
export class Deliveries {
  readonly #context: SourceContext;
  readonly #windowBytes: number;
  readonly #mostLines: number;
  readonly #signal: AbortSignal;
  /** Called when a file's stored position has moved on. */
  moved: (file: TailFile) => void = () => undefined;
  /** Called when a file's content was given a name, before any of its lines is sent under it. */
  named: (file: TailFile) => void = () => undefined;
  #waitingBytes = 0;
  #waitingLines = 0;
  #open = 0;
  #waiting: (() => void)[] = [];

  constructor(context: SourceContext, windowBytes: number, signal: AbortSignal, mostLines = Infinity) {
    this.#context = context;
    this.#windowBytes = windowBytes;
    this.#mostLines = mostLines;
    this.#signal = signal;
  }

  get isFull(): boolean {
    return this.#waitingBytes >= this.#windowBytes || this.#waitingLines >= this.#mostLines;
  }

  /** Resolves when nothing is under way any more: all is stored, or was given up because the source stops. */
  async settled(): Promise<void> {
    while (this.#open > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Resolves when something was stored. */
  changed(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Sends what was read of a file up to `mark`; without a batch only the position moves. Never waits. */
  send(file: TailFile, batch: Batch | undefined, mark: Mark): void {
    const record: InFlight = { mark, done: batch === undefined };
    file.inFlight.push(record);
    if (!batch) return this.#settle(file);
    const cost = batch.byteLength + LINE_BYTES * batch.size;
    this.#waitingBytes += cost;
    this.#waitingLines += batch.size;
    this.#open++;
    this.#context.count('EventReceivedCount', batch.size);
    this.#context.count('AppendBatchReceivedCount', 1);
    const stored = (): void => {
      this.#open--;
      this.#waitingBytes -= cost;
      this.#waitingLines -= batch.size;
      this.#context.count('EventAcceptedCount', batch.size);
      this.#context.count('AppendBatchAcceptedCount', 1);
      record.done = true;
      this.#settle(file);
    };
    this.#context.deliver(batch, { wait: true }).then(stored, (error: unknown) => {
      this.#again(batch, error).then((done) => {
        if (done) stored();
        else this.#givenUp();
      }, (fault: unknown) => this.#context.fail(fault instanceof Error ? fault : new Error(String(fault))));
    });
  }

  /** The same batch until it is stored, so that no line is lost and none behind it is repeated. False: the source stops. */
  async #again(batch: Batch, first: unknown): Promise<boolean> {
    const backoff = new Backoff(RETRY);
    for (let error = first; ; ) {
      if (isAbort(error) || this.#signal.aborted) return false;
      this.#context.count('ChannelWriteFail', 1);
      this.#context.log.warn('lines were not stored; they are offered again', { events: batch.size, reason: describeError(error) });
      try {
        await backoff.pause(this.#signal);
        await this.#context.deliver(batch, { wait: true });
        return true;
      } catch (next) {
        error = next;
      }
    }
  }

  #givenUp(): void {
    this.#open--;
    this.#wake();
  }

  #settle(file: TailFile): void {
    const { inFlight } = file;
    let done = 0;
    while (inFlight[done]?.done) done++;
    if (done > 0) {
      file.stored = (inFlight[done - 1] as InFlight).mark;
      inFlight.splice(0, done);
      this.moved(file);
    }
    this.#wake();
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }
}
