import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { processMark } from '../../io/store-files.ts';
import { runMillrace, startAgent, until, type AgentOptions, type RunningAgent } from '../harness/agent.ts';
import { DURABLE, netcatConf, NOWHERE } from '../harness/conf.ts';
import { lastFirst } from './last-first.ts';
import { exchange, linesIn } from './numbered-lines.ts';

async function folderOf(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-owners-'));
  lastFirst(t, () => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** netcat into a durable channel below `store`; `sink` holds the options of a sink k1. */
function conf(store: string, sink?: string): string {
  return netcatConf({ channel: DURABLE.replaceAll('@FOLDER@', store), ...(sink !== undefined && { sink }) });
}

async function start(t: TestContext, options: AgentOptions): Promise<RunningAgent> {
  const agent = await startAgent(options);
  lastFirst(t, () => agent.stop());
  return agent;
}

async function reasonOf(agent: RunningAgent, component: string): Promise<string | undefined> {
  const { body } = await agent.health();
  return body.components.find((each) => each.component === component && each.state !== 'running')?.reason;
}

async function refusal(agent: RunningAgent, component = 'a1.channels.c1'): Promise<string> {
  return until(`${component} to be refused`, async () => reasonOf(agent, component), 15_000);
}

test('C17 a second agent on one store is refused and names the first, and takes over once that was killed', { timeout: 90_000 }, async (t) => {
  const folder = await folderOf(t);
  const first = await start(t, { conf: conf(folder, NOWHERE), folder: join(folder, 'first') });
  assert.equal(await exchange(await first.port('r1'), 'one\ntwo\n'), 'OK\nOK\n');
  await mkdir(join(folder, 'out'));
  const second = await start(t, { conf: conf(folder, `type = file_roll\nsink.directory = ${folder}/out`), folder: join(folder, 'second') });
  const reason = await refusal(second);
  assert.match(reason, new RegExp(`${folder}/data`), reason);
  assert.ok(reason.includes(`process ${first.pid} `), reason);
  assert.ok(reason.includes(`agent a1 of ${first.confFile}`), reason);
  assert.equal(await exchange(await first.port('r1'), 'three\n'), 'OK\n');
  await first.kill();
  await until('the lines of the first agent', async () => ((await linesIn(join(folder, 'out'))).length === 3 ? true : undefined), 30_000);
  assert.deepEqual(await linesIn(join(folder, 'out')), ['one', 'two', 'three']);
});

test('C17 a store is one store over two mounts of it, and over a link', { timeout: 90_000 }, async (t) => {
  const folder = await folderOf(t);
  const [real, mounted, linked] = ['real', 'mounted', 'linked'].map((name) => join(folder, name)) as [string, string, string];
  await mkdir(real);
  await mkdir(mounted);
  await symlink('real', linked);
  const { status } = spawnSync('mount', ['--bind', real, mounted]);
  if (status === 0) lastFirst(t, () => spawnSync('umount', [mounted]));
  else t.diagnostic('no second mount: run as root');
  const first = await start(t, { conf: conf(real), folder: join(folder, 'first') });
  await first.ready();
  for (const store of status === 0 ? [linked, mounted] : [linked]) {
    const second = await start(t, { conf: conf(store), folder: join(folder, `second-${store === linked}`) });
    assert.ok((await refusal(second)).includes(`process ${first.pid} `), store);
    await second.stop();
  }
});

test('C17 a lock that was left behind, and a process number that somebody else has by now, are no obstacle', { timeout: 90_000 }, async (t) => {
  const folder = await folderOf(t);
  const options = { conf: conf(folder, NOWHERE), folder: join(folder, 'agent') };
  const first = await startAgent(options);
  assert.equal(await exchange(await first.port('r1'), 'one\n'), 'OK\n');
  await first.kill();
  const owner = join(folder, 'data', 'millrace-owner');
  const left = JSON.parse(await readFile(owner, 'utf8')) as Record<string, unknown>;
  assert.equal(left['pid'], first.pid);
  // The test itself lives, and is not the process that wrote this.
  await writeFile(owner, JSON.stringify({ ...left, pid: process.pid }));
  const second = await start(t, options);
  await second.port('r1');
  assert.equal(await second.counter('CHANNEL.c1', 'ChannelSize'), 1);
  // Killed and not fetched by its parent, as in containers whose first process does not do that.
  const parent = spawn('/bin/sh', ['-c', 'sleep 0.2 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'inherit'] });
  lastFirst(t, () => parent.kill('SIGKILL'));
  const zombie = Number(String((await once(parent.stdout, 'data'))[0]));
  const mark = await processMark(zombie);
  assert.ok(mark);
  await until('a process that nobody fetches', async () => (/\) Z /.test(await readFile(`/proc/${zombie}/stat`, 'utf8')) ? true : undefined));
  assert.equal(await processMark(zombie), undefined);
  await second.kill();
  await writeFile(owner, JSON.stringify({ pid: zombie, mark }));
  const next = await startAgent(options);
  await next.port('r1');
  assert.equal(await next.counter('CHANNEL.c1', 'ChannelSize'), 1);
  await next.kill();
  for (const damage of ['', '{', JSON.stringify({ pid: 'x' })]) {
    await writeFile(owner, damage);
    const third = await startAgent(options);
    await third.port('r1');
    assert.equal(await third.counter('CHANNEL.c1', 'ChannelSize'), 1, damage);
    await third.kill();
  }
});

test('C18 two channels of one agent with one directory: refused before anything is opened; what runs all the same does not open it twice', { timeout: 60_000 }, async (t) => {
  const folder = await folderOf(t);
  await symlink('one', join(folder, 'link'));
  const two = `${conf(`${folder}/one`)}
a1.channels = c1 c2
a1.sources.r1.channels = c1 c2
a1.sinks = k1 k2
a1.channels.c2.type = file
a1.channels.c2.checkpointDir = ${folder}/other
a1.channels.c2.dataDirs = ${folder}/link/data
a1.sinks.k2.type = null
a1.sinks.k2.channel = c2
`.replace('a1.sinks = k1\n', '');
  const file = join(folder, 'two.conf');
  await writeFile(file, two.replace('a1.channels = c1\n', '').replace('a1.sources.r1.channels = c1\n', ''));
  const { status, lines } = await runMillrace(['agent', '-n', 'a1', '-f', file]);
  assert.equal(status, 78);
  const text = lines.join('\n');
  assert.match(text, /M028 {2}channel c1 and channel c2 both keep their data in the directory .*link\/data, which is .*one\/data under another name/);
  assert.equal(lines.filter((line) => /dataDirs = /.test(line)).length, 2, text);
  const agent = await start(t, { conf: await readFile(file, 'utf8'), args: ['--lenient'] });
  const reason = await until('a channel to be refused', async () => (await reasonOf(agent, 'a1.channels.c1')) ?? (await reasonOf(agent, 'a1.channels.c2')), 15_000);
  assert.match(reason, /of this process has it open/);
});
