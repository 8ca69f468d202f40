import assert from 'node:assert/strict';
import { chmod, chown, mkdir, mkdtemp, open, readdir, rm, stat, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort, startAgent, until, type RunningAgent } from '../harness/agent.ts';
import { onPath } from '../servers/daemon.ts';
import { exchange, linesIn } from './numbered-lines.ts';

const NOBODY = 65_534;
/** Longest a reload may take: 1 s until a file counts as written, 1 s for the write that hangs, and the rest for slow machines. */
const RELOAD_MS = 10_000;

async function folderOf(t: TestContext, ...inside: readonly string[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-reload-'));
  for (const name of inside) await mkdir(join(folder, name));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** netcat to file_roll; `more` goes in front, where a file that is cut short still holds it. */
function conf(port: number, directory: string, more = ''): string {
  return `${more}
a1.sources = r1
a1.channels = c1
a1.sinks = k1
a1.sources.r1.type = netcat
a1.sources.r1.bind = 127.0.0.1
a1.sources.r1.port = ${port}
a1.sources.r1.channels = c1
a1.channels.c1.type = memory
a1.sinks.k1.type = file_roll
a1.sinks.k1.sink.directory = @FOLDER@/${directory}
a1.sinks.k1.sink.rollInterval = 0
a1.sinks.k1.channel = c1
`;
}

/** Each line that is sent must come out in `folder`, and only there. */
async function passes(agent: RunningAgent, port: number, line: string, folder: string): Promise<void> {
  assert.equal(await exchange(port, `${line}\n`), 'OK\n', agent.lines.join('\n'));
  await until(`${line} to be in ${folder}`, async () => (await linesIn(folder)).includes(line) || undefined);
}

function hup(agent: RunningAgent): number {
  process.kill(agent.pid, 'SIGHUP');
  return agent.lines.length;
}

test('G7 C2.9 C2.10 bad files leave the running configuration alone and name their faults; the good one after them is taken', async (t) => {
  const folder = await folderOf(t, 'one', 'two');
  const port = await freePort();
  const agent = await startAgent({ folder, conf: conf(port, 'one'), args: ['--poll-interval', '600'] });
  t.after(() => agent.stop());
  await agent.ready();
  await passes(agent, port, 'before', join(folder, 'one'));
  const started = (await agent.metrics())['SOURCE.r1']?.StartTime;
  const bad: readonly (readonly [string, RegExp])[] = [
    [conf(port, 'two').replace('netcat', 'netcatt'), /netcatt/],
    [conf(port, 'two').replace(`port = ${port}`, 'port = 99999'), /99999/],
    [`${conf(port, 'two')}a1.sinks.k1.sink.batchSize = \\u12\n`, /\\u/],
    ['', /no agent|nothing|empty/i],
  ];
  for (const [text, fault] of bad) {
    await agent.rewrite(text);
    const from = hup(agent);
    await agent.line(fault, 20_000, from);
    await passes(agent, port, `after ${fault.source.replace('\\', '')}`, join(folder, 'one'));
  }
  assert.ok(agent.lines.some((line) => /ERROR.*changed configuration cannot run; the agent goes on with the one it has/.test(line)));
  assert.equal((await agent.metrics())['SOURCE.r1']?.StartTime, started);
  await agent.rewrite(conf(port, 'two'));
  await agent.line(/changed configuration runs/, 20_000, hup(agent));
  await passes(agent, port, 'the good one', join(folder, 'two'));
  assert.deepEqual(agent.lines.filter((line) => /unhandled|broken invariant/i.test(line)), []);
});

const STUCK_SINKS = {
  hangs: 'write: () => new Promise(() => {})',
  'fails at every write': "write: async () => { throw Object.assign(new Error('connect ECONNREFUSED 10.0.0.1:4545'), { code: 'ECONNREFUSED' }) }",
  'cannot start': "start: async () => { throw new Error('no route') }, write: async () => {}",
  'hangs at its start': 'start: () => new Promise(() => {}), write: async () => {}',
} as const;

for (const [name, members] of Object.entries(STUCK_SINKS)) {
  test(`G8 a sink that ${name} is replaced within the deadline, and its events go to the new target`, async (t) => {
    const folder = await folderOf(t, 'out');
    const port = await freePort();
    await writeFile(join(folder, 'stuck.mjs'), `export default { kind: 'sink', types: ['stuck'], create: () => ({ ${members} }) };\n`, { mode: 0o644 });
    const good = conf(port, 'out');
    const stuck = good.replace('type = file_roll', 'type = ./stuck.mjs').replace(/^.*sink\.(directory|rollInterval).*$/gm, '');
    const agent = await startAgent({ folder, conf: stuck, args: ['--poll-interval', '600'] });
    t.after(() => agent.stop());
    const answers = await exchange(await agent.port('r1'), 'a\nb\nc\n');
    assert.equal(answers, 'OK\nOK\nOK\n');
    await agent.rewrite(good);
    const began = performance.now();
    await agent.line(/changed configuration runs/, RELOAD_MS + 10_000, hup(agent));
    const tookMs = Math.round(performance.now() - began);
    t.diagnostic(`reload took ${tookMs} ms`);
    assert.ok(tookMs < RELOAD_MS, `${tookMs} ms`);
    await until('the events at the new target', async () => (await linesIn(join(folder, 'out'))).length === 3 || undefined);
    await passes(agent, port, 'd', join(folder, 'out'));
    assert.deepEqual(await linesIn(join(folder, 'out')), ['a', 'b', 'c', 'd']);
  });
}

test('G9 a file that is saved in pieces, removed or made unreadable is never half taken; the old configuration goes on', async (t) => {
  // The agent runs as another user where it can, for root may read everything.
  const other = process.getuid?.() === 0 && onPath('setpriv');
  const folder = await folderOf(t, 'one', 'two');
  const port = await freePort();
  if (other) for (const name of ['', 'one', 'two']) await chown(join(folder, name), NOBODY, NOBODY);
  const agent = await startAgent({
    folder,
    conf: conf(port, 'one'),
    args: ['--poll-interval', '1'],
    ...(other && { under: ['setpriv', '--reuid', String(NOBODY), '--regid', String(NOBODY), '--clear-groups'] }),
  });
  t.after(() => agent.stop());
  await agent.ready();
  await passes(agent, port, 'at first', join(folder, 'one'));

  let from = agent.lines.length;
  await unlink(agent.confFile);
  await agent.line(/cannot (?:be read|run)/, 20_000, from);
  await passes(agent, port, 'removed', join(folder, 'one'));

  from = agent.lines.length;
  await agent.rewrite(conf(port, 'two'));
  await agent.line(/changed configuration runs/, 20_000, from);
  await passes(agent, port, 'renamed over', join(folder, 'two'));

  if (other) {
    from = agent.lines.length;
    await agent.rewrite(conf(port, 'one'));
    await chmod(agent.confFile, 0);
    await agent.line(/permission denied/, 20_000, from);
    await passes(agent, port, 'unreadable', join(folder, 'two'));
    from = agent.lines.length;
    await chmod(agent.confFile, 0o644);
    await agent.line(/changed configuration runs/, 20_000, from);
    await passes(agent, port, 'readable again', join(folder, 'one'));
  } else t.diagnostic('chmod 000 left out: needs root and setpriv, to run the agent as somebody else');

  from = agent.lines.length;
  const text = conf(port, 'two', '# a comment that makes the file longer\n'.repeat(20)).replaceAll('@FOLDER@', folder);
  const handle = await open(agent.confFile, 'w');
  for (let piece = 0; piece < 10; piece++) {
    await handle.write(text.slice(Math.floor((piece * text.length) / 10), Math.floor(((piece + 1) * text.length) / 10)));
    // The pace of the fault, not a wait for the agent.
    await sleep(200);
  }
  await handle.close();
  await agent.line(/changed configuration runs/, 20_000, from);
  assert.deepEqual(agent.lines.slice(from).filter((line) => /cannot/.test(line)), []);
  await passes(agent, port, 'in pieces', join(folder, 'two'));
  assert.deepEqual(await linesIn(join(folder, 'two')), ['renamed over', ...(other ? ['unreadable'] : []), 'in pieces']);
});

test('G10 a configuration that everybody may write is warned of, and what the agent writes is not for others', async (t) => {
  const folder = await folderOf(t, 'out');
  const port = await freePort();
  // With umask 000 only what the agent asks for itself limits its files.
  const agent = await startAgent({ folder, conf: conf(port, 'out'), args: ['--poll-interval', '600'], under: ['sh', '-c', 'umask 000; exec "$0" "$@"'] });
  t.after(() => agent.stop());
  await agent.ready();
  await passes(agent, port, 'x', join(folder, 'out'));
  for (const name of await readdir(join(folder, 'out'))) {
    assert.equal((await stat(join(folder, 'out', name))).mode & 0o777, 0o640);
  }
  await agent.rewrite(conf(port, 'out'));
  await chmod(agent.confFile, 0o666);
  await agent.line(/M033/, 20_000, hup(agent));
});
