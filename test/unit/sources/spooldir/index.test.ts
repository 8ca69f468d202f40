import assert from 'node:assert/strict';
import { appendFileSync, chmodSync, copyFileSync, existsSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { ChannelFullError } from '../../../../core/errors.ts';
import type { Source, SourceContext } from '../../../../core/component.ts';
import { bodiesOf, eventually, FakeSourceContext } from '../../../conformance/fakes.ts';
import { SpoolFolder } from './spool-folder.ts';

const EIGHT = Array.from({ length: 8 }, (_, index) => `file1line${index + 1}`);
const eight = `${EIGHT.join('\n')}\n`;

function headersOf(context: FakeSourceContext): ReadonlyMap<string, string>[] {
  return context.delivered.flatMap((batch) => Array.from({ length: batch.size }, (_, index) => batch.headers(index)));
}

test('SD-03 the header of the path', async (t) => {
  const folder = new SpoolFolder(t);
  const path = folder.write('file1', eight);
  const context = await folder.drain({ fileHeader: 'true', fileHeaderKey: 'fileHeaderKeyTest' });
  assert.deepEqual(context.bodies, EIGHT);
  for (const headers of headersOf(context)) assert.deepEqual([...headers], [['fileHeaderKeyTest', path]]);
});

test('SD-04 the header of the name', async (t) => {
  const folder = new SpoolFolder(t);
  folder.write('file1', eight);
  const context = await folder.drain({ basenameHeader: 'true', basenameHeaderKey: 'basenameHeaderKeyTest' });
  for (const headers of headersOf(context)) assert.deepEqual([...headers], [['basenameHeaderKeyTest', 'file1']]);
});

test('SD-05 SD-06 subdirectories are read if they are to be', async (t) => {
  const folder = new SpoolFolder(t);
  const path = folder.write('directorya/directoryb/directoryc/file1', eight);
  folder.write('directorya/.hidden/file2', 'no\n');
  folder.write('top', 'top\n', 2_000_000);
  const flat = await folder.run({}, () => existsSync(join(folder.path, 'top.COMPLETED')));
  assert.deepEqual(flat.bodies, ['top']);
  const context = await folder.run({ recursiveDirectorySearch: 'true', fileHeader: 'true' }, () => existsSync(`${path}.COMPLETED`));
  assert.deepEqual(context.bodies, EIGHT);
  assert.equal(context.delivered[0]?.header(0, 'file'), path);
  assert.ok(existsSync(join(folder.path, 'directorya/.hidden/file2')));
});

test('SD-07 SD-08 started and stopped twenty times with a new file each time', async (t) => {
  const folder = new SpoolFolder(t);
  for (let number = 0; number < 20; number++) {
    folder.write(`file${number}`, `File ${number}`);
    const context = await folder.drain();
    assert.deepEqual(context.bodies, [`File ${number}`]);
    assert.deepEqual(context.failures, []);
  }
});

test('SD-09 a channel that is full for a while gets every event once', async (t) => {
  const folder = new SpoolFolder(t);
  folder.write('file1', eight);
  const context = new FakeSourceContext();
  const stored: string[] = [];
  context.answer = async (batch, call) => {
    if (call % 2 === 1) throw new ChannelFullError('full');
    stored.push(...bodiesOf(batch));
  };
  await folder.drain({ batchSize: '2', maxBackoff: '1' }, context);
  assert.deepEqual(stored, EIGHT);
  assert.equal(context.counted('ChannelWriteFail'), 4);
  assert.equal(context.counted('EventReceivedCount'), 16);
  assert.equal(context.counted('EventAcceptedCount'), 8);
  assert.equal(context.counted('AppendBatchAcceptedCount'), 4);
});

test('SD-10 SD-12 an empty file is an event without a body, whatever the order', async (t) => {
  for (const consumeOrder of ['oldest', 'youngest', 'random']) {
    const folder = new SpoolFolder(t);
    folder.write('file1', 'some data');
    for (const name of ['file2', 'file3', 'file4']) folder.write(name, '');
    const context = await folder.drain({ consumeOrder });
    assert.deepEqual(context.bodies.toSorted(), ['', '', '', 'some data']);
  }
});

test('SD-11 empty files come in the order of their names', async (t) => {
  const folder = new SpoolFolder(t);
  const names = Array.from({ length: 10 }, (_, index) => `file${index}`);
  for (const name of names.toReversed()) folder.write(name, '');
  const context = await folder.drain({ basenameHeader: 'true' });
  assert.deepEqual(headersOf(context).map((headers) => headers.get('basename')), names);
});

test('SD-13 failures of channels are told from others, and neither ends the source', async (t) => {
  const folder = new SpoolFolder(t);
  folder.write('file1', 'one\n');
  const context = new FakeSourceContext();
  context.answer = async (_batch, call) => {
    if (call <= 2) throw new ChannelFullError('full');
    if (call === 3) throw new Error('an interceptor failed');
  };
  await folder.drain({ maxBackoff: '1' }, context);
  assert.deepEqual([context.counted('ChannelWriteFail'), context.counted('GenericProcessingFail')], [2, 1]);
  assert.deepEqual(context.bodies, ['one', 'one', 'one', 'one']);
});

test('SD-15 SD-16 SD-17 SD-18 include and ignore patterns, and deleting what is done', async (t) => {
  const cases: readonly (readonly [Record<string, string>, readonly string[]])[] = [
    [{ includePattern: '^file2$' }, ['emptylineFile', 'file0', 'file1', 'file3']],
    [{ ignorePattern: '^file2$' }, ['file2']],
    [{ ignorePattern: '^file[013]$', includePattern: '^file2$' }, ['emptylineFile', 'file0', 'file1', 'file3']],
    [{ includePattern: 'file2', ignorePattern: 'file2' }, ['emptylineFile', 'file0', 'file1', 'file2', 'file3']],
    [{ includePattern: 'file' }, ['emptylineFile', 'file0', 'file1', 'file2', 'file3']],
  ];
  for (const [properties, left] of cases) {
    const folder = new SpoolFolder(t);
    folder.writeSetF();
    folder.write('.hidden', 'never\n');
    await folder.run({ ...properties, deletePolicy: 'IMMEDIATE' }, () => folder.names().length === left.length + 1);
    await sleep(60);
    assert.deepEqual(folder.names(), ['.hidden', ...left]);
    assert.deepEqual(folder.trackers(), []);
  }
});

test('SD-19 SD-20 SD-21 every event of the set once, and nothing left', async (t) => {
  for (const properties of [{}, { deletePolicy: 'immediate' }, { batchSize: '1' }, { trackingPolicy: 'tracker_dir' }] as Record<string, string>[]) {
    const folder = new SpoolFolder(t);
    folder.writeSetF();
    const context = await folder.run(properties, ({ bodies }) => bodies.length >= 8);
    assert.deepEqual(context.bodies, ['', '', 'file1line0', 'file2line0', 'file2line1', 'file3line0', 'file3line1', 'file3line2']);
  }
});

test('SD-22 SD-23 without the right to rename the source does not start, with tracker_dir it does', { skip: process.getuid?.() === 0 ? 'root may write everywhere' : false }, async (t) => {
  const folder = new SpoolFolder(t);
  folder.write('file1', 'one\n');
  mkdirSync(join(folder.path, '.flumespool'));
  chmodSync(folder.path, 0o555);
  await assert.rejects((await folder.source()).start(), /cannot be written to.*tracker_dir/);
  const context = await folder.run({ trackingPolicy: 'tracker_dir' }, ({ bodies }) => bodies.length === 1);
  assert.deepEqual(context.bodies, ['one']);
});

test('a directory that is not there, is none, or has no place for its trackers: the source does not start and says why', async (t) => {
  const folder = new SpoolFolder(t);
  const file = folder.write('file', '');
  await assert.rejects((await folder.source({ spoolDir: join(folder.path, 'none') })).start(), /none is not there/);
  await assert.rejects((await folder.source({ spoolDir: file })).start(), /is no directory/);
  await assert.rejects((await folder.source({ trackerDir: 'a/b' })).start(), /tracker directory .* cannot be made/);
});

test('SD-24 the oldest file comes first', async (t) => {
  const folder = new SpoolFolder(t);
  for (const [name, seconds] of [['file2', 1], ['file1', 2], ['file3', 3], ['file0', 0]] as const) folder.write(name, `${name}\n`, seconds);
  assert.deepEqual((await folder.drain()).bodies, ['file0', 'file2', 'file1', 'file3']);
});

test('SD-25 the youngest file comes first', async (t) => {
  const folder = new SpoolFolder(t);
  for (const [name, seconds] of [['file2', 1], ['file3', 2], ['file1', 3], ['file0', 0]] as const) folder.write(name, `${name}\n`, seconds);
  assert.deepEqual((await folder.drain({ consumeOrder: 'youngest' })).bodies, ['file1', 'file3', 'file2', 'file0']);
});

test('SD-26 files of the same age come in the order of their names', async (t) => {
  for (const consumeOrder of ['oldest', 'youngest']) {
    const folder = new SpoolFolder(t);
    for (const name of ['file3', 'file1', 'file2']) folder.write(name, `${name}\n`);
    assert.deepEqual((await folder.drain({ consumeOrder })).bodies, ['file1', 'file2', 'file3']);
  }
});

test('SD-27 random takes every file once, those that come meanwhile too', async (t) => {
  const folder = new SpoolFolder(t);
  for (let number = 0; number < 50; number++) folder.write(`file${number}`, `${number}\n`);
  const context = new FakeSourceContext();
  context.answer = async (_batch, call) => {
    if (call === 10) folder.write('late', 'late\n');
  };
  await folder.drain({ consumeOrder: 'random' }, context);
  assert.deepEqual(context.bodies.toSorted(), [...Array.from({ length: 50 }, (_, index) => `${index}`), 'late'].toSorted());
});

test('SD-28 a tree of three levels in the order of age, with either tracking policy', async (t) => {
  for (const trackingPolicy of ['rename', 'tracker_dir']) {
    const folder = new SpoolFolder(t);
    const expected: string[] = [];
    for (let id = 0; id < 39 * 10; id++) {
      const [a, b, c] = [id % 3, Math.floor(id / 3) % 3, Math.floor(id / 9) % 3];
      const directory = id % 13 === 0 ? `d${a}` : id % 7 === 0 ? `d${a}/e${b}` : `d${a}/e${b}/f${c}`;
      folder.write(`${directory}/file${(id * 7919) % 1000}-${id}`, `${id}\n`, 10 * id);
      expected.push(`${id}`);
    }
    const context = await folder.run({ recursiveDirectorySearch: 'true', trackingPolicy }, ({ bodies }) => bodies.length >= expected.length);
    assert.deepEqual(context.bodies, expected);
    const again = await folder.run({ recursiveDirectorySearch: 'true', trackingPolicy }, () => true);
    assert.deepEqual(again.bodies, []);
  }
});

test('SD-29 a position file of no length is deleted', async (t) => {
  const folder = new SpoolFolder(t);
  folder.write('.flumespool/.flumespool-main.meta', '');
  folder.write('file1', 'one\ntwo\n');
  const context = await folder.drain();
  assert.deepEqual(context.bodies, ['one', 'two']);
  assert.deepEqual(folder.trackers(), []);
});

test('SD-30 SD-31 a file is completed as soon as its last event is stored', async (t) => {
  const folder = new SpoolFolder(t);
  for (const name of ['file1', 'file2', 'file3']) folder.write(name, `${name}a\n${name}b\n`);
  const context = new FakeSourceContext();
  const seen: string[][] = [];
  context.answer = async () => void seen.push(folder.names());
  await folder.drain({ batchSize: '1' }, context);
  assert.deepEqual(seen[2], ['file1.COMPLETED', 'file2', 'file3']);
  assert.deepEqual(seen[5], ['file1.COMPLETED', 'file2.COMPLETED', 'file3']);
});

test('SD-32 T34 a file that grows while it is read is set aside with the reason, the others go on, and what came later is read once it has its name again', async (t) => {
  const folder = new SpoolFolder(t);
  const path = folder.write('file1', 'one\ntwo\n', 1);
  folder.write('file2', 'other\n', 2);
  const context = new FakeSourceContext();
  context.answer = async (_batch, call) => {
    if (call === 1) appendFileSync(path, 'three\n');
  };
  await folder.drain({ batchSize: '1' }, context);
  assert.deepEqual(context.bodies, ['one', 'two', 'other']);
  assert.deepEqual(folder.names(), ['file1.SETASIDE', 'file2.COMPLETED']);
  assert.deepEqual(context.log.lines.filter(({ level }) => level === 'error').map(({ sentence }) => sentence), ['file set aside: it changed while it was read']);
  assert.equal(context.counted('FileSetAsideCount'), 1);
  renameSync(`${path}.SETASIDE`, path);
  const again = await folder.drain();
  assert.deepEqual(again.bodies, ['three']);
  assert.deepEqual(folder.trackers(), []);
});

test('T34 a file that grows after it was completed is set aside as well', async (t) => {
  const folder = new SpoolFolder(t);
  const path = folder.write('file1', 'one\n');
  const context = await folder.run({}, () => {
    if (existsSync(`${path}.COMPLETED`)) appendFileSync(`${path}.COMPLETED`, 'two\n');
    return existsSync(`${path}.SETASIDE`);
  });
  assert.deepEqual(context.bodies, ['one']);
  assert.ok(context.log.complaints.includes('file set aside: it changed after it was completed'));
  renameSync(`${path}.SETASIDE`, path);
  const again = await folder.drain();
  assert.equal(again.bodies.every((body) => body === 'two'), true);
});

test('SD-33 SD-34 T36 a file that comes again under a completed name is set aside unread, whatever it holds', async (t) => {
  for (const content of ['same\n', 'different\n']) {
    const folder = new SpoolFolder(t);
    folder.write('file1.COMPLETED', 'same\n');
    folder.write('file1', content, 1);
    folder.write('file2', 'other\n', 2);
    const context = await folder.drain();
    assert.deepEqual(context.bodies, ['other']);
    assert.deepEqual(folder.names(), ['file1.COMPLETED', 'file1.SETASIDE', 'file2.COMPLETED']);
    assert.equal(folder.text('file1.COMPLETED'), 'same\n');
    folder.write('file1', 'third\n');
    await folder.drain();
    assert.deepEqual(folder.names(), ['file1.1.SETASIDE', 'file1.COMPLETED', 'file1.SETASIDE', 'file2.COMPLETED']);
  }
});

test('SD-35 SD-36 SD-37 reading goes on behind what was stored, and a batch never spans files', async (t) => {
  const folder = new SpoolFolder(t);
  const twelve = Array.from({ length: 12 }, (_, index) => `line ${index + 1}`);
  folder.write('file1', twelve.join('\n'), 1);
  folder.write('file2', 'more\n', 2);
  const context = new FakeSourceContext();
  context.answer = async (_batch, call) => {
    if (call === 2) throw new DOMException('stopped', 'AbortError');
  };
  const stopped = await folder.source({ batchSize: '5' }, context);
  await stopped.start();
  await eventually(() => context.delivered.length === 2, 'the second batch');
  await stopped.stop();
  assert.deepEqual(folder.trackers(), ['.flumespool-main.meta']);
  const again = await folder.drain({ batchSize: '5' });
  assert.deepEqual(again.delivered.map((batch) => bodiesOf(batch).length), [5, 2, 1]);
  assert.deepEqual(again.bodies, [...twelve.slice(5), 'more']);
});

test('the file that was half read goes on where it was, whichever file would be next now', async (t) => {
  for (const consumeOrder of ['oldest', 'youngest', 'random']) {
    const folder = new SpoolFolder(t);
    folder.write('file1', eight, 5);
    const context = new FakeSourceContext();
    context.answer = async (_batch, call) => {
      if (call === 3) throw new DOMException('stopped', 'AbortError');
    };
    const stopped = await folder.source({ batchSize: '2', consumeOrder }, context);
    await stopped.start();
    await eventually(() => context.delivered.length === 3, 'the third batch');
    await stopped.stop();
    folder.write('older', 'older\n', 1);
    folder.write('younger', 'younger\n', 9);
    const again = await folder.drain({ consumeOrder });
    assert.deepEqual(again.bodies.slice(0, 4), EIGHT.slice(4), consumeOrder);
    assert.deepEqual(again.bodies.length, 6);
  }
});

test('T35 a file that was taken up again and a kill before its older position was removed: nothing is left behind', async (t) => {
  const folder = new SpoolFolder(t);
  const path = folder.write('file1', eight);
  const context = new FakeSourceContext();
  context.answer = async (_batch, call) => {
    if (call === 3) throw new DOMException('stopped', 'AbortError');
  };
  const stopped = await folder.source({ batchSize: '2' }, context);
  await stopped.start();
  await eventually(() => context.delivered.length === 3, 'the third batch');
  await stopped.stop();
  const { dev, ino } = statSync(path);
  const trackers = join(folder.path, '.flumespool');
  copyFileSync(join(trackers, '.flumespool-main.meta'), join(trackers, `.flumespool-put-off-${dev}-${ino}.meta`));
  assert.deepEqual((await folder.drain()).bodies, EIGHT.slice(4));
  assert.deepEqual(folder.trackers(), []);
});

test('SD-51 a file whose position is its end is completed without an event', async (t) => {
  const folder = new SpoolFolder(t);
  const path = folder.write('file1', 'one\ntwo\n');
  const context = new FakeSourceContext();
  // As after a kill between the last batch and the new name: the name cannot be had now.
  context.answer = async (_batch, call) => {
    if (call === 2) mkdirSync(`${path}.COMPLETED`);
  };
  await folder.run({ batchSize: '1' }, () => folder.names().includes('file1.SETASIDE'), context);
  rmSync(`${path}.COMPLETED`, { recursive: true });
  renameSync(`${path}.SETASIDE`, path);
  const again = await folder.drain();
  assert.deepEqual(again.bodies, []);
  assert.deepEqual(folder.names(), ['file1.COMPLETED']);
});

test('SD-52 a file that cannot be decoded is set aside, its batch undelivered, and the others go on', async (t) => {
  const folder = new SpoolFolder(t);
  folder.write('bad', Buffer.concat([Buffer.from('ok\nba'), Buffer.from([0xff, 0xfe]), Buffer.from('d\nnext\n')]), 1);
  folder.write('good', 'good\n', 2);
  const context = await folder.drain();
  assert.deepEqual(context.bodies, ['good']);
  assert.deepEqual(folder.names(), ['bad.SETASIDE', 'good.COMPLETED']);
  assert.equal(context.counted('EventReadFail'), 1);
  assert.match(JSON.stringify(context.log.lines), /line at byte 3/);
  renameSync(join(folder.path, 'bad.SETASIDE'), join(folder.path, 'bad'));
  const again = await folder.drain({ decodeErrorPolicy: 'replace' });
  assert.deepEqual(again.bodies, ['ok', 'ba\ufffd\ufffdd', 'next']);
});

test('SD-54 markers of tracker_dir lie where the files do, and what they mark is not read again', async (t) => {
  const folder = new SpoolFolder(t);
  folder.write('f1', 'one\n');
  folder.write('sub/f2', 'two\n', 2_000_000);
  const properties = { trackingPolicy: 'tracker_dir', recursiveDirectorySearch: 'true' };
  const context = await folder.run(properties, () => folder.trackers().length === 3);
  assert.deepEqual(context.bodies, ['one', 'two']);
  assert.deepEqual(folder.trackers(), ['f1.COMPLETED', 'sub', 'sub/f2.COMPLETED']);
  assert.equal(folder.text('.flumespool/sub/f2.COMPLETED'), '');
  folder.write('f3', 'three\n');
  const again = await folder.run(properties, () => folder.trackers().includes('f3.COMPLETED'));
  assert.deepEqual(again.bodies, ['three']);
});

test('T12 a file that is deleted while it is read is read to its end', async (t) => {
  const folder = new SpoolFolder(t);
  const path = folder.write('file1', eight, 1);
  folder.write('file2', 'other\n', 2);
  const context = new FakeSourceContext();
  context.answer = async (_batch, call) => {
    if (call === 1) unlinkSync(path);
  };
  await folder.drain({ batchSize: '2' }, context);
  assert.deepEqual(context.bodies, [...EIGHT, 'other']);
  assert.ok(context.log.complaints.includes('file was removed or replaced while it was read; it was read to its end'));
});

test('T13 a file that goes before it is opened costs a line of debugging at most', async (t) => {
  const folder = new SpoolFolder(t);
  for (let number = 0; number < 20; number++) folder.write(`file${number}`, `${number}\n`, number);
  const context = new FakeSourceContext();
  context.answer = async (_batch, call) => {
    if (call === 1) for (let number = 5; number < 15; number++) unlinkSync(join(folder.path, `file${number}`));
  };
  await folder.drain({}, context);
  assert.equal(context.bodies.length, 10);
  assert.deepEqual(context.log.complaints, []);
});

test('T20 a compressed file is not read as text', async (t) => {
  const folder = new SpoolFolder(t);
  const whole = gzipSync('one\ntwo\n'.repeat(1000));
  folder.write('a.gz', whole, 1);
  folder.write('half.gz', whole.subarray(0, 20), 2);
  folder.write('text', 'one\n', 3);
  const context = await folder.drain();
  assert.deepEqual(context.bodies, ['one']);
  assert.deepEqual(folder.names(), ['a.gz.SETASIDE', 'half.gz.SETASIDE', 'text.COMPLETED']);
});

test('T29 a file that may not be read does not keep the others waiting, and is read once it may be', { skip: process.getuid?.() === 0 ? 'root may read everything' : false }, async (t) => {
  const folder = new SpoolFolder(t);
  const path = folder.write('file1', 'one\n', 1);
  folder.write('file2', 'other\n', 2);
  chmodSync(path, 0);
  const context = await folder.run({}, ({ bodies }) => {
    if (bodies.includes('other') && existsSync(path)) chmodSync(path, 0o644);
    return bodies.includes('one');
  });
  assert.deepEqual(context.bodies, ['other', 'one']);
  assert.equal(context.counted('FileSkippedCount'), 1);
});

test('T36 links that lead nowhere, in a circle or to a directory are left alone with a line each; one to a file is read', async (t) => {
  const folder = new SpoolFolder(t);
  mkdirSync(join(folder.path, 'directory'));
  symlinkSync('/nowhere/at/all', join(folder.path, 'dangling'));
  symlinkSync('circle', join(folder.path, 'circle'));
  symlinkSync('directory', join(folder.path, 'to-directory'));
  const outside = new SpoolFolder(t).write('target', 'linked\n');
  symlinkSync(outside, join(folder.path, 'to-file'));
  folder.write('file', 'one\n', 5_000_000_000);
  const context = await folder.run({}, ({ bodies }) => bodies.length === 2);
  assert.deepEqual(context.bodies, ['linked', 'one']);
  const told = context.log.lines.filter(({ level }) => level === 'warn').map(({ sentence, facts }) => `${sentence} ${String(facts.path).slice(folder.path.length + 1)}`);
  assert.deepEqual(told.toSorted(), [
    'a dangling link is left alone: only files are read circle',
    'a dangling link is left alone: only files are read dangling',
    'a directory is left alone: only files are read to-directory',
  ]);
  assert.equal(readFileSync(outside, 'utf8'), 'linked\n');
});

test('a file with two names is read under each', async (t) => {
  const folder = new SpoolFolder(t);
  linkSync(folder.write('a', 'one\ntwo\n'), join(folder.path, 'b'));
  assert.deepEqual((await folder.drain({ batchSize: '1' })).bodies, ['one', 'two', 'one', 'two']);
});

test('bufferMaxLineLength is stronger than the length given for LINE', async (t) => {
  const folder = new SpoolFolder(t);
  folder.write('file1', 'abcdef\n');
  const context = await folder.drain({ bufferMaxLineLength: '4', 'deserializer.maxLineLength': '2', deserializer: 'org.apache.flume.serialization.LineDeserializer$Builder' });
  assert.deepEqual(context.bodies, ['abcd', 'ef']);
});

test('an Avro file that is none is set aside, and so is an empty one', async (t) => {
  const folder = new SpoolFolder(t);
  folder.write('text', 'no avro\n');
  folder.write('empty', '');
  const context = await folder.drain({ deserializer: 'avro' });
  assert.deepEqual(context.bodies, []);
  assert.deepEqual(folder.names(), ['empty.SETASIDE', 'text.SETASIDE']);
});

test('a position that cannot be written is said, and reading goes on', async (t) => {
  const folder = new SpoolFolder(t);
  mkdirSync(join(folder.path, '.flumespool/.flumespool-main.meta.new'), { recursive: true });
  folder.write('file1', eight);
  const context = await folder.drain({ batchSize: '2' });
  assert.deepEqual(context.bodies, EIGHT);
  assert.ok(context.log.complaints.some((sentence) => sentence.startsWith('position cannot be written')));
});

test('a damaged position file is put aside and said', async (t) => {
  const folder = new SpoolFolder(t);
  folder.write('.flumespool/.flumespool-main.meta', 'no avro container at all');
  folder.write('file1', 'one\n');
  const context = await folder.drain();
  assert.deepEqual(context.bodies, ['one']);
  assert.match(folder.trackers().join(), /^\.flumespool-main\.meta\.damaged-\d+$/);
  assert.match(context.log.complaints.join(), /position file cannot be read/);
});

test('a stop while a delivery waits ends the source; nothing is taken from the file', async (t) => {
  const folder = new SpoolFolder(t);
  folder.write('file1', 'one\n');
  const context: FakeSourceContext & SourceContext = new FakeSourceContext();
  let giveUp: (error: Error) => void = () => undefined;
  context.answer = () => new Promise((_resolve, reject) => (giveUp = reject));
  const source: Source = await folder.source({}, context);
  await source.start();
  await eventually(() => context.delivered.length === 1, 'the delivery');
  const stopped = source.stop();
  giveUp(new DOMException('the source stops', 'AbortError'));
  await stopped;
  assert.deepEqual(folder.names(), ['file1']);
  assert.deepEqual(context.failures, []);
});
