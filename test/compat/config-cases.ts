/**
 * Configuration files that vary and damage good ones, from a seed: the same seed gives the same files. Each is a small agent of random
 * types with one to three mutations and a way of writing it down, or (when a corpus is given) somebody's file with some damage done.
 */

import { channelTypes, interceptorTypes, sinkTypes, sourceTypes, valuesOf, type TypeEntry } from './catalogue.ts';
import { damage } from './config-damage.ts';
import { randomOf, type Random } from './random.ts';
import { render, write } from './config-text.ts';

export interface ConfigCase {
  /** File name without extension: a number and the mutations done. */
  readonly name: string;
  readonly bytes: Buffer;
}

/** Keys and values in the order of the file; a key may occur twice. */
export interface Draft {
  readonly agent: string;
  lines: { key: string; value: string }[];
}

type Mutation = (draft: Draft, random: Random) => void;

/** `corpus` holds files to damage; without it every case is generated. */
export function configCases(count: number, seed: number, corpus: readonly Buffer[] = []): ConfigCase[] {
  return Array.from({ length: count }, (_, index) => {
    const random = randomOf(seed * 1_000_003 + index);
    const number = String(index).padStart(5, '0');
    const original = corpus.length > 0 && random.chance(0.4) ? random.pick(corpus) : undefined;
    if (original !== undefined) {
      const { bytes, done } = damage(original, random);
      return { name: `${number}-corpus-${done.join('-')}`, bytes };
    }
    const draft = goodDraft(random);
    const names = mutate(draft, random);
    return { name: `${number}-${names.join('-')}`, bytes: render(draft, random, names) };
  });
}

/** One file for each value of each property of each type, the rest of it good; the same files every time. */
export function systematicCases(): ConfigCase[] {
  const places: [string, string, readonly TypeEntry[]][] = [
    ['source', 'sources.r1', sourceTypes],
    ['channel', 'channels.c1', channelTypes],
    ['sink', 'sinks.k1', sinkTypes],
    ['interceptor', 'sources.r1.interceptors.i1', interceptorTypes],
  ];
  const cases: ConfigCase[] = [];
  for (const [kind, path, catalogue] of places) {
    for (const entry of catalogue) {
      for (const [key, values] of Object.entries(valuesToTry(entry))) {
        for (const value of values) {
          const name = `${String(cases.length).padStart(5, '0')}-${kind}-${entry.types[0]?.split('.').at(-1)}-${key}`;
          cases.push({ name, bytes: write(draftWith(path, entry, key, value)) });
        }
      }
    }
  }
  return cases;
}

/** The values for each property; those needed are also left out (empty) and given as something else. */
function valuesToTry(entry: TypeEntry): Record<string, readonly string[]> {
  const required = Object.keys(entry.required).map((key) => [key, [...valuesOf(/port/i.test(key) ? 'int' : 'text')]] as const);
  const optional = Object.entries(entry.optional).map(([key, kind]) => [key, [...new Set(valuesOf(kind))]] as const);
  return { ...Object.fromEntries(required), ...Object.fromEntries(optional) };
}

function draftWith(path: string, entry: TypeEntry, key: string, value: string): Draft {
  const draft: Draft = { agent: 'a1', lines: [] };
  const lines = { sources: 'r1', channels: 'c1', sinks: 'k1', 'sources.r1.channels': 'c1', 'sinks.k1.channel': 'c1', 'sources.r1.type': 'seq', 'channels.c1.type': 'memory', 'sinks.k1.type': 'null' };
  Object.entries(lines).forEach(([name, text]) => set(draft, name, text));
  if (path.includes('interceptors')) {
    set(draft, 'sources.r1.interceptors', 'i1');
  }
  set(draft, `${path}.type`, entry.types[0] ?? '');
  Object.entries(entry.required).forEach(([name, text]) => set(draft, `${path}.${name}`, text));
  set(draft, `${path}.${key}`, value);
  return draft;
}

/** An agent that Flume runs as it is: one or two sources, channels and sinks of random types. */
function goodDraft(random: Random): Draft {
  const draft: Draft = { agent: random.pick(['a1', 'agent', 'Agent-1', 'x_2']), lines: [] };
  const channels = random.chance(0.4) ? ['c1', 'c2'] : ['c1'];
  const sources = random.chance(0.25) ? ['r1', 'r2'] : ['r1'];
  const sinks = random.chance(0.3) ? ['k1', 'k2'] : ['k1'];
  set(draft, 'sources', sources.join(' '));
  set(draft, 'channels', channels.join(' '));
  set(draft, 'sinks', sinks.join(' '));
  for (const name of channels) {
    component(draft, `channels.${name}`, random.chance(0.6) ? channelTypes[0] : random.pick(channelTypes), random);
  }
  for (const name of sources) {
    component(draft, `sources.${name}`, random.pick(sourceTypes), random);
    set(draft, `sources.${name}.channels`, random.chance(0.5) ? channels.join(' ') : 'c1');
  }
  for (const name of sinks) {
    component(draft, `sinks.${name}`, random.pick(sinkTypes), random);
    set(draft, `sinks.${name}.channel`, random.pick(channels));
  }
  return draft;
}

function component(draft: Draft, path: string, entry: TypeEntry | undefined, random: Random): void {
  if (entry === undefined) {
    return;
  }
  set(draft, `${path}.type`, random.pick(entry.types));
  for (const [key, value] of Object.entries(entry.required)) {
    set(draft, `${path}.${key}`, value);
  }
}

function mutate(draft: Draft, random: Random): string[] {
  const wanted = random.pick([1, 1, 1, 2, 3]);
  const names: string[] = [];
  for (let n = 0; n < wanted; n++) {
    const name = random.weighted(mutationWeights);
    mutations[name]?.(draft, random);
    names.push(name);
  }
  return names;
}

const mutationWeights: Readonly<Record<string, number>> = {
  value: 60, drop: 6, structure: 10, type: 8, group: 10, selector: 9, interceptor: 16, capacity: 12, key: 4, reference: 5, filter: 5, agents: 3, plain: 3, reorder: 2,
};

const mutations: Readonly<Record<string, Mutation>> = {
  plain: () => {},
  value: mutateValue,
  drop: (draft, random) => {
    draft.lines.splice(random.below(draft.lines.length), 1);
  },
  structure: mutateStructure,
  type: mutateType,
  group: addGroups,
  selector: addSelector,
  interceptor: addInterceptors,
  capacity: mutateCapacity,
  key: (draft, random) => {
    const line = random.pick(draft.lines);
    line.key = random.pick([random.typo(line.key), line.key.toUpperCase(), line.key.replace('.', '..'), `${line.key}.`, line.key.replace(/\./g, ' . '), line.key.replace(/s\./, '.')]);
  },
  reference: addReference,
  filter: addFilter,
  agents: addAgents,
  reorder: (draft, random) => {
    draft.lines = random.shuffled(draft.lines);
  },
};

/** Sets properties that the component's type reads, to values of all sorts. */
function mutateValue(draft: Draft, random: Random): void {
  const { path, entry } = pickComponent(draft, random);
  const keys = Object.entries(entry.optional);
  if (keys.length === 0) {
    return;
  }
  for (let n = random.pick([1, 1, 2, 3]); n > 0; n--) {
    const [key, kind] = random.pick(keys);
    set(draft, `${path}.${key}`, random.pick(valuesOf(kind)));
  }
  const required = Object.keys(entry.required);
  if (required.length > 0 && random.chance(0.2)) {
    const key = random.pick(required);
    set(draft, `${path}.${key}`, random.pick(valuesOf(key === 'port' ? 'int' : 'text')));
  }
}

function mutateType(draft: Draft, random: Random): void {
  const { path, kind, entry } = pickComponent(draft, random);
  const type = entry.types[0] ?? '';
  const last = entry.types.at(-1) ?? '';
  const foreign = random.pick(random.pick([sourceTypes, channelTypes, sinkTypes])).types;
  const choices = [
    type.toUpperCase(), type.toLowerCase(), random.typo(type), last, last.toUpperCase(), last.toLowerCase(), `${type} # the type`, `${type};`, `"${type}"`, '',
    random.pick(foreign), foreign.at(-1) ?? '', 'com.example.Nope', 'java.lang.String', 'org.apache.flume.NoSuch', 'OTHER', 'other', type.slice(0, -1), `${last} `, 'elasticsearch',
    kind === 'sources' ? 'kafka' : 'kafka', 'org.apache.flume.channel.MemoryChannel', 'default', 'jdbc',
  ];
  set(draft, `${path}.type`, random.pick(choices));
}

/** Lists and links between components. */
function mutateStructure(draft: Draft, random: Random): void {
  const source = 'sources.r1';
  const sink = 'sinks.k1';
  random.pick<() => void>([
    () => set(draft, `${source}.channels`, random.pick(['c9', 'c1 c9', 'c1,c2', 'c1, c2', '', 'c1 # mine', 'C1', 'c1 c1', 'c1\\tc2', ' c1', 'r1'])),
    () => set(draft, `${sink}.channel`, random.pick(['c9', 'c1 c2', 'c1,c2', '', 'c1 # mine', 'C1', 'c1 c1', 'k1'])),
    () => rename(draft, `${sink}.channel`, `${sink}.channels`),
    () => rename(draft, `${source}.channels`, `${source}.channel`),
    () => set(draft, random.pick(['sources', 'sinks', 'channels']), random.pick(['', 'r1,r2', 'r1, k1', 'c1;c2', 'r1 # one', 'r1 r1 r9', '\\u0020', '${nope}', 'c1 k1 r1'])),
    () => add(draft, random.pick(['sources', 'sinks', 'channels']), random.pick(['x9', 'r9 r1', 'k1 k9', 'c1 c9', 'c2', 'k2 k1'])),
    () => remove(draft, (key) => key === random.pick(['sources', 'sinks', 'channels'])),
    () => remove(draft, (key) => key.startsWith(random.pick([`${source}.`, `${sink}.`, 'channels.c1.']))),
    () => remove(draft, (key) => key.startsWith('sinks')),
    () => remove(draft, (key) => key.startsWith('sources')),
    () => remove(draft, (key) => key.endsWith(random.pick(['.type', '.channels', '.channel']))),
    () => renamePrefix(draft, 'sources.r1.', random.pick(['source.r1.', 'sources.r.1.', 'sources.R1.', 'sinks.r1.', 'Sources.r1.'])),
    () => renamePrefix(draft, 'sinks.k1.', random.pick(['sink.k1.', 'sinks.k.1.', 'sinks.K1.', 'sources.k1.', 'sinks..k1.'])),
    () => add(draft, random.pick(['sources.r1', 'foo', 'foo.bar.baz', 'sinks.k1.', 'channels..c1', 'sinkgroups', 'sources.']), random.pick(['x', '', 'c1'])),
    () => {
      add(draft, 'sources', 'r1 r1');
      add(draft, 'sources.r1.type', random.pick(['seq', 'netcat', 'nosuch', '']));
    },
    () => renamePrefix(draft, 'channels.c1.', 'channels.r1.'),
  ])();
}

function addGroups(draft: Draft, random: Random): void {
  const groups = random.pick(['g1', 'g1 g2', 'g1  g2', 'g1\tg2', 'g1,g2', 'k1']);
  set(draft, 'sinkgroups', groups);
  if (random.chance(0.7) && !draft.lines.some((line) => line.key === `${draft.agent}.sinks.k2.type`)) {
    set(draft, 'sinks', 'k1 k2');
    component(draft, 'sinks.k2', random.chance(0.7) ? sinkTypes[0] : random.pick(sinkTypes), random);
    set(draft, 'sinks.k2.channel', random.pick(['c1', 'c1', 'c2', 'c9']));
  }
  for (const name of groups.split(/[ ,\t]+/)) {
    if (random.chance(0.9)) {
      set(draft, `sinkgroups.${name}.sinks`, random.pick(['k1 k2', 'k1 k2', 'k2 k1', 'k1', 'k2', 'k1,k2', 'k1 k9', 'k9', '', 'k1 k1', 'k1 k2 # both']));
    }
    if (random.chance(0.9)) {
      set(draft, `sinkgroups.${name}.processor.type`, random.pick(['default', 'failover', 'load_balance', 'FAILOVER', 'Load_Balance', 'loadbalance', 'load_balancing', '', 'nosuch', 'org.apache.flume.sink.FailoverSinkProcessor', 'failover # x']));
    }
    for (let n = random.below(4); n > 0; n--) {
      const [key, values] = random.pick(groupProperties);
      set(draft, `sinkgroups.${name}.${key}`, random.pick(values));
    }
  }
}

const groupProperties: readonly (readonly [string, readonly string[]])[] = [
  ['processor.priority.k1', ['5', '-1', '0', 'abc', '10', '2147483648', '']],
  ['processor.priority.k2', ['5', '-1', '10', 'high', '1.5']],
  ['processor.priority.k9', ['1']],
  ['processor.maxpenalty', ['1000', 'abc', '-5', '0']],
  ['processor.selector', ['round_robin', 'random', 'ROUND_ROBIN', 'nosuch', 'org.apache.flume.util.RoundRobinOrderSelector', '']],
  ['processor.backoff', ['true', 'yes', 'false']],
  ['processor.selector.maxTimeOut', ['1000', 'abc', '0', '-1', '']],
  ['processor.nosuch', ['x']],
];

function addSelector(draft: Draft, random: Random): void {
  const path = 'sources.r1.selector';
  const names = ['c1', 'c2', 'c9', 'c1 c2', 'c1  c2', 'c1,c2', 'c1 c1', 'c1 c9', 'C1', ''];
  if (random.chance(0.9)) {
    set(draft, `${path}.type`, random.pick(['replicating', 'multiplexing', 'multiplexing', 'MULTIPLEXING', 'load_balancing', 'LOAD_BALANCING', 'nosuch', '', 'multiplex', 'org.apache.flume.channel.MultiplexingChannelSelector', 'org.apache.flume.channel.ReplicatingChannelSelector', 'org.apache.flume.channel.LoadBalancingChannelSelector', 'com.example.Selector', 'replicating # all', 'OTHER']));
  }
  for (let n = random.below(5); n > 0; n--) {
    const key = random.pick(['optional', 'header', 'mapping.a', 'mapping.b', 'mapping.', 'mapping', 'default', 'optional.a', 'policy', 'Mapping.a', 'mapping.a.b']);
    set(draft, `${path}.${key}`, key === 'header' ? random.pick(['h', '', 'State']) : key === 'policy' ? random.pick(['random', 'round_robin', 'x']) : random.pick(names));
  }
}

function addInterceptors(draft: Draft, random: Random): void {
  const path = `sources.${random.pick(['r1', 'r1', 'r2'])}`;
  const names = random.pick([['i1'], ['i1'], ['i1', 'i2'], ['i1', 'i2', 'i3']]);
  set(draft, `${path}.interceptors`, random.chance(0.9) ? names.join(' ') : random.pick([names.join(','), `${names.join(' ')} i9`, '', 'i1 i1', 'i1 # one']));
  for (const name of names) {
    const entry = random.pick(interceptorTypes);
    component(draft, `${path}.interceptors.${name}`, entry, random);
    const key = `${path}.interceptors.${name}`;
    if (random.chance(0.25)) {
      const type = entry.types.at(-1) ?? '';
      set(draft, `${key}.type`, random.pick([type.replace('$Builder', ''), random.typo(type), type.replace('$', '.'), '', 'nosuch', 'com.example.I$Builder', (entry.types[0] ?? '').toUpperCase(), `${entry.types[0]} # i`, 'morphline']));
    }
    const options = Object.entries(entry.optional);
    for (let n = random.below(3); n > 0 && options.length > 0; n--) {
      const [option, kind] = random.pick(options);
      set(draft, `${key}.${option}`, random.pick(valuesOf(kind)));
    }
    if (random.chance(0.1)) {
      remove(draft, (candidate) => candidate.startsWith(`${key}.`) && !candidate.endsWith('.type'));
    }
  }
}

/** Batch sizes against transaction capacities, and capacities against one another. */
function mutateCapacity(draft: Draft, random: Random): void {
  const sizes = ['1', '10', '99', '100', '101', '1000', '1001', '9999', '10000', '10001'];
  const channel = random.pick(['channels.c1', 'channels.c1', 'channels.c2']);
  for (const key of ['capacity', 'transactionCapacity', 'memoryCapacity', 'overflowCapacity']) {
    if (random.chance(0.45)) {
      set(draft, `${channel}.${key}`, random.pick([...sizes, '0', '-1', 'abc']));
    }
  }
  for (const { path, entry } of componentsOf(draft)) {
    if (entry.batch !== undefined && random.chance(0.7)) {
      set(draft, `${path}.${entry.batch}`, random.pick([...sizes, '0', '-1']));
    }
  }
}

/** `${…}` in values. `MILLRACE_TEST_PORT` and `MILLRACE_TEST_TYPE` are in the oracle's environment, see generate-confs.ts. */
function addReference(draft: Draft, random: Random): void {
  const line = random.pick(draft.lines);
  const value = line.value;
  line.value = random.pick([
    '${env:MILLRACE_TEST_PORT}', '${env:MILLRACE_TEST_TYPE}', '${ENV:MILLRACE_TEST_TYPE}', `\${env:MILLRACE_NOPE:-${value}}`, '${env:MILLRACE_NOPE}', `\${nope:-${value}}`, `$\${${value}}`,
    `\${sys:millrace.nope:-${value}}`, '${java:version}', '${java:bogus}', '${date:yyyy}', '${const:java.lang.Integer.MAX_VALUE}', '${base64Decoder:SGVsbG8=}', '${}', '${', '$', `\${env:MILLRACE_NOPE:-\${nope:-${value}}}`,
    '${plain}', '${foo:plain}', `${value}\${env:MILLRACE_NOPE:-}`, `\${script:javascript:1}${value}`, `\${nope:-}${value}`,
  ]);
  if (line.value.includes('plain')) {
    draft.lines.push({ key: 'plain', value });
  }
  if (random.chance(0.05)) {
    line.value = `\${${line.key}}`;
  }
}

function addFilter(draft: Draft, random: Random): void {
  const name = random.pick(['f1', 'f1', 'env']);
  set(draft, 'configfilters', random.chance(0.85) ? name : random.pick(['f1 f2', 'f1,f2', 'f9', '']));
  if (random.chance(0.9)) {
    set(draft, `configfilters.${name}.type`, random.pick(['env', 'ENV', 'external', 'nosuch', '', 'org.apache.flume.configfilter.EnvironmentVariableConfigFilter', 'com.example.Filter']));
  }
  if (random.chance(0.4)) {
    set(draft, `configfilters.${name}.command`, random.pick(['echo', '/bin/echo x', 'false', '/nonexistent']));
  }
  const line = random.pick(draft.lines.filter((candidate) => !candidate.key.includes('configfilters')));
  const key = random.pick(['MILLRACE_TEST_TYPE', 'MILLRACE_TEST_PORT', 'MILLRACE_NOPE', 'bad.key', '']);
  line.value = random.pick([`\${${name}[${key}]}`, `\${${name}['${key}']}`, `\${${name}["${key}"]}`, `\${${name}['${key}"]}`, `x\${${name}[${key}]}y`, `\${F1[${key}]}`, `\${${name}[${key}]`]);
}

/** Further agents in the same file: Flume validates all of them, and some mistakes of one end every other. */
function addAgents(draft: Draft, random: Random): void {
  const other = random.pick(['b1', 'other', 'a 1', 'z']);
  const lines: [string, string][] = random.pick([
    [['sources', 'r'], ['channels', 'c'], ['sinks', 'k'], ['sources.r.type', 'seq'], ['sources.r.channels', 'c'], ['channels.c.type', 'memory'], ['sinks.k.type', 'null'], ['sinks.k.channel', 'c']],
    [['sources', 'r'], ['channels', 'c'], ['sinks', 'k'], ['sinkgroups', 'g'], ['sinkgroups.g.processor.type', 'failover'], ['channels.c.type', 'memory'], ['sinks.k.type', 'null'], ['sinks.k.channel', 'c']],
    [['sources', 'r'], ['sources.r.type', 'seq']],
    [['channels', 'c'], ['channels.c.type', 'nosuch'], ['sinks', 'k'], ['sinks.k.type', 'null'], ['sinks.k.channel', 'c']],
    [['foo', 'bar']],
    [['channels', 'c'], ['channels.c.type', 'memory']],
  ]);
  for (const [key, value] of lines) {
    draft.lines.push({ key: `${other}.${key}`, value });
  }
}

// ---- drafts

function pickComponent(draft: Draft, random: Random): { path: string; kind: string; entry: TypeEntry } {
  const all = componentsOf(draft);
  const fallback = { path: 'sources.r1', kind: 'sources', entry: sourceTypes[0] ?? { types: [], required: {}, optional: {} } };
  return all.length === 0 ? fallback : random.pick(all);
}

function componentsOf(draft: Draft): { path: string; kind: string; entry: TypeEntry }[] {
  const catalogues = { sources: sourceTypes, channels: channelTypes, sinks: sinkTypes };
  const found: { path: string; kind: string; entry: TypeEntry }[] = [];
  for (const { key, value } of draft.lines) {
    const match = new RegExp(`^${draft.agent}\\.((sources|channels|sinks)\\.\\w+)\\.type$`).exec(key);
    const kind = match?.[2] as keyof typeof catalogues | undefined;
    const entry = kind === undefined ? undefined : catalogues[kind].find((candidate) => candidate.types.includes(value));
    if (match?.[1] !== undefined && kind !== undefined && entry !== undefined) {
      found.push({ path: match[1], kind, entry });
    }
  }
  return found;
}

function set(draft: Draft, key: string, value: string): void {
  const full = `${draft.agent}.${key}`;
  const existing = draft.lines.find((line) => line.key === full);
  if (existing === undefined) {
    draft.lines.push({ key: full, value });
  } else {
    existing.value = value;
  }
}

function add(draft: Draft, key: string, value: string): void {
  draft.lines.push({ key: `${draft.agent}.${key}`, value });
}

function remove(draft: Draft, matches: (key: string) => boolean): void {
  draft.lines = draft.lines.filter((line) => !matches(line.key.slice(draft.agent.length + 1)));
}

function rename(draft: Draft, from: string, to: string): void {
  draft.lines.forEach((line) => {
    if (line.key === `${draft.agent}.${from}`) {
      line.key = `${draft.agent}.${to}`;
    }
  });
}

function renamePrefix(draft: Draft, from: string, to: string): void {
  draft.lines.forEach((line) => {
    if (line.key.startsWith(`${draft.agent}.${from}`)) {
      line.key = `${draft.agent}.${to}${line.key.slice(draft.agent.length + 1 + from.length)}`;
    }
  });
}
