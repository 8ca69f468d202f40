import { define } from '../core/define.ts';
import type { Context, Sink } from '../core/component.ts';
import type { Batch } from '../core/batch.ts';
import { integer } from '../core/options.ts';

export const nullSink = define('sink', {
  types: ['null', 'org.apache.flume.sink.NullSink'],
  summary: 'Accepts every event and forgets it; for measuring and for switching a path off.',
  options: {
    batchSize: integer({ default: 100, min: 1, doc: 'Most events taken from the channel at a time.' }),
    logEveryNEvents: integer({ default: 10_000, min: 1, doc: 'Events after which the log says how many there were.' }),
  },
  batchSizeOption: 'batchSize',
  create: (context, { batchSize, logEveryNEvents }) => new NullSink(context, batchSize, logEveryNEvents),
});

class NullSink implements Sink {
  readonly batchSize: number;
  readonly #context: Context;
  readonly #logEveryNEvents: number;
  #events = 0;

  constructor(context: Context, batchSize: number, logEveryNEvents: number) {
    this.#context = context;
    this.batchSize = batchSize;
    this.#logEveryNEvents = logEveryNEvents;
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {}

  async write(batch: Batch): Promise<void> {
    const before = Math.floor(this.#events / this.#logEveryNEvents);
    this.#events += batch.size;
    if (Math.floor(this.#events / this.#logEveryNEvents) > before) {
      this.#context.log.debug('events forgotten', { events: this.#events });
    }
  }
}
