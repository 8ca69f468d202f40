import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { Batch } from '../../../core/batch.ts';
import type { Serializer, Sink } from '../../../core/component.ts';
import type { Definition } from '../../../core/define.ts';
import { RejectedError } from '../../../core/errors.ts';
import { readOptions } from '../../../core/read-options.ts';
import { fileSystem, type FileSystem } from '../../../io/file-system.ts';
import { CountedNames, TimedNames } from '../../../sinks/file-roll-names.ts';
import { FileRollSink, fileRollSink, type FileRollSettings } from '../../../sinks/file-roll.ts';
import { FailingFileSystem, type Fault } from '../../conformance/failing-file-system.ts';
import { batchOf, eventually, FakeContext, never } from '../../conformance/fakes.ts';
import { sinkConformance, type SinkUnderTest } from '../../conformance/sink.ts';

const root = mkdtempSync(join(tmpdir(), 'millrace-file-roll-'));
let directories = 0;
const systems = new WeakMap<SinkUnderTest, FailingFileSystem>();

after(() => rmSync(root, { recursive: true }));

sinkConformance('file_roll', {
  async create() {
    const files = new FailingFileSystem();
    const directory = newDirectory();
    const it = { sink: make(directory, {}, { files }).sink, received: () => linesOf(directory) };
    systems.set(it, files);
    return it;
  },
  failNext: (it) => failWrite(it, 'ENOSPC'),
  failPartly: (it) => failWrite(it, 'short, then ENOSPC'),
});

describe('file_roll sink', () => {
  test('FR-01 one batch per interval: several files, every event once', async (context) => {
    context.mock.timers.enable({ apis: ['setInterval'] });
    const directory = newDirectory();
    const { sink } = make(directory, { 'sink.rollInterval': '1', 'sink.batchSize': '1' });
    await sink.start();
    for (let index = 0; index < 10; index++) {
      await sink.write(batchOf(`event ${index}`), never);
      if (index % 2 === 1) context.mock.timers.tick(1000);
    }
    await sink.stop();
    assert.equal(readdirSync(directory).length, 6);
    assert.deepEqual(linesOf(directory), Array.from({ length: 10 }, (_, index) => `event ${index}`));
  });

  test('FR-02 rollInterval=0: one file', async () => {
    const directory = newDirectory();
    const { sink } = make(directory, { 'sink.rollInterval': '0' });
    await sink.start();
    for (let index = 0; index < 10; index++) await sink.write(batchOf(`event ${index}`), never);
    await sink.stop();
    assert.equal(readdirSync(directory).length, 1);
  });

  test('FR-03 the default name: prefix, milliseconds, number, extension', async () => {
    const directory = newDirectory();
    const before = Date.now();
    const { sink } = make(directory, { 'sink.rollInterval': '0', 'sink.pathManager.prefix': 'test3-', 'sink.pathManager.extension': 'txt' });
    await sink.start();
    await sink.stop();
    const [name] = readdirSync(directory);
    const ms = Number(/^test3-(\d{13})-1\.txt$/.exec(name ?? '')?.[1]);
    assert.ok(ms >= before && ms <= Date.now(), `${name}`);
  });

  test('FR-04 pathManager=rolltime: the time the file was begun', async () => {
    const directory = newDirectory();
    const { sink } = make(directory, { 'sink.pathManager': 'rolltime', 'sink.pathManager.prefix': 'test4-', 'sink.pathManager.extension': 'txt' });
    await sink.start();
    await sink.stop();
    assert.match(readdirSync(directory)[0] ?? '', /^test4-20\d{12}-1\.txt$/);
  });

  test('FR-04 the number begins at 1 in each second, and counts on within it', () => {
    const names = new TimedNames({ directory: '/d', prefix: 'p-', extension: '' });
    const at = new Date(2026, 10, 21, 5, 4, 3).getTime();
    assert.deepEqual(
      [at, at + 999, at + 1000].map((ms) => names.next(ms)),
      ['/d/p-20261121050403-1', '/d/p-20261121050403-2', '/d/p-20261121050404-1'],
    );
    const counted = new CountedNames({ directory: '/d', prefix: '', extension: '' }, 1348762910000);
    assert.deepEqual([counted.next(), counted.next()], ['/d/1348762910000-1', '/d/1348762910000-2']);
  });

  test('FR-07 a directory that is missing fails the start, and is named', async () => {
    const { sink } = make(join(root, 'missing'), {});
    await assert.rejects(sink.start(), /the directory .*missing is not there; create it/);
    await sink.stop();
    assert.throws(() => make('', {}), /sink.directory is required/);
  });

  test('FR-08 a file is begun in each interval even without events', async (context) => {
    context.mock.timers.enable({ apis: ['setInterval'] });
    const directory = newDirectory();
    const { sink } = make(directory, {});
    await sink.start();
    for (let interval = 0; interval < 3; interval++) {
      context.mock.timers.tick(30_000);
      await eventually(() => readdirSync(directory).length === interval + 2, 'the next file');
    }
    await sink.stop();
    assert.deepEqual(readdirSync(directory).map((name) => statSync(join(directory, name)).size), [0, 0, 0, 0]);
  });

  test('differs: a file that exists is never written over, and a planted link is not followed', async () => {
    const directory = newDirectory();
    const target = join(root, 'target');
    writeFileSync(target, 'precious');
    let files = 0;
    // Takes the first two names away just before the sink uses them.
    const planting: FileSystem = {
      ...fileSystem,
      create(path, mode) {
        files++;
        if (files === 1) writeFileSync(path, 'already here');
        if (files === 2) symlinkSync(target, path);
        return fileSystem.create(path, mode);
      },
    };
    const { sink } = make(directory, { 'sink.rollInterval': '0' }, { files: planting });
    await sink.start();
    await sink.write(batchOf('mine'), never);
    await sink.stop();
    const contents = readdirSync(directory).sort().map((name) => readFileSync(join(directory, name), 'utf8'));
    assert.deepEqual(contents, ['already here', 'precious', 'mine\n']);
    assert.equal(readFileSync(target, 'utf8'), 'precious');
  });

  test('X16 files can be read by their owner and group only', async () => {
    const directory = newDirectory();
    const { sink } = make(directory, {});
    await sink.start();
    await sink.stop();
    assert.equal(statSync(join(directory, readdirSync(directory)[0] ?? '')).mode & 0o777 & ~0o640, 0);
  });

  test('S21 whichever file operation fails, in whatever way: no event is torn, lost or doubled, and no file stays open', async () => {
    for (const fault of ['ENOSPC', 'EIO', 'short', 'short, then ENOSPC'] as const) {
      for (let failAt = 1; ; failAt++) {
        const files = new FailingFileSystem();
        const directory = newDirectory();
        files.failAt = failAt;
        files.fault = fault;
        await writeThreeBatches(directory, files);
        assert.deepEqual(linesOf(directory).sort(), ['a1', 'a2', 'b1', 'b2', 'c1', 'c2'], `${fault} at operation ${failAt}`);
        assert.equal(files.open, 0, `${fault} at operation ${failAt}`);
        if (failAt > files.operations.length) break;
      }
    }
  });

  test('S21 after a write that failed in the middle the file ends with the last whole event', async () => {
    const files = new FailingFileSystem();
    const directory = newDirectory();
    const { sink } = make(directory, { 'sink.rollInterval': '0' }, { files });
    await sink.start();
    await sink.write(batchOf('whole'), never);
    files.failAt = files.operations.length + 1;
    files.fault = 'short, then ENOSPC';
    await assert.rejects(sink.write(batchOf('torn', 'torn'), never));
    assert.deepEqual(linesOf(directory), ['whole']);
    await sink.stop();
    assert.deepEqual(linesOf(directory), ['whole']);
  });

  test('S21 where a torn write cannot be cut off the file is given up, and the next one gets the batch whole', async () => {
    const files = new FailingFileSystem();
    const directory = newDirectory();
    const { sink, context } = make(directory, { 'sink.rollInterval': '0' }, { files });
    await sink.start();
    await sink.write(batchOf('first'), never);
    files.broken.add('truncate');
    files.failAt = files.operations.length + 1;
    files.fault = 'short, then ENOSPC';
    await assert.rejects(sink.write(batchOf('second', 'third'), never), /cannot write 13 bytes to .*: ENOSPC|cannot write 13 bytes/);
    await sink.write(batchOf('second', 'third'), never);
    await sink.stop();
    const [old, next] = readdirSync(directory).sort();
    assert.equal(readFileSync(join(directory, old ?? ''), 'utf8'), 'first\nsecond\n');
    assert.equal(readFileSync(join(directory, next ?? ''), 'utf8'), 'second\nthird\n');
    const told = context.log.lines.find(({ sentence }) => /given up/.test(sentence));
    assert.equal(told?.facts['goodBytes'], 6);
    assert.match(String(told?.facts['path']), new RegExp(`${old}$`));
    assert.equal(context.counted('ConnectionCreatedCount'), 2);
    assert.equal(context.counted('ConnectionClosedCount'), 2);
  });

  test('S21 a full disk does not leave a file behind for each attempt to begin one', async () => {
    const files = new FailingFileSystem();
    const directory = newDirectory();
    files.broken.add('write');
    const { sink } = make(directory, {}, { files, serializer: framing });
    for (let attempt = 0; attempt < 5; attempt++) await assert.rejects(sink.start(), /cannot write 6 bytes/);
    await sink.stop();
    assert.deepEqual(readdirSync(directory), []);
  });

  test('S22 the directory is removed: the error names the path, nothing counts as written; once it is back all is written', async () => {
    const directory = newDirectory();
    const { sink, context } = make(directory, { 'sink.rollInterval': '0' });
    await sink.start();
    await sink.write(batchOf('before'), never);
    rmSync(directory, { recursive: true });
    for (let attempt = 0; attempt < 2; attempt++) {
      await assert.rejects(sink.write(batchOf('after'), never), new RegExp(`the directory ${directory} is not there`));
    }
    assert.ok(context.log.lines.some(({ facts }) => /removed or replaced/.test(String(facts['reason']))));
    mkdirSync(directory);
    await sink.write(batchOf('after'), never);
    await sink.stop();
    assert.deepEqual(linesOf(directory), ['after']);
  });

  test('S22 the file is moved away: the batch goes to a new one, and is in one of them only', async () => {
    const directory = newDirectory();
    const { sink } = make(directory, { 'sink.rollInterval': '0' }, { lookEveryMs: 0 });
    await sink.start();
    await sink.write(batchOf('before'), never);
    const [name = ''] = readdirSync(directory);
    const moved = join(root, `moved-${directories}`);
    renameSync(join(directory, name), moved);
    await sink.write(batchOf('after'), never);
    await sink.stop();
    assert.equal(readFileSync(moved, 'utf8'), 'before\n');
    assert.deepEqual(linesOf(directory), ['after']);
  });

  test('S22 the directory is replaced by another of the same name', async () => {
    const directory = newDirectory();
    const { sink } = make(directory, { 'sink.rollInterval': '0' }, { lookEveryMs: 0 });
    await sink.start();
    await sink.write(batchOf('before'), never);
    renameSync(directory, `${directory}-old`);
    mkdirSync(directory);
    await sink.write(batchOf('after'), never);
    await sink.stop();
    assert.deepEqual(linesOf(`${directory}-old`), ['before']);
    assert.deepEqual(linesOf(directory), ['after']);
  });

  test('a serializer writes in front of the first event and behind the last of each file', async (context) => {
    context.mock.timers.enable({ apis: ['setInterval'] });
    const directory = newDirectory();
    const { sink } = make(directory, {}, { serializer: framing });
    await sink.start();
    await sink.write(batchOf('a'), never);
    context.mock.timers.tick(30_000);
    await sink.write(batchOf('b'), never);
    await sink.stop();
    const contents = readdirSync(directory).sort().map((name) => readFileSync(join(directory, name), 'utf8'));
    assert.deepEqual(contents, ['begin\na\nend\n', 'begin\nb\nend\n']);
  });

  test('events that the serializer rejects are named, and the others are written', async () => {
    const directory = newDirectory();
    const { sink } = make(directory, {}, { serializer: framing });
    await sink.start();
    const error: unknown = await sink.write(batchOf('a', 'bad', 'c', 'bad'), never).catch((reason: unknown) => reason);
    assert.ok(error instanceof RejectedError);
    assert.deepEqual(error.indices, [1, 3]);
    assert.equal(error.message, 'is bad');
    await sink.stop();
    assert.deepEqual(linesOf(directory), ['begin', 'a', 'c', 'end']);
  });

  test('a file that cannot be closed is told of, and its name is not used again', async (context) => {
    context.mock.timers.enable({ apis: ['setInterval'] });
    const files = new FailingFileSystem();
    const directory = newDirectory();
    const { sink, context: told } = make(directory, {}, { files });
    await sink.start();
    await sink.write(batchOf('a'), never);
    files.broken.add('close');
    context.mock.timers.tick(30_000);
    await sink.write(batchOf('b'), never);
    await sink.stop();
    assert.deepEqual(linesOf(directory), ['a', 'b']);
    assert.equal(readdirSync(directory).length, 2);
    assert.ok(told.log.complaints.some((sentence) => /could not be closed/.test(sentence)));
  });

  test('sink.sync: a batch counts once it is on the disk', async () => {
    const files = new FailingFileSystem();
    const { sink } = make(newDirectory(), { 'sink.sync': 'true' }, { files });
    await sink.start();
    await sink.write(batchOf('a'), never);
    assert.deepEqual(files.operations, ['create', 'write', 'sync']);
    files.broken.add('sync');
    await assert.rejects(sink.write(batchOf('b'), never), /cannot write 2 bytes/);
    await sink.stop();
  });

  test('HEADER_AND_TEXT and its options are reached through sink.serializer', async () => {
    const directory = newDirectory();
    const { sink } = make(directory, { 'sink.serializer': 'HEADER_AND_TEXT', 'sink.serializer.appendNewline': 'false' });
    await sink.start();
    await sink.write(Batch.of([{ body: Buffer.from('x'), headers: new Map([['k', 'v']]) }]), never);
    await sink.stop();
    assert.deepEqual(linesOf(directory), ['{k=v} x']);
    assert.throws(() => make(directory, { 'sink.serializer': 'nosuch' }), /sink\.serializer is no serializer type/);
  });

  test('options that Flume refuses are errors', () => {
    assert.throws(() => make(root, { 'sink.rollInterval': 'abc' }), /rollInterval is not a whole number/);
    assert.throws(() => make(root, { 'sink.pathManager': 'nosuch' }), /pathManager is none of/);
    assert.throws(() => make(root, { 'sink.batchSize': '0' }), /batchSize is less than 1/);
  });
});

/** Begins and ends each file with a line of its own; rejects events with the body `bad`. */
const framing: () => Serializer = () => ({
  canAppend: false,
  begin: () => Buffer.from('begin\n'),
  encode(batch, reject) {
    const bodies = [...batch].map((event) => event.body.toString());
    for (const [index, body] of bodies.entries()) if (body === 'bad') reject(index, 'is bad');
    return Buffer.from(bodies.filter((body) => body !== 'bad').map((body) => `${body}\n`).join(''));
  },
  end: () => Buffer.from('end\n'),
});

function newDirectory(): string {
  const directory = join(root, String(directories++));
  mkdirSync(directory);
  return directory;
}

function make(
  directory: string,
  properties: Record<string, string>,
  { files = fileSystem, serializer, lookEveryMs = 1000 }: { files?: FileSystem; serializer?: () => Serializer; lookEveryMs?: number } = {},
): { sink: Sink; context: FakeContext } {
  const entries = Object.entries({ ...(directory && { 'sink.directory': directory }), ...properties });
  const { values, problems } = readOptions(fileRollSink as unknown as Definition, new Map(entries));
  if (!values) throw new Error(problems.map(({ key, sentence }) => `${key} ${sentence}`).join('; '));
  const settings = values as unknown as FileRollSettings;
  const context = new FakeContext();
  const own = serializer ? { ...settings, 'sink.serializer': { ...settings['sink.serializer'], create: async () => serializer() } } : settings;
  return { sink: new FileRollSink(context, own, files, lookEveryMs), context };
}

/** Lines of all files, in the order of their names. */
function linesOf(directory: string): string[] {
  const names = readdirSync(directory).sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  const text = names.map((name) => readFileSync(join(directory, name), 'utf8')).join('');
  return text === '' ? [] : text.replace(/\n$/, '').split('\n');
}

function failWrite(it: SinkUnderTest, fault: Fault): void {
  const files = systems.get(it);
  if (!files) return;
  files.fault = fault;
  files.failAt = files.operations.length + 1;
}

/** As the runner does: each batch is offered until it is taken; a start that failed is made again with a new sink. */
async function writeThreeBatches(directory: string, files: FailingFileSystem): Promise<void> {
  let { sink } = make(directory, { 'sink.rollInterval': '0', 'sink.sync': 'true' }, { files });
  for (let started = false; !started; ) {
    try {
      await sink.start();
      started = true;
    } catch {
      await sink.stop();
      ({ sink } = make(directory, { 'sink.rollInterval': '0', 'sink.sync': 'true' }, { files }));
    }
  }
  for (const name of ['a', 'b', 'c']) {
    for (let attempt = 0, taken = false; !taken; attempt++) {
      assert.ok(attempt < 3);
      taken = await sink.write(batchOf(`${name}1`, `${name}2`), never).then(
        () => true,
        () => false,
      );
    }
  }
  await sink.stop();
}
