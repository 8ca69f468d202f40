import { Batch } from '../core/batch.ts';
import type { SourceContext } from '../core/component.ts';
import { describeError, isAbort } from '../core/errors.ts';

/** Bytes of lines that wait to be stored before no more are read, and of a batch that is delivered before it is full. */
const WINDOW_BYTES = 512 * 1024;
/** What a line costs besides its bytes while it waits. */
const LINE_BYTES = 16;

export interface BatchRules {
  readonly batchSize: number;
  /** 0: nothing waits for a batch to fill. */
  readonly batchTimeoutMs: number;
  /** Milliseconds on a clock that never jumps. */
  readonly now: () => number;
}

/**
 * Gathers lines into batches by Flume's rule: one is delivered as soon as it is full, or when a line comes and the last delivery was
 * `batchTimeoutMs` ago, or at the latest when that time has passed. So after a quiet time a line goes out at once. Deliveries wait for
 * room in the channels; while too much waits, `full` asks for no more lines.
 */
export class LineBatches {
  readonly #context: SourceContext;
  readonly #rules: BatchRules;
  readonly #roomAgain: () => void;
  readonly #open = new Set<Promise<void>>();
  #gathered: Batch[] = [];
  #gatheredLines = 0;
  #gatheredBytes = 0;
  #lastMs: number;
  #timer: NodeJS.Timeout | undefined;
  #waitingBytes = 0;

  constructor(context: SourceContext, rules: BatchRules, roomAgain: () => void) {
    this.#context = context;
    this.#rules = rules;
    this.#roomAgain = roomAgain;
    this.#lastMs = rules.now();
  }

  get full(): boolean {
    return this.#waitingBytes > WINDOW_BYTES;
  }

  add(lines: Batch): void {
    const { batchSize, batchTimeoutMs, now } = this.#rules;
    this.#context.count('EventReceivedCount', lines.size);
    for (let from = 0; from < lines.size; ) {
      const late = batchTimeoutMs > 0 && now() - this.#lastMs >= batchTimeoutMs;
      const to = Math.min(lines.size, from + (late ? 1 : batchSize - this.#gatheredLines));
      const piece = lines.slice(from, to);
      this.#gathered.push(piece);
      this.#gatheredLines += piece.size;
      this.#gatheredBytes += piece.byteLength;
      if (late || this.#gatheredLines >= batchSize || this.#gatheredBytes > WINDOW_BYTES) this.flush();
      from = to;
    }
    if (batchTimeoutMs === 0) this.flush();
    else this.#deliverInTime();
  }

  /** Delivers what was gathered. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#lastMs = this.#rules.now();
    const [only] = this.#gathered;
    if (!only) return;
    const batch = this.#gathered.length === 1 ? only : Batch.concat(this.#gathered);
    this.#gathered = [];
    this.#gatheredLines = 0;
    this.#gatheredBytes = 0;
    const cost = batch.byteLength + LINE_BYTES * batch.size;
    this.#waitingBytes += cost;
    const settled = this.#deliver(batch).then(() => {
      const wasFull = this.full;
      this.#waitingBytes -= cost;
      this.#open.delete(settled);
      if (wasFull && !this.full) this.#roomAgain();
    });
    this.#open.add(settled);
  }

  /** Resolves once everything delivered so far has its outcome. */
  async settled(): Promise<void> {
    await Promise.all(this.#open);
  }

  #deliverInTime(): void {
    if (this.#gatheredLines === 0 || this.#timer) return;
    const { batchTimeoutMs, now } = this.#rules;
    this.#timer = setTimeout(() => this.flush(), Math.max(0, this.#lastMs + batchTimeoutMs - now()));
  }

  async #deliver(batch: Batch): Promise<void> {
    const { size } = batch;
    try {
      await this.#context.deliver(batch, { wait: true });
      this.#context.count('EventAcceptedCount', size);
    } catch (error) {
      this.#context.count('EventDroppedCount', size);
      const reason = isAbort(error) ? 'the source stopped before a channel took them' : describeError(error);
      this.#context.log.error('lines of the command were dropped', { lines: size, reason });
    }
  }
}
