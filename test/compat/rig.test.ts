/** The rig itself: nothing half fetched is ever used, and no process outlives the test that started it. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { onPath, startDaemon, until } from '../servers/daemon.ts';
import { flumeAvailable, startFlume } from '../servers/flume.ts';
import { freePort } from '../servers/daemon.ts';
import { mavenMissing } from '../servers/maven.ts';

const servers = join(import.meta.dirname, '../servers');

/** Runs a piece of TypeScript in a process of its own, whose first line of output is awaited. */
async function inOwnProcess(code: string, env: Readonly<Record<string, string>> = {}): Promise<{ pid: number; firstLine: Promise<string>; kill: (signal: NodeJS.Signals) => Promise<void> }> {
  const child = spawn(process.execPath, ['--input-type=module-typescript', '--eval', code], { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  return {
    pid: child.pid ?? 0,
    firstLine: once(child.stdout, 'data').then(([chunk]) => String(chunk).trim()),
    kill: async (signal) => {
      child.kill(signal);
      await ended;
    },
  };
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

for (const signal of ['SIGTERM', 'SIGINT', 'SIGKILL'] as const) {
  const skip = signal === 'SIGKILL' && !onPath('setpriv') ? 'install util-linux (setpriv) to have servers end with a killed test' : false;
  void test(`a server ends when its test is ended by ${signal}`, { skip }, async () => {
    const owner = await inOwnProcess(`
      import { startDaemon } from ${JSON.stringify(join(servers, 'daemon.ts'))};
      console.log(startDaemon({ command: 'sleep', args: ['600'] }).pid);
      setInterval(() => {}, 1000);
    `);
    const pid = Number(await owner.firstLine);
    assert.ok(alive(pid));
    await owner.kill(signal);
    await until(`process ${pid} is gone`, () => !alive(pid) || undefined);
  });
}

void test('a server that ends is reported with its last lines', async () => {
  const daemon = startDaemon({ command: 'sh', args: ['-c', 'echo started; echo broken >&2; exit 3'] });
  assert.equal(await daemon.ended, 3);
  await assert.rejects(daemon.line(/never/), /ended without a line[^]*broken/);
  assert.deepEqual([...daemon.lines].sort(), ['broken', 'started']);
});

void test('a fetch that is killed leaves nothing that counts as complete, and the next one cleans up', { skip: mavenMissing() }, async (t) => {
  const cache = await mkdtemp(join(tmpdir(), 'millrace-cache-'));
  t.after(() => rm(cache, { recursive: true, force: true }));
  const code = `
    import { fetchArtefacts } from ${JSON.stringify(join(servers, 'maven.ts'))};
    console.log(await fetchArtefacts({ name: 'one', artefacts: ['org.slf4j:slf4j-api:1.7.32'] }));
    process.exit(0);
  `;
  const first = await inOwnProcess(code, { MILLRACE_TEST_CACHE: cache });
  await until('the fetch has begun', () => existsSync(join(cache, 'jars', `.fetch-${first.pid}-one`)) || undefined);
  await first.kill('SIGKILL');
  assert.deepEqual(await readdir(join(cache, 'jars')), [`.fetch-${first.pid}-one`]);

  const second = await inOwnProcess(code, { MILLRACE_TEST_CACHE: cache });
  const folder = await second.firstLine;
  assert.deepEqual(await readdir(folder), ['slf4j-api-1.7.32.jar']);
  assert.equal((await readdir(join(cache, 'jars'))).length, 1);
});

void test('a fetch of what does not exist says so and leaves nothing', { skip: mavenMissing() }, async (t) => {
  const cache = await mkdtemp(join(tmpdir(), 'millrace-cache-'));
  t.after(() => rm(cache, { recursive: true, force: true }));
  const owner = await inOwnProcess(
    `
    import { fetchArtefacts } from ${JSON.stringify(join(servers, 'maven.ts'))};
    console.log(await fetchArtefacts({ name: 'none', artefacts: ['org.slf4j:no-such-artefact:9'] }).catch((error) => error.message));
    process.exit(0);
  `,
    { MILLRACE_TEST_CACHE: cache },
  );
  assert.match(await owner.firstLine, /fetching the jars of "none" with Maven failed/);
  assert.deepEqual((await readdir(join(cache, 'jars'))).filter((name) => !name.startsWith('.')), []);
});

void test('real Flume starts, answers /metrics and stops', { skip: flumeAvailable() }, async () => {
  const conf = 'a1.sources = r1\na1.channels = c1\na1.sinks = k1\na1.sources.r1.type = seq\na1.sources.r1.totalEvents = 3\na1.sources.r1.channels = c1\na1.channels.c1.type = memory\na1.sinks.k1.type = logger\na1.sinks.k1.channel = c1\n';
  const flume = await startFlume({ conf, agent: 'a1', monitoringPort: await freePort() });
  try {
    await flume.ready();
    await until('three events were taken', async () => (await flume.metrics())['CHANNEL.c1']?.['EventTakeSuccessCount'] === '3' || undefined);
    await flume.line(/Event: \{ headers:\{\} body: 32 /);
  } finally {
    await flume.stop();
  }
  assert.ok(!alive(flume.pid));
});
