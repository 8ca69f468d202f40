import { startBaseline, startChain, startFlume, startHop, startMillrace, type Counter, type Subject } from './subjects.ts';
import type { Load } from './measure.ts';
import { startOpenssl, startSecured } from './tls.ts';

export interface Workload {
  readonly name: string;
  readonly what: string;
  readonly load: Load;
  /** The first is what the others are compared with. */
  readonly subjects: readonly { readonly name: string; readonly flume?: true; start(): Promise<Subject> }[];
}

const TAKEN: Counter = { component: 'CHANNEL.c1', attribute: 'EventTakeSuccessCount' };
const LINES = { lines: 5_000_000, connections: 1, lineBytes: 100, acks: false };

/** netcat to memory to a sink, with what stands between them. */
function conf(options: { acks?: boolean; extra?: readonly string[]; sink?: readonly string[]; capacity?: number } = {}): string {
  return [
    'a1.sources = r1',
    'a1.channels = c1',
    'a1.sinks = k1',
    'a1.sources.r1.type = netcat',
    'a1.sources.r1.bind = 127.0.0.1',
    'a1.sources.r1.port = @PORT@',
    `a1.sources.r1.ack-every-event = ${options.acks ?? false}`,
    'a1.sources.r1.channels = c1',
    'a1.channels.c1.type = memory',
    `a1.channels.c1.capacity = ${options.capacity ?? 10_000}`,
    'a1.channels.c1.transactionCapacity = 1000',
    'a1.sinks.k1.channel = c1',
    ...(options.sink ?? ['a1.sinks.k1.type = null', 'a1.sinks.k1.batchSize = 1000']),
    ...(options.extra ?? []),
    '',
  ].join('\n');
}

const millrace = (text: string) => ({ name: 'Millrace', start: () => startMillrace(text, TAKEN) });
const flume = (text: string) => ({ name: 'Flume 1.11', flume: true as const, start: () => startFlume(text, TAKEN) });
const events = { name: '"events"', start: () => startBaseline('events') };
const slab = { name: '"slab"', start: () => startBaseline('slab') };

/** The same over the durable channel, every transaction on the disk before it is answered. */
function durable(options: { acks?: boolean; perTransaction?: number } = {}): string {
  const { acks = false, perTransaction = 1000 } = options;
  return conf({ acks, capacity: 1_000_000 })
    .replace('channels.c1.type = memory', 'channels.c1.type = file\na1.channels.c1.checkpointDir = @FOLDER@/checkpoint\na1.channels.c1.dataDirs = @FOLDER@/data')
    .replace('transactionCapacity = 1000', `transactionCapacity = ${perTransaction}`)
    .replace('batchSize = 1000', `batchSize = ${perTransaction}`);
}

const framed = (perSync = 1000) => ({ name: `"framed", ${perSync} per sync`, start: () => startBaseline('framed', [String(perSync)]) });

/** The same with the next agent in place of the null sink, and as the next agent. Flume's netcat source drops lines when its channel stays full. */
const ends = (text: string) => ({
  edge: (to?: number) => `${text}a1.channels.c1.keep-alive = 60\n`.replace('k1.type = null', `k1.type = avro\na1.sinks.k1.hostname = 127.0.0.1\na1.sinks.k1.port = ${to}`).replace('k1.batchSize', 'k1.batch-size'),
  collector: text.replace('r1.type = netcat', 'r1.type = avro').replace(/.*ack-every-event.*\n/, ''),
});
const kinds = { Millrace: startMillrace, 'Flume 1.11': startFlume } as const;

function chain(from: keyof typeof kinds, to: keyof typeof kinds, text: string): Workload['subjects'][number] {
  const { edge, collector } = ends(text);
  const start = () => startChain((port) => kinds[from](edge(port), TAKEN), () => kinds[to](collector, TAKEN));
  return { name: `${from} → ${to}`, ...((from === 'Flume 1.11' || to === 'Flume 1.11') && { flume: true as const }), start };
}

const staticInterceptors = [
  'a1.sources.r1.interceptors = i1 i2 i3',
  'a1.sources.r1.interceptors.i1.type = timestamp',
  'a1.sources.r1.interceptors.i2.type = host',
  'a1.sources.r1.interceptors.i3.type = static',
];
const regexFilter = [
  'a1.sources.r1.interceptors = i1',
  'a1.sources.r1.interceptors.i1.type = regex_filter',
  'a1.sources.r1.interceptors.i1.regex = ^\\\\d+ abc',
];
const multiplexing = [
  'a1.sources.r1.interceptors = i1',
  'a1.sources.r1.interceptors.i1.type = static',
  'a1.sources.r1.interceptors.i1.key = kind',
  'a1.sources.r1.interceptors.i1.value = web',
  'a1.sources.r1.selector.type = multiplexing',
  'a1.sources.r1.selector.header = kind',
  'a1.sources.r1.selector.mapping.web = c1',
];
const fileRoll = ['a1.sinks.k1.type = file_roll', 'a1.sinks.k1.sink.directory = @FOLDER@', 'a1.sinks.k1.sink.rollInterval = 0', 'a1.sinks.k1.sink.batchSize = 1000'];

export const workloads: readonly Workload[] = [
  { name: 'W1', what: 'netcat (no OK) → memory → null', load: LINES, subjects: [events, slab, millrace(conf()), flume(conf())] },
  {
    name: 'W1-8',
    what: 'W1 over 8 connections',
    load: { ...LINES, connections: 8 },
    subjects: [events, millrace(conf()), flume(conf())],
  },
  {
    name: 'W1-ok',
    what: 'netcat with an OK to each line → memory → null',
    load: { ...LINES, lines: 3_000_000, acks: true },
    subjects: [flume(conf({ acks: true })), millrace(conf({ acks: true }))],
  },
  {
    name: 'W1-default',
    what: 'W1 with the memory channel as it is without settings: 100 events per transaction, capacity 100',
    load: LINES,
    subjects: [events, millrace(conf().replace(/.*apacity = .*\n/g, '').replace('batchSize = 1000', 'batchSize = 100'))],
  },
  {
    name: 'interceptors',
    what: 'W1 with timestamp, host and static',
    load: { ...LINES, lines: 20_000_000 },
    subjects: [{ ...millrace(conf()), name: 'without' }, { ...millrace(conf({ extra: staticInterceptors })), name: 'with' }],
  },
  {
    name: 'regex_filter',
    what: 'W1 with regex_filter, every line matches',
    load: LINES,
    subjects: [{ ...millrace(conf()), name: 'without' }, { ...millrace(conf({ extra: regexFilter })), name: 'with' }],
  },
  {
    name: 'multiplexing',
    what: 'W1 with multiplexing on a static header',
    load: LINES,
    subjects: [{ ...millrace(conf()), name: 'without' }, { ...millrace(conf({ extra: multiplexing })), name: 'with' }],
  },
  {
    name: 'W5',
    what: 'netcat → durable → null, synced, 1,000 events per transaction, beside lines framed and synced per 1,000',
    load: LINES,
    subjects: [framed(), millrace(durable())],
  },
  {
    name: 'W5b',
    what: 'W5 with 100 events per transaction, one connection',
    load: { ...LINES, lines: 2_000_000 },
    subjects: [framed(100), millrace(durable({ perTransaction: 100 }))],
  },
  {
    name: 'W5b-4',
    what: 'W5b over four connections',
    load: { ...LINES, lines: 2_000_000, connections: 4 },
    subjects: [framed(100), millrace(durable({ perTransaction: 100 }))],
  },
  {
    name: 'W5-ok',
    what: 'netcat with an OK to each line, over 64 connections → durable → null',
    load: { ...LINES, lines: 200_000, connections: 64, acks: true },
    subjects: [flume(durable({ acks: true })), millrace(durable({ acks: true }))],
  },
  {
    name: 'W6',
    what: 'netcat → durable → avro → avro → durable → null, 1,000 events per transaction, beside W5, which is one agent',
    load: LINES,
    subjects: [{ ...millrace(durable()), name: 'W5' }, chain('Millrace', 'Millrace', durable())],
  },
  {
    name: 'W7',
    what: 'netcat → memory → avro → avro → memory → null, 1,000 events per transaction, beside frames of 1,000 events that are walked over',
    load: { ...LINES, lines: 4_000_000 },
    subjects: [
      { name: '"hop"', start: () => startHop(1000) },
      chain('Millrace', 'Millrace', conf()),
      chain('Flume 1.11', 'Millrace', conf()),
      chain('Millrace', 'Flume 1.11', conf()),
      chain('Flume 1.11', 'Flume 1.11', conf()),
    ],
  },
  {
    name: 'W7-tls',
    what: 'W7 over TLS, beside W7 and beside openssl s_client and s_server with the same bytes',
    load: { ...LINES, lines: 4_000_000 },
    subjects: [
      { name: '"openssl"', start: startOpenssl },
      chain('Millrace', 'Millrace', conf()),
      { name: 'Millrace → Millrace, TLS', start: () => startSecured(ends(conf()).edge, ends(conf()).collector, TAKEN) },
    ],
  },
  {
    name: 'file_roll',
    what: 'netcat → memory → file_roll TEXT, beside "events" that write their lines',
    load: LINES,
    subjects: [
      { name: '"events" written', start: () => startBaseline('events', ['/tmp/millrace-bench-events.txt']) },
      millrace(conf({ sink: fileRoll })),
      flume(conf({ sink: fileRoll })),
    ],
  },
];
