import assert from 'node:assert/strict';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startAgent, until, type AgentOptions, type RunningAgent } from '../harness/agent.ts';
import { netcatConf, type Parts } from '../harness/conf.ts';
import { behindGate, gateSink, openGate } from './gate.ts';
import { exchange, linesIn } from './numbered-lines.ts';
import { TcpClient } from './tcp-client.ts';
import { descriptorsOf, long, peakMb, residentMb, watchHealth } from './watch.ts';

function conf({ source, channel = 'capacity = 10000', sink = gateSink('hangs') }: Parts): string {
  return netcatConf({ ...(source !== undefined && { source }), channel: `type = memory\n${channel}`, sink });
}

async function run(t: TestContext, parts: Parts, options: Omit<AgentOptions, 'conf'> = {}, gate: 'open' | 'shut' = 'open'): Promise<RunningAgent> {
  const agent = await startAgent({ conf: conf(parts), ...options });
  t.after(() => agent.stop());
  if (gate === 'open') await openGate(agent);
  await agent.ready();
  return agent;
}

async function behind(agent: RunningAgent, lines: number): Promise<string[]> {
  return until(`${lines} events behind the gate`, async () => {
    const all = await behindGate(agent);
    return all.length >= lines ? all : undefined;
  });
}

test('N3 a flood of idle connections: those over the limit are refused at once, files can be opened, the flood leaves nothing behind', async (t) => {
  // Scaled: 2,000 connections; 5,000 with MILLRACE_LONG=1. A file of file_roll is begun every second meanwhile.
  const connections = long ? 5000 : 2000;
  const folder = '@FOLDER@/rolled';
  const sink = `a1.sinks.k1.type = file_roll\na1.sinks.k1.sink.directory = ${folder}\na1.sinks.k1.sink.rollInterval = 1`;
  const agent = await startAgent({ conf: conf({ sink }), under: ['prlimit', '--nofile=1024'] });
  t.after(() => agent.stop());
  await mkdir(join(agent.folder, 'rolled'));
  await agent.ready();
  const port = await agent.port('r1');
  const before = descriptorsOf(agent.pid);
  const regular = await TcpClient.to(port);
  const health = watchHealth(agent);
  const flood: TcpClient[] = [];
  while (flood.length < connections) flood.push(...(await Promise.all(Array.from({ length: 100 }, () => TcpClient.to(port)))));
  const refused = await agent.counter('SOURCE.r1', 'ConnectionRefusedCount', (count) => count > 0);
  await until('the refused connections to be closed', () => flood.filter(({ isClosed }) => isClosed).length >= refused);
  assert.ok(descriptorsOf(agent.pid) < 600, `${descriptorsOf(agent.pid)} descriptors are open`);
  await regular.send('during\n');
  await until('an answer during the flood', () => regular.text === 'OK\n');
  const files = (await readdir(join(agent.folder, 'rolled'))).length;
  await until('a new file during the flood', async () => (await readdir(join(agent.folder, 'rolled'))).length > files || undefined);
  for (const { socket } of flood) socket.resetAndDestroy();
  await until('the descriptors of the flood to be free', () => descriptorsOf(agent.pid) <= before + 8);
  assert.equal(await exchange(port, 'after\n'), 'OK\n');
  await until('both lines in the files', async () => (await linesIn(join(agent.folder, 'rolled'))).join() === 'during,after');
  t.diagnostic(`refused ${refused} of ${connections}; p99 of /health ${(await health.stop()).toFixed(0)} ms`);
  assert.equal(agent.lines.filter((line) => /EMFILE/.test(line)).length, 0);
  assert.ok(agent.lines.some((line) => /WARN.*a1\.sources\.r1.*connection refused: too many are open.*limit=\d+/.test(line)));
});

test('N4 a sender that shuts its side gets an answer to each line, then the end', async (t) => {
  const agent = await run(t, {});
  const lines = Array.from({ length: 1000 }, (_, index) => `line ${index}`);
  assert.equal(await exchange(await agent.port('r1'), `${lines.join('\n')}\n`), 'OK\n'.repeat(1000));
  assert.deepEqual(await behind(agent, 1000), lines);
});

test('N5 a last line without newline is counted and logged, never silently dropped', async (t) => {
  const agent = await run(t, {});
  assert.equal(await exchange(await agent.port('r1'), 'a\nb'), 'OK\n');
  await agent.counter('SOURCE.r1', 'EventIncompleteCount', (count) => count === 1);
  assert.deepEqual(await behind(agent, 1), ['a']);
  assert.ok(agent.lines.some((line) => /WARN.*a1\.sources\.r1.*line without an end dropped.*bytes=1/.test(line)));
});

test('N6 R1 a line of 300 MB is answered with the limit and not kept; the connection and the next one go on', async (t) => {
  const agent = await run(t, {});
  const port = await agent.port('r1');
  const before = residentMb(agent.pid);
  const client = await TcpClient.to(port);
  const block = Buffer.alloc(1024 * 1024, 'x');
  for (let index = 0; index < 300; index++) assert.ok(await client.send(block));
  await client.send('\nshort\n');
  await until('two answers', () => client.answers.length === 2);
  assert.match(client.answers[0] ?? '', /^FAILED: Event exceeds the maximum length \(512 chars/);
  assert.equal(client.answers[1], 'OK');
  assert.equal(await exchange(port, 'next\n'), 'OK\n');
  assert.deepEqual(await behind(agent, 2), ['short', 'next']);
  const grown = peakMb(agent.pid) - before;
  t.diagnostic(`memory grew by ${grown.toFixed(0)} MB`);
  // What was read and thrown away goes at the collector's leisure.
  assert.ok(grown < 150, `memory grew by ${grown} MB`);
});

test('N7 resets at every byte of a message: the process lives, nothing of a broken message is committed, counters show it', async (t) => {
  // Scaled: 2,000 resets, 50 at a time; 10,000 with MILLRACE_LONG=1.
  const resets = long ? 10_000 : 2000;
  const agent = await run(t, { channel: 'a1.channels.c1.capacity = 100000' });
  const port = await agent.port('r1');
  const message = 'seven events of which one is broken\n';
  for (let done = 0; done < resets; done += 50) {
    await Promise.all(
      Array.from({ length: 50 }, async (_, index) => {
        const client = await TcpClient.to(port);
        const sent = (done + index) % (message.length + 1);
        await new Promise<void>((resolve) => client.socket.write(message.slice(0, sent), () => resolve()));
        // Half of them when the agent has read what was sent, half of them before.
        if (index % 2 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
        client.socket.resetAndDestroy();
        await client.closed;
      }),
    );
  }
  assert.equal(await exchange(port, 'alive\n'), 'OK\n');
  await agent.counter('SOURCE.r1', 'OpenConnectionCount', (count) => count === 0);
  const broken = await agent.counter('SOURCE.r1', 'ConnectionBrokenCount', (count) => count > 0);
  const incomplete = await agent.counter('SOURCE.r1', 'EventIncompleteCount', (count) => count > 0);
  const bodies = await until('the last line', async () => {
    const all = await behindGate(agent);
    return all.includes('alive') ? all : undefined;
  });
  assert.deepEqual([...new Set(bodies)].filter((body) => body !== 'alive' && `${body}\n` !== message), []);
  t.diagnostic(`${broken} of ${resets} connections counted as broken, ${incomplete} lines as incomplete, ${bodies.length - 1} whole messages`);
  assert.equal(agent.running(), true);
});

for (const acked of [false, true]) {
  test(`N8 R1 a full channel, ${acked ? 'answered' : 'unanswered'} lines: the sender is slowed, memory stays, and all accepted events arrive`, async (t) => {
    // Scaled: 4 s of a full channel; 10 min with MILLRACE_LONG=1. The sender could send some millions of lines in that time.
    const seconds = long ? 600 : 4;
    const source = `a1.sources.r1.ack-every-event = ${acked}`;
    const channel = 'a1.channels.c1.capacity = 1000\na1.channels.c1.keep-alive = 1';
    const agent = await run(t, { source, channel }, {}, 'shut');
    const client = await TcpClient.to(await agent.port('r1'));
    const health = watchHealth(agent);
    const before = residentMb(agent.pid);
    let sent = 0;
    const until4s = performance.now() + seconds * 1000;
    for (let blocked = false; !blocked && performance.now() < until4s; ) {
      const lines = Array.from({ length: 1000 }, () => `${sent++} ${'x'.repeat(90)}\n`);
      blocked = !(await client.send(lines.join(''), until4s - performance.now()));
    }
    const grown = peakMb(agent.pid) - before;
    t.diagnostic(`${sent} lines sent; memory grew by ${grown.toFixed(0)} MB; p99 of /health ${(await health.stop()).toFixed(0)} ms`);
    assert.ok(grown < 100, `memory grew by ${grown} MB`);
    if (!acked) assert.ok(sent < 100_000, `the sender was not slowed: ${sent} lines`);
    await openGate(agent);
    client.socket.end();
    await Promise.race([client.closed, until('the connection to end', () => client.isClosed, 60_000)]);
    const { answers } = client;
    const wanted = Array.from({ length: sent }, (_, index) => index).filter((index) => !acked || answers[index] === 'OK');
    const numbers = (await behind(agent, wanted.length)).map((line) => Number.parseInt(line, 10));
    assert.deepEqual(numbers, wanted);
    if (acked) {
      assert.equal(answers.length, sent);
      assert.ok(answers.some((answer) => answer.startsWith("FAILED: Space for commit to queue couldn't be acquired")));
    }
  });
}

for (const { name, connections, line, bytes, sinkBatch, source } of [
  { name: '1,000 connections with lines of 100 B', connections: 1000, line: 99, bytes: 300_000, sinkBatch: 1000, source: '' },
  { name: '300 connections with empty lines', connections: 300, line: 0, bytes: 65_536, sinkBatch: 1000, source: '' },
  { name: '30 connections with lines of 1 MB', connections: 30, line: 1_048_575, bytes: 5_000_000, sinkBatch: 4, source: 'a1.sources.r1.max-line-length = 2000000' },
]) {
  test(`R1 ${name} against a full channel stay below 256 MB, and go on afterwards`, { timeout: 90_000 }, async (t) => {
    // Scaled: 30 min become as long as it takes until the agent reads no more; capacity is given in events only.
    const channel = 'a1.channels.c1.capacity = 100000\na1.channels.c1.transactionCapacity = 1000';
    const agent = await run(t, { source: `a1.sources.r1.ack-every-event = false\n${source}`, channel, sink: gateSink('hangs', sinkBatch) }, {}, 'shut');
    const port = await agent.port('r1');
    const clients = await Promise.all(Array.from({ length: connections }, () => TcpClient.to(port)));
    const block = Buffer.from(`${'x'.repeat(line)}\n`.repeat(Math.max(1, Math.floor(65_536 / (line + 1)))));
    const blocks = Math.ceil(bytes / block.length);
    for (const { socket } of clients) for (let index = 0; index < blocks; index++) socket.write(block);
    const read = await steady(async () => Number((await agent.metrics())['SOURCE.r1']?.['EventReceivedCount']));
    const full = peakMb(agent.pid);
    await openGate(agent);
    for (const { socket } of clients) socket.end();
    const total = connections * blocks * (block.length / (line + 1));
    await agent.counter('SINK.k1', 'EventDrainSuccessCount', (count) => count === total, 60_000);
    t.diagnostic(`${read} of ${total} events read while full, peak ${full.toFixed(0)} MB, in all ${peakMb(agent.pid).toFixed(0)} MB`);
    assert.ok(read < total, 'the channel was never full');
    assert.ok(peakMb(agent.pid) < 256, `peak ${peakMb(agent.pid)} MB`);
  });
}

/** Resolves with a figure once it stays the same for half a second. */
async function steady(figure: () => Promise<number>): Promise<number> {
  for (let last = -1; ; ) {
    const now = await figure();
    if (now === last && now > 0) return now;
    last = now;
    await sleep(500);
  }
}
