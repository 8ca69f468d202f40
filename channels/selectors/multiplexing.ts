import type { Batch } from '../../core/batch.ts';
import type { Route, Selector, SelectorContext } from '../../core/component.ts';
import { define, type Finding } from '../../core/define.ts';
import { javaTrim } from '../../core/java-values.ts';
import { optional, prefix, string } from '../../core/options.ts';

const CHANNELS = 'Names are separated by one space each.';

export const multiplexingSelector = define('selector', {
  types: ['multiplexing', 'org.apache.flume.channel.MultiplexingChannelSelector'],
  summary: 'Chooses the channels of an event by the value of one of its headers.',
  options: {
    header: string({ default: 'flume.selector.header', doc: 'Name of the header that decides, exactly as it is spelled in the events.' }),
    'mapping.*': prefix({ doc: `Channels for events whose header has the value behind the dot. ${CHANNELS}` }),
    default: optional(
      string({ doc: `Channels for events without the header, or with a value that has no mapping; without this option such events are dropped. ${CHANNELS}` }),
    ),
    'optional.*': prefix({
      doc: `Further channels for events whose header has the value behind the dot; their failure does not fail the delivery. ${CHANNELS}`,
    }),
  },
  checkNames,
  create: (context, values) => {
    const [fault] = checkNames(values, context.channels).filter(({ effect }) => effect !== 'warn');
    if (fault) throw new Error(`${fault.option} ${fault.sentence}`);
    return new MultiplexingSelector(context, values);
  },
});

interface MultiplexingSettings {
  readonly header: string;
  readonly 'mapping.*': ReadonlyMap<string, string>;
  readonly default: string | undefined;
  readonly 'optional.*': ReadonlyMap<string, string>;
}

/** Where the events with one header value go. */
interface Target {
  readonly required: readonly string[];
  readonly optional: readonly string[];
}

/** A channel, and for each target, by its number, whether the channel gets the target's events, and whether it must. */
interface Lane {
  readonly channel: string;
  readonly takes: readonly boolean[];
  readonly requires: readonly boolean[];
}

class MultiplexingSelector implements Selector {
  readonly #context: SelectorContext;
  readonly #header: string;
  /** Number in `#targets` for each header value that has one; all other values go to target 0, the default. */
  readonly #numbers = new Map<string, number>();
  readonly #targets: readonly Target[];
  readonly #lanes: readonly Lane[];

  constructor(context: SelectorContext, settings: MultiplexingSettings) {
    const { 'mapping.*': mapping, 'optional.*': extra } = settings;
    const fallback = namesIn(settings.default);
    const targets: Target[] = [{ required: fallback, optional: [] }];
    for (const value of new Set([...mapping.keys(), ...extra.keys()])) {
      // A blank value counts as no value, so a mapping for it can never be met.
      if (javaTrim(value) === '') continue;
      const required = mapping.has(value) ? namesIn(mapping.get(value)) : fallback;
      this.#numbers.set(value, targets.length);
      targets.push({ required, optional: namesIn(extra.get(value)).filter((name) => !required.includes(name)) });
    }
    this.#context = context;
    this.#header = settings.header;
    this.#targets = targets;
    this.#lanes = lanes(targets);
  }

  route(batch: Batch): readonly Route[] {
    if (!batch.hasOwnHeaders) return this.#whole(batch, this.#numberOf(batch, 0));
    const numbers = new Uint32Array(batch.size);
    const first = this.#numberOf(batch, 0);
    let same = true;
    for (let index = 0; index < batch.size; index++) {
      const number = this.#numberOf(batch, index);
      numbers[index] = number;
      if (number !== first) same = false;
    }
    return same ? this.#whole(batch, first) : this.#split(batch, numbers);
  }

  #numberOf(batch: Batch, index: number): number {
    const value = batch.header(index, this.#header);
    return value === undefined ? 0 : (this.#numbers.get(value) ?? 0);
  }

  #whole(batch: Batch, number: number): readonly Route[] {
    const { required, optional } = this.#targets[number] as Target;
    return [
      ...required.map((channel) => ({ channel, batch, optional: false })),
      ...optional.map((channel) => ({ channel, batch, optional: true })),
    ];
  }

  /**
   * A channel that is required for some events and optional for others gets all of them as required ones: their order stays, and its
   * failure fails the delivery in any case.
   */
  #split(batch: Batch, numbers: Uint32Array): readonly Route[] {
    this.#countUnrouted(numbers);
    const routes: Route[] = [];
    const indices = new Uint32Array(batch.size);
    for (const { channel, takes, requires } of this.#lanes) {
      const optional = !numbers.some((number) => requires[number]);
      const size = gather(numbers, takes, indices);
      if (size === batch.size) routes.push({ channel, batch, optional });
      else if (size > 0) routes.push({ channel, batch: batch.select(indices.subarray(0, size)), optional });
    }
    return routes;
  }

  /** Whoever delivers notices a batch without any route; here some events of a batch have one and others have none. */
  #countUnrouted(numbers: Uint32Array): void {
    const nowhere = this.#targets.map(({ required, optional }) => required.length + optional.length === 0);
    if (!nowhere.includes(true)) return;
    let events = 0;
    for (const number of numbers) if (nowhere[number]) events++;
    if (events === 0) return;
    this.#context.count('EventUnroutedCount', events);
    this.#context.log.warn('events match no channel of the selector and are dropped', { events });
  }
}

/** The list as Flume splits it: a second space, or one at the beginning, gives an empty name, which is no channel. */
function split(text: string): string[] {
  return text.split(' ');
}

function namesIn(text: string | undefined): string[] {
  return text === undefined ? [] : [...new Set(split(text))];
}

function lanes(targets: readonly Target[]): Lane[] {
  const names = new Set([...targets.flatMap(({ required }) => required), ...targets.flatMap(({ optional }) => optional)]);
  return Array.from(names, (channel) => {
    const requires = targets.map(({ required }) => required.includes(channel));
    return { channel, requires, takes: targets.map(({ optional }, number) => requires[number] || optional.includes(channel)) };
  });
}

/** Writes the indices of the events whose target `takes` into `indices`; answers how many there are. */
function gather(numbers: Uint32Array, takes: readonly boolean[], indices: Uint32Array): number {
  let size = 0;
  for (let index = 0; index < numbers.length; index++) {
    if (takes[numbers[index] as number]) indices[size++] = index;
  }
  return size;
}

function checkNames(settings: MultiplexingSettings, channels: readonly string[]): readonly Finding[] {
  const lists: [string, string][] = [
    ...[...settings['mapping.*']].map(([value, names]): [string, string] => [`mapping.${value}`, names]),
    ...(settings.default === undefined ? [] : [['default', settings.default] as [string, string]]),
    ...[...settings['optional.*']].map(([value, names]): [string, string] => [`optional.${value}`, names]),
  ];
  return lists.flatMap(([option, names]) => [...unknownIn(option, names, channels), ...repeatedIn(option, names)]);
}

function unknownIn(option: string, names: string, channels: readonly string[]): readonly Finding[] {
  const unknown = split(names).find((name) => !channels.includes(name));
  if (unknown === undefined) return [];
  const separators = /[ \t\n\v\f\r,]/;
  const sentence = separators.test(unknown) || unknown === '' ? 'does not separate its channels by one space each' : undefined;
  return [{ option, effect: 'drop', sentence: sentence ?? `names "${unknown}", which is not a channel of the source` }];
}

function repeatedIn(option: string, names: string): readonly Finding[] {
  const repeated = split(names).find((name, at, all) => all.indexOf(name) < at);
  if (repeated === undefined || repeated === '') return [];
  const sentence = `names "${repeated}" twice; it gets each event once (Flume 1.11 stores it twice)`;
  return [{ option, effect: 'warn', sentence }];
}
