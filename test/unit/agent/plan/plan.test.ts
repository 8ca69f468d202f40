import assert from 'node:assert/strict';
import { test } from 'node:test';
import { C, droppedOf, flumes, K, LISTS, planTexts, problemsIn, S, sentencesIn, stay } from '../planning.ts';

test('C1.1 aliases and unknown types pass the validation; only the second pass looks them up', async () => {
  const text =
    'a1.sources = s1 s2 s3\na1.channels = c1 c2 c3\na1.sinks = k1 k2 k3\na1.sinkgroups = g1\na1.configfilters = f1 f2\n' +
    ['1.type = exec', '2.type = unknown', '3.type = seq'].map((end) => `a1.sources.s${end}\n`).join('') +
    [1, 2, 3].map((n) => `a1.sources.s${n}.channels = c${n}\na1.sinks.k${n}.channel = c${n}\na1.sinks.k${n}.type = null\na1.channels.c${n}.type = memory\n`).join('') +
    'a1.sinkgroups.g1.sinks = k1 k2\na1.sinkgroups.g1.processor.type = failover\na1.configfilters.f1.type = env\na1.configfilters.f2.type = x\n';
  const plan = await flumes(text);
  assert.equal(plan.verdict, 'refuses');
  assert.equal(plan.fatal, 'Unable to load source type: unknown');
  assert.deepEqual(plan.dropped, []);
});

test('C1.2 C1.5 an agent without channels, or with empty lists, is invalid', async () => {
  for (const text of ['agent.channels =\nagent.sources = r1\n', 'agent.channels = c1\nagent.channels.c1.type = memory\nagent.sources =\nagent.sinks =\n']) {
    const plan = await flumes(text);
    assert.deepEqual([plan.verdict, stay(plan), droppedOf(plan)], ['idle', ' |  |  | ', ['agent agent']]);
  }
});

test('C1.3 C1.4 only sinks, or only sources, is valid', async () => {
  assert.equal(stay(await flumes(`a1.channels = c1\na1.sinks = k1\n${C}${K}`)), ' | c1 | k1 | ');
  assert.equal(stay(await flumes(`a1.channels = c1\na1.sources = r1\n${C}${S}`)), 'r1 | c1 |  | ');
});

test('C1.6 C1.7 C1.8 C1.9 keys without a value, an agent or a property are no fault of Flume and warned of by us', async () => {
  const text = `${LISTS}${S}${C}${K}something =\nsomethingelse = value\n.something = x\nagent. = x\n`;
  assert.equal((await flumes(text)).verdict, 'ok');
  assert.deepEqual(await problemsIn(text), ['M006 9:1', 'M007 10:1', 'M007 11:1', 'M007 12:1']);
});

test('C1.10 a misspelt word behind the agent is named with the word that was meant', async () => {
  const text = 'agent.channels = c1\nagent.channel.c1 = cc1\n';
  assert.deepEqual([(await flumes(text)).verdict, droppedOf(await flumes(text))], ['idle', ['agent agent', 'channel c1']]);
  assert.match(await sentencesIn(text), /"channel" is none of sources, .* \(did you mean "channels"\?\)/);
});

test('C1.12 properties that look like others do not confuse the keys', async () => {
  const text = `${LISTS}a1.sources.r1.type = multiport_syslogtcp\na1.sources.r1.ports = 10001 10002\na1.sources.r1.portHeader = port\na1.sources.r1.channels = c1\n${C}${K}`;
  const plan = await flumes(text);
  assert.equal(stay(plan), 'r1 | c1 | k1 | ');
  assert.deepEqual(plan.sources[0]?.values['ports'], [10001, 10002]);
});

test('C1.13 five agents in one file, one of them whole', async () => {
  const text = [
    'host1.sources = source1\nhost1.channels = channel1\nhost1.sinks = sink1',
    'host1.sources.source1.type = seq\nhost1.sources.source1.channels = channel1\nhost1.channels.channel1.type = memory',
    'host1.sinks.sink1.type = null\nhost1.sinks.sink1.channel = channel1',
    'host2.sources = s\nhost2.sources.s.type = seq\nhost2.sources.s.channels = c',
    'host3.channels = ch1 ch2\nhost3.channels.ch2.capacity = 10\nhost3.sources = s',
    'host4.channels = ch1 ch2\nhost4.channels.ch2.type = memory\nhost4.sources = src2',
    'host5.channels = ch\nhost5.channels.ch.type = memory\nhost5.sources = s\nhost5.sources.s.type = seq\nhost5.sources.s.channels = ch',
    'host5.sinks = k1 k2 k3\nhost5.sinks.k1.type = null\nhost5.sinks.k1.channel = ch\nhost5.sinks.k2.type = null\nhost5.sinks.k2.channel = ch',
    'host5.sinkgroups = g\nhost5.sinkgroups.g.sinks = k1 k2 k3\nhost5.sinkgroups.g.processor.type = failover',
    '',
  ].join('\n');
  const { agents } = await planTexts([text], 'flume');
  const shown = Object.fromEntries(agents.map((agent) => [agent.name, `${agent.verdict}: ${stay(agent)}: ${droppedOf(agent).join(', ')}`]));
  assert.deepEqual(shown, {
    host1: 'ok: source1 | channel1 | sink1 | : ',
    host2: 'idle:  |  |  | : agent host2',
    host3: 'idle:  |  |  | : agent host3, channel ch1, channel ch2',
    host4: 'idle:  |  |  | : agent host4, channel ch1, source src2',
    host5: 'degraded: s | ch | k1 k2 | g: sink k3',
  });
});

/** A source, a channel and a sink that Flume cannot configure. */
const badSource = 'a1.sources.r1.type = netcat\na1.sources.r1.bind = x\na1.sources.r1.port = no\na1.sources.r1.channels = c1\n';
const badChannel = 'a1.channels.c1.type = memory\na1.channels.c1.capacity = 1\na1.channels.c1.transactionCapacity = 2\n';
const badSink = 'a1.sinks.k1.type = null\na1.sinks.k1.channel = c1\na1.sinks.k1.batchSize = no\n';

test('C1.14 C1.15 C1.16 C1.17 what cannot be configured is dropped, and channels that nothing uses any more', async () => {
  assert.equal(stay(await flumes(LISTS + badSource + C + K)), ' | c1 | k1 | ');
  assert.equal(stay(await flumes(LISTS + S + badChannel + K)), ' |  |  | ');
  assert.equal(stay(await flumes(LISTS + S + C + badSink)), 'r1 | c1 |  | ');
  assert.equal(stay(await flumes(LISTS + badSource + C + badSink)), ' |  |  | ');
});

test('C1.18 GEN-11 a batch size above the transaction capacity drops its source or sink; equal is fine', async () => {
  const sized = (source: number, sink: number): string =>
    `${LISTS}${S}${C}${K}a1.channels.c1.capacity = 1000\na1.channels.c1.transactionCapacity = 1000\na1.sources.r1.batchSize = ${source}\na1.sinks.k1.batchSize = ${sink}\n`;
  assert.equal(stay(await flumes(sized(1000, 1000))), 'r1 | c1 | k1 | ');
  assert.equal(stay(await flumes(sized(1001, 1000))), ' | c1 | k1 | ');
  assert.equal(stay(await flumes(sized(1000, 1001))), 'r1 | c1 |  | ');
  assert.equal(stay(await flumes(sized(1001, 1001))), ' |  |  | ');
  assert.match(await sentencesIn(sized(1001, 1000)), /batchSize 1001 of source r1 is above the transactionCapacity 1000 of channel c1/);
});

test('C1.32 a listed component of an unknown type ends Flume; an unlisted one means nothing', async () => {
  for (const [kind, broken] of [
    ['source', LISTS + 'a1.sources.r1.type = nosuch\na1.sources.r1.channels = c1\n' + C + K],
    ['channel', LISTS + S + 'a1.channels.c1.type = nosuch\n' + K],
    ['sink', LISTS + S + C + 'a1.sinks.k1.type = nosuch\na1.sinks.k1.channel = c1\n'],
  ] as const) {
    const plan = await flumes(broken);
    assert.deepEqual([plan.verdict, plan.fatal], ['refuses', `Unable to load ${kind} type: nosuch`]);
    assert.equal((await problemsIn(broken)).some((problem) => problem.startsWith('M013')), true, kind);
  }
  assert.equal((await flumes(`${LISTS}${S}${C}${K}a1.sources.r9.type = nosuch\na1.sinks.k9.type = nosuch\na1.channels.c9.type = nosuch\n`)).verdict, 'ok');
});

test('C1.33 C1.34 GEN-10 a source without channels is dropped; unknown ones among its channels are left out', async () => {
  assert.equal(stay(await flumes(`${LISTS}a1.sources.r1.type = seq\n${C}${K}`)), ' | c1 | k1 | ');
  const plan = await flumes(`${LISTS}a1.sources.r1.type = seq\na1.sources.r1.channels = c1 c9\n${C}${K}`);
  assert.deepEqual([plan.verdict, plan.sources[0]?.channels], ['ok', ['c1']]);
});

test('C1.35 a sink with an unknown channel, none, "channels", or two is dropped', async () => {
  for (const line of ['channel = c9', '', 'channels = c1', 'channel = c1 c2']) {
    const text = `${LISTS}${S}${C}a1.sinks.k1.type = null\n${line === '' ? '' : `a1.sinks.k1.${line}\n`}`;
    assert.equal(stay(await flumes(text)), 'r1 | c1 |  | ', line);
    assert.equal((await problemsIn(text)).some((problem) => problem.startsWith('M019')), true, line);
  }
});

test('C1.36 C1.37 commas and comments in lists are parts of names', async () => {
  const commas = `a1.sources = r1,r2\na1.channels = c1\na1.sinks = k1\n${S}${C}${K}`;
  assert.deepEqual(droppedOf(await flumes(commas)), ['source r1,r2']);
  assert.equal((await problemsIn(commas)).includes('M025 1:14'), true);
  const comment = `a1.sources = r1 # my sources\na1.channels = c1\na1.sinks = k1\n${S}${C}${K}`;
  const plan = await flumes(comment);
  assert.deepEqual([stay(plan), droppedOf(plan)], ['r1 | c1 | k1 | ', ['source #', 'source my', 'source sources']]);
  assert.deepEqual(await problemsIn(comment), ['M026 1:17']);
});

test('C1.38 GEN-01 short names in any case, class names as they are spelled', async () => {
  const typed = (source: string, channel: string): string => `${LISTS}a1.sources.r1.type = ${source}\na1.sources.r1.channels = c1\na1.channels.c1.type = ${channel}\n${K}`;
  assert.equal((await flumes(typed('SeQ', 'MEMORY'))).verdict, 'ok');
  assert.equal((await flumes(typed('org.apache.flume.source.SequenceGeneratorSource', 'org.apache.flume.channel.MemoryChannel'))).verdict, 'ok');
  assert.equal((await flumes(typed('org.apache.flume.source.sequencegeneratorsource', 'memory'))).verdict, 'refuses');
});

test('C1.39 a bad number of a memory channel falls back; a transaction larger than the capacity drops it', async () => {
  assert.equal(stay(await flumes(`${LISTS}${S}${C}${K}a1.channels.c1.capacity = abc\n`)), 'r1 | c1 | k1 | ');
  const two = `a1.sources = r1\na1.channels = c1 c2\na1.sources.r1.type = seq\na1.sources.r1.channels = c1 c2\na1.sources.r1.batchSize = 1\n${badChannel}a1.channels.c2.type = memory\n`;
  const plan = await flumes(two);
  assert.deepEqual([stay(plan), plan.sources[0]?.channels], ['r1 | c2 |  | ', ['c2']]);
});

test('C1.40 a channel that nobody uses is removed', async () => {
  const text = `a1.sources = r1\na1.channels = c1 c2\na1.sinks = k1\n${S}${C}${K}a1.channels.c2.type = memory\n`;
  const plan = await flumes(text);
  assert.deepEqual([plan.verdict, droppedOf(plan)], ['degraded', ['channel c2']]);
  assert.deepEqual(await problemsIn(text), ['M020 2:18']);
});

test('C1.44 a name with a dot counts as not configured', async () => {
  const text = 'a1.sources = r.1\na1.channels = c1\na1.sinks = k1\na1.sources.r.1.type = seq\na1.sources.r.1.channels = c1\n' + C + K;
  assert.deepEqual(droppedOf(await flumes(text)), ['source r.1']);
});

const selector = (lines: string): string => `a1.sources = r1\na1.channels = c1 c2 c3\na1.sinks = k1\n${K}${C}a1.channels.c2.type = memory\na1.channels.c3.type = memory\na1.sources.r1.type = seq\na1.sources.r1.channels = c1 c2\n${lines.replace(/^/gm, 'a1.sources.r1.selector.')}\n`;

test('C5.11 load_balancing, by name or class, loses its source in Flume and works with us', async () => {
  for (const type of ['load_balancing', 'org.apache.flume.channel.LoadBalancingChannelSelector']) {
    assert.deepEqual(droppedOf(await flumes(selector(`type = ${type}`))).includes('source r1'), true);
    const { agents } = await planTexts([selector(`type = ${type}`)], 'millrace');
    assert.equal(agents[0]?.sources[0]?.selector.definition.types[0], 'load_balancing');
  }
});

test('C5.12 C5.13 a multiplexing selector with two spaces, a tab or a foreign channel loses its source; its name ignores case', async () => {
  for (const names of ['c1  c2', 'c1\\tc2', 'c1 c3']) {
    const text = selector(`type = multiplexing\nmapping.x = ${names}`);
    assert.equal(droppedOf(await flumes(text)).includes('source r1'), true, names);
    assert.equal((await problemsIn(text)).some((problem) => problem.startsWith('M031 12:')), true, names);
  }
  assert.equal((await flumes(selector('type = MULTIPLEXING\nmapping.x = c1 c2'))).sources.length, 1);
});

test('C5.14 a replicating selector with an unknown optional channel is kept by Flume and warned of by us', async () => {
  const text = selector('optional = nope');
  assert.equal((await flumes(text)).sources.length, 1);
  const { problems } = await planTexts([text], 'millrace');
  assert.deepEqual(problems.filter(({ code }) => code === 'M031').map(({ severity }) => severity), ['warning']);
});

const group = (lines: string, sinks = 'k1 k2 k3'): string =>
  `a1.sources = r1\na1.channels = c1\na1.sinks = ${sinks}\n${S}${C}${['k1', 'k2', 'k3'].map((name) => K.replaceAll('k1', name)).join('')}a1.sinkgroups = g1\n${lines.replace(/^(?=.)/gm, 'a1.sinkgroups.g1.')}\n`;

test('C6.14 groups that Flume drops with their sinks', async () => {
  for (const lines of [
    'sinks = k1 k2',
    'sinks = k1 k2\nprocessor.type = default',
    'sinks = k1 k2\nprocessor.type = nosuch',
    'sinks = k1 k2\nprocessor.type = load_balance\nprocessor.selector = nosuch',
  ]) {
    const plan = await flumes(group(lines));
    assert.deepEqual([stay(plan), droppedOf(plan)], ['r1 | c1 | k3 | ', ['sink k1', 'sink k2', 'sinkgroup g1']], lines);
  }
  const one = await flumes(group('sinks = k1\nprocessor.type = load_balance'));
  assert.deepEqual([stay(one), droppedOf(one)], ['r1 | c1 | k2 k3 | ', ['sink k1', 'sinkgroup g1']]);
});

test('C6.14 by our rules a group with one sink needs no processor.type', async () => {
  const { agents, problems } = await planTexts([group('sinks = k1')], 'millrace');
  assert.deepEqual([agents[0]?.groups[0]?.definition.types[0], problems], ['default', []]);
});

test('C6.15 failover and default work with one sink', async () => {
  for (const type of ['failover', 'default']) assert.equal(stay(await flumes(group(`sinks = k1\nprocessor.type = ${type}`))), 'r1 | c1 | k1 k2 k3 | g1');
});

test('C6.16 unknown members are left out; a group without any, or without properties, leaves its sinks alone', async () => {
  const plan = await flumes(group('sinks = k1 k2 k9\nprocessor.type = failover'));
  assert.deepEqual([plan.verdict, plan.groups[0]?.members], ['ok', ['k1', 'k2']]);
  assert.equal(stay(await flumes(group('sinks = k8 k9\nprocessor.type = failover'))), 'r1 | c1 | k1 k2 k3 | ');
  assert.deepEqual(droppedOf(await flumes(group(''))), ['sinkgroup g1']);
  const both = `${group('sinks = k1 k2\nprocessor.type = failover').replace('sinkgroups = g1', 'sinkgroups = g1 g2')}a1.sinkgroups.g2.sinks = k2 k3\na1.sinkgroups.g2.processor.type = failover\n`;
  assert.deepEqual((await flumes(both)).groups.map(({ name, members }) => `${name}: ${members.join(' ')}`), ['g1: k1 k2', 'g2: k3']);
});

test('C6.17 a member that cannot be configured takes everything along; a group without sinks the whole load', async () => {
  const broken = `${group('sinks = k1 k2\nprocessor.type = failover')}a1.sinks.k2.batchSize = no\n`;
  const plan = await flumes(broken);
  assert.deepEqual([plan.verdict, stay(plan)], ['idle', ' |  |  | ']);
  const early = group('sinks = k1 k2\nprocessor.type = failover').replace('a1.sinks.k2.type = null\n', '');
  assert.deepEqual((await flumes(early)).groups[0]?.members, ['k1']);
  const none = await planTexts([`${group('processor.type = failover')}b1.channels = c\n`], 'flume');
  assert.deepEqual(none.agents.map(({ name, verdict }) => `${name} ${verdict}`), ['a1 refuses', 'b1 refuses']);
});

test('C6.18 a tab between the names of groups makes one unknown name', async () => {
  const text = group('sinks = k1 k2\nprocessor.type = failover').replace('sinkgroups = g1', 'sinkgroups = g1\tg2');
  const plan = await flumes(text);
  assert.deepEqual([stay(plan), droppedOf(plan)], ['r1 | c1 | k1 k2 k3 | ', ['sinkgroup g1\tg2']]);
});

test('a sink outside of groups that has the name of a group is forgotten by Flume 1.11 only', async () => {
  const text = group('sinks = k1 k2\nprocessor.type = failover').replaceAll('g1', 'k3');
  assert.equal(stay(await flumes(text)), 'r1 | c1 | k1 k2 | k3');
  const { agents } = await planTexts([text], 'millrace');
  assert.equal(stay(agents[0] as NonNullable<(typeof agents)[0]>), 'r1 | c1 | k1 k2 k3 | k3');
});

test('the plan holds what building needs: values, channels, interceptors in order, pauses, places, canonical texts', async () => {
  const text = `${LISTS}${S}${C}${K}a1.sources.r1.interceptors = i2 i1 i2\na1.sources.r1.interceptors.i1.type = static\na1.sources.r1.interceptors.i2.type = host\na1.sources.r1.maxBackoffSleep = 7\n`;
  const { agents, problems } = await planTexts([text], 'millrace');
  const source = agents[0]?.sources[0];
  assert.deepEqual(problems, []);
  assert.deepEqual(source?.interceptors.map(({ name, definition }) => `${name} ${definition.types[0]}`), ['i2 host', 'i1 static', 'i2 host']);
  assert.deepEqual([source?.backoff, source?.selector.definition.types[0], source?.values['batchSize']], [{ incrementMs: 1000, maxMs: 7 }, 'replicating', 1]);
  assert.deepEqual(source?.place, { file: '1.conf', line: 4, column: 22, length: 3 });
  const other = (await planTexts([text.split('\n').reverse().join('\n')], 'millrace')).agents[0]?.sources[0];
  assert.equal(other?.canonical, source?.canonical);
  const changed = (await planTexts([text.replace('= 7', '= 8')], 'millrace')).agents[0]?.sources[0];
  assert.notEqual(changed?.canonical, source?.canonical);
});
