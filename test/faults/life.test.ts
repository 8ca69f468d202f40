import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startAgent, until, type RunningAgent } from '../harness/agent.ts';
import { netcatConf } from '../harness/conf.ts';
import { behindGate, gateSink, openGate, triesAtGate } from './gate.ts';
import { refereeOver, sendLines } from './referee/over-files.ts';
import { CLEAN, harmOf } from './referee/referee.ts';
import { exchange } from './numbered-lines.ts';
import { TcpClient } from './tcp-client.ts';
import { long } from './watch.ts';

const FILE_ROLL = 'type = file_roll\nsink.directory = @FOLDER@/out\nsink.rollInterval = 0';

function conf(sink: string): string {
  return netcatConf({ channel: 'type = memory\ncapacity = 50000\ntransactionCapacity = 1000', sink });
}

async function folderOf(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-life-'));
  await mkdir(join(folder, 'out'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Sum of what the log says is lost. */
function lostInLog(agent: RunningAgent): number {
  return agent.lines.reduce((sum, line) => sum + Number(/ERROR.*events in memory of channel c1 are lost.* events=(\d+)/.exec(line)?.[1] ?? 0), 0);
}

test('O1 SIGTERM at any moment under load, sinks working: exit 0, nothing that was answered is lost', async (t) => {
  // Scaled: 8 moments; 200 with MILLRACE_LONG=1. There is no durable channel yet: the memory channel is drained.
  const moments = long ? 200 : 8;
  const folder = await folderOf(t);
  for (let moment = 0; moment < moments; moment++) {
    const run = join(folder, `run-${moment}`);
    await mkdir(join(run, 'out'), { recursive: true });
    const agent = await startAgent({ conf: conf(FILE_ROLL), folder: run, monitoring: false });
    t.after(() => agent.kill());
    const referee = refereeOver(t, join(run, 'out'));
    const sender = sendLines(referee, await agent.port('r1'), 100_000);
    await until('the first answers', () => sender.acknowledged > 0);
    const afterMs = Math.random() * 300;
    await sleep(afterMs);
    process.kill(agent.pid, 'SIGTERM');
    assert.equal(await agent.ended, 0, `SIGTERM after ${afterMs} ms:\n${agent.lines.join('\n')}`);
    const conclusion = await referee.conclude({ fresh: false });
    assert.deepEqual([harmOf(conclusion), conclusion.duplicates], [CLEAN, 0], `SIGTERM after ${afterMs} ms`);
  }
});

test('O1 O2 SIGTERM with a sink that hangs: ends within the deadline, and says exactly how much is lost', async (t) => {
  const agent = await startAgent({ conf: conf(gateSink('hangs')), args: ['--stop-timeout', '1'] });
  t.after(() => agent.stop());
  await agent.ready();
  assert.equal(await exchange(await agent.port('r1'), 'a line\n'.repeat(5000)), 'OK\n'.repeat(5000));
  const began = performance.now();
  process.kill(agent.pid, 'SIGTERM');
  assert.equal(await agent.ended, 0);
  assert.ok(performance.now() - began < 6000);
  assert.equal(lostInLog(agent), 5000 - (await behindGate(agent)).length);
});

test('O2 SIGTERM while the sink is in its pause after failures: one last try, which may find the target back', async (t) => {
  const agent = await startAgent({ conf: conf(gateSink('fails')), args: ['--stop-timeout', '1'] });
  t.after(() => agent.stop());
  await agent.ready();
  assert.equal(await exchange(await agent.port('r1'), 'one\ntwo\n'), 'OK\nOK\n');
  // After four failures the pause is at least 3.2 s, longer than the stop may take.
  await until('four failures', async () => (await triesAtGate(agent)) >= 5);
  await openGate(agent);
  process.kill(agent.pid, 'SIGTERM');
  assert.equal(await agent.ended, 0);
  assert.deepEqual(await behindGate(agent), ['one', 'two']);
  assert.equal(lostInLog(agent), 0);
});

test('O2 SIGTERM with a target that stays dead: the last try fails, the loss is told, exit within the deadline', async (t) => {
  const agent = await startAgent({ conf: conf(gateSink('fails')), args: ['--stop-timeout', '1'] });
  t.after(() => agent.stop());
  await agent.ready();
  assert.equal(await exchange(await agent.port('r1'), 'one\ntwo\n'), 'OK\nOK\n');
  await until('four failures', async () => (await triesAtGate(agent)) >= 4);
  const tries = await triesAtGate(agent);
  const began = performance.now();
  process.kill(agent.pid, 'SIGTERM');
  assert.equal(await agent.ended, 0);
  assert.ok(performance.now() - began < 5000);
  assert.ok((await triesAtGate(agent)) > tries, 'there was no last try');
  assert.equal(lostInLog(agent), 2);
});

test('O3 signals at any moment of the start are obeyed within 5 s, without a stack', async (t) => {
  // Scaled: 12 moments; 100 with MILLRACE_LONG=1. There is no durable channel with something to recover yet.
  const moments = long ? 100 : 12;
  for (let moment = 0; moment < moments; moment++) {
    const signal = (['SIGTERM', 'SIGINT', 'SIGKILL'] as const)[moment % 3] ?? 'SIGTERM';
    const afterMs = (moment * 700) / moments;
    const folder = await folderOf(t);
    const agent = await startAgent({ conf: conf(FILE_ROLL), folder });
    t.after(() => agent.kill());
    await sleep(afterMs);
    const began = performance.now();
    process.kill(agent.pid, signal);
    const status = await agent.ended;
    assert.ok(performance.now() - began < 5000, `${signal} after ${afterMs} ms took ${performance.now() - began} ms`);
    // Before Node listens, the signal itself ends the process.
    assert.ok(status === 0 || status === null, `${signal} after ${afterMs} ms: status ${status}\n${agent.lines.join('\n')}`);
    assert.deepEqual(agent.lines.filter((line) => /^\s+at |Error:/.test(line)), [], `${signal} after ${afterMs} ms`);
  }
});

test('O4 SIGTERM again and again changes nothing: the stop goes on in order', async (t) => {
  const agent = await startAgent({ conf: conf(gateSink('hangs')), args: ['--stop-timeout', '10'] });
  t.after(() => agent.stop());
  await agent.ready();
  assert.equal(await exchange(await agent.port('r1'), 'one\ntwo\n'), 'OK\nOK\n');
  for (let times = 0; times < 100; times++) process.kill(agent.pid, 'SIGTERM');
  await agent.line(/agent stops/);
  for (let times = 0; times < 100; times++) process.kill(agent.pid, 'SIGTERM');
  await openGate(agent);
  assert.equal(await agent.ended, 0);
  assert.deepEqual(await behindGate(agent), ['one', 'two']);
});

test('O4 a second SIGINT ends at once, and says what is lost', async (t) => {
  const agent = await startAgent({ conf: conf(gateSink('hangs')), args: ['--stop-timeout', '60'] });
  t.after(() => agent.stop());
  await agent.ready();
  assert.equal(await exchange(await agent.port('r1'), 'one\ntwo\n'), 'OK\nOK\n');
  process.kill(agent.pid, 'SIGINT');
  await agent.line(/agent stops/);
  const began = performance.now();
  process.kill(agent.pid, 'SIGINT');
  assert.equal(await agent.ended, 130);
  assert.ok(performance.now() - began < 3000);
  assert.equal(lostInLog(agent), 2);
});

test('O6 stopped and continued: everything sent meanwhile is answered and arrives once, nothing is restarted', async (t) => {
  // Scaled: 4 s of SIGSTOP, longer than keep-alive; 5 min with MILLRACE_LONG=1.
  const folder = await folderOf(t);
  const agent = await startAgent({ conf: conf(FILE_ROLL), folder });
  t.after(() => agent.stop());
  await agent.ready();
  const port = await agent.port('r1');
  const referee = refereeOver(t, join(folder, 'out'));
  const sender = sendLines(referee, port, 2000);
  await until('the first answers', () => sender.acknowledged > 100);
  process.kill(agent.pid, 'SIGSTOP');
  const meanwhile = new TcpClient(port);
  meanwhile.socket.write('meanwhile\n');
  await sleep(long ? 300_000 : 4000);
  process.kill(agent.pid, 'SIGCONT');
  await until('the answer to what was sent meanwhile', () => meanwhile.text === 'OK\n');
  meanwhile.socket.end();
  const conclusion = await referee.conclude();
  assert.deepEqual([harmOf(conclusion), conclusion.duplicates], [{ ...CLEAN, invented: 1 }, 0]);
  assert.match(conclusion.examples.join(), /^invented: "meanwhile"/);
  assert.equal(sender.connections, 1);
  assert.deepEqual(agent.lines.filter((line) => / (WARN|ERROR) /.test(line)), []);
});
