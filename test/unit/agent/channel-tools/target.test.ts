import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test, type TestContext } from 'node:test';
import { findTarget, type Target } from '../../../../agent/channel-tools/target.ts';
import type { ChannelArguments, CommandIo } from '../../../../agent/command-line/types.ts';

const io: CommandIo = { out: () => undefined, err: () => undefined, colour: false, env: new Map([['BASE', '/srv']]), systemProperties: new Map() };

function agent(name: string, channels: Readonly<Record<string, string>>): string {
  const names = Object.keys(channels);
  const sinks = names.map((channel) => `${name}.sinks.k${channel}.type = null\n${name}.sinks.k${channel}.channel = ${channel}\n`);
  const lines = `${name}.sources = r\n${name}.channels = ${names.join(' ')}\n${name}.sinks = ${names.map((channel) => `k${channel}`).join(' ')}\n${name}.sources.r.type = seq\n${name}.sources.r.channels = ${names.join(' ')}\n`;
  return lines + sinks.join('') + Object.entries(channels).map(([channel, settings]) => settings.split('\n').map((line) => `${name}.channels.${channel}.${line}\n`).join('')).join('');
}

const FILE = 'type = file\ncheckpointDir = ${env:BASE}/c\ndataDirs = ${env:BASE}/d1, ${env:BASE}/d2';

async function found(t: TestContext, text: string | undefined, args: Partial<ChannelArguments>): Promise<Target> {
  const folder = mkdtempSync(join(tmpdir(), 'target-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const confFile = join(folder, 'a.conf');
  if (text !== undefined) writeFileSync(confFile, text);
  const all: ChannelArguments = { action: 'stat', pluginsPath: [], most: 10, format: 'text', yes: false, json: false, ...(text !== undefined && { confFile }), ...args };
  return findTarget(all, io);
}

test('a directory is a directory, with the checkpoint directory that is said', async (t) => {
  assert.deepEqual(await found(t, undefined, { target: 'some/where' }), { dataDirectory: resolve('some/where') });
  assert.deepEqual(await found(t, undefined, { target: '/d', checkpointDirectory: '/c' }), { dataDirectory: '/d', checkpointDirectory: '/c' });
});

test('the directories come out of a configuration, variables and defaults included', async (t) => {
  assert.deepEqual(await found(t, agent('a1', { c1: FILE }), {}), { dataDirectory: '/srv/d1', checkpointDirectory: '/srv/c', words: 'channel c1 of agent a1' });
  const flume = join(homedir(), '.flume', 'file-channel');
  const both = agent('a1', { c1: FILE, c2: 'type = file', c3: 'type = memory' });
  assert.deepEqual(await found(t, both, { target: 'c2', agent: 'a1' }), { dataDirectory: join(flume, 'data'), checkpointDirectory: join(flume, 'checkpoint'), words: 'channel c2 of agent a1' });
  assert.equal((await found(t, both, { target: 'c1', checkpointDirectory: '/other' })).checkpointDirectory, '/other');
});

test('what is not clear is asked for, with what there is', async (t) => {
  const two = agent('a1', { c1: FILE }) + agent('a2', { c9: 'type = memory' });
  await assert.rejects(found(t, two, {}), /say which agent is meant with --name; it has a1, a2/);
  await assert.rejects(found(t, two, { agent: 'a3' }), /there is no agent "a3"; it has a1, a2/);
  await assert.rejects(found(t, two, { agent: 'a2' }), /it has none on disk/);
  await assert.rejects(found(t, two, { agent: 'a1', target: 'c7' }), /agent a1 has no durable channel "c7"; there are c1/);
});
