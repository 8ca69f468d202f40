// S18 (many path values) is in test/servers-tests/hdfs.test.ts. S20 (an answer that starts and stops) waits for the http sink. S19, S24 and
// S25 are not in this file.

import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort, root, startAgent, until } from '../harness/agent.ts';
import { refereeOver, sendLines } from './referee/over-files.ts';
import { CLEAN, harmOf, Referee } from './referee/referee.ts';
import { RolledFiles } from './referee/rolled-files.ts';
import { TcpLines } from './referee/tcp-sender.ts';
import { exchange, linesIn } from './numbered-lines.ts';
import { long, residentMb } from './watch.ts';

const mounted = new Set<string>();

async function folderOf(t: TestContext, ...inside: readonly string[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-sinks-'));
  t.after(async () => {
    for (const name of inside) if (mounted.delete(join(folder, name))) spawnSync('umount', ['-l', join(folder, name)]);
    await rm(folder, { recursive: true, force: true });
  });
  for (const name of inside) await mkdir(join(folder, name));
  return folder;
}

async function plugin(folder: string, name: string, text: string): Promise<void> {
  await writeFile(join(folder, name), text, { mode: 0o644 });
}

function netcatTo(sinks: string, channels = 'c1'): string {
  return `
a1.sources = r1
a1.channels = ${channels}
a1.sources.r1.type = netcat
a1.sources.r1.bind = 127.0.0.1
a1.sources.r1.port = 0
a1.sources.r1.max-line-length = 100000
a1.sources.r1.channels = ${channels}
${channels.split(' ').map((name) => `a1.channels.${name}.type = memory\na1.channels.${name}.capacity = 5000\na1.channels.${name}.transactionCapacity = 1000`).join('\n')}
${sinks}
`;
}

function fileRoll(name: string, directory: string, channel = 'c1'): string {
  return `
a1.sinks.${name}.type = file_roll
a1.sinks.${name}.sink.directory = @FOLDER@/${directory}
a1.sinks.${name}.sink.rollInterval = 0
a1.sinks.${name}.channel = ${channel}
`;
}

/** Mounts a file system of `size` at `folder`, or says why that is not possible. */
function mountSmall(folder: string, size: string): string | undefined {
  if (process.getuid?.() !== 0) return 'mounting a small file system needs root';
  const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder], { encoding: 'utf8' });
  if (status === 0) mounted.add(folder);
  return status === 0 ? undefined : `a small file system cannot be mounted here: ${stderr}`;
}

test('S21 a full disk: no event torn, lost or doubled, and the error names path, ENOSPC and what comes next', async (t) => {
  const folder = await folderOf(t, 'out');
  const out = join(folder, 'out');
  const reason = mountSmall(out, '512k');
  if (reason !== undefined) return t.skip(reason);
  // What is deleted to make room.
  await writeFile(join(folder, 'out', 'ballast'), Buffer.alloc(400 * 1024));
  const agent = await startAgent({ folder, conf: netcatTo(`a1.sinks = k1\n${fileRoll('k1', 'out')}`) });
  t.after(() => agent.stop());
  await agent.ready();
  const referee = refereeOver(t, out);
  sendLines(referee, await agent.port('r1'), 2000);
  const line = await agent.line(/ENOSPC/, 30_000);
  assert.match(line, /WARN .*a1\.sinks\.k1 .*kept and offered again.*\/out\//);
  assert.ok((await agent.counter('SINK.k1', 'EventWriteFail', (count) => count > 0)) > 0);
  assert.equal((await agent.health()).statusCode, 200);
  await rm(join(out, 'ballast'));
  const result = await referee.conclude();
  t.diagnostic(`${result.distinct} lines, ${agent.lines.filter((text) => text.includes('ENOSPC')).length} lines of log about the full disk`);
  assert.deepEqual([harmOf(result), result.duplicates], [CLEAN, 0]);
});

test('S21 killed in the middle of events: what is torn is the end of its file and never joined to another event', async (t) => {
  // Scaled: 4 kills, 40 with MILLRACE_LONG=1. The memory channel may lose what it held, so only what stands in the files is judged.
  const folder = await folderOf(t, 'out');
  const referee = refereeOver(t, join(folder, 'out'));
  t.diagnostic(`seed ${referee.seed}`);
  for (let kill = 0; kill < (long ? 40 : 4); kill++) {
    const agent = await startAgent({ folder, conf: netcatTo(`a1.sinks = k1\n${fileRoll('k1', 'out')}`), monitoring: false });
    t.after(() => agent.kill());
    const sender = sendLines(referee, await agent.port('r1'), 20_000);
    const enough = 500 + referee.random.below(5000);
    await until('lines to be written', () => sender.acknowledged > enough);
    await agent.kill();
    referee.fault('kill -9');
    await sender.giveUp();
  }
  const { torn, altered, invented, duplicates, acknowledged } = await referee.conclude({ fresh: false, stalledAfterMs: 200 });
  assert.deepEqual({ altered, invented, duplicates }, { altered: 0, invented: 0, duplicates: 0 });
  t.diagnostic(`${acknowledged} lines, ${torn} torn ends`);
});

test('S22 a directory that is removed is missed, and one that is replaced is written to, with nothing lost from then on', async (t) => {
  const folder = await folderOf(t, 'out');
  const out = join(folder, 'out');
  const agent = await startAgent({ folder, conf: netcatTo(`a1.sinks = k1\n${fileRoll('k1', 'out')}`) });
  t.after(() => agent.stop());
  await agent.ready();
  const port = await agent.port('r1');
  await exchange(port, 'first\n');
  await until('the first line in its file', async () => (await linesIn(out)).includes('first') || undefined);

  await rm(out, { recursive: true });
  const referee = new Referee();
  t.after(() => referee.close());
  sendLines(referee, port, 2000);
  const line = await agent.line(/directory .*out is not there; create it/, 20_000);
  assert.match(line, /a1\.sinks\.k1 .*ENOENT/);
  const drained = Number((await agent.metrics())['SINK.k1']?.EventDrainSuccessCount);
  assert.equal(drained, 1);
  await mkdir(out);
  await until('lines in the new directory', async () => (await linesIn(out)).length > 500 || undefined);

  await rename(out, join(folder, 'moved'));
  await mkdir(out);
  await until('lines in the directory that took its place', async () => (await linesIn(out)).length > 500 || undefined);
  referee.collect(new RolledFiles(join(folder, 'moved'), out));
  const result = await referee.conclude();
  // The batch on its way when the directory was moved may stand in both.
  t.diagnostic(`${result.distinct} lines, ${result.duplicates} duplicates`);
  assert.deepEqual(harmOf(result), CLEAN);
  assert.ok(result.duplicates <= 100, `${result.duplicates} duplicates`);
});

const LOGGING = `
a1.sources = r1 r2
a1.channels = c1 c2
a1.sinks = k1 k2
a1.sources.r1.type = netcat
a1.sources.r1.bind = 127.0.0.1
a1.sources.r1.port = @PORT@
a1.sources.r1.channels = c1
a1.sources.r2.type = seq
a1.sources.r2.batchSize = 100
a1.sources.r2.channels = c2
a1.channels.c1.type = memory
a1.channels.c1.capacity = 5000
a1.channels.c2.type = memory
a1.sinks.k1.type = file_roll
a1.sinks.k1.sink.directory = @FOLDER@/out
a1.sinks.k1.sink.rollInterval = 0
a1.sinks.k1.channel = c1
a1.sinks.k2.type = logger
a1.sinks.k2.channel = c2
`;

/** An agent whose standard output is a pipe that this test reads, or does not read. */
async function startPiped(t: TestContext): Promise<{ child: ChildProcess; port: number; folder: string; get(path: string): Promise<string> }> {
  const folder = await folderOf(t, 'out');
  const [port, monitoring] = [await freePort(), await freePort()];
  await writeFile(join(folder, 'agent.conf'), LOGGING.replaceAll('@FOLDER@', folder).replace('@PORT@', String(port)));
  const args = ['agent', '-n', 'a1', '-c', folder, '-f', join(folder, 'agent.conf')];
  const properties = ['-Dflume.monitoring.type=http', `-Dflume.monitoring.port=${monitoring}`, `-Dmillrace.dead.letters=${folder}/dead`];
  const child = spawn(join(root, 'bin/millrace'), [...args, ...properties], { env: { ...process.env, MILLRACE_DEV: '1' }, stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  const get = async (path: string): Promise<string> => (await fetch(`http://127.0.0.1:${monitoring}${path}`, { headers: { connection: 'close' } })).text();
  await until('the agent to be ready', async () => (await get('/ready')).includes('"status":"ready"') || undefined);
  return { child, port, folder, get };
}

for (const [name, leave] of [
  ['closes the pipe', (child: ChildProcess) => child.stdout?.destroy()],
  // Nothing has read so far; the pipe is full after some 64 KiB.
  ['stops reading', () => undefined],
] as const) {
  test(`S23 a reader of the log that ${name} does not stop the agent, nor the other sinks`, async (t) => {
    const { child, port, folder, get } = await startPiped(t);
    leave(child);
    const referee = refereeOver(t, join(folder, 'out'));
    const sender = sendLines(referee, port, 5000);
    let slowestMs = 0;
    // Scaled: 2 s in place of 10 min; the logger sink alone would fill the pipe in some milliseconds.
    for (const end = performance.now() + (long ? 60_000 : 2000); performance.now() < end; await sleep(50)) {
      const began = performance.now();
      await get('/health');
      slowestMs = Math.max(slowestMs, performance.now() - began);
    }
    const result = await referee.conclude();
    t.diagnostic(`${result.distinct} lines; slowest /health ${Math.round(slowestMs)} ms; ${Math.round(residentMb(child.pid ?? 0))} MB`);
    assert.deepEqual([harmOf(result), result.duplicates, sender.refusals], [CLEAN, 0, []]);
    assert.equal(child.exitCode, null);
    assert.ok(residentMb(child.pid ?? 0) < 200);
    if (name === 'stops reading') {
      // The logger sink waits for its reader, as a pipe wants it, and goes on with it.
      let text = '';
      child.stdout?.on('data', (part: Buffer) => (text = (text + part.toString('latin1')).slice(-10_000)));
      const before = Number(/"SINK.k2".*?"EventDrainSuccessCount":"(\d+)"/.exec(await get('/metrics'))?.[1]);
      await until('events of the logger sink', async () => text.includes('Event:') || undefined);
      await until('the logger sink to go on', async () => Number(/"SINK.k2".*?"EventDrainSuccessCount":"(\d+)"/.exec(await get('/metrics'))?.[1]) > before || undefined);
    }
    child.kill('SIGTERM');
    const [status] = (await once(child, 'exit')) as [number | null];
    assert.equal(status, 0);
  });
}

const SERIALIZER = `export default {
  kind: 'serializer', types: ['picky'],
  create: () => ({
    encode(batch) {
      let text = '';
      for (const { body } of batch) {
        if (body.includes('poison')) throw new TypeError('cannot read properties of poison');
        text += body + '\\n';
      }
      return Buffer.from(text);
    },
  }),
};
`;

test('S26 one event for which the serializer throws goes to the dead letters, and the others of its batch are delivered', async (t) => {
  const folder = await folderOf(t, 'out');
  await plugin(folder, 'picky.mjs', SERIALIZER);
  const sink = `${fileRoll('k1', 'out')}\na1.sinks.k1.sink.serializer = ./picky.mjs`;
  const agent = await startAgent({ folder, conf: netcatTo(`a1.sinks = k1\n${sink}`) });
  t.after(() => agent.stop());
  await agent.ready();
  const lines = Array.from({ length: 99 }, (_, index) => (index === 50 ? 'poison 50' : `line ${index}`));
  assert.equal(await exchange(await agent.port('r1'), lines.map((line) => `${line}\n`).join('')), 'OK\n'.repeat(99));
  await agent.counter('SINK.k1', 'EventDrainSuccessCount', (count) => count === 99);
  assert.deepEqual(await linesIn(join(folder, 'out')), lines.filter((line) => !line.startsWith('poison')));
  const [name = ''] = await readdir(join(folder, 'dead-letters'));
  assert.match(name, /^a1\.sinks\.k1-/);
  const dead = (await readFile(join(folder, 'dead-letters', name), 'utf8')).trimEnd().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.deepEqual(dead.map(({ component, body, reason }) => [component, body, reason]), [
    ['a1.sinks.k1', 'poison 50', 'the serializer failed for it: cannot read properties of poison'],
  ]);
  const line = agent.lines.find((text) => text.includes('set aside'));
  assert.match(line ?? '', /ERROR .*a1\.sinks\.k1 .*events=1 .*poison/);
  assert.equal((await agent.metrics())['SINK.k1']?.EventWriteFail ?? '0', '0');
  assert.equal(await agent.counter('SINK.k1', 'EventRejectedCount'), 1);
});

const HANGING = "export default { kind: 'sink', types: ['hanging'], create: () => ({ write: () => new Promise(() => {}) }) };\n";

for (const optional of [false, true]) {
  test(`S27 a sink that hangs beside a healthy one, its channel ${optional ? 'optional: it drops there and counts' : 'required: the source waits once it is full'}`, async (t) => {
    const folder = await folderOf(t, 'out');
    await plugin(folder, 'hanging.mjs', HANGING);
    const sinks = `a1.sinks = k1 k2\na1.sinks.k1.type = ./hanging.mjs\na1.sinks.k1.channel = c1\n${fileRoll('k2', 'out', 'c2')}`;
    const selector = optional ? 'a1.sources.r1.selector.type = replicating\na1.sources.r1.selector.optional = c1\n' : '';
    const agent = await startAgent({ folder, conf: `${netcatTo(sinks, 'c1 c2')}${selector}a1.channels.c1.keep-alive = 0\n`, args: ['--stop-timeout', '1'] });
    t.after(() => agent.stop());
    await agent.ready();
    const port = await agent.port('r1');
    // As much as the stuck channel takes: the healthy path has to pass it all.
    const referee = refereeOver(t, join(folder, 'out'));
    const some = referee.send(new TcpLines({ port }), { events: 4000 });
    await some.finish();
    await until('the lines in the files', async () => (await referee.look()).delivered === 4000);
    if (optional) {
      const sender = sendLines(referee, port, 10_000);
      await until('enough lines', () => sender.acknowledged >= (long ? 1_000_000 : 30_000), 300_000);
      await sender.finish();
      const result = await referee.conclude({ fresh: false });
      assert.deepEqual([harmOf(result), result.duplicates, sender.refusals], [CLEAN, 0, []]);
      const metrics = await agent.metrics();
      const dropped = Number(metrics['SOURCE.r1']?.EventOptionalDroppedCount);
      assert.equal(dropped + Number(metrics['CHANNEL.c1']?.EventPutSuccessCount), result.acknowledged);
      assert.ok(agent.lines.some((line) => /WARN .*a1\.sources\.r1 .*optional channel did not take events; they are dropped there channel=c1/.test(line)));
    } else {
      const client = sendLines(referee, port, 10_000);
      await agent.line(/WARN .*a1\.sources\.r1 .*not stored; the client was told/);
      // What the client is told are Flume's words, which do not name the channel; its fill level does.
      await agent.counter('CHANNEL.c1', 'ChannelSize', (count) => count > 4500);
      // Lines that were refused for the sake of c1 may have reached c2, and do so again when the client sends them again.
      assert.ok(client.refusals.length > 0);
      assert.ok(Number((await agent.metrics())['CHANNEL.c2']?.ChannelSize) < 5000);
      await client.giveUp();
    }
    const memory = residentMb(agent.pid);
    t.diagnostic(`${Math.round(memory)} MB`);
    assert.ok(memory < 250, `${memory} MB`);
    assert.equal((await agent.health()).statusCode, 200);
    // The stuck write does not keep the agent from stopping either.
    assert.equal(await agent.stop(20_000), 0);
  });
}

/** Appends to a file, and fails while there is a file `down`: before it wrote, or after, as a reply that is lost. */
const FLAPPING = `import { appendFileSync, existsSync } from 'node:fs';
export default {
  kind: 'sink', types: ['flapping'], options: { out: '', down: '', after: false },
  create: (_context, { out, down, after }) => ({
    async write(batch) {
      const isDown = existsSync(down);
      if (isDown && !after) throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
      let text = '';
      for (const { body } of batch) text += body + '\\n';
      appendFileSync(out, text);
      if (isDown) throw Object.assign(new Error('the connection was reset'), { code: 'ECONNRESET' });
    },
  }),
};
`;

for (const processor of ['failover', 'load_balance']) {
  for (const after of [false, true]) {
    test(`S28 ${processor}: the first sink ${after ? 'loses its reply' : 'dies'} and returns, again and again`, async (t) => {
      // Scaled: 8 changes in place of 300; the pauses of the group begin with 1 or 2 s in both.
      const folder = await folderOf(t, 'out');
      await plugin(folder, 'flapping.mjs', FLAPPING);
      const sink = (name: string, down: string): string => `
a1.sinks.${name}.type = ./flapping.mjs
a1.sinks.${name}.out = @FOLDER@/out/${name}
a1.sinks.${name}.down = @FOLDER@/${down}
a1.sinks.${name}.after = ${after}
a1.sinks.${name}.channel = c1`;
      const group = processor === 'failover' ? 'priority.k1 = 10\na1.sinkgroups.g1.processor.priority.k2 = 5' : 'backoff = true';
      const sinks = `a1.sinks = k1 k2${sink('k1', 'down')}${sink('k2', 'never')}
a1.sinkgroups = g1
a1.sinkgroups.g1.sinks = k1 k2
a1.sinkgroups.g1.processor.type = ${processor}
a1.sinkgroups.g1.processor.${group}`;
      const agent = await startAgent({ folder, conf: netcatTo(sinks) });
      t.after(() => agent.stop());
      await agent.ready();
      const referee = refereeOver(t, join(folder, 'out'));
      const sender = sendLines(referee, await agent.port('r1'), 5000);
      const changes = long ? 100 : 8;
      for (let change = 0; change < changes; change++) {
        // Down for 0.6 s and up for 1.5 s, so that it is up when its first pause of 1 or 2 s is over.
        if (change % 2 === 0) await writeFile(join(folder, 'down'), '');
        else await rm(join(folder, 'down'));
        await sleep(change % 2 === 0 ? 600 : 1500);
      }
      const result = await referee.conclude();
      const failures = Number((await agent.metrics())['SINK.k1']?.EventWriteFail ?? 0);
      const shares = await Promise.all(['k1', 'k2'].map(async (name) => stat(join(folder, 'out', name)).then(({ size }) => size, () => 0)));
      t.diagnostic(`${result.distinct} lines, ${failures} failures, ${result.duplicates} duplicates, bytes ${shares.join(' and ')}`);
      // Whichever sink is up takes the next batch, so that there is no order between them.
      assert.deepEqual([{ ...harmOf(result), outOfOrder: 0 }, sender.refusals], [CLEAN, []]);
      assert.ok(shares.every((bytes) => bytes > 10_000), 'both sinks had their turn');
      assert.ok(failures > 0 && failures <= changes, `${failures} failures`);
      assert.ok(result.duplicates <= (after ? failures * 100 : 0), `${result.duplicates} duplicates`);
    });
  }
}
