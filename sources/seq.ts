import { Batch } from '../core/batch.ts';
import type { Source, SourceContext } from '../core/component.ts';
import { define } from '../core/define.ts';
import { isAbort } from '../core/errors.ts';
import { integer } from '../core/options.ts';

const MOST_DIGITS = 16;

export const sequenceSource = define('source', {
  types: ['seq', 'org.apache.flume.source.SequenceGeneratorSource'],
  summary: 'Makes events of the numbers 0, 1, 2 …; for trying things out.',
  options: {
    batchSize: integer({ default: 1, min: 1, doc: 'Events put at a time.' }),
    totalEvents: integer({
      default: Number.MAX_SAFE_INTEGER,
      long: true,
      doc: 'Events after which the source makes no more; it counts from 0 again when the agent starts.',
    }),
  },
  batchSizeOption: 'batchSize',
  flume: { polled: true },
  create: (context, { batchSize, totalEvents }) => new SequenceSource(context, batchSize, totalEvents),
});

/** A number is used up once every required channel holds it: after a failure the same numbers are put again. */
class SequenceSource implements Source {
  readonly #context: SourceContext;
  readonly #batchSize: number;
  readonly #totalEvents: number;
  #next = 0;

  constructor(context: SourceContext, batchSize: number, totalEvents: number) {
    this.#context = context;
    this.#batchSize = batchSize;
    this.#totalEvents = totalEvents;
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {}

  async poll(): Promise<'more' | 'idle'> {
    const size = Math.min(this.#batchSize, this.#totalEvents - this.#next);
    if (size <= 0) return 'idle';
    try {
      await this.#context.deliver(numbers(this.#next, size), { wait: true });
    } catch (error) {
      if (!isAbort(error)) this.#context.count('ChannelWriteFail', 1);
      throw error;
    }
    this.#next += size;
    this.#context.count('EventAcceptedCount', size);
    if (this.#batchSize > 1) this.#context.count('AppendBatchAcceptedCount', 1);
    return 'more';
  }
}

/** Bodies are the decimal digits, one number after another. */
function numbers(first: number, size: number): Batch {
  const bytes = Buffer.allocUnsafe(Math.min(MOST_DIGITS, String(first + size).length) * size);
  const bounds = new Uint32Array(2 * size);
  let at = 0;
  for (let index = 0; index < size; index++) {
    bounds[2 * index] = at;
    at += bytes.write(String(first + index), at, 'latin1');
    bounds[2 * index + 1] = at;
  }
  return Batch.over(bytes, bounds, size);
}
