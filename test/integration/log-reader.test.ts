import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, existsSync, mkdtempSync, openSync, readFileSync, readSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const launcher = fileURLToPath(new URL('../../bin/millrace', import.meta.url));
/** r1 to the log; r2 to a file: what must go on while nobody reads the log. */
const CONF = `
a1.sources = r1 r2
a1.channels = c1 c2
a1.sinks = k1 k2
a1.sources.r1.type = netcat
a1.sources.r1.bind = 127.0.0.1
a1.sources.r1.port = 0
a1.sources.r1.channels = c1
a1.sources.r2.type = netcat
a1.sources.r2.bind = 127.0.0.1
a1.sources.r2.port = 0
a1.sources.r2.channels = c2
a1.channels.c1.type = memory
a1.channels.c1.capacity = 100000
a1.channels.c2.type = memory
a1.sinks.k1.type = logger
a1.sinks.k1.channel = c1
a1.sinks.k2.type = null
a1.sinks.k2.channel = c2
`;

interface Piped {
  readonly child: ChildProcess;
  /** Of r1 and r2. */
  readonly ports: readonly number[];
  /** Reads what is in the pipe; empty where nothing is. */
  read(): string;
  closeReader(): void;
}

/** An agent whose standard output is a pipe that the test reads when it likes. */
async function startPiped(t: TestContext): Promise<Piped> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'millrace-pipe-')));
  const fifo = join(folder, 'out');
  spawnSync('mkfifo', [fifo]);
  writeFileSync(join(folder, 'a.conf'), CONF);
  const reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = openSync(fifo, constants.O_WRONLY);
  const words = ['agent', '-n', 'a1', '-f', join(folder, 'a.conf'), '--stop-timeout', '2'];
  const child = spawn(launcher, words, { stdio: ['ignore', writer, 'inherit'], env: { ...process.env, HOME: folder } });
  closeSync(writer);
  let open = true;
  const closeReader = (): void => {
    if (open) closeSync(reader);
    open = false;
  };
  t.after(async () => {
    closeReader();
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    rmSync(folder, { recursive: true });
  });
  const read = (): string => readPipe(reader);
  let log = '';
  for (let waited = 0; !/agent runs/.test(log); waited += 20) {
    assert.ok(waited < 20_000 && child.exitCode === null, log);
    await sleep(20);
    log += read();
  }
  const ports = ['r1', 'r2'].map((name) => Number(new RegExp(`${name} {2}listens address=127\\.0\\.0\\.1:(\\d+)`).exec(log)?.[1]));
  return { child, ports, read, closeReader };
}

function readPipe(descriptor: number): string {
  const bytes = Buffer.alloc(1 << 20);
  let text = '';
  try {
    for (let count = -1; count !== 0; ) {
      count = readSync(descriptor, bytes);
      text += bytes.toString('latin1', 0, count);
    }
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, 'EAGAIN');
  }
  return text;
}

async function open(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}

/** Sends lines and resolves when each was answered. */
async function sendLines(socket: Socket, count: number): Promise<void> {
  let answered = 0;
  const done = new Promise<void>((resolve, reject) => {
    socket.on('data', (chunk: Buffer) => {
      answered += chunk.toString().split('OK').length - 1;
      if (answered >= count) resolve();
    });
    socket.on('close', () => reject(new Error(`closed after ${answered} answers`)));
  });
  socket.write(`${'x'.repeat(60)}\n`.repeat(count));
  await done;
}

test('S23: the reader of the log goes away; the agent lives and its sinks go on', async (t) => {
  const { child, ports, closeReader } = await startPiped(t);
  closeReader();
  for (const port of ports) {
    const socket = await open(port);
    // More than the channel holds: unless the logger sink goes on, this is not answered.
    await sendLines(socket, port === ports[0] ? 150_000 : 1000);
    socket.destroy();
  }
  assert.equal(child.exitCode, null);
  child.kill('SIGTERM');
  assert.deepEqual(await once(child, 'exit'), [0, null]);
});

test('S23: the reader stops reading; the logger sink waits, the other flow goes on, and all is there when it reads again', async (t) => {
  const { child, ports, read } = await startPiped(t);
  const [slow = 0, other = 0] = ports;
  const events = 20_000;
  const first = await open(slow);
  await sendLines(first, events);
  const second = await open(other);
  for (let round = 0; round < 5; round++) {
    await sendLines(second, 1000);
    second.removeAllListeners();
  }
  assert.equal(child.exitCode, null);
  if (existsSync(`/proc/${child.pid}/status`)) {
    const peakKb = Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'latin1'))?.[1]);
    assert.ok(peakKb < 250_000, `${peakKb} kB`);
  }
  let log = '';
  const seen = (): number => log.split('Event: {').length - 1;
  for (let waited = 0; seen() < events && waited < 20_000; waited += 20) {
    log += read();
    await sleep(20);
  }
  assert.equal(seen(), events);
  assert.doesNotMatch(log, /left out/);
});
