/** file_roll with its serializers and names, the logger's dump, and the counters of every kind. */

import { readContainer } from '../avro-container.ts';
import type { Chain, CompatCase, Json, Observation } from '../side-by-side.ts';
import type { Site } from '../site.ts';

type Options = Readonly<Record<string, string>>;

const source: Options = { type: 'netcat', bind: '127.0.0.1', port: '@PORT@' };

function rolling(options: Options, headers: Readonly<Record<string, string>> = {}): Chain {
  const names = Object.keys(headers);
  const interceptors: Record<string, string> = names.length === 0 ? {} : { interceptors: names.map((_, index) => `i${index}`).join(' ') };
  names.forEach((name, index) => {
    Object.assign(interceptors, { [`interceptors.i${index}.type`]: 'static', [`interceptors.i${index}.key`]: name, [`interceptors.i${index}.value`]: headers[name] ?? '' });
  });
  return { r1: { ...source, ...interceptors }, c1: {}, k1: options };
}

async function send(site: Site, lines: readonly string[]): Promise<void> {
  await site.talk(lines.map((line) => `${line}\n`), (text) => text.split('\n').length > lines.length);
  await site.metrics('CHANNEL.c1', (now) => now['EventTakeSuccessCount'] === String(lines.length));
}

/** All bytes of the files once they hold the last line. */
async function text(site: Site, lines: readonly string[]): Promise<Observation> {
  await send(site, lines);
  return { text: await site.written((all) => all.includes(lines.at(-1) ?? '')) };
}

const three = ['event 1', 'event 2', 'event 3'];

/** Records and header of an Avro container; its blocks follow the batches, which depend on time. */
async function avro(site: Site, lines: readonly string[]): Promise<Observation> {
  await send(site, lines);
  const files = await site.files((found) => [...found.values()].some((bytes) => readContainer(bytes)?.count === lines.length));
  const container = [...files.values()].map(readContainer).find((found) => found !== undefined);
  return { metadata: container?.metadata ?? {}, headerBytes: container?.headerBytes ?? 0, records: container?.records.toString('latin1') ?? '', blocks: (container?.blocks ?? 0) > 0 };
}

export const fileRollCases: readonly CompatCase[] = [
  { name: 'C8.1 SER-01 TEXT', chain: rolling({ 'sink.serializer': 'TEXT' }, { h: '1' }), run: (site) => text(site, three) },
  { name: 'C8.1 TEXT is the default', chain: rolling({ 'sink.serializer': 'text' }), run: (site) => text(site, ['', 'a\u0000b', 'last']) },
  { name: 'C8.2 SER-02 TEXT without newlines', chain: rolling({ 'sink.serializer': 'TEXT', 'sink.serializer.appendNewline': 'false' }), run: (site) => text(site, three) },
  { name: 'C8.3 SER-03 HEADER_AND_TEXT', chain: rolling({}, { header1: 'value1', header2: 'value2' }), run: (site) => text(site, three) },
  { name: 'C8.3 SER-04 HEADER_AND_TEXT without newlines', chain: rolling({ 'sink.serializer': 'header_and_text', 'sink.serializer.appendNewline': 'false' }, { header1: 'value1', header2: 'value2' }), run: (site) => text(site, three) },
  { name: 'SER-07 C0.1 the order of headers', chain: rolling({}, { timestamp: '1', host: '2', key: '3', topic: '4', Facility: '5', Severity: '6', a: '7', b: '8' }), run: (site) => text(site, ['x']) },
  {
    name: 'SER-07 the order of many headers, after the map has grown',
    chain: rolling({}, Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`header-${index * 7919}`, String(index)]))),
    run: (site) => text(site, ['x']),
  },
  { name: 'HEADER_AND_TEXT by class name, headers outside ASCII', chain: rolling({ 'sink.serializer': 'org.apache.flume.serialization.HeaderAndBodyTextEventSerializer$Builder' }, { 'cl\u00e9': '\u00e9\u65e5', Aa: '1', BB: '2' }), run: (site) => text(site, ['x']) },
  { name: 'C8.4 C8.5 SER-05 AVRO_EVENT', chain: rolling({ 'sink.serializer': 'AVRO_EVENT' }, { k: 'v', other: 'w' }), run: (site) => avro(site, ['yo man!', '2nd event!', 'last one!']) },
  ...['null', 'deflate', 'snappy', 'nosuch'].map((codec): CompatCase => ({
    name: `C8.4 C8.5 SER-05 AVRO_EVENT with codec ${codec}`,
    chain: rolling({ 'sink.serializer': 'avro_event', 'sink.serializer.compressionCodec': codec }, { k: 'v' }),
    run: (site) => avro(site, ['yo man!', '2nd event!', 'again again again again again again again', '', 'last one!']),
  })),
  {
    name: 'FR-03 prefix and extension of file names',
    chain: rolling({ 'sink.pathManager.prefix': 'test3-', 'sink.pathManager.extension': 'txt' }),
    run: async (site) => {
      await text(site, three);
      return { names: [...(await site.files(() => true)).keys()] };
    },
  },
  {
    name: 'FR-02 FR-03 the default file name',
    chain: rolling({ 'sink.serializer': 'TEXT' }),
    run: async (site) => {
      await text(site, three);
      return { names: [...(await site.files(() => true)).keys()] };
    },
  },
  {
    name: 'FR-04 rolltime file names',
    chain: rolling({ 'sink.pathManager': 'rolltime', 'sink.pathManager.prefix': 'test4-', 'sink.pathManager.extension': 'txt' }),
    run: async (site) => {
      await text(site, three);
      return { names: [...(await site.files(() => true)).keys()] };
    },
  },
  {
    name: 'FR-01 FR-08 files are rolled in time, with nothing in them as well',
    chain: rolling({ 'sink.serializer': 'TEXT', 'sink.rollInterval': '1' }),
    run: async (site) => {
      await send(site, ['one']);
      await site.files((found) => found.size >= 3);
      await site.talk(['two\n'], (replies) => replies.includes('\n'));
      const files = await site.files((found) => Buffer.concat([...found.values()]).includes('two'));
      return { contents: [...files.values()].map(String).filter((content) => content !== ''), numbers: [...files.keys()].slice(0, 3).map((name) => name.replace(/^.*-/, '')), oneName: new Set([...files.keys()].map((name) => name.replace(/-\d+$/, ''))).size };
    },
  },
];

const dumped = ['Some text', '', '\u0000\u0001\u0002\u0003\u0004', 'Hello world!\r', `${'P'.repeat(24)}Test 0`, 'exactly sixteen.', '\u00e9\u65e5\u672c', 'a } b', '~ !"#$%&\u007f\u0080'];

export const loggerCases: readonly CompatCase[] = [
  {
    name: 'LOG-01 LOG-02 LOG-03 LOG-06 the lines of the logger sink',
    alone: true,
    chain: { r1: source, c1: {}, k1: { type: 'logger' } },
    run: async (site) => {
      await send(site, dumped);
      return { messages: await site.logged('Event:', dumped.length) };
    },
  },
  {
    name: 'LOG-01 the logger sink shows headers',
    alone: true,
    chain: { ...rolling({ type: 'logger' }, { timestamp: '1', host: 'h', '\u00e9': '\u65e5' }) },
    run: async (site) => {
      await send(site, ['x']);
      return { messages: await site.logged('Event:', 1) };
    },
  },
  {
    name: 'LOG-04 maxBytesToLog has no effect on the logger sink of 1.11',
    alone: true,
    chain: { r1: source, c1: {}, k1: { type: 'logger', maxBytesToLog: '30' } },
    differs: {
      why: 'maxBytesToLog works as the guide says; 1.11 never hands it to the sink',
      millrace: { messages: ['Event: { headers:{} body: 50 50 50 50 50 50 50 50 50 50 50 50 50 50 50 50 PPPPPPPPPPPPPPPP\n00000010 50 50 50 50 50 50 50 50 54 65 73 74 20 30       PPPPPPPPTest 0 }'] },
    },
    run: async (site) => {
      await send(site, [`${'P'.repeat(24)}Test 0`]);
      return { messages: await site.logged('Event:', 1) };
    },
  },
];

/** All counters but those that depend on time: how often an empty channel was asked, and how full a batch was. */
async function counters(site: Site, component: string, done: (now: Readonly<Record<string, string>>) => boolean, moving: readonly string[] = []): Promise<Json> {
  const now = await site.metrics(component, done);
  return Object.fromEntries(Object.entries(now).sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, value]) => [name, moving.includes(name) ? '<moving>' : value]));
}

const took = (count: number) => (now: Readonly<Record<string, string>>) => now['EventTakeSuccessCount'] === String(count);

export const metricsCases: readonly CompatCase[] = [
  {
    name: 'C10.5 counters of seq, memory and file_roll',
    chain: { r1: { type: 'seq', totalEvents: '30' }, c1: { capacity: '1000' }, k1: {} },
    run: async (site) => ({
      channel: await counters(site, 'CHANNEL.c1', took(30), ['EventTakeAttemptCount']),
      source: await counters(site, 'SOURCE.r1', () => true),
      sink: await counters(site, 'SINK.k1', (now) => now['EventDrainSuccessCount'] === '30', ['EventDrainAttemptCount']),
    }),
  },
  {
    name: 'C10.2 counters of a channel that nobody empties',
    chain: { r1: source, c1: { capacity: '8', transactionCapacity: '4' } },
    run: async (site) => {
      await site.talk(['1\n2\n3\n'], (replies) => replies.split('\n').length > 3);
      return { channel: await counters(site, 'CHANNEL.c1', (now) => now['ChannelSize'] === '3') };
    },
  },
  {
    name: 'counters of puts that failed',
    chain: { r1: source, c1: { capacity: '2', transactionCapacity: '2', 'keep-alive': '0' } },
    run: async (site) => {
      await site.talk(['1\n2\n3\n4\n'], (replies) => replies.split('\n').length > 4);
      return { channel: await counters(site, 'CHANNEL.c1', (now) => now['EventPutAttemptCount'] === '4') };
    },
  },
  {
    name: 'counters of exec; Flume has none for a null sink',
    differs: { why: 'Millrace counts what every sink writes', millrace: { components: ['CHANNEL.c1', 'SINK.k1', 'SOURCE.r1'] } },
    chain: { r1: { type: 'exec', shell: '/bin/bash -c', command: 'seq 25', batchSize: '10' }, c1: {}, k1: { type: 'null' } },
    run: async (site) => ({
      channel: await counters(site, 'CHANNEL.c1', took(25), ['EventTakeAttemptCount']),
      source: await counters(site, 'SOURCE.r1', (now) => now['EventAcceptedCount'] === '25'),
      components: await site.components(),
    }),
  },
];
