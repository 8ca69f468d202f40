import type { Batch } from '../../core/batch.ts';
import type { Route, Selector } from '../../core/component.ts';
import { define } from '../../core/define.ts';
import { choice } from '../../core/options.ts';

export const loadBalancingSelector = define('selector', {
  types: ['load_balancing', 'org.apache.flume.channel.LoadBalancingChannelSelector'],
  summary: 'Sends each event to one channel of the source, in turn or at random.',
  options: {
    policy: choice({
      values: ['round_robin', 'random'],
      default: 'round_robin',
      doc: 'How the channel of an event is chosen. A channel that fails is not replaced by another one.',
    }),
  },
  flume: { alwaysDropped: 'Flume 1.11 cannot configure a source with the load_balancing selector from a file and drops the source' },
  create: ({ channels }, { policy }) => new LoadBalancingSelector(channels, policy === 'round_robin' ? inTurn() : atRandom),
});

/** Fills `numbers`: for each event of a batch, the number of its channel. */
type Policy = (numbers: Uint32Array, channels: number) => void;

/** Each event of a batch is assigned by itself, as Flume does, so that a batch is spread over the channels. */
class LoadBalancingSelector implements Selector {
  readonly #channels: readonly string[];
  readonly #assign: Policy;

  constructor(channels: readonly string[], assign: Policy) {
    this.#channels = channels;
    this.#assign = assign;
  }

  route(batch: Batch): readonly Route[] {
    const { size } = batch;
    const numbers = new Uint32Array(size);
    this.#assign(numbers, this.#channels.length);
    const routes: Route[] = [];
    const indices = new Uint32Array(size);
    for (const [number, channel] of this.#channels.entries()) {
      let taken = 0;
      for (let index = 0; index < size; index++) if (numbers[index] === number) indices[taken++] = index;
      if (taken === size) routes.push({ channel, batch, optional: false });
      else if (taken > 0) routes.push({ channel, batch: batch.select(indices.subarray(0, taken)), optional: false });
    }
    return routes;
  }
}

function inTurn(): Policy {
  let next = 0;
  return (numbers, channels) => {
    for (let index = 0; index < numbers.length; index++) {
      numbers[index] = next;
      next = next + 1 === channels ? 0 : next + 1;
    }
  };
}

function atRandom(numbers: Uint32Array, channels: number): void {
  for (let index = 0; index < numbers.length; index++) numbers[index] = Math.floor(Math.random() * channels);
}
