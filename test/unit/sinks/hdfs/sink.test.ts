import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { Batch } from '../../../../core/batch.ts';
import { RejectedError } from '../../../../core/errors.ts';
import { compileEscapes } from '../../../../core/path-escapes.ts';
import { logFiles } from '../../../../io/log-files.ts';
import { textSerializer } from '../../../../serializers/text.ts';
import { OpenList } from '../../../../sinks/hdfs/open-list.ts';
import { HdfsSink, type HdfsSinkSettings } from '../../../../sinks/hdfs/sink.ts';
import { batchOf, create, eventually, FakeContext, isOpen, never } from '../../../conformance/fakes.ts';
import { sinkConformance, type SinkUnderTest } from '../../../conformance/sink.ts';
import { MemoryStore, type Fault } from './memory-store.ts';

const T = 1_700_000_000_000;
const folder = mkdtempSync(join(tmpdir(), 'millrace-hdfs-'));
after(() => rmSync(folder, { recursive: true }));

type Change = Partial<Omit<HdfsSinkSettings, 'directory' | 'prefix'>> & { path?: string; filePrefix?: string };

interface Made {
  readonly sink: HdfsSink;
  readonly store: MemoryStore;
  readonly context: FakeContext;
}

let states = 0;

function make(change: Change = {}, more: { store?: MemoryStore; now?: () => number; state?: string } = {}): Made {
  const store = more.store ?? new MemoryStore();
  const context = new FakeContext();
  const { path = '/flume', filePrefix = 'events', ...rest } = change;
  const settings: HdfsSinkSettings = {
    batchSize: 100,
    directory: compileEscapes(path),
    prefix: compileEscapes(filePrefix),
    names: { inUsePrefix: '', inUseSuffix: '.tmp', suffix: '' },
    roll: { events: 0, bodyBytes: 0 },
    rollMs: 0,
    idleMs: 0,
    mostOpenFiles: 100,
    atOnce: 4,
    finishing: { tries: 1000, retryMs: 5, atOnce: 4, suffix: '' },
    shownPath: path,
    ...rest,
  };
  const state = more.state ?? join(folder, `s${states++}`);
  const sink = new HdfsSink(context, settings, {
    store,
    openList: () => OpenList.open(state, 'k1', 'here', logFiles, context.log),
    createSerializer: async () => create(textSerializer, {}, context),
    now: more.now ?? (() => T),
  });
  return { sink, store, context };
}

function withHeader(name: string, ...values: readonly string[]): Batch {
  return Batch.of(values.map((value, index) => ({ body: Buffer.from(`${index}`), headers: new Map([[name, value]]) })));
}

function once(fault: Fault, ...operations: readonly string[]): MemoryStore['fault'] {
  let armed = true;
  return (operation) => {
    if (!armed || !operations.includes(operation)) return undefined;
    armed = false;
    return fault;
  };
}

const stores = new WeakMap<SinkUnderTest, MemoryStore>();

sinkConformance('hdfs', {
  async create() {
    const { sink, store } = make();
    const it: SinkUnderTest = {
      sink,
      received: async () => {
        await eventually(() => store.names.filter((name) => name.endsWith('.tmp')).length <= 1, 'files given up are put in order');
        return store.lines;
      },
    };
    stores.set(it, store);
    return it;
  },
  failNext: (it) => ((stores.get(it) as MemoryStore).fault = once({ outcome: 'not stored' }, 'append', 'create')),
  failPartly: (it) => ((stores.get(it) as MemoryStore).fault = once({ outcome: 'unclear', arrives: 3 }, 'append', 'create')),
  hang: (it) =>
    ((stores.get(it) as MemoryStore).pace = (_, signal) => new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))))),
});

describe('hdfs sink: names and rolls', () => {
  test('HD-01 rollCount 100: 1000 events make 10 files', async () => {
    const { sink, store } = make({ roll: { events: 100, bodyBytes: 0 } });
    await sink.start();
    for (let index = 0; index < 100; index++) await sink.write(batchOf(...Array.from({ length: 10 }, () => 'foo')), never);
    await sink.stop();
    assert.equal(store.names.length, 10);
    assert.equal(store.lines.length, 1000);
  });

  test('HD-02 rollSize 300 of bodies: 1000 times foo make 10 files, whatever the batches', async () => {
    const { sink, store } = make({ roll: { events: 0, bodyBytes: 300 } });
    await sink.start();
    await sink.write(batchOf(...Array.from({ length: 1000 }, () => 'foo')), never);
    await sink.stop();
    assert.equal(store.names.length, 10);
    assert.deepEqual(new Set(store.names.map((name) => store.files.get(name)?.length)), new Set([400]));
  });

  test('HD-03 HD-04 HD-22 rollInterval: closed without another event; the next one opens a new file; nothing happens at what is closed', async () => {
    const { sink, store } = make({ rollMs: 20 });
    await sink.start();
    await sink.write(batchOf('a', 'b'), never);
    await eventually(() => store.names.every((name) => !name.endsWith('.tmp')), 'the file is closed');
    await sink.write(batchOf('c'), never);
    await eventually(() => store.names.length === 2 && store.names.every((name) => !name.endsWith('.tmp')), 'the second is closed');
    await sink.stop();
    assert.deepEqual(store.lines, ['a', 'b', 'c']);
  });

  test('HD-05 HD-06 HD-07 HD-08 HD-09 the name in use: prefix, counter, suffix', async () => {
    for (const [names, expected] of [
      [{ inUsePrefix: '', inUseSuffix: '.tmp', suffix: '' }, `events.${T + 1}.tmp`],
      [{ inUsePrefix: '', inUseSuffix: '.tmp', suffix: '.avro' }, `events.${T + 1}.avro.tmp`],
      [{ inUsePrefix: '_', inUseSuffix: 'aaaa', suffix: '.foo' }, `_events.${T + 1}.fooaaaa`],
      [{ inUsePrefix: '', inUseSuffix: '', suffix: '' }, `events.${T + 1}`],
    ] as const) {
      const { sink, store } = make({ names });
      await sink.start();
      await sink.write(batchOf('a'), never);
      assert.deepEqual(store.names, [`/flume/${expected}`]);
      await sink.stop();
      assert.deepEqual(store.names, [`/flume/events.${T + 1}${names.suffix}`]);
    }
  });

  test('HD-14 HD-15 rolls by count go on counting over batches', async () => {
    const { sink, store } = make({ roll: { events: 3, bodyBytes: 0 } });
    await sink.start();
    for (const [a, b] of [['1', '2'], ['3', '4'], ['5', '6']]) await sink.write(batchOf(a ?? '', b ?? ''), never);
    await sink.stop();
    assert.deepEqual(store.names.map((name) => store.files.get(name)?.toString()), ['1\n2\n3\n', '4\n5\n6\n']);
  });

  test('HD-25 idleTimeout: a file nobody writes to is closed', async () => {
    const { sink, store } = make({ idleMs: 20 });
    await sink.start();
    await sink.write(batchOf('a'), never);
    await eventually(() => store.names.join() === `/flume/events.${T + 1}`, 'closed');
    await sink.stop();
  });

  test('HD-31 one event: one file with that line', async () => {
    const { sink, store } = make();
    await sink.start();
    await sink.write(batchOf('yarg!'), never);
    await sink.stop();
    assert.deepEqual(store.lines, ['yarg!']);
    assert.equal(store.names.length, 1);
  });

  test('a name that somebody has taken is passed over, in use or final, and nothing is overwritten', async () => {
    const store = new MemoryStore();
    store.files.set(`/flume/events.${T + 1}.tmp`, Buffer.from('theirs\n'));
    store.files.set(`/flume/events.${T + 2}`, Buffer.from('theirs too\n'));
    const { sink } = make({}, { store });
    await sink.start();
    await sink.write(batchOf('ours'), never);
    await sink.stop();
    assert.equal(store.files.get(`/flume/events.${T + 1}.tmp`)?.toString(), 'theirs\n');
    assert.equal(store.files.get(`/flume/events.${T + 2}`)?.toString(), 'theirs too\n');
    assert.equal(store.names.length, 3);
    assert.ok(store.lines.includes('ours'));
  });

  test('a bucket that comes back within the same millisecond does not get the same names', async () => {
    const { sink, store } = make({ roll: { events: 1, bodyBytes: 0 }, path: '/flume/%{k}', mostOpenFiles: 1 });
    await sink.start();
    for (const value of ['a', 'b', 'a', 'b', 'a']) await sink.write(withHeader('k', value), never);
    await sink.stop();
    assert.equal(store.names.length, 5);
  });
});

describe('hdfs sink: paths', () => {
  test('HD-19 events go where their headers say; those of one path stay together', async () => {
    const { sink, store } = make({ path: '/flume/%{k}' });
    await sink.start();
    await sink.write(withHeader('k', 'a', 'b', 'a', ''), never);
    await sink.stop();
    assert.deepEqual(Object.fromEntries(store.names.map((name) => [name, store.files.get(name)?.toString()])), {
      [`/flume/a/events.${T + 1}`]: '0\n2\n',
      [`/flume/b/events.${T + 1}`]: '1\n',
      // As Hadoop takes two slashes for one.
      [`/flume/events.${T + 1}`]: '3\n',
    });
  });

  test('X4 values of headers stay below the fixed prefix, as one part each', async () => {
    const { sink, store } = make({ path: '/flume/%{k}/x' });
    await sink.start();
    const values = ['../../etc/cron.d/x', '/etc/passwd', '..', '.', 'a\0b', '..%2f', '..\\..', 'x'.repeat(5000), 'a\nb', '\u2024\u2024/', 'dots.. '];
    await sink.write(withHeader('k', ...values), never);
    await sink.stop();
    assert.equal(store.lines.length, values.length);
    for (const name of store.names) {
      assert.ok(name.startsWith('/flume/'), name);
      assert.doesNotMatch(name, /\/\.\.?(\/|$)|[\0\n\\]/);
      assert.ok(Math.max(...name.split('/').map((part) => Buffer.byteLength(part))) <= 255, name);
    }
  });

  test('S26 an event without the header that its path needs is set aside, and the others arrive', async () => {
    const { sink, store } = make({ path: '/flume/%Y' });
    await sink.start();
    const batch = Batch.of([
      { body: Buffer.from('a'), headers: new Map([['timestamp', '1700000000000']]) },
      { body: Buffer.from('b'), headers: new Map() },
      { body: Buffer.from('c'), headers: new Map([['timestamp', 'soon']]) },
      { body: Buffer.from('d'), headers: new Map([['timestamp', '1700000000001']]) },
    ]);
    await assert.rejects(sink.write(batch, never), (error) => error instanceof RejectedError && error.indices.join() === '1,2' && /timestamp/.test(error.message));
    await sink.stop();
    assert.deepEqual(store.lines, ['a', 'd']);
  });

  test('S18 files are not made faster than they can be finished', async () => {
    const { sink, store } = make({ path: '/flume/%{k}', mostOpenFiles: 1, finishing: { tries: 1000, retryMs: 5, atOnce: 1, suffix: '' } });
    let go = (): void => undefined;
    const held = new Promise<void>((resolve) => (go = resolve));
    const rename = store.rename.bind(store);
    store.rename = async (from, to) => held.then(() => rename(from, to));
    await sink.start();
    let written = 0;
    const writing = (async () => {
      for (; written < 50; written++) await sink.write(withHeader('k', `v${written}`), never);
    })();
    await eventually(() => written >= 5, 'some are written');
    assert.ok(await isOpen(writing));
    assert.ok(written < 10, `${written}`);
    go();
    await writing;
    await sink.stop();
    assert.equal(store.lines.length, 50);
  });

  test('S26 events for a file that cannot be are set aside, and the others of their batch arrive', async () => {
    const { sink, store } = make({ path: '/flume/%{k}' });
    store.fault = (operation, path) => (operation === 'create' && path.includes('/bad/') ? { outcome: 'impossible' } : undefined);
    await sink.start();
    await assert.rejects(sink.write(withHeader('k', 'a', 'bad', 'b', 'bad'), never), (error) => error instanceof RejectedError && error.indices.join() === '1,3');
    await sink.stop();
    assert.deepEqual(store.lines.sort(), ['0', '2']);
  });

  test('S18 no more files are open than allowed: the one not written to for longest is closed first', async () => {
    const { sink, store } = make({ path: '/flume/%{k}', mostOpenFiles: 3 });
    await sink.start();
    for (const value of ['a', 'b', 'c', 'a', 'd']) await sink.write(withHeader('k', value), never);
    await eventually(() => store.names.filter((name) => !name.endsWith('.tmp')).length === 1, 'one is closed');
    assert.deepEqual(store.names.filter((name) => !name.endsWith('.tmp')), [`/flume/b/events.${T + 1}`]);
    for (let index = 0; index < 500; index++) await sink.write(withHeader('k', `v${index}`), never);
    await eventually(() => store.names.filter((name) => name.endsWith('.tmp')).length === 3, 'three are open');
    await sink.stop();
    assert.equal(store.lines.length, 505);
  });
});

describe('hdfs sink: failures', () => {
  test('HD-10 S17 renames fail n times, then one works', async () => {
    const { sink, store } = make();
    let left = 10;
    store.fault = (operation) => (operation === 'rename' && left-- > 0 ? { outcome: 'unclear' } : undefined);
    await sink.start();
    await sink.write(batchOf('a'), never);
    await sink.stop();
    // At stop there is one more attempt; the rest is the next start's.
    assert.deepEqual(store.names, [`/flume/events.${T + 1}.tmp`]);
    left = 10;
    const again = make({ rollMs: 5 }, { store });
    await again.sink.start();
    await again.sink.write(batchOf('b'), never);
    await eventually(() => left < 0 && store.names.some((name) => name === `/flume/events.${T + 2}`), 'renamed at last');
    await again.sink.stop();
    assert.deepEqual(store.lines.sort(), ['a', 'b']);
  });

  test('HD-12 with one try a file keeps its in-use name, with all its events', async () => {
    const { sink, store, context } = make({ rollMs: 5, finishing: { tries: 1, retryMs: 0, atOnce: 2, suffix: '' } });
    store.fault = (operation) => (operation === 'rename' ? { outcome: 'unclear' } : undefined);
    await sink.start();
    await sink.write(batchOf('a'), never);
    await eventually(() => context.log.complaints.length > 0, 'it is said');
    assert.equal(store.calls.filter((call) => call.startsWith('rename')).length, 1);
    await sink.stop();
    assert.deepEqual(store.lines, ['a']);
  });

  test('HD-13 HD-20 HD-21 a write that fails is delivered by the next one, into a new file if need be', async () => {
    const { sink, store } = make();
    await sink.start();
    await sink.write(batchOf('a'), never);
    store.fault = once({ outcome: 'unclear', arrives: 1 }, 'append');
    await assert.rejects(sink.write(batchOf('bbb'), never));
    await sink.write(batchOf('bbb'), never);
    await eventually(() => store.names.includes(`/flume/events.${T + 1}`), 'the first file is closed');
    await sink.stop();
    assert.deepEqual(store.names.map((name) => store.files.get(name)?.toString()), ['a\n', 'bbb\n']);
  });

  test('S3 a write that was given up and begins after the cut is cut off once the file has its final name', async () => {
    const { sink, store } = make();
    await sink.start();
    await sink.write(batchOf('a'), never);
    store.fault = once({ outcome: 'unclear' }, 'append');
    await assert.rejects(sink.write(batchOf('b'), never));
    const path = `/flume/events.${T + 1}`;
    store.fault = (operation, name) => {
      // The DataNode goes on as the file gets its name.
      if (operation === 'rename' && name === `${path}.tmp`) store.files.set(name, Buffer.from('a\nb\n'));
      return undefined;
    };
    await sink.write(batchOf('b'), never);
    await eventually(() => store.calls.includes(`cut ${path}`), 'cut once more');
    await sink.stop();
    assert.deepEqual(store.lines, ['a', 'b']);
  });

  test('a file of the final name that an earlier run had renamed, or that is not ours, is not cut', async () => {
    const state = join(folder, `s${states++}`);
    const { sink, store } = make({}, { state });
    await sink.start();
    await sink.write(batchOf('a'), never);
    const path = `/flume/events.${T + 1}`;
    // As after a kill: the list says that the file is in use.
    cpSync(state, `${state}-killed`, { recursive: true });
    await sink.stop();
    store.files.set(path, Buffer.from("a\nsomebody else's\n"));
    const again = make({}, { store, state: `${state}-killed` });
    await again.sink.start();
    await eventually(() => store.calls.filter((call) => call === `rename ${path}.tmp`).length === 2, 'taken over');
    await again.sink.stop();
    assert.deepEqual(store.lines, ['a', "somebody else's"]);
  });

  test('S17 a batch of which one file fails is taken back from all: no event is there twice', async () => {
    const { sink, store } = make({ path: '/flume/%{k}' });
    await sink.start();
    await sink.write(withHeader('k', 'a', 'b', 'c'), never);
    store.fault = (operation, path) => (['append', 'create'].includes(operation) && path.includes('/b/') ? { outcome: 'unclear', arrives: 1 } : undefined);
    for (let tries = 0; tries < 3; tries++) await assert.rejects(sink.write(withHeader('k', 'a', 'b', 'c', 'd'), never));
    store.fault = () => undefined;
    await sink.write(withHeader('k', 'a', 'b', 'c', 'd'), never);
    await eventually(() => store.names.filter((name) => name.endsWith('.tmp')).length === 4, 'files given up are put in order');
    await sink.stop();
    assert.deepEqual(store.lines.sort(), ['0', '0', '1', '1', '2', '2', '3']);
  });

  test('a file that somebody removed is not written to any more', async () => {
    const { sink, store, context } = make();
    await sink.start();
    await sink.write(batchOf('a'), never);
    store.files.clear();
    await assert.rejects(sink.write(batchOf('b'), never));
    await sink.write(batchOf('b'), never);
    await sink.stop();
    assert.deepEqual(store.lines, ['b']);
    assert.match(context.log.complaints.join('\n'), /not there any more/);
  });

  test('a file that appears after its creation was given up is removed, another of the same name is not', async () => {
    const { sink, store } = make();
    await sink.start();
    store.fault = once({ outcome: 'unclear' }, 'create');
    await assert.rejects(sink.write(batchOf('a'), never));
    store.files.set(`/flume/events.${T + 1}.tmp`, Buffer.from('a\n'));
    await eventually(() => !store.files.has(`/flume/events.${T + 1}.tmp`), 'removed');
    store.fault = once({ outcome: 'unclear' }, 'create');
    await assert.rejects(sink.write(batchOf('b'), never));
    store.files.set(`/flume/events.${T + 2}.tmp`, Buffer.from('c\n'));
    await eventually(() => store.calls.filter((call) => call === `length /flume/events.${T + 2}.tmp`).length > 0, 'looked at');
    await sink.stop();
    assert.equal(store.files.get(`/flume/events.${T + 2}.tmp`)?.toString(), 'c\n');
  });
});

describe('hdfs sink: after a crash', () => {
  test('where no list can be kept it is said, and the sink works', async () => {
    const { sink, store, context } = make({}, { state: join(import.meta.filename, 'below-a-file') });
    await sink.start();
    await sink.write(batchOf('a'), never);
    await sink.stop();
    assert.deepEqual(store.lines, ['a']);
    assert.match(context.log.complaints.join(), /no list of open files can be kept/);
  });

  test('what was accepted before the channel heard of it is not written again', async () => {
    const store = new MemoryStore();
    const first = make({}, { store, state: join(folder, 'origin') });
    await first.sink.start();
    await first.sink.write(batchOf('a', 'b', 'c'), never, { store: 's', spans: [[10, 13]] });
    cpSync(join(folder, 'origin', 'k1'), join(folder, 'origin-again', 'k1'), { recursive: true });
    const second = make({}, { store, state: join(folder, 'origin-again'), now: () => T + 1000 });
    await second.sink.start();
    await second.sink.write(batchOf('a', 'b', 'c', 'd'), never, { store: 's', spans: [[10, 14]] });
    await second.sink.write(batchOf('e'), never, { store: 'another', spans: [[10, 11]] });
    await second.sink.stop();
    assert.deepEqual(store.lines, ['a', 'b', 'c', 'd', 'e']);
  });

  test('a file left in use is cut to what was accepted and gets its name at the next start', async () => {
    const state = join(folder, 'crash');
    const store = new MemoryStore();
    const first = make({}, { store, state });
    await first.sink.start();
    await first.sink.write(batchOf('a', 'b'), never);
    // Killed in the middle of the next write: the list stays as it stands.
    store.files.set(`/flume/events.${T + 1}.tmp`, Buffer.from('a\nb\nc\nd'));
    cpSync(join(state, 'k1'), join(folder, 'restart', 'k1'), { recursive: true });
    const second = make({}, { store, state: join(folder, 'restart'), now: () => T + 1000 });
    await second.sink.start();
    await eventually(() => store.names.join() === `/flume/events.${T + 1}`, 'closed');
    assert.deepEqual(store.lines, ['a', 'b']);
    await second.sink.write(batchOf('c', 'd'), never);
    await second.sink.stop();
    assert.deepEqual(store.lines, ['a', 'b', 'c', 'd']);
    assert.deepEqual(readdirSync(join(folder, 'restart', 'k1')), []);
  });
});
