import type { Batch } from '../../core/batch.ts';
import type { Route, Selector } from '../../core/component.ts';
import { define } from '../../core/define.ts';
import { list } from '../../core/options.ts';

export const replicatingSelector = define('selector', {
  types: ['replicating', 'org.apache.flume.channel.ReplicatingChannelSelector'],
  summary: 'Sends every event to every channel of the source.',
  options: {
    optional: list({
      default: [],
      doc: 'Channels whose failure does not fail the delivery; all other channels of the source are required.',
    }),
  },
  checkNames: ({ optional }, channels) =>
    optional
      .filter((name) => !channels.includes(name))
      .map((name) => ({
        option: 'optional',
        effect: 'warn',
        sentence: `names "${name}", which is not a channel of the source; it is ignored (Flume 1.11 would store every event again and again)`,
      })),
  create: ({ channels }, { optional }) => new ReplicatingSelector(channels, optional),
});

class ReplicatingSelector implements Selector {
  readonly #required: readonly string[];
  readonly #optional: readonly string[];

  constructor(channels: readonly string[], optional: readonly string[]) {
    this.#required = channels.filter((channel) => !optional.includes(channel));
    this.#optional = [...new Set(optional)].filter((channel) => channels.includes(channel));
  }

  route(batch: Batch): readonly Route[] {
    return [
      ...this.#required.map((channel) => ({ channel, batch, optional: false })),
      ...this.#optional.map((channel) => ({ channel, batch, optional: true })),
    ];
  }
}
