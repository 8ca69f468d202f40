/** Selectors and sink groups: which events arrive where. */

import type { Chain, CompatCase, Observation } from '../side-by-side.ts';
import type { Site } from '../site.ts';

type Options = Readonly<Record<string, string>>;

const source: Options = { type: 'netcat', bind: '127.0.0.1', port: '@PORT@' };
/** Header `state` from the text before the first colon. */
const state: Options = {
  interceptors: 'i1', 'interceptors.i1.type': 'regex_extractor', 'interceptors.i1.regex': '^([^:]*):', 'interceptors.i1.serializers': 's1', 'interceptors.i1.serializers.s1.name': 'state',
};

/** Three channels with a file each. */
function selecting(selector: Options, others: Chain = {}): Chain {
  const options = Object.fromEntries(Object.entries(selector).map(([key, value]) => [`selector.${key}`, value]));
  return { r1: { ...source, ...state, ...options }, c1: {}, c2: {}, c3: {}, k1: {}, k2: {}, k3: {}, ...others };
}

const states = ['CZ:1', 'US:2', 'none', 'cz:3', ':4', ' :5', 'CZ:6', 'odd key=1:7', 'a.b:8'];

/** What is in each of the files once all channels are empty. */
async function routed(site: Site): Promise<Observation> {
  let replies = '';
  // Each by itself: lines that arrive together may be one batch, of which optional channels get their part last.
  for (const line of states) {
    replies += (await site.talk([`${line}\n`], (text) => text.includes('\n'))).replies;
  }
  const observation: Record<string, string> = { replies };
  for (let number = 1; number <= 3; number++) {
    const counters = await site.metrics(`CHANNEL.c${number}`, (now) => now['EventPutSuccessCount'] === now['EventTakeSuccessCount']);
    const count = Number(counters['EventPutSuccessCount']);
    observation[`c${number}`] = await site.written((text) => text.split('\n').length > count, number);
  }
  return observation;
}

export const selectorCases: readonly CompatCase[] = [
  { name: 'C5.1 replicating is the default', chain: selecting({}), run: (site) => routed(site) },
  { name: 'C5.2 replicating with an optional channel', chain: selecting({ type: 'replicating', optional: '~c1' }), run: (site) => routed(site) },
  {
    name: 'C5.3 replicating: an optional channel that is full fails nothing',
    chain: selecting({ type: 'REPLICATING', optional: '~c3 ~c2' }, { c3: { capacity: '1', transactionCapacity: '1', 'keep-alive': '0' }, k3: { type: 'null', channel: '~c1' } }),
    run: async (site) => {
      const { replies } = await site.talk(['1\n2\n3\n'], (text) => text.split('\n').length > 3);
      return { replies, c2: await site.written((text) => text.split('\n').length > 3, 2), full: (await site.metrics('CHANNEL.c3', (now) => now['ChannelSize'] === '1'))['ChannelFillPercentage'] ?? '' };
    },
  },
  {
    name: 'C5.1 replicating: a required channel that is full fails the event, which the others have',
    chain: selecting({}, { c3: { capacity: '1', transactionCapacity: '1', 'keep-alive': '0' }, k3: { type: 'null', channel: '~c1' }, k1: { type: 'null' } }),
    run: async (site) => ({ replies: (await site.talk(['1\n2\n'], (text) => text.split('\n').length > 2)).replies }),
  },
  {
    name: 'C5.5 multiplexing by mapping and default',
    chain: selecting({ type: 'multiplexing', header: 'state', 'mapping.CZ': '~c1', 'mapping.US': '~c2 ~c3', 'mapping.odd key=1': '~c2', 'mapping.a.b': '~c1 ~c2 ~c3', default: '~c3' }),
    run: (site) => routed(site),
  },
  { name: 'C5.6 multiplexing without a default drops the rest', chain: selecting({ type: 'multiplexing', header: 'state', 'mapping.CZ': '~c1' }), run: (site) => routed(site) },
  {
    name: 'C5.7 C5.8 multiplexing with optional channels',
    chain: selecting({ type: 'multiplexing', header: 'state', 'mapping.CZ': '~c2', 'optional.CZ': '~c1 ~c2 ~c3', 'optional.US': '~c2 ~c3', default: '~c3' }),
    run: (site) => routed(site),
  },
  { name: 'C5.9 multiplexing with optional channels only', chain: selecting({ type: 'multiplexing', header: 'state', 'optional.CZ': '~c1 ~c2', 'optional.US': '~c3' }), run: (site) => routed(site) },
  { name: 'C5.13 multiplexing by class name on another header', chain: selecting({ type: 'org.apache.flume.channel.MultiplexingChannelSelector', header: 'State', 'mapping.CZ': '~c1', default: '~c2' }), run: (site) => routed(site) },
];

/** A group over one channel; `k1` cannot write, its folder is not there. */
function grouped(processor: Options, sinks: Chain): Chain {
  const options = Object.fromEntries(Object.entries(processor).map(([key, value]) => [`processor.${key}`, value]));
  return { r1: source, c1: {}, ...sinks, g1: options };
}

const broken: Options = { type: 'file_roll', 'sink.directory': '@OUT@/missing' };
const lines = Array.from({ length: 20 }, (_, index) => `line ${index}`);

/** All that the members wrote, in the order of the text: how the events spread among them depends on time. */
async function together(site: Site, members: readonly number[]): Promise<Observation> {
  await site.talk(lines.map((line) => `${line}\n`), (text) => text.split('\n').length > lines.length);
  await site.metrics('CHANNEL.c1', (now) => now['EventTakeSuccessCount'] === String(lines.length));
  const texts: string[] = [];
  for (const number of members) {
    texts.push(await site.written(() => true, number));
  }
  return { events: texts.join('').split('\n').sort() };
}

export const groupCases: readonly CompatCase[] = [
  { name: 'C6.15 a default group of one', chain: grouped({ type: 'default' }, { k1: {} }), run: (site) => together(site, [1]) },
  { name: 'C6.1 failover writes to the sink of the highest priority', chain: grouped({ type: 'failover', 'priority.~k1': '5', 'priority.~k2': '10' }, { k1: {}, k2: { channel: '~c1' } }), run: async (site) => ({ ...(await together(site, [2])), other: await site.written(() => true, 1) }) },
  { name: 'C6.1 failover goes on with the next sink', chain: grouped({ type: 'failover', 'priority.~k1': '10', 'priority.~k2': '5', maxpenalty: '1000' }, { k1: broken, k2: { channel: '~c1' } }), run: (site) => together(site, [2]) },
  { name: 'C6.3 load_balance writes every event once', chain: grouped({ type: 'load_balance', selector: 'round_robin' }, { k1: { 'sink.batchSize': '1' }, k2: { channel: '~c1', 'sink.batchSize': '1' } }), run: (site) => together(site, [1, 2]) },
  { name: 'C6.3 load_balance at random writes every event once', chain: grouped({ type: 'load_balance', selector: 'random' }, { k1: { 'sink.batchSize': '3' }, k2: { channel: '~c1' }, k3: { channel: '~c1' } }), run: (site) => together(site, [1, 2, 3]) },
  { name: 'C6.6 load_balance passes over a sink that fails', chain: grouped({ type: 'load_balance' }, { k1: broken, k2: { channel: '~c1' } }), run: (site) => together(site, [2]) },
  { name: 'C6.8 load_balance with backoff leaves a sink that fails alone', chain: grouped({ type: 'load_balance', backoff: 'true', 'selector.maxTimeOut': '10000' }, { k1: broken, k2: { channel: '~c1' }, k3: { channel: '~c1' } }), run: (site) => together(site, [2, 3]) },
];
