import { setTimeout as sleep } from 'node:timers/promises';
import { Batch } from '../core/batch.ts';
import type { Source, SourceContext } from '../core/component.ts';
import { define } from '../core/define.ts';
import { describeError, isAbort } from '../core/errors.ts';
import { integer } from '../core/options.ts';
import { RateLimit } from '../core/rate-limit.ts';

const BODY_BYTE = 0x7f;

export const stressSource = define('source', {
  types: ['org.apache.flume.source.StressSource'],
  summary: 'Makes equal events as fast as they are taken; for measuring.',
  options: {
    size: integer({ default: 500, min: 0, doc: 'Bytes of each body; every byte is 7F.' }),
    maxTotalEvents: integer({ default: -1, long: true, doc: 'Events after which no more are tried; below 0: no limit.' }),
    maxSuccessfulEvents: integer({
      default: -1,
      long: true,
      doc: 'Stored events after which no more are made; below 0: no limit. A batch that was begun is finished.',
    }),
    batchSize: integer({ default: 1, min: 1, outside: 'refuse', doc: 'Events put at a time.' }),
    maxEventsPerSecond: integer({ default: 0, doc: 'Most events per second, evenly spread; 0: no limit.' }),
  },
  batchSizeOption: 'batchSize',
  flume: { polled: true },
  create: (context, values) => new StressSource(context, values),
});

interface StressSettings {
  readonly size: number;
  readonly maxTotalEvents: number;
  readonly maxSuccessfulEvents: number;
  readonly batchSize: number;
  readonly maxEventsPerSecond: number;
}

/** Events are counted as tried whether they were stored or not, and those that were not are not made again. */
class StressSource implements Source {
  readonly #context: SourceContext;
  readonly #settings: StressSettings;
  /** Put again and again: its events share one body. */
  readonly #batch: Batch;
  readonly #rate: RateLimit | undefined;
  #tried = 0;
  #stored = 0;

  constructor(context: SourceContext, settings: StressSettings) {
    this.#context = context;
    this.#settings = settings;
    this.#batch = equalEvents(settings.size, settings.batchSize);
    if (settings.maxEventsPerSecond > 0) this.#rate = new RateLimit(settings.maxEventsPerSecond);
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {}

  async poll(signal: AbortSignal): Promise<'more' | 'idle'> {
    const size = this.#nextSize();
    if (size <= 0) return 'idle';
    const waitMs = this.#rate?.request(size, performance.now()) ?? 0;
    if (waitMs > 0) await sleep(waitMs, undefined, { signal });
    this.#tried += size;
    this.#context.count('EventReceivedCount', size);
    try {
      await this.#context.deliver(this.#batch.slice(0, size));
    } catch (error) {
      if (isAbort(error)) throw error;
      this.#context.count('ChannelWriteFail', 1);
      this.#context.log.warn('events were not stored; they are not made again', { events: size, reason: describeError(error) });
      return 'idle';
    }
    this.#stored += size;
    this.#context.count('EventAcceptedCount', size);
    return 'more';
  }

  #nextSize(): number {
    const { maxTotalEvents, maxSuccessfulEvents, batchSize } = this.#settings;
    if (maxSuccessfulEvents >= 0 && this.#stored >= maxSuccessfulEvents) return 0;
    return maxTotalEvents < 0 ? batchSize : Math.min(batchSize, maxTotalEvents - this.#tried);
  }
}

function equalEvents(bodyBytes: number, events: number): Batch {
  const bounds = new Uint32Array(2 * events);
  for (let index = 0; index < events; index++) bounds[2 * index + 1] = bodyBytes;
  return Batch.over(Buffer.alloc(bodyBytes, BODY_BYTE), bounds, events);
}
