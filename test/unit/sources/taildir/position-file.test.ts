import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { checksum } from '../../../../sources/taildir/marks.ts';
import { loadPositions, logLine, logPath, marksPath, parsePositions, PositionWriter, writtenOf, type SavedFile } from '../../../../sources/taildir/position-file.ts';

const PATH = '/p/positions.json';

/** Files in memory; `failAfter` ends the process, as it were, before the operation of that number. */
class MemoryStore {
  readonly files = new Map<string, Buffer>();
  failAfter = Infinity;

  async replace(path: string, bytes: Buffer): Promise<void> {
    if (this.failAfter-- <= 0) throw new Error('killed');
    this.files.set(path, bytes);
  }

  async read(path: string): Promise<Buffer | undefined> {
    return this.files.get(path);
  }

  async rename(from: string, to: string): Promise<void> {
    this.files.set(to, this.files.get(from) as Buffer);
    this.files.delete(from);
  }
}

function saved(inode: bigint, position: number, more: Partial<SavedFile> = {}): SavedFile {
  return {
    inode,
    identity: { device: 5n, inode, bornNs: 7n + inode },
    path: `/log/${inode}`,
    place: undefined,
    position,
    mark: { position, head: 1, tail: 2, all: 3 },
    size: position + 1,
    former: undefined,
    discarding: false,
    gone: false,
    emptied: false,
    seenMs: 0,
    ...more,
  };
}

const positionsOf = (files: readonly SavedFile[]): Record<string, number> => Object.fromEntries(files.map(({ path, position }) => [path, position]));

describe('position file', () => {
  test('TD-12 what is written is Flume\'s format, with inodes of 64 bits, and comes back with all marks', async () => {
    const store = new MemoryStore();
    const entry = saved(2n ** 63n + 1n, 10, { path: "/log/<a>&='é" });
    await new PositionWriter(store, PATH).save([writtenOf(entry), writtenOf(saved(2n, 5, { gone: true, content: 'c', begins: { length: 3, sum: 7 } }))], 1);
    assert.equal(store.files.get(PATH)?.toString(), '[{"inode":9223372036854775809,"pos":10,"file":"/log/\\u003ca\\u003e\\u0026\\u003d\\u0027é"}]');
    const { files, faults, known } = await loadPositions(store, PATH, true);
    assert.deepEqual({ files, faults, known }, { files: [entry, saved(2n, 5, { gone: true, content: 'c', begins: { length: 3, sum: 7 } })], faults: [], known: true });
  });

  test('T23 killed at each step of a save: the old or the new positions, and what was logged since', async () => {
    for (let step = 0; step <= 2; step++) {
      const store = new MemoryStore();
      const writer = new PositionWriter(store, PATH);
      await writer.save([writtenOf(saved(1n, 10))], 1);
      store.files.set(logPath(PATH), Buffer.from(logLine(2, writtenOf(saved(1n, 20)).mark)));
      store.failAfter = step;
      await writer.save([writtenOf(saved(1n, 20)), writtenOf(saved(2n, 1))], 2).catch(() => undefined);
      const { files, faults } = await loadPositions(store, PATH, true);
      assert.deepEqual(faults, []);
      assert.equal(positionsOf(files)['/log/1'], 20);
      assert.equal(files.length, step === 0 ? 1 : 2);
    }
  });

  test('what was logged before a save does not count after it, and a torn line ends the log', async () => {
    const store = new MemoryStore();
    await new PositionWriter(store, PATH).save([writtenOf(saved(1n, 30))], 5);
    const lines = [logLine(4, writtenOf(saved(1n, 20)).mark), logLine(6, writtenOf(saved(2n, 2)).mark), logLine(7, writtenOf(saved(3n, 3)).mark).slice(0, -9)];
    store.files.set(logPath(PATH), Buffer.from(lines.join('')));
    const { files, number } = await loadPositions(store, PATH, true);
    assert.deepEqual(positionsOf(files), { '/log/1': 30, '/log/2': 2 });
    assert.equal(number, 6);
  });

  test('T21 T22 cut at every byte: damaged files are set aside, and the marks count', async () => {
    const store = new MemoryStore();
    await new PositionWriter(store, PATH).save([writtenOf(saved(1n, 10)), writtenOf(saved(2n, 20))], 0);
    const good = store.files.get(PATH) as Buffer;
    const marks = store.files.get(marksPath(PATH)) as Buffer;
    for (let length = 0; length < good.length; length++) {
      store.files.set(PATH, good.subarray(0, length));
      const { files, faults } = await loadPositions(store, PATH, true);
      assert.deepEqual(positionsOf(files), { '/log/1': 10, '/log/2': 20 }, String(length));
      assert.equal(faults.length, 1);
      assert.equal(store.files.has(PATH), false);
    }
    for (let length = 0; length < marks.length - 1; length++) {
      store.files.set(PATH, good);
      store.files.set(marksPath(PATH), marks.subarray(0, length));
      const { files } = await loadPositions(store, PATH, true);
      assert.deepEqual(positionsOf(files), { '/log/1': 10, '/log/2': 20 }, `marks ${length}`);
      assert.equal(files[0]?.mark, undefined);
    }
  });

  test('positions that Flume wrote meanwhile count; marks stay where they agree', async () => {
    const store = new MemoryStore();
    await new PositionWriter(store, PATH).save([writtenOf(saved(1n, 10)), writtenOf(saved(2n, 20))], 0);
    store.files.set(PATH, Buffer.from('[{"inode":1,"pos":10,"file":"/log/1"},{"inode":2,"pos":44,"file":"/log/2"},{"inode":3,"pos":7,"file":"/log/3"}]'));
    const { files } = await loadPositions(store, PATH, true);
    assert.deepEqual(positionsOf(files), { '/log/1': 10, '/log/2': 44, '/log/3': 7 });
    assert.deepEqual(files.map(({ mark }) => mark !== undefined), [true, false, false]);
    const writer = new PositionWriter(store, PATH);
    writer.follows(checksum(store.files.get(PATH) as Buffer));
    await writer.save(files.map(writtenOf), 0);
    assert.deepEqual((await loadPositions(store, PATH, true)).files.map(({ mark }) => mark !== undefined), [true, false, false]);
  });

  test('TD-34 TD-35 of a file that is cut off the entries before that are used', () => {
    const text = '[{"inode":1,"pos":10,"file":"/log/1"},{"inode":2,"pos":44,"file":"/l';
    assert.deepEqual(positionsOf(parsePositions(text).entries), { '/log/1': 10 });
    for (const bad of ['', '{"a":1}', 'null', '[1]', '[{"inode":-1,"pos":2}]', '\0\0\0']) assert.deepEqual(parsePositions(bad), { entries: [], whole: false }, bad);
    assert.equal(parsePositions('[]').whole, true);
  });

  test('nothing is written where nothing has changed', async () => {
    const store = new MemoryStore();
    const writer = new PositionWriter(store, PATH);
    await writer.save([], 0);
    assert.equal(store.files.get(PATH)?.toString(), '[]');
    store.failAfter = 0;
    await writer.save([], 3);
  });
});
