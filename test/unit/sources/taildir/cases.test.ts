import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync, statSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { ChannelFullError } from '../../../../core/errors.ts';
import { eventually } from '../../../conformance/fakes.ts';
import { TailRig } from './rig.ts';

describe('taildir source, the cases of the reference', { concurrency: 4 }, () => {
  test('TD-01 three files, then one of them grows', async (t) => {
    const rig = new TailRig(t);
    for (const name of ['file1', 'file2', 'file3']) rig.write(name, `${name}line1\n${name}line2\n`);
    await rig.start();
    assert.equal((await rig.events(6)).length, 6);
    rig.append('file3', 'file3line3\nfile3line4\n');
    assert.deepEqual((await rig.events(8)).slice(6), ['file3line3', 'file3line4']);
  });

  test('TD-02 TD-03 an empty directory, a file that comes, one that goes', async (t) => {
    const rig = new TailRig(t);
    await rig.start();
    rig.write('file1', 'file1line1\nfile1line2\n');
    assert.deepEqual(await rig.events(2), ['file1line1', 'file1line2']);
    rmSync(rig.path('file1'));
    rig.write('file2', 'file2line1\n');
    assert.deepEqual(await rig.events(3), ['file1line1', 'file1line2', 'file2line1']);
    assert.deepEqual(rig.context.failures, []);
  });

  test('TD-04 TD-05 what was not stored is put again, and nothing behind it is lost or repeated', async (t) => {
    const rig = new TailRig(t, { batchSize: '4' });
    rig.context.answer = async (_batch, call) => {
      if (call === 2) throw new ChannelFullError('full');
    };
    rig.write('file1', Array.from({ length: 12 }, (_, index) => `line${index + 1}\n`).join(''));
    await rig.start();
    await rig.events(16);
    const counts = new Map<string, number>();
    for (const body of rig.bodies) counts.set(body, (counts.get(body) ?? 0) + 1);
    assert.deepEqual([...counts].filter(([, count]) => count === 2).map(([body]) => body), ['line5', 'line6', 'line7', 'line8']);
    assert.equal(counts.size, 12);
    await rig.stop();
    assert.equal(rig.positions()[0]?.pos, statSync(rig.path('file1')).size);
  });

  test('TD-06 an empty file gives nothing', async (t) => {
    const rig = new TailRig(t);
    rig.write('file1', 'file1line1\nfile1line2\n');
    rig.write('file2', '');
    await rig.start();
    assert.deepEqual(await rig.events(2), ['file1line1', 'file1line2']);
  });

  test('TD-07 TD-08 TD-09 an unfinished line waits for its end, whatever the time, over a restart too', async (t) => {
    const rig = new TailRig(t, { idleTimeout: '100' });
    rig.write('file1', 'file1line1\nfile1');
    await rig.start();
    assert.deepEqual(await rig.events(1), ['file1line1']);
    rig.append('file1', 'line2\nfile1line3\nfile1line4');
    assert.deepEqual(await rig.events(3), ['file1line1', 'file1line2', 'file1line3']);
    await eventually(() => rig.context.counted('FileOpenCount') === 0, 'the idle file is closed');
    await rig.restart();
    rig.append('file1', ' whole\n');
    assert.deepEqual((await rig.events(4)).slice(3), ['file1line4 whole']);
  });

  test('TD-10 TD-11 a thousand files with one line each', async (t) => {
    const rig = new TailRig(t);
    for (let index = 0; index < 1000; index++) rig.write(`file${index}`, `file${index}line1\n`);
    await rig.start();
    assert.equal(new Set(await rig.events(1000)).size, 1000);
  });

  test('TD-12 positions of a Flume are taken over', async (t) => {
    const rig = new TailRig(t);
    const names = ['file1', 'file2', 'file3'];
    for (const name of names) rig.write(name, `${name}line1\n${name}line2\n`);
    mkdirSync(join(rig.folder, 'positions'));
    const entries = names.map((name) => `{"inode":${statSync(rig.path(name)).ino},"pos":${name === 'file2' ? 22 : 11},"file":"${rig.path(name)}"}`);
    writeFileSync(rig.positionFile, `[${entries.join(',')}]`);
    await rig.start();
    assert.deepEqual((await rig.events(2)).toSorted(), ['file1line2', 'file3line2']);
  });

  for (const properties of [{ skipToEnd: 'true' }, { readFrom: 'end' }]) {
    test(`TD-13 ${Object.keys(properties)[0]}: files that are there begin at their end, those that come later at their beginning`, async (t) => {
      const rig = new TailRig(t, properties);
      rig.write('file1', 'old1\nold2\nhalf');
      await rig.start();
      rig.append('file1', ' whole\n');
      rig.write('file2', 'new\n');
      assert.deepEqual((await rig.events(2)).toSorted(), ['half whole', 'new']);
    });
  }

  test('TD-14 byteOffsetHeader', async (t) => {
    const rig = new TailRig(t, { byteOffsetHeader: 'true' });
    rig.write('file1', 'file1line1\nfile1line2\nfile1line3\n');
    await rig.start();
    await rig.events(3);
    rig.append('file1', 'more\n');
    await rig.events(4);
    assert.deepEqual(rig.headers().map(({ byteoffset }) => byteoffset), ['0', '11', '22', '33']);
  });

  test('TD-15 one carriage return before a line feed is no part of the line', async (t) => {
    const rig = new TailRig(t);
    rig.write('file1', 'file1line1\nfile1line2\rfile1line2\nfile1line3\r\nfile1line4\n\r\n\n\r\r\n');
    await rig.start();
    assert.deepEqual(await rig.events(7), ['file1line1', 'file1line2\rfile1line2', 'file1line3', 'file1line4', '', '', '\r']);
  });

  test('TD-16 data within the same tick of the clock', async (t) => {
    const rig = new TailRig(t, { watch: 'false' });
    rig.write('file1', 'one\n');
    await rig.start();
    await rig.events(1);
    const { atime, mtime } = statSync(rig.path('file1'));
    rig.append('file1', 'two\n');
    utimesSync(rig.path('file1'), atime, mtime);
    assert.deepEqual(await rig.events(2), ['one', 'two']);
  });

  test('TD-17 TD-28 groups match whole names, in their directory only', async (t) => {
    const rig = new TailRig(t, { filegroups: 'ab c', 'filegroups.ab': '@LOGS@/[ab].log', 'filegroups.c': '@LOGS@/c.log.*' });
    mkdirSync(rig.path('c.log.d'));
    writeFileSync(rig.path('c.log.d/a.log'), 'inner\n');
    for (const name of ['a.log', 'a.log.1', 'b.log', 'c.log.yyyy-MM-01', 'c.log.yyyy-MM-02']) rig.write(name, `${name}\n`);
    await rig.start();
    assert.deepEqual((await rig.events(4)).toSorted(), ['a.log', 'b.log', 'c.log.yyyy-MM-01', 'c.log.yyyy-MM-02']);
  });

  test('TD-18 TD-21 headers of groups and of files', async (t) => {
    const rig = new TailRig(t, {
      filegroups: 'f1 f2 f3',
      'filegroups.f1': '@LOGS@/file1',
      'filegroups.f2': '@LOGS@/file2',
      'filegroups.f3': '@LOGS@/file3',
      'headers.f1.headerKeyTest': 'value1',
      'headers.f2.headerKeyTest': 'value2',
      'headers.f2.headerKeyTest2': 'value2-2',
      'headers.f2.a.b': 'dots',
      fileHeader: 'true',
      fileHeaderKey: 'path',
    });
    for (const name of ['file1', 'file2', 'file3']) rig.write(name, `${name}\n`);
    await rig.start();
    await rig.events(3);
    const byBody = new Map(rig.headers().map((headers, index) => [rig.bodies[index], headers]));
    assert.deepEqual(byBody.get('file1'), { headerKeyTest: 'value1', path: rig.path('file1') });
    assert.deepEqual(byBody.get('file2'), { headerKeyTest: 'value2', 'headerKeyTest2': 'value2-2', 'a.b': 'dots', path: rig.path('file2') });
    assert.deepEqual(byBody.get('file3'), { path: rig.path('file3') });
  });

  test('TD-19 started and stopped three times', async (t) => {
    const rig = new TailRig(t);
    rig.write('file1', 'one\n');
    for (let round = 0; round < 3; round++) await rig.restart();
    assert.deepEqual(await rig.events(1), ['one']);
  });

  test('TD-20 files that are there are read in the order of their times', async (t) => {
    const rig = new TailRig(t);
    for (const [index, name] of ['file1', 'file2', 'file4', 'file3'].entries()) {
      rig.write(name, `${name}\n`);
      utimesSync(rig.path(name), 1_700_000_000 + index, 1_700_000_000 + index);
    }
    await rig.start();
    assert.deepEqual(await rig.events(4), ['file1', 'file2', 'file4', 'file3']);
  });

  test('TD-22 a channel that fails once', async (t) => {
    const rig = new TailRig(t);
    rig.context.answer = async (_batch, call) => {
      if (call === 1) throw new ChannelFullError('full');
    };
    rig.write('file1', 'one\n');
    await rig.start();
    await rig.events(2);
    assert.equal(rig.context.counted('ChannelWriteFail'), 1);
    assert.equal(rig.context.counted('EventAcceptedCount'), 1);
  });

  test('TD-23 TD-24 batchSize 1 and maxBatchCount 2: two files take turns', async (t) => {
    const rig = new TailRig(t, { batchSize: '1', maxBatchCount: '2' });
    for (const [index, name] of ['A', 'B'].entries()) {
      rig.write(name, [1, 2, 3, 4].map((line) => `${name}${line}\n`).join(''));
      utimesSync(rig.path(name), 1_700_000_000 + index, 1_700_000_000 + index);
    }
    await rig.start();
    assert.deepEqual(await rig.events(8), ['A1', 'A2', 'B1', 'B2', 'A3', 'A4', 'B3', 'B4']);
    assert.ok(rig.context.delivered.every(({ size }) => size === 1));
  });

  for (const cachePatternMatching of ['true', 'false']) {
    test(`TD-25 TD-26 files come and go, cachePatternMatching = ${cachePatternMatching}`, async (t) => {
      const rig = new TailRig(t, { cachePatternMatching, watch: 'false' });
      await rig.start();
      rig.write('file0', '0\n');
      rig.write('file1', '1\n');
      await rig.events(2);
      rig.append('file0', '0b\n');
      await rig.events(3);
      rig.write('file2', '2\n');
      rig.write('file3', '3\n');
      await rig.events(5);
      rmSync(rig.path('file0'));
      await eventually(() => (rig.source?.describe?.().summary ?? '').startsWith('follows 3 files'), 'three files are left');
    });
  }

  test('TD-27 a directory that is not there keeps the source from starting', async (t) => {
    const rig = new TailRig(t, { 'filegroups.f1': '@LOGS@/nowhere/.*' });
    await assert.rejects(rig.start(), /M171|there is no such directory/);
    mkdirSync(rig.path('nowhere'));
    writeFileSync(rig.path('nowhere/a'), 'a\n');
    await rig.start();
    assert.deepEqual(await rig.events(1), ['a']);
  });

  test('TD-29 a file that is renamed within its pattern is not read again', async (t) => {
    const rig = new TailRig(t, { 'filegroups.f1': '@LOGS@/app\\.log.*' });
    rig.write('app.log', '1\n2\n3\n4\n');
    await rig.start();
    await rig.events(4);
    renameSync(rig.path('app.log'), rig.path('app.log.1'));
    rig.write('app.log', 'new\n');
    assert.deepEqual(await rig.events(5), ['1', '2', '3', '4', 'new']);
  });

  test('TD-30 a file that is renamed out of its pattern is read to its end', async (t) => {
    const rig = new TailRig(t, { 'filegroups.f1': '@LOGS@/app\\.log', idleTimeout: '700' });
    rig.write('app.log', 'one\n');
    await rig.start();
    await rig.events(1);
    rig.append('app.log', 'two\nhalf');
    renameSync(rig.path('app.log'), rig.path('old'));
    rig.write('app.log', 'new\n');
    assert.deepEqual((await rig.events(4)).toSorted(), ['half', 'new', 'one', 'two']);
    assert.equal(rig.context.counted('EventIncompleteCount'), 1);
  });

  test('TD-31 TD-32 emptied, and shorter or longer than before: nothing of the new lines is missing', async (t) => {
    const rig = new TailRig(t);
    rig.write('file1', 'first line 12\n');
    await rig.start();
    await rig.events(1);
    truncateSync(rig.path('file1'), 0);
    rig.append('file1', 'ab\n');
    await rig.events(2);
    writeFileSync(rig.path('file1'), 'much longer than what was there before\n');
    assert.deepEqual(await rig.events(3), ['first line 12', 'ab', 'much longer than what was there before']);
  });

  test('TD-33 a link beside its target is no second file', async (t) => {
    const rig = new TailRig(t);
    rig.write('file1', 'one\ntwo\n');
    symlinkSync('file1', rig.path('link'));
    await rig.start();
    rig.append('file1', 'three\n');
    await rig.events(3);
    assert.deepEqual(await rig.events(3), ['one', 'two', 'three']);
  });

  test('TD-34 an empty position file', async (t) => {
    const rig = new TailRig(t);
    rig.write('file1', 'one\n');
    mkdirSync(join(rig.folder, 'positions'));
    writeFileSync(rig.positionFile, '');
    await rig.start();
    assert.deepEqual(await rig.events(1), ['one']);
    assert.match(rig.context.log.complaints.join('\n'), /position file is damaged/);
  });

  for (const text of ['{"a":1}', '[{"inode":1,"pos":2}]', 'null', '[{"inode":1,"pos":2,"file":"/x","more":1}]']) {
    test(`TD-35 a position file of another form: ${text}`, async (t) => {
      const rig = new TailRig(t);
      rig.write('file1', 'one\n');
      mkdirSync(join(rig.folder, 'positions'));
      writeFileSync(rig.positionFile, text);
      await rig.start();
      assert.deepEqual(await rig.events(1), ['one']);
    });
  }

  test('TD-36 a delivery that fails for another reason than the channel is made again, whatever other files do', async (t) => {
    const rig = new TailRig(t);
    rig.context.answer = async (batch) => {
      if (batch.body(0).toString() === 'a1' && rig.bodies.filter((body) => body === 'a1').length === 1) throw new Error('interceptor');
    };
    rig.write('A', 'a1\n');
    await rig.start();
    rig.write('B', 'b1\n');
    await rig.events(3);
    rig.append('A', 'a2\n');
    assert.deepEqual((await rig.events(4)).toSorted(), ['a1', 'a1', 'a2', 'b1']);
    await rig.stop();
    assert.deepEqual(rig.positions().map(({ pos }) => pos).toSorted((a, b) => a - b), [3, 6]);
  });
});
