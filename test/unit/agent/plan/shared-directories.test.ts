import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { planTexts } from '../planning.ts';

interface Channel {
  readonly checkpointDir?: string;
  readonly dataDirs?: string;
  readonly type?: string;
  readonly backupCheckpointDir?: string;
}

/** An agent with these channels on disk. */
function agentOf(name: string, channels: Readonly<Record<string, Channel>>): string {
  const names = Object.keys(channels);
  const lines = [`${name}.sources = r`, `${name}.channels = ${names.join(' ')}`, `${name}.sinks = ${names.map((channel) => `k${channel}`).join(' ')}`];
  lines.push(`${name}.sources.r.type = seq`, `${name}.sources.r.channels = ${names.join(' ')}`);
  for (const [channel, options] of Object.entries(channels)) {
    for (const [option, value] of Object.entries({ type: 'file', ...options })) lines.push(`${name}.channels.${channel}.${option} = ${value}`);
    if (options.backupCheckpointDir !== undefined) lines.push(`${name}.channels.${channel}.useDualCheckpoints = true`);
    lines.push(`${name}.sinks.k${channel}.type = null`, `${name}.sinks.k${channel}.channel = ${channel}`);
  }
  return `${lines.join('\n')}\n`;
}

interface Told {
  readonly severity: string;
  readonly sentence: string;
  /** The settings at the two places. */
  readonly lines: readonly (string | undefined)[];
}

async function told(text: string): Promise<readonly Told[]> {
  const { problems } = await planTexts([text], 'millrace');
  const lineAt = (line: number | undefined): string | undefined => text.split('\n')[(line ?? 0) - 1]?.replace(/ = .*/, '');
  return problems.filter(({ code }) => code === 'M028').map(({ severity, sentence, place, other }) => ({ severity, sentence, lines: [other, place].map((at) => lineAt(at?.line)) }));
}

test('C18 two channels with one directory are an error that shows both places', async () => {
  const own = { checkpointDir: '/d/one/c', dataDirs: '/d/one/a, /d/one/b' };
  const pairs: readonly (readonly [Channel, RegExp, readonly string[]])[] = [
    [{ checkpointDir: '/d/two/c', dataDirs: '/d/two/a, /d/one/b' }, /c1 and channel c2 both keep their data in the directory \/d\/one\/b$/, ['dataDirs', 'dataDirs']],
    [{ checkpointDir: '/d/one/a', dataDirs: '/d/two/a' }, /directory \/d\/one\/a$/, ['dataDirs', 'checkpointDir']],
    [{ checkpointDir: '/d/two/c', dataDirs: '/d/one/c' }, /directory \/d\/one\/c$/, ['checkpointDir', 'dataDirs']],
    [{ checkpointDir: '/d/two/c', dataDirs: '/d/x/../one//a/./' }, /directory \/d\/x\/\.\.\/one\/\/a\/\.\//, ['dataDirs', 'dataDirs']],
    [{ checkpointDir: '/d/two/c', dataDirs: '/d/one/a/deeper/still' }, /\/d\/one\/a\/deeper\/still of channel c2 lies inside of the directory \/d\/one\/a of channel c1/, ['dataDirs', 'dataDirs']],
    [{ checkpointDir: '/d/two/c', dataDirs: '/d' }, /\/d\/one\/c of channel c1 lies inside of the directory \/d of channel c2/, ['checkpointDir', 'dataDirs']],
    [{ checkpointDir: '/d/two/c', dataDirs: '/d/two/a', backupCheckpointDir: '/d/one/a' }, /directory \/d\/one\/a$/, ['dataDirs', 'backupCheckpointDir']],
  ];
  for (const [second, sentence, [first, later]] of pairs) {
    const found = await told(agentOf('a1', { c1: own, c2: second }));
    assert.equal(found.length, 1, JSON.stringify(found));
    assert.equal(found[0]?.severity, 'error');
    assert.match(found[0]?.sentence ?? '', sentence);
    assert.deepEqual(found[0]?.lines, [`a1.channels.c1.${first}`, `a1.channels.c2.${later}`]);
  }
  for (const second of [{ checkpointDir: '/d/two/c', dataDirs: '/d/two/a' }, { checkpointDir: '/d/onec', dataDirs: '/d/one/aa' }]) {
    assert.deepEqual(await told(agentOf('a1', { c1: own, c2: second })), []);
  }
});

test("C18 the default directories are Flume's, and are shared by all channels that say nothing", async () => {
  const both = await told(agentOf('a1', { c1: {}, c2: {} }));
  assert.equal(both.length, 1);
  assert.match(both[0]?.sentence ?? '', /both keep their data in the directory .*\.flume\/file-channel\/checkpoint \(the default\)/);
  assert.deepEqual(both[0]?.lines, ['a1.channels.c1.type', 'a1.channels.c2.type']);
  const half = await told(agentOf('a1', { c1: { dataDirs: '/d/one' }, c2: { dataDirs: '/d/two' } }));
  assert.match(half[0]?.sentence ?? '', /checkpoint \(the default\)/);
  assert.deepEqual(await told(agentOf('a1', { c1: {}, c2: { checkpointDir: '/d/c', dataDirs: '/d/d' } })), []);
  assert.deepEqual(await told(agentOf('a1', { c1: {}, c2: { type: 'memory' } })), []);
});

test('C18 links do not hide that a directory is the same', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'shared-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, 'real'));
  symlinkSync('real', join(folder, 'link'));
  const at = (path: string): string => join(folder, path);
  const same = await told(agentOf('a1', { c1: { checkpointDir: at('c1'), dataDirs: at('real/store') }, c2: { checkpointDir: at('c2'), dataDirs: at('link/store') } }));
  assert.match(same[0]?.sentence ?? '', /link\/store, which is .*real\/store under another name/);
  const inside = await told(agentOf('a1', { c1: { checkpointDir: at('c1'), dataDirs: at('link') }, c2: { checkpointDir: at('c2'), dataDirs: at('real/store') } }));
  assert.match(inside[0]?.sentence ?? '', /lies inside/);
});

test('C18 agents of one file with one directory are warned of: they may be meant for two machines', async () => {
  const found = await told(agentOf('a1', { c1: {} }) + agentOf('a2', { c1: {} }));
  assert.equal(found.length, 1);
  assert.equal(found[0]?.severity, 'warning');
  assert.match(found[0]?.sentence ?? '', /channel c1 of agent a1 and channel c1 of agent a2 .*they cannot run on one machine/);
  assert.deepEqual(found[0]?.lines, ['a1.channels.c1.type', 'a2.channels.c1.type']);
});
