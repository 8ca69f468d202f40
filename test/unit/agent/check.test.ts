import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { C, K, LISTS, planTexts, problemsIn, runCheck, S, sentencesIn } from './planning.ts';

async function conf(t: TestContext, text: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-check-'));
  t.after(() => rm(directory, { recursive: true }));
  const path = join(directory, 'x.conf');
  await writeFile(path, text);
  return path;
}

const good = LISTS + S + C + K;
const netcat = (lines: string): string => `${LISTS}a1.sources.r1.type = netcat\n${lines.replace(/^(?=.)/gm, 'a1.sources.r1.')}${C}${K}`;

test('exit codes: 0 without problems, 1 with warnings, 78 with errors; --strict makes errors of warnings', async (t) => {
  const clean = await runCheck([await conf(t, good)]);
  assert.deepEqual([clean.code, /no problems \(agent a1\)/.test(clean.out)], [0, true]);
  const warned = await conf(t, `${good}a1.sources.r1.batchsize = 5\n`);
  assert.equal((await runCheck([warned])).code, 1);
  assert.equal((await runCheck([warned], { strict: true })).code, 78);
  assert.equal((await runCheck([await conf(t, LISTS)])).code, 78);
  assert.equal((await runCheck(['/nowhere/x.conf'])).code, 78);
});

test('a problem is shown with its line, a caret and what was meant', async (t) => {
  const path = await conf(t, netcat('bind = 127.0.0.1\nport = 44444\nchanels = c1\n'));
  const { out, code } = await runCheck([path]);
  assert.equal(code, 78);
  assert.equal(
    out.split('\n').slice(3, 6).join('\n'),
    [
      `${path}:7:15  error  M012  unknown property "chanels" of source r1, which has no "channels"`,
      '    7 | a1.sources.r1.chanels = c1',
      '      |               ^^^^^^^ did you mean "channels"?',
    ].join('\n'),
  );
  assert.equal((await runCheck([path], { colour: true })).out.includes('\u001b[1;31merror\u001b[0m'), true);
  const json = (await runCheck([path], { json: true })).out.trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.deepEqual(json.find(({ code: each }) => each === 'M012')?.['hint'], 'did you mean "channels"?');
});

test('G1 all faults of a file at once, each with its line and property', async () => {
  const text = `${LISTS}a1.sources.r1.type = netcat\na1.sources.r1.port = -5\na1.sources.r1.channels = c1\na1.sources.r1.colour = red\na1.channels.c1.type = memory\na1.channels.c1.capacity = -1\na1.sinks.k1.type = nul\na1.sinks.k1.channel = c1\na1.sinks.k1.batchSize = lots\nnonsense\n`;
  assert.deepEqual(await problemsIn(text), ['M006 13:1', 'M012 7:15', 'M013 10:20', 'M014 4:22', 'M015 12:25', 'M015 5:22', 'M015 9:27']);
});

test('G1 what check says of twenty typing errors', async () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    [netcat('bind = x\nport = 44444x\nchannels = c1\n'), /value "44444x" of port of source r1 \(netcat\) is not a whole number/],
    [netcat('bind = x\nport = 99999\nchannels = c1\n'), /value "99999" of port .* is outside of 0 to 65535/],
    [netcat('bind = x\nchannels = c1\n'), /source r1 \(netcat\) needs "port", which is not set/],
    [netcat('bind = x\nprot = 1\nchannels = c1\n'), /unknown property "prot" of source r1 \(netcat\) \(did you mean "port"\?\)/],
    [netcat('bind = x\nport = 1\nchannel = c1\n'), /source r1 has no "channels" \(a source has "channels", in the plural\)/],
    [netcat('bind = x\nport = 1\nchannels = c2\n'), /source r1 writes to channel "c2", which is not in the list of channels \(did you mean "c1"\?\)/],
    [netcat('bind = x\nport = 1 # one\nchannels = c1\n'), /"# one" is not a comment but part of the value of port .*\(comments need a line of their own\)/],
    [good.replace('= seq', '= sqe'), /"sqe", the type of source r1, is no source type \(did you mean "seq"\?\)/],
    [good.replace('r1.type = seq', 'r1.tpye = seq'), /unknown property "tpye" of source r1, which has no type \(did you mean "type"\?\)/],
    [good.replace('= seq', '= seq # counts'), /"# counts" is not a comment but part of the type of source r1/],
    [good.replace('= seq', '= com.example.MySource'), /"com.example.MySource", the type of source r1, is a custom Java class, .* \(.*plug-in.*\)/],
    [good.replace('sources.r1.type', 'source.r1.type'), /"source" is none of sources, .*\(did you mean "sources"\?\)/],
    [good.replace('a1.sources = r1', 'a1.sources = r1, r2'), /the comma is part of the name "r1,".*\(names are separated by blanks: r1\)/],
    [good.replace('a1.sources = r1', 'a1.sources = r1 r2'), /source r2 is listed, but has no property/],
    [good.replace('a1.sources = r1', 'a1.sources = rl'), /source rl is listed, but has no property \(did you mean "r1"\?\)/],
    [`${good}a1.sources.r2.type = seq\n`, /source r2 is configured, but not in the list of sources \(did you mean "r1"\?\)/],
    [good.replace('k1.channel = c1', 'k1.channels = c1'), /sink k1 has no "channel" \(a sink has "channel", in the singular\)/],
    [`${good}a1.channels.c1.transactionCapacity = 1000\n`, /transactionCapacity of channel c1 \(memory\) is 1000, above the capacity of 100/],
    [`${good}a1.sources.r1.interceptors = i1\na1.sources.r1.interceptors.i1.type = timestmp\n`, /"timestmp", the type of interceptor i1 of source r1, is no interceptor type \(did you mean "timestamp"\?\)/],
    [good.replace('a1.channels = c1', 'a1.chanels = c1'), /"chanels" is none of .*\(did you mean "channels"\?\)/],
    [good.replaceAll('a1.sinks', 'al.sinks'), /agent al lists no channels \(did you mean agent "a1"\?\)/],
    [`${good}a1.sinks.k1.hostname = x\n`, /unknown property "hostname" of sink k1 \(null\)/],
  ];
  for (const [text, expected] of cases) assert.match(await sentencesIn(text), expected);
});

test('G2 the same port or data directory twice is refused with both places', async () => {
  const two = (first: string, second: string): string =>
    `a1.sources = r1 r2\na1.channels = c1\na1.sinks = k1\n${['r1', 'r2'].map((name) => `a1.sources.${name}.type = netcat\na1.sources.${name}.channels = c1\n`).join('')}a1.sources.r1.bind = ${first}\na1.sources.r1.port = 5\na1.sources.r2.bind = ${second}\na1.sources.r2.port = 5\n${C}${K}`;
  const { problems } = await planTexts([two('0.0.0.0', '127.0.0.1')], 'millrace');
  assert.deepEqual(problems.map(({ code, place, other, severity }) => [code, severity, place?.line, other?.line]), [['M028', 'error', 11, 9]]);
  assert.match(problems[0]?.sentence ?? '', /source r1 and source r2 both listen at port 5/);
  assert.deepEqual(await problemsIn(two('10.0.0.1', '10.0.0.2')), []);
  const files = `a1.channels = c1 c2\na1.sources = r1\n${S.replace('= c1', '= c1 c2')}${['c1', 'c2'].map((name) => `a1.channels.${name}.type = file\na1.channels.${name}.checkpointDir = /d/${name}\na1.channels.${name}.dataDirs = /d/data\n`).join('')}`;
  assert.equal((await problemsIn(files)).filter((each) => each.startsWith('M028 10:')).length, 1);
});

test('G2 a loop of agents is refused with both places', async () => {
  const agent = (name: string, port: number, target: number): string =>
    `${name}.sources = r\n${name}.channels = c\n${name}.sinks = k\n${name}.channels.c.type = memory\n${name}.sources.r.type = avro\n${name}.sources.r.bind = 0.0.0.0\n${name}.sources.r.port = ${port}\n${name}.sources.r.channels = c\n${name}.sinks.k.type = avro\n${name}.sinks.k.hostname = localhost\n${name}.sinks.k.port = ${target}\n${name}.sinks.k.channel = c\n`;
  const { problems } = await planTexts([agent('A', 1, 2) + agent('B', 2, 1)], 'millrace');
  const loops = problems.filter(({ code }) => code === 'M036');
  assert.deepEqual(loops.map(({ place, other, sentence }) => [place?.line, other?.line, /A\.sinks\.k > B\.sinks\.k > A\.sinks\.k/.test(sentence)]), [[11, 23, true]]);
  assert.equal((await planTexts([agent('A', 1, 2) + agent('B', 2, 3)], 'millrace')).problems.some(({ code }) => code === 'M036'), false);
});

test('G5 X15 planted secrets are in nothing that check prints', async (t) => {
  const planted = 'pl4nted';
  const lines = [
    `a1.sinks.k1.truststore-password = ${planted}1`,
    `a1.sinks.k1.truststore-password = ${planted}2`,
    `a1.sinks.k1.kafka.producer.sasl.jaas.config = org.x.Login required username="u" password="${planted}3";`,
    `a1.sinks.k1.proxy = http://u:${planted}4@proxy/`,
    `a1.sinks.k1.batch-size = \${env:PLANTED}`,
    `a1.sinks.k1.port = x\${env:PLANTED}`,
    `a1.token = ${planted}6`,
    `apiKey = ${planted}7`,
    `a1.sinks.k1.secret.token \\\n   = ${planted}8`,
    `a1.sinks.k9.password = ${planted}9`,
    `a1.sinks.k1.hostname = http://u:${planted}10@x # ${planted}` + 'x'.repeat(0),
  ];
  const path = await conf(t, `${LISTS}${S}${C}a1.sinks.k1.type = avro\na1.sinks.k1.channel = c1\n${lines.slice(0, -1).join('\n')}\n`);
  for (const options of [{}, { json: true }, { strict: true }, { asFlume: true }, { colour: true }]) {
    const { out, err } = await runCheck([path], { ...options, env: { PLANTED: `${planted}5` } });
    assert.equal((out + err).includes(planted), false, out + err);
    assert.equal(out === '', false);
  }
});

test('G10 a configuration that everybody may write to is warned of', async (t) => {
  const path = await conf(t, good);
  await chmod(path, 0o666);
  const { code, out } = await runCheck([path]);
  assert.deepEqual([code, /M033 .* everybody/.test(out)], [1, true]);
});

test('G11 X11 only known types: paths, module names and keys of Object are none', async () => {
  for (const type of ['/etc/passwd', '../x.js', 'fs', 'node:fs', '__proto__', 'constructor', 'toString']) {
    const { agents, problems } = await planTexts([good.replace('= seq', `= ${type}`)], 'millrace');
    assert.equal(agents[0]?.sources.length, 0, type);
    assert.equal(problems.some(({ code, severity }) => severity === 'error' && ['M013', 'M030', 'M038'].includes(code)), true, type);
  }
});

test('X8 control characters of a file do not reach the terminal', async (t) => {
  const { out } = await runCheck([await conf(t, `${good}a1.sources.r1.\u001b[31mred = \u0007\u202e1\n`)]);
  assert.match(out, /\\u001b\[31mred/);
  assert.deepEqual([...out].filter((char) => (char < ' ' && char !== '\n') || char === '\u202e'), []);
});

test('--as-flume: one object per agent, sorted lists, the file where there are several', async (t) => {
  const one = await conf(t, `b.channels = c\n${good}a1.sinks.k2.type = null\n`);
  const two = await conf(t, '# nothing\n');
  const run = await runCheck([one], { asFlume: true, json: true });
  assert.equal(run.code, 0);
  assert.deepEqual(run.out.trim().split('\n').map((line) => JSON.parse(line) as unknown), [
    { agent: 'a1', verdict: 'ok', sources: ['r1'], channels: ['c1'], sinks: ['k1'], sinkgroups: [], dropped: [], fatal: null },
    {
      agent: 'b', verdict: 'idle', sources: [], channels: [], sinks: [], sinkgroups: [], fatal: null,
      dropped: [
        { component: 'agent b', reason: 'does not contain any valid channels; marked invalid' },
        { component: 'channel c', reason: 'no property for this channel' },
      ],
    },
  ]);
  const files = (await runCheck([one, two], { asFlume: true, json: true })).out.trim().split('\n').map((line) => (JSON.parse(line) as { file: string; verdict: string }));
  assert.deepEqual(files.map(({ file, verdict }) => [file, verdict]), [[one, 'ok'], [one, 'idle'], [two, 'refuses']]);
});

test('--name looks at one agent only, and lists the names when there is none of that name', async (t) => {
  const path = await conf(t, `${good}b.channels = c\n`);
  assert.equal((await runCheck([path], { name: 'a1' })).code, 0);
  const unknown = await runCheck([path], { name: 'a2' });
  assert.deepEqual([unknown.code, /no agent named "a2"; it has a1, b/.test(unknown.out)], [78, true]);
});

test('X24 hostile values cost no more than their length', async () => {
  const long = 200_000;
  for (const value of [' '.repeat(long), `x${' '.repeat(long)}x`, 'a'.repeat(long), '\\\\'.repeat(long), '${'.repeat(long), '}'.repeat(long), '${a}'.repeat(9000), '# '.repeat(long), '9'.repeat(long)]) {
    const { agents } = await planTexts([`${good}a1.sources.r1.batchSize = ${value}\na1.sources.r1.x = ${value}\n`], 'millrace');
    assert.equal(agents.length, 1);
  }
});
