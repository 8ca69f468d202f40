import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { startAgent, until, type RunningAgent } from '../harness/agent.ts';
import { behindGate, gateSink, openGate } from './gate.ts';
import { long, peakMb, processesOf, residentMb } from './watch.ts';

function conf(source: string, channel = '', sinkBatch = 100): string {
  return `
a1.sources = r1
a1.channels = c1
a1.sinks = k1
${source}
a1.sources.r1.channels = c1
a1.channels.c1.type = memory
${channel}
${gateSink('hangs', sinkBatch)}
`;
}

test('N17 a burst of datagrams with the sink stopped: memory is bounded, and every datagram that was dropped is counted', async (t) => {
  // Scaled: 60,000 datagrams of 0 to 65,507 bytes; 1 million with MILLRACE_LONG=1. There is no syslog source yet: netcatudp.
  const datagrams = long ? 1_000_000 : 60_000;
  const source = 'a1.sources.r1.type = netcatudp\na1.sources.r1.bind = 127.0.0.1\na1.sources.r1.port = 0';
  const agent = await startAgent({ conf: conf(source, 'a1.channels.c1.capacity = 1000') });
  t.after(() => agent.stop());
  await agent.ready();
  const port = await agent.port('r1');
  const before = residentMb(agent.pid);
  const socket = createSocket('udp4');
  t.after(() => socket.close());
  const bytes = Buffer.alloc(65_507, 'x');
  let sent = 0;
  for (let index = 0; index < datagrams; index++) {
    const length = index % 100 === 0 ? 65_507 : (index * 7919) % 1400;
    const flight = new Promise<void>((resolve) => {
      socket.send(bytes, 0, length, port, '127.0.0.1', (error) => {
        if (!error) sent++;
        resolve();
      });
    });
    if (index % 64 === 63) await flight;
  }
  const figure = (all: Readonly<Record<string, string>> | undefined, name: string): number => Number(all?.[name] ?? 0);
  const told = await until('all datagrams to be received or counted as dropped', async () => {
    const all = (await agent.metrics())['SOURCE.r1'];
    const [received, dropped, inKernel] = [figure(all, 'EventReceivedCount'), figure(all, 'DatagramDroppedCount'), figure(all, 'DatagramKernelDroppedCount')];
    return received + dropped + inKernel === sent ? { received, dropped, inKernel } : undefined;
  });
  const grown = peakMb(agent.pid) - before;
  t.diagnostic(`${sent} sent; ${JSON.stringify(told)}; memory grew by ${grown.toFixed(0)} MB`);
  assert.ok(told.dropped + told.inKernel > 0, 'nothing was dropped: the burst was none');
  assert.ok(grown < 150, `memory grew by ${grown} MB`);
  assert.ok(agent.lines.some((line) => /ERROR.*a1\.sources\.r1.*dropped/.test(line)));
  await openGate(agent);
  await until('what was received to arrive', async () => (await behindGate(agent)).length === told.received || undefined);
});

test('N20 a port that is taken: one error with address and port, /ready says so, and the source starts once it is free', async (t) => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const { port } = taken.address() as AddressInfo;
  const agent = await startAgent({ conf: conf(`a1.sources.r1.type = netcat\na1.sources.r1.bind = 127.0.0.1\na1.sources.r1.port = ${port}`) });
  t.after(() => agent.stop());
  await agent.line(new RegExp(`ERROR.*a1\\.sources\\.r1.*cannot start; it is tried again.*EADDRINUSE.*127\\.0\\.0\\.1:${port}`));
  const ready = await agent.get('/ready');
  assert.equal(ready.status, 503);
  assert.match(await ready.text(), new RegExp(`"component":"a1\\.sources\\.r1".*EADDRINUSE.*127\\.0\\.0\\.1:${port}`));
  assert.equal((await agent.health()).body.status, 'degraded');
  assert.equal(agent.lines.filter((line) => /EADDRINUSE/.test(line) && / ERROR /.test(line)).length, 1);
  await new Promise((resolve) => taken.close(resolve));
  await agent.ready();
});

/** A script in a folder of its own, as the command of an exec source. */
async function script(t: TestContext, text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-exec-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'command.sh');
  await writeFile(path, `#!/bin/sh\n${text}\n`);
  await chmod(path, 0o755);
  return path;
}

async function runExec(t: TestContext, text: string, more = ''): Promise<RunningAgent> {
  const command = await script(t, text);
  const source = `a1.sources.r1.type = exec\na1.sources.r1.command = ${command}\na1.sources.r1.restart = true\na1.sources.r1.restartThrottle = 20\n${more}`;
  // A line may have 10 MB here, and the sink of the test makes a text of it.
  const agent = await startAgent({ conf: conf(source, '', 1) });
  t.after(() => agent.stop());
  await openGate(agent);
  await agent.ready();
  return agent;
}

test('N23 a command that dies at once in a loop is started again after growing pauses', async (t) => {
  const agent = await runExec(t, `echo x >> "$0.starts"\nexit 3`, 'a1.sources.r1.logStdErr = true');
  await agent.line(/WARN.*a1\.sources\.r1.*command dies at once; it is started again/);
  // 20 ms, doubled each time: no more than eight starts in 3 s.
  const began = performance.now();
  await until('3 s to pass', () => performance.now() - began > 3000 || undefined);
  const starts = agent.lines.filter((line) => /dies at once/.test(line)).length;
  assert.equal(starts, 1, 'the same warning appears once per 10 s');
  assert.deepEqual(processesOf(agent.pid).length <= 1, true);
});

test('N23 R1 output without a newline and a flood of standard error: memory is bounded, what comes after arrives', async (t) => {
  // Scaled: 200 MB without newline; 1 GB with MILLRACE_LONG=1.
  const megabytes = long ? 1024 : 200;
  const text = `head -c ${megabytes}M /dev/zero | tr '\\0' x\necho\nyes complaint | head -n 500000 >&2\necho done\nsleep 60`;
  const agent = await runExec(t, text, 'a1.sources.r1.logStdErr = true\na1.sources.r1.batchTimeout = 1000');
  const before = residentMb(agent.pid);
  await until('the last line', async () => (await behindGate(agent)).at(-1) === 'done' || undefined, 60_000);
  const grown = peakMb(agent.pid) - before;
  const bytes = (await behindGate(agent)).reduce((sum, line) => sum + line.length, 0);
  t.diagnostic(`memory grew by ${grown.toFixed(0)} MB; ${agent.lines.length} lines of log`);
  assert.equal(bytes, megabytes * 1024 * 1024 + 'done'.length);
  assert.ok(grown < 200, `memory grew by ${grown} MB`);
  assert.ok(agent.lines.length < 1000);
});

test('N23 a command that ignores SIGTERM and leaves grandchildren behind: all are gone at the stop, within the deadline', async (t) => {
  const agent = await runExec(t, `trap '' TERM\n(trap '' TERM; while :; do sleep 1; done) &\n(trap '' TERM; exec sleep 1000) &\necho started\nwhile :; do sleep 1; done`, 'a1.sources.r1.batchTimeout = 10');
  await until('the command to run', async () => (await behindGate(agent)).includes('started') || undefined);
  const family = new Set(processesOf(agent.pid));
  for (const pid of processesOf(agent.pid)) for (const child of processesOf(pid)) family.add(child);
  assert.ok(family.size >= 3, `${family.size} processes`);
  const began = performance.now();
  process.kill(agent.pid, 'SIGTERM');
  assert.equal(await agent.ended, 0);
  assert.ok(performance.now() - began < 8000);
  assert.deepEqual([...family].filter(lives), []);
});

/** Dead ones whose parent died before them wait for process 1, which is none of ours. */
function lives(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return !stat.slice(stat.lastIndexOf(')')).startsWith(') Z 1 ');
  } catch {
    return false;
  }
}
