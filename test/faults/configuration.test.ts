import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { freePort, runMillrace, startAgent, until } from '../harness/agent.ts';
import { exchange } from './numbered-lines.ts';

const EX_CONFIG = 78;

async function folderOf(t: TestContext, ...inside: readonly string[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-conf-'));
  for (const name of inside) await mkdir(join(folder, name));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

const GOOD = `a1.sources = r1
a1.channels = c1
a1.sinks = k1
a1.sources.r1.type = netcat
a1.sources.r1.bind = 127.0.0.1
a1.sources.r1.port = 0
a1.sources.r1.channels = c1
a1.channels.c1.type = memory
a1.sinks.k1.type = logger
a1.sinks.k1.channel = c1
`;

interface Outcome {
  readonly status: number | null;
  readonly text: string;
}

interface Start {
  readonly env?: Readonly<Record<string, string>>;
  readonly bytes?: Buffer;
}

/** `check` and `agent` on one text: both must refuse it with the same problems. */
async function bothRefuse(t: TestContext, conf: string, start: Start = {}): Promise<Outcome> {
  const folder = await folderOf(t);
  const file = join(folder, 'agent.conf');
  await writeFile(file, start.bytes ?? conf);
  const options = { ...(start.env && { env: start.env }), cwd: folder };
  const checked = await runMillrace(['check', file], options);
  const ran = await runMillrace(['agent', '-n', 'a1', '-c', folder, '-f', file, `-Dmillrace.dead.letters=${folder}/dead`], options);
  assert.deepEqual([checked.status, ran.status], [EX_CONFIG, EX_CONFIG], [...checked.lines, ...ran.lines].join('\n'));
  const codes = (lines: readonly string[]): string[] => lines.flatMap((line) => /\b(M0\d\d)\b/.exec(line)?.[1] ?? []).filter((_, index, all) => index < all.length);
  const named = (lines: readonly string[]): string[] => [...new Set(codes(lines.filter((line) => !line.includes('explain'))))].sort();
  assert.deepEqual(named(ran.lines), named(checked.lines));
  return { status: ran.status, text: ran.lines.join('\n') };
}

test('G1 a malformed configuration: all faults at once, with line and property, exit status 78, and nothing is opened', async (t) => {
  const port = await freePort();
  const conf = GOOD.replace('port = 0', `port = ${port}`)
    .replace('a1.sinks = k1', 'a1.sinks = k1 k2\na1.sources.r1.max-line-length = -5')
    .concat('a1.sinks.k1.maxBytesToLgo = 3\na1.sinks.k2.type = file_roll\na1.sinks.k2.channel = c1\na1.channels.c1.capacity = many\nthis line is broken\n');
  let opened = false;
  const watch = setInterval(() => {
    const socket = connect(port, '127.0.0.1', () => (opened = true));
    socket.on('error', () => undefined).on('connect', () => socket.destroy());
  }, 10);
  t.after(() => clearInterval(watch));
  const { text } = await bothRefuse(t, conf);
  for (const fault of [/agent\.conf:4:\d+.*max-line-length/, /agent\.conf:12:.*maxBytesToLgo/, /k2.*sink\.directory/, /agent\.conf:15:.*capacity/, /agent\.conf:16/]) {
    assert.match(text, fault);
  }
  assert.match((await bothRefuse(t, GOOD.replace('port = 0', 'port = -1'))).text, /agent\.conf:6:\d+.*port/);
  assert.match((await bothRefuse(t, GOOD.replace('port = 0', 'port = 65536'))).text, /agent\.conf:6:\d+.*port/);
  assert.equal(opened, false);
});

// A store directory that is used twice needs the durable channel, and a loop of agents the avro sink: neither is there yet.
test('G2 cross-checks: no channel, unknown channel, one port twice: refused with both places', async (t) => {
  assert.match((await bothRefuse(t, GOOD.replace('a1.sources.r1.channels = c1\n', ''))).text, /r1.*channel/);
  assert.match((await bothRefuse(t, GOOD.replace('k1.channel = c1', 'k1.channel = c9'))).text, /agent\.conf:10.*c9/);
  const second = GOOD.replace('a1.sources = r1', 'a1.sources = r1 r2').replaceAll('port = 0', 'port = 4141');
  const twice = `${second}a1.sources.r2.type = netcat\na1.sources.r2.bind = 127.0.0.1\na1.sources.r2.port = 4141\na1.sources.r2.channels = c1\n`;
  const ports = (await bothRefuse(t, twice)).text;
  assert.match(ports, /M028/);
  assert.match(ports, /agent\.conf:13:.*r1 and source r2.* 4141[^]*\b6 \| a1\.sources\.r1\.port = 4141/);
  const sinks = GOOD.replace('a1.sinks = k1', 'a1.sinks = k1 k2');
  const unlisted = await bothRefuse(t, `${sinks}a1.sinks.k2.type = null\na1.sinks.k2.channel = c2\n`);
  assert.match(unlisted.text, /agent\.conf:12:.*c2/);
});

test('G3 Java properties rules: the running agent understands the file as Flume does, and warns of a key that is set twice', async (t) => {
  const text = GOOD.replace('a1.sources.r1.type = netcat', 'a1.sources.r1.type:netcat')
    .replace('a1.sources.r1.bind = 127.0.0.1', 'a1.sources.r1.bind 127.0.\\\n      0.1')
    .replace('a1.sinks.k1.type = logger', 'a1.sinks.k1.type = null\na1.sinks.k1.type = logger   ')
    .concat('a1.sources.r1.interceptors = i1\na1.sources.r1.interceptors.i1.type = static\na1.sources.r1.interceptors.i1.key = k\\u00e9y\na1.sources.r1.interceptors.i1.value = caf\\u00e9\n');
  const agent = await startAgent({ conf: `\ufeff${text.replaceAll('\n', '\r\n')}` });
  t.after(() => agent.stop());
  await agent.ready();
  await exchange(await agent.port('r1'), 'hello\n');
  const line = Buffer.from(await agent.line(/Event: \{/), 'latin1').toString();
  assert.match(line, /headers:\{kéy=café\}/);
  assert.ok(agent.lines.some((warning) => /M005/.test(warning)), agent.lines.join('\n'));
});

test('G4 interpolation: undefined, circular and nested variables, filters that fail or hang: named, in a bounded time', async (t) => {
  const using = (value: string, more = ''): string => `${GOOD.replace('port = 0', `port = ${value}`)}${more}`;
  assert.match((await bothRefuse(t, using('${env:NO_SUCH_PORT}'))).text, /NO_SUCH_PORT/);
  assert.match((await bothRefuse(t, using('${A}', 'A = ${B}\nB = ${A}\n'))).text, /M023.*|\$\{[AB]\}/);
  assert.match((await bothRefuse(t, using('${S}', 'S = ${S}\n'))).text, /M023.*|\$\{S\}/);
  const filter = (command: string): string =>
    `a1.configfilters = f1\na1.configfilters.f1.type = external\na1.configfilters.f1.command = ${command}\na1.configfilters.f1.timeoutMs = 500\n`;
  const began = performance.now();
  assert.match((await bothRefuse(t, using('${f1[key]}', filter('sleep 60')))).text, /M024.*500 ms|key/s);
  assert.match((await bothRefuse(t, using('${f1[key]}', filter('false')))).text, /M024.*status 1/s);
  assert.match((await bothRefuse(t, using('${f1[key]}', filter('/no/such/program')))).text, /M024.*\/no\/such\/program/s);
  assert.ok(performance.now() - began < 25_000);
});

test('X10 a substituted value is never parsed again: line feeds in variables make no keys, and ${…} in them stays text', async (t) => {
  const agent = await startAgent({
    conf: `${GOOD}a1.sources.r1.interceptors = i1\na1.sources.r1.interceptors.i1.type = static\na1.sources.r1.interceptors.i1.key = k\na1.sources.r1.interceptors.i1.value = $\{env:EVIL}\n`,
    env: { EVIL: 'x\na1.sources = r1 r2\na1.sources.r2.type = exec\na1.sources.r2.command = touch @FOLDER@/owned\na1.sources.r2.channels = c1\nv = ${env:HOME}', OTHER: 'y' },
  });
  t.after(() => agent.stop());
  await agent.ready();
  assert.deepEqual((await agent.health()).body.components.map(({ component }) => component), ['a1.sources.r1', 'a1.channels.c1', 'a1.sinks.k1']);
  // A header that looks like a property, and a body too.
  await exchange(await agent.port('r1'), 'a1.sources.r3.type = exec\n');
  const line = await agent.line(/Event: \{/);
  assert.match(line, /headers:\{k=x\\na1\.sources = r1 r2/);
  assert.equal((await agent.health()).body.components.length, 3);
});

test('G11 X11 types that are paths, core modules, or members of every object are refused, and so are component names like them', async (t) => {
  const types = ['fs', 'node:child_process', '__proto__', 'constructor', 'toString', 'hasOwnProperty', '/etc/passwd', '../../../etc/passwd', 'prototype'];
  const names = types.map((_, index) => `k${index + 2}`);
  const sinks = types.map((type, index) => `a1.sinks.k${index + 2}.type = ${type}\na1.sinks.k${index + 2}.channel = c1\n`).join('');
  const { text } = await bothRefuse(t, GOOD.replace('a1.sinks = k1', `a1.sinks = k1 ${names.join(' ')}`) + sinks);
  types.forEach((type, index) => assert.match(text, new RegExp(`agent\\.conf:${11 + 2 * index}:`), type));
  assert.doesNotMatch(text, /at .*\.ts:\d+|TypeError|root:/);
  assert.match((await bothRefuse(t, GOOD.replace('k1.type = logger', 'k1.type = logger\na1.sinks.k1.constructor = 1\n').replace('c1.type = memory', 'c1.type = __proto__'))).text, /__proto__/);
});

test('X11 keys, component names and headers named like members of an object are plain data', async (t) => {
  const conf = GOOD.replaceAll('r1', '__proto__').replaceAll('c1', 'constructor').replaceAll('k1', 'toString')
    .concat(
      'a1.sources.__proto__.interceptors = prototype hasOwnProperty\n',
      'a1.sources.__proto__.interceptors.prototype.type = static\na1.sources.__proto__.interceptors.prototype.key = __proto__\na1.sources.__proto__.interceptors.prototype.value = polluted\n',
      'a1.sources.__proto__.interceptors.hasOwnProperty.type = static\na1.sources.__proto__.interceptors.hasOwnProperty.key = constructor\na1.sources.__proto__.interceptors.hasOwnProperty.value = v\n',
      '__proto__.x = 1\n',
    );
  const agent = await startAgent({ conf });
  t.after(() => agent.stop());
  await agent.ready();
  await exchange(await agent.port('__proto__'), 'hello\n');
  const line = await agent.line(/Event: \{/);
  assert.match(line, /__proto__=polluted/);
  assert.match(line, /constructor=v/);
  await until('the metrics of the channel', async () => (await agent.metrics())['CHANNEL.constructor']?.EventTakeSuccessCount === '1' || undefined);
  assert.ok((await readFile(agent.confFile)).length > 0);
});
