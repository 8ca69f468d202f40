import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { startAgent, until, type AgentOptions, type RunningAgent } from '../harness/agent.ts';
import { refereeOver, sendLines } from './referee/over-files.ts';
import { CLEAN, harmOf } from './referee/referee.ts';
import { exchange, linesIn } from './numbered-lines.ts';
import { TcpClient } from './tcp-client.ts';
import { descriptorsOf, long, watchHealth } from './watch.ts';

const run = promisify(execFile);

function conf(sources: string, more = ''): string {
  return `
a1.channels = c1
a1.sinks = k1
${sources}
a1.channels.c1.type = memory
a1.channels.c1.capacity = 100000
a1.channels.c1.transactionCapacity = 1000
a1.sinks.k1.type = file_roll
a1.sinks.k1.sink.directory = @FOLDER@/out
a1.sinks.k1.sink.rollInterval = 1
a1.sinks.k1.channel = c1
${more}
`;
}

function netcat(name: string, more = ''): string {
  return [`type = netcat`, `bind = 127.0.0.1`, `port = 0`, `channels = c1`, ...more.split('\n').filter((line) => line !== '')]
    .map((line) => `a1.sources.${name}.${line}`)
    .join('\n');
}

async function start(t: TestContext, text: string, options: Omit<AgentOptions, 'conf'> = {}): Promise<RunningAgent> {
  const agent = await startAgent({ conf: text, ...options });
  t.after(() => agent.stop());
  await mkdir(join(agent.folder, 'out'));
  await agent.ready();
  return agent;
}

for (const limit of [64, 256]) {
  test(`R2 a limit of ${limit} descriptors, all listeners flooded: connections are refused, files are rolled, nothing is lost`, { timeout: 60_000 }, async (t) => {
    const sources = ['r1', 'r2', 'r3'];
    const text = `a1.sources = ${sources.join(' ')} r4\n${sources.map((name) => netcat(name)).join('\n')}\na1.sources.r4.type = exec\na1.sources.r4.command = sleep 0.3\na1.sources.r4.restart = true\na1.sources.r4.restartThrottle = 300\na1.sources.r4.channels = c1`;
    const agent = await start(t, conf(text), { under: ['prlimit', `--nofile=${limit}`] });
    const before = descriptorsOf(agent.pid);
    const ports = await Promise.all(sources.map((name) => agent.port(name)));
    const referee = refereeOver(t, join(agent.folder, 'out'));
    const sender = sendLines(referee, ports[0] as number, 2000);
    await until('the first answers', () => sender.acknowledged > 100);
    const flood = (await Promise.all(ports.map((port) => Promise.all(Array.from({ length: limit }, () => TcpClient.to(port)))))).flat();
    for (const name of sources) await agent.counter(`SOURCE.${name}`, 'ConnectionRefusedCount', (count) => count > 0);
    const during = descriptorsOf(agent.pid);
    const files = (await readdir(join(agent.folder, 'out'))).length;
    await until('two new files during the flood', async () => (await readdir(join(agent.folder, 'out'))).length > files + 1 || undefined);
    assert.equal((await agent.health()).body.status, 'ok');
    for (const { socket } of flood) socket.resetAndDestroy();
    const conclusion = await referee.conclude();
    assert.deepEqual([harmOf(conclusion), conclusion.duplicates], [CLEAN, 0]);
    assert.deepEqual(agent.lines.filter((line) => /EMFILE/.test(line)), []);
    t.diagnostic(`descriptors: ${before} at rest, ${during} under flood`);
  });
}

test('R2 no descriptor left at all for a while: told, tried again, nothing lost', { timeout: 60_000 }, async (t) => {
  const text = `a1.sources = r1 r4\n${netcat('r1')}\na1.sources.r4.type = exec\na1.sources.r4.command = sleep 0.1\na1.sources.r4.restart = true\na1.sources.r4.restartThrottle = 100\na1.sources.r4.channels = c1`;
  const agent = await start(t, conf(text));
  const port = await agent.port('r1');
  const referee = refereeOver(t, join(agent.folder, 'out'));
  const sender = sendLines(referee, port, 2000);
  await until('the first answers', () => sender.acknowledged > 100);
  await run('prlimit', ['--pid', String(agent.pid), '--nofile=4:20000']);
  const refused = await TcpClient.to(port);
  await agent.line(/(WARN|ERROR).*EMFILE/, 20_000);
  await sleep(1500);
  await run('prlimit', ['--pid', String(agent.pid), '--nofile=1024:20000']);
  refused.socket.destroy();
  const after = await until('a new connection to be served', async () => {
    const answer = await Promise.race([exchange(port, 'after\n'), sleep(1000, '')]);
    return answer === 'OK\n' ? answer : undefined;
  });
  assert.equal(after, 'OK\n');
  await agent.ready();
  const conclusion = await referee.conclude();
  assert.deepEqual({ ...harmOf(conclusion), invented: 0 }, CLEAN);
  assert.ok(conclusion.examples.every((example) => example.startsWith('invented: "after"')));
  const told = agent.lines.filter((line) => /EMFILE/.test(line));
  t.diagnostic(told.map((line) => line.slice(24, 200)).join('\n'));
  assert.ok(told.length < 12, told.join('\n'));
});

test('R4 X13 expressions that never end, in all interceptors that have one: the agent answers meanwhile, no line is lost', { timeout: 60_000 }, async (t) => {
  const interceptors = `
interceptors = i1 i2 i3
interceptors.i1.type = regex_filter
interceptors.i1.regex = ^(\\\\w+\\\\s?)*$
interceptors.i1.excludeEvents = true
interceptors.i2.type = search_replace
interceptors.i2.searchPattern = ^(a+)+$
interceptors.i2.replaceString = x
interceptors.i3.type = regex_extractor
interceptors.i3.regex = (x+x+)+y|(a|a)*(?=b)(b+)+c(?<!q)
interceptors.i3.serializers = s1
interceptors.i3.serializers.s1.name = found
max-line-length = 200000`;
  const agent = await start(t, conf(`a1.sources = r1\n${netcat('r1', interceptors)}`));
  const port = await agent.port('r1');
  const health = watchHealth(agent, 10);
  const hostile = [30, 1000, 100_000].flatMap((length) => ['a', 'x', 'ab', 'a b '].map((piece) => `${piece.repeat(Math.ceil(length / piece.length)).slice(0, length)}!`));
  const repeated = hostile.filter(({ length }) => length < 2000).flatMap((line) => Array.from({ length: 50 }, () => line));
  const lines = [...hostile, ...repeated];
  assert.equal(await exchange(port, `${lines.join('\n')}\n`), 'OK\n'.repeat(lines.length));
  const flood = Array.from({ length: 5000 }, () => `${'x'.repeat(30)}!`);
  lines.push(...Array.from({ length: 4 }, () => flood).flat());
  const answers = await Promise.all(Array.from({ length: 4 }, () => exchange(port, `${flood.join('\n')}\n`)));
  assert.ok(answers.every((answer) => answer === 'OK\n'.repeat(5000)));
  const longest = await health.stop();
  await until('all lines in the files', async () => (await linesIn(join(agent.folder, 'out'))).length === lines.length || undefined);
  assert.deepEqual((await linesIn(join(agent.folder, 'out'))).toSorted(), lines.toSorted());
  t.diagnostic(`p99 of /health ${longest.toFixed(0)} ms, ${health.answers} answers`);
  assert.ok(longest < 1000, `/health took ${longest} ms`);
});

test('R6 a flood of faults: the log stays below 1 MB a minute, with the number of repetitions', async (t) => {
  // Scaled: 200,000 bad lines at once; ten minutes with MILLRACE_LONG=1.
  const agent = await start(t, conf(`a1.sources = r1\n${netcat('r1')}`));
  const port = await agent.port('r1');
  const began = performance.now();
  do {
    const bad = Buffer.from(`${'\u00ff'.repeat(20)}\n`.repeat(20_000), 'latin1');
    const answers = await Promise.all(Array.from({ length: 10 }, () => exchange(port, bad)));
    assert.ok(answers.every((answer) => answer.split('\n').length === 20_001));
  } while (long && performance.now() - began < 600_000);
  const refused = await agent.counter('SOURCE.r1', 'EventReadFail');
  assert.ok(refused >= 200_000);
  await agent.stop();
  const minutes = Math.max(1, (performance.now() - began) / 60_000);
  const characters = agent.lines.reduce((sum, line) => sum + line.length + 1, 0);
  t.diagnostic(`${refused} faults, ${agent.lines.length} lines, ${characters} characters`);
  assert.ok(characters < minutes * 1_000_000);
  assert.ok(agent.lines.some((line) => /WARN.*line refused.*repeated=\d+/.test(line)));
});

/** Odd surroundings, each as a program in front of the launcher. */
const SURROUNDINGS: readonly (readonly [string, readonly string[]])[] = [
  ['no HOME, no TZ, locale C', ['env', '-u', 'HOME', '-u', 'TZ', 'LC_ALL=C', 'LANG=C']],
  ['an empty environment', ['env', '-i', `PATH=${process.env['PATH']}`, 'MILLRACE_DEV=1']],
  ['a variable that is not UTF-8', ['sh', '-c', 'BAD=$(printf "\\377\\376") && export BAD && exec "$@"', 'sh']],
  ['no temporary directory', ['env', 'TMPDIR=/nowhere/at/all', 'TMP=', 'TEMP=']],
  ['a time zone that does not exist', ['env', 'TZ=Nowhere/Land']],
  ['a user without name or home', ['env', '-u', 'HOME', 'setpriv', '--reuid=54321', '--regid=54321', '--clear-groups']],
  ['a read-only root', ['unshare', '-m', 'sh', '-c', 'mount --bind "$PWD" "$PWD" && mount -o remount,ro,bind / && exec "$@"', 'sh']],
];

for (const [name, under] of SURROUNDINGS) {
  test(`R7 ${name}: the agent runs`, async (t) => {
    const agent = await startAgent({ conf: conf(`a1.sources = r1\n${netcat('r1')}`), under, properties: { 'millrace.dead.letters': '' } });
    t.after(() => agent.stop());
    await mkdir(join(agent.folder, 'out'), { mode: 0o777 });
    await run('chmod', ['777', agent.folder, join(agent.folder, 'out')]);
    await agent.ready();
    assert.equal(await exchange(await agent.port('r1'), 'one\n'), 'OK\n');
    await until('the line', async () => (await linesIn(join(agent.folder, 'out'))).includes('one') || undefined);
    assert.equal(await agent.stop(), 0);
    assert.deepEqual(agent.lines.filter((line) => /^\s+at /.test(line)), []);
  });
}
