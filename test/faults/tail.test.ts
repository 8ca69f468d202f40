/** Scenarios T against the running agent, with the durable channel where it is killed. */

import assert from 'node:assert/strict';
import { appendFileSync, chmodSync, closeSync, copyFileSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, truncateSync, unlinkSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { startAgent, until } from '../harness/agent.ts';
import { lineOf, TailAgent } from './tail-agent.ts';

function numbered(from: number, to: number): string {
  let text = '';
  for (let number = from; number < to; number++) text += `${lineOf(number)}\n`;
  return text;
}

/** Every number once, and nothing else. */
function assertOnce(lines: readonly string[], count: number): void {
  const seen = new Map<number, number>();
  for (const line of lines) {
    const number = Number.parseInt(line, 10);
    assert.equal(line, lineOf(number), 'an altered line');
    seen.set(number, (seen.get(number) ?? 0) + 1);
  }
  const missing = Array.from({ length: count }, (_, number) => number).filter((number) => !seen.has(number));
  assert.deepEqual({ missing: missing.slice(0, 5), repeated: [...seen].filter(([, times]) => times > 1).slice(0, 5) }, { missing: [], repeated: [] });
}

describe('TAILDIR and the running agent', { concurrency: 3 }, () => {
  test('T1 renamed and made anew, 20 times under load: every line once, in order', async (t) => {
    const rig = new TailAgent(t, { memory: true });
    await rig.start();
    let next = 0;
    for (let round = 0; round < 20; round++) {
      for (let piece = 0; piece < 10; piece++) {
        appendFileSync(rig.path('app.log'), numbered(next, (next += 50)));
        await sleep(5);
      }
      for (let old = round; old > 0; old--) renameSync(rig.path(`app.log.${old}`), rig.path(`app.log.${old + 1}`));
      renameSync(rig.path('app.log'), rig.path('app.log.1'));
    }
    const lines = await rig.events(next);
    assertOnce(lines, next);
  });

  test('T2 T12 renamed out of the pattern, and deleted, with 30 MB unread and over a kill: read to the end', async (t) => {
    const rig = new TailAgent(t, { source: { 'filegroups.f1': '@LOGS@/app\\.log', idleTimeout: '3000' } });
    mkdirSync(rig.path('old'));
    const half = numbered(0, 130_000);
    writeFileSync(rig.path('app.log'), half);
    const agent = await rig.start();
    await agent.counter('SOURCE.r1', 'EventAcceptedCount', (count) => count > 1000);
    renameSync(rig.path('app.log'), rig.path('old/app-1'));
    writeFileSync(rig.path('app.log'), numbered(130_000, 260_000));
    await sleep(700);
    await rig.kill();
    await rig.start();
    await until('the second file is open', async () => (await rig.lines()).some((line) => Number.parseInt(line, 10) >= 130_000) || undefined);
    unlinkSync(rig.path('app.log'));
    await until('all lines', async () => (await rig.lines()).length >= 260_000 || undefined, 60_000);
    const lines = new Set(await rig.lines());
    assert.equal(lines.size, 260_000);
    await rig.agent?.counter('SOURCE.r1', 'FileOpenCount', (count) => count === 0, 20_000);
    assert.equal(Number((await rig.agent?.metrics())?.['SOURCE.r1']?.['FileBacklogBytes']), 0);
  });

  test('T3 T4 rotated, and one file removed, while the agent is stopped', async (t) => {
    const rig = new TailAgent(t);
    writeFileSync(rig.path('app.log'), numbered(0, 1000));
    writeFileSync(rig.path('app-gone.log'), 'x\n');
    await rig.start();
    await rig.events(1001);
    await rig.stop();
    appendFileSync(rig.path('app.log'), numbered(1000, 11_000));
    renameSync(rig.path('app.log'), rig.path('app.log.1'));
    writeFileSync(rig.path('app.log'), numbered(11_000, 21_000));
    appendFileSync(rig.path('app-gone.log'), 'never seen\n');
    rmSync(rig.path('app-gone.log'));
    const agent = await rig.start();
    assertOnce((await rig.events(21_001)).filter((line) => line !== 'x'), 21_000);
    assert.ok(agent.lines.some((line) => /position is gone/.test(line) && /app-gone/.test(line) && /inode=\d+ position=2/.test(line)), agent.lines.join('\n'));
    await agent.counter('SOURCE.r1', 'FileMissingCount', (count) => count === 1);
  });

  test('T5 copied and emptied: the copy is known', async (t) => {
    const rig = new TailAgent(t, { memory: true });
    writeFileSync(rig.path('app.log'), numbered(0, 3000));
    await rig.start();
    await rig.events(3000);
    copyFileSync(rig.path('app.log'), rig.path('app.log.1'));
    truncateSync(rig.path('app.log'), 0);
    appendFileSync(rig.path('app.log'), numbered(3000, 3010));
    await rig.events(3010);
    await sleep(2500);
    assertOnce(await rig.lines(), 3010);
  });

  test('T6 emptied under a writer that keeps its place: the hole is left out and counted', async (t) => {
    const rig = new TailAgent(t, { memory: true });
    const descriptor = openSync(rig.path('app.log'), 'w');
    let place = writeSync(descriptor, numbered(0, 20_000));
    const agent = await rig.start();
    await rig.events(20_000);
    truncateSync(rig.path('app.log'), 0);
    place += writeSync(descriptor, numbered(20_000, 20_010), place);
    assertOnce(await rig.events(20_010), 20_010);
    await agent.counter('SOURCE.r1', 'FileHoleBytes', (count) => count > 1_000_000);
    closeSync(descriptor);
  });

  test('T7 T8 T31 refilled beyond the old position, another file with the same number, replaced by a longer version', async (t) => {
    const rig = new TailAgent(t, { memory: true });
    writeFileSync(rig.path('app.log'), numbered(0, 10));
    writeFileSync(rig.path('app.a'), numbered(10, 20));
    writeFileSync(rig.path('app.r'), numbered(20, 30));
    await rig.start();
    await rig.events(30);
    truncateSync(rig.path('app.log'), 0);
    appendFileSync(rig.path('app.log'), numbered(30, 100));
    rmSync(rig.path('app.a'));
    writeFileSync(rig.path('app.b'), numbered(100, 200));
    let version = numbered(20, 30);
    for (let round = 0; round < 5; round++) {
      version += numbered(200 + round * 10, 210 + round * 10);
      writeFileSync(join(rig.folder, 'fresh'), version);
      renameSync(join(rig.folder, 'fresh'), rig.path('app.r'));
      await sleep(200);
    }
    await rig.events(250);
    await sleep(1500);
    assertOnce(await rig.lines(), 250);
  });

  test('T9 twenty files with the same first lines are all read', async (t) => {
    const rig = new TailAgent(t, { memory: true });
    const head = `${'same,header,'.repeat(90)}\n`;
    for (let index = 0; index < 20; index++) writeFileSync(rig.path(`app-${index}.csv`), head + (index < 10 ? numbered(index * 10, index * 10 + 10) : ''));
    await rig.start();
    const lines = await rig.events(20 + 100);
    assert.equal(lines.filter((line) => `${line}\n` === head).length, 20);
  });

  test('T10 names used in a ring', async (t) => {
    const rig = new TailAgent(t, { memory: true });
    await rig.start();
    let next = 0;
    writeFileSync(rig.path('app.lo1'), '');
    for (let round = 0; round < 30; round++) {
      appendFileSync(rig.path('app.log'), numbered(next, (next += 37)));
      await rig.agent?.counter('SOURCE.r1', 'EventAcceptedCount', (count) => count >= next);
      if (round > 0) {
        renameSync(rig.path('app.log'), rig.path('app.lo3'));
        renameSync(rig.path('app.lo1'), rig.path('app.log'));
        truncateSync(rig.path('app.log'), 0);
        renameSync(rig.path('app.lo3'), rig.path('app.lo1'));
      }
    }
    await rig.events(next);
    assertOnce(await rig.lines(), next);
  });

  test('T11 T33 a link that moves, and a file that the agent itself writes', async (t) => {
    const rig = new TailAgent(t, { memory: true, source: { filegroups: 'f1 f2', 'filegroups.f2': '@LOGS@/../out/.*' } });
    writeFileSync(rig.path('app-01.log'), numbered(0, 10));
    symlinkSync('app-01.log', rig.path('app-current.log'));
    const agent = await rig.start();
    await rig.events(10);
    appendFileSync(rig.path('app-01.log'), numbered(10, 20));
    writeFileSync(rig.path('app-02.log'), numbered(20, 30));
    symlinkSync('app-02.log', rig.path('next'));
    renameSync(rig.path('next'), rig.path('app-current.log'));
    appendFileSync(rig.path('app-01.log'), numbered(30, 40));
    appendFileSync(rig.path('app-02.log'), numbered(40, 50));
    await rig.events(50);
    await sleep(1500);
    assertOnce(await rig.lines(), 50);
    assert.ok(agent.lines.some((line) => /this agent itself writes to it/.test(line)));
  });

  test('T13 short-lived files in hundreds: nothing stops', async (t) => {
    const rig = new TailAgent(t, { memory: true });
    const agent = await rig.start();
    for (let index = 0; index < 400; index++) {
      writeFileSync(rig.path(`app-${index}`), '');
      await sleep(2);
      rmSync(rig.path(`app-${index}`));
    }
    writeFileSync(rig.path('app.log'), numbered(0, 5));
    assertOnce(await rig.events(5), 5);
    assert.deepEqual(agent.lines.filter((line) => / (WARN|ERROR) /.test(line)), []);
  });

  for (const end of ['stop', 'kill'] as const) {
    test(`T14 T15 half a line, looked at several times and over a ${end}`, async (t) => {
      const rig = new TailAgent(t);
      writeFileSync(rig.path('app.log'), 'whole\nfirst half, ');
      await rig.start();
      await rig.events(1);
      appendFileSync(rig.path('app.log'), 'second, ');
      await sleep(600);
      await rig[end]();
      await rig.start();
      appendFileSync(rig.path('app.log'), 'third\n');
      assert.deepEqual(await rig.events(2), ['whole', 'first half, second, third']);
    });
  }

  test('T18 T19 T16 bytes of any kind, at every offset of a read', async (t) => {
    const rig = new TailAgent(t, { memory: true });
    const odd = [Buffer.from('latin \xe9\xff', 'latin1'), Buffer.from('\ufeffutf16', 'utf16le').subarray(0, 13), Buffer.from([0x80, 0xc0, 0x80]), Buffer.from(`nul${'\0'.repeat(10_000)}nul`), Buffer.from('€😀ü')].filter((body) => !body.includes(10));
    const bodies: Buffer[] = [];
    for (let size = 0; size < 300_000; ) {
      const body = Buffer.concat([Buffer.from('p'.repeat(bodies.length % 97)), odd[bodies.length % odd.length] as Buffer]);
      bodies.push(body);
      size += body.length + 2;
    }
    writeFileSync(rig.path('app.log'), Buffer.concat(bodies.flatMap((body, index) => [body, Buffer.from(index % 2 === 0 ? '\r\n' : '\n')])));
    await rig.start();
    const lines = await rig.events(bodies.length);
    assert.deepEqual(lines.map((line) => Buffer.from(line, 'latin1').toString('hex')).slice(0, 2000), bodies.map((body) => body.toString('hex')).slice(0, 2000));
    assert.equal(lines.length, bodies.length);
  });

  for (const [policy, pieces] of [['split', 8], ['cut', 1], ['skip', 0]] as const) {
    test(`T17 a line without an end, longLines = ${policy}: bounded memory, the next lines come`, async (t) => {
      const rig = new TailAgent(t, { memory: true, source: { maxLineBytes: '4000000', longLines: policy } });
      writeFileSync(rig.path('app.log'), 'x'.repeat(30_000_000));
      const agent = await rig.start();
      await sleep(500);
      appendFileSync(rig.path('app.log'), `yy\n${numbered(0, 3)}`);
      const lines = await rig.events(pieces + 3);
      assert.deepEqual(lines.slice(pieces), numbered(0, 3).trimEnd().split('\n'));
      assert.equal(lines.length, pieces + 3);
      const peak = Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${agent.pid}/status`, 'latin1'))?.[1]) / 1024;
      assert.ok(peak < 256, `${peak} MB`);
      await agent.counter('SOURCE.r1', 'LineTooLongCount', (count) => count > 0);
    });
  }

  test('T20 compressed rotations are not read as text', async (t) => {
    const rig = new TailAgent(t, { memory: true });
    writeFileSync(rig.path('app.log.1'), numbered(0, 100));
    const agent = await rig.start();
    await rig.events(100);
    const packed = gzipSync(readFileSync(rig.path('app.log.1')));
    writeFileSync(rig.path('app.log.1.gz'), packed.subarray(0, 2));
    await sleep(300);
    appendFileSync(rig.path('app.log.1.gz'), packed.subarray(2));
    rmSync(rig.path('app.log.1'));
    await agent.line(/file is not read.*compressed \(gzip\)/);
    writeFileSync(rig.path('app.log'), numbered(100, 110));
    assertOnce(await rig.events(110), 110);
  });

  test('T21 T22 the position file empty, cut, or full of NULs: the agent starts, with the positions that it had', async (t) => {
    const rig = new TailAgent(t, { memory: true });
    writeFileSync(rig.path('app.log'), numbered(0, 50));
    await rig.start();
    await rig.events(50);
    await rig.stop();
    const good = readFileSync(rig.positionFile);
    const marks = readFileSync(`${rig.positionFile}.millrace`);
    let next = 50;
    for (const damaged of [Buffer.alloc(0), good.subarray(0, 20), Buffer.alloc(good.length)]) {
      writeFileSync(rig.positionFile, damaged);
      appendFileSync(rig.path('app.log'), numbered(next, ++next));
      const agent = await rig.start();
      assertOnce(await rig.events(next), next);
      assert.ok(agent.lines.some((line) => /position file is damaged/.test(line)));
      await rig.stop();
    }
    assert.ok(readdirSync(join(rig.folder, 'positions')).some((name) => /damaged-\d+$/.test(name)));
    writeFileSync(`${rig.positionFile}.millrace`, marks.subarray(0, 100));
    appendFileSync(rig.path('app.log'), numbered(next, ++next));
    await rig.start();
    assertOnce(await rig.events(next), next);
  });

  test('T25 a position beyond the end: read from the beginning, with both numbers', async (t) => {
    const rig = new TailAgent(t);
    writeFileSync(rig.path('app.log'), numbered(0, 100));
    await rig.start();
    await rig.events(100);
    await rig.stop();
    writeFileSync(rig.path('app.log'), numbered(100, 110));
    const agent = await rig.start();
    assertOnce(await rig.events(110), 110);
    assert.ok(agent.lines.some((line) => /shorter than what was read/.test(line) && /size=\d+ read=\d+/.test(line)), agent.lines.join('\n'));
  });

  test('T26 a second agent, and a second source, with the same position file do not start', async (t) => {
    const rig = new TailAgent(t, { memory: true });
    writeFileSync(rig.path('app.log'), 'one\n');
    const first = await rig.start();
    const second = await startAgent({ conf: rig.conf.replace(/sink.directory = .*/, 'sink.directory = /tmp'), monitoring: false });
    t.after(() => second.kill());
    await second.line(new RegExp(`positions/p\\.json: process ${first.pid} uses it`));
    await second.stop();
    const both = await startAgent({ conf: `${rig.conf.replaceAll('r1', 'r2').replace('a1.sources = r2', 'a1.sources = r1 r2').replaceAll('p.json', 'q.json')}\n${rig.conf.split('\n').filter((line) => line.startsWith('a1.sources.r1')).join('\n').replaceAll('p.json', 'q.json')}`, monitoring: false });
    t.after(() => both.kill());
    await both.line(/M028 .*q\.json/);
  });

  test('T29 T32 permission taken away and given back; a line in the second in which the file is closed', { skip: process.getuid?.() === 0 ? false : 'needs root, to run as somebody else' }, async (t) => {
    const rig = new TailAgent(t, { memory: true, source: { idleTimeout: '300' }, start: { under: ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] } });
    for (const folder of [rig.folder, rig.logs, rig.out]) chmodSync(folder, 0o777);
    writeFileSync(rig.path('app.log'), 'one\n');
    const agent = await rig.start();
    await rig.events(1);
    await agent.counter('SOURCE.r1', 'FileOpenCount', (count) => count === 0);
    chmodSync(rig.path('app.log'), 0);
    appendFileSync(rig.path('app.log'), 'two\n');
    await agent.line(/file cannot be opened.*EACCES/);
    renameSync(rig.path('app.log'), rig.path('app.log.1'));
    chmodSync(rig.path('app.log.1'), 0o644);
    assert.deepEqual(await rig.events(2), ['one', 'two']);
  });

  test('R2 T27 hundreds of files and 64 descriptors: every line, and a busy file does not starve the others', async (t) => {
    const rig = new TailAgent(t, { memory: true, start: { under: ['prlimit', '--nofile=64'] } });
    for (let index = 0; index < 300; index++) writeFileSync(rig.path(`app-${index}`), '');
    const agent = await rig.start();
    appendFileSync(rig.path('app-busy'), numbered(300, 50_300));
    for (let index = 0; index < 300; index++) appendFileSync(rig.path(`app-${index}`), numbered(index, index + 1));
    assertOnce(await rig.events(50_300, 30_000), 50_300);
    const { FileOpenCount } = (await agent.metrics())['SOURCE.r1'] ?? {};
    assert.ok(Number(FileOpenCount) <= 21, `${FileOpenCount} files are open`);
  });

  test('T28 without notices of the system, or with its limit reached, files are looked at', { skip: process.getuid?.() === 0 ? false : 'needs root' }, async (t) => {
    const rig = new TailAgent(t, { memory: true, source: { watch: 'false' } });
    for (let index = 0; index < 100; index++) writeFileSync(rig.path(`app-${index}`), '');
    await rig.start();
    for (let index = 0; index < 100; index++) appendFileSync(rig.path(`app-${index}`), numbered(index, index + 1));
    const began = performance.now();
    assertOnce(await rig.events(100), 100);
    assert.ok(performance.now() - began < 10_000);
  });

  test('X19 devices, pipes, and links out of the directory are refused', { skip: process.getuid?.() === 0 ? false : 'the agent runs as root here only' }, async (t) => {
    const rig = new TailAgent(t, { memory: true });
    writeFileSync(join(rig.folder, 'secret'), 'secret\n');
    symlinkSync(join(rig.folder, 'secret'), rig.path('app-link'));
    symlinkSync('/dev/zero', rig.path('app-device'));
    process.getBuiltinModule('node:child_process').execFileSync('mkfifo', [rig.path('app-pipe')]);
    writeFileSync(rig.path('app.log'), 'one\n');
    const agent = await rig.start();
    await agent.line(/file is refused: a link leads to .*secret/);
    assert.deepEqual(await rig.events(1), ['one']);
    assert.equal(statSync(rig.positionFile).mode & 0o077, 0);
  });
});
