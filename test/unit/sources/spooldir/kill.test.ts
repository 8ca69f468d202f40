import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { readOptions } from '../../../../core/read-options.ts';
import { spoolFiles, type GrowingFile, type SpoolFiles, type SpoolHandle } from '../../../../io/spool-files.ts';
import { spooldirSource } from '../../../../sources/spooldir/index.ts';
import { SpoolSource } from '../../../../sources/spooldir/spool-source.ts';
import { FakeSourceContext } from '../../../conformance/fakes.ts';
import { SpoolFolder } from './spool-folder.ts';

const never = new Promise<never>(() => undefined);

/** File operations of a process that is killed before, or right after, its operation number `last`: nothing happens from then on. */
class KilledFiles {
  operations = 0;
  readonly #last: number;
  readonly #after: boolean;
  readonly #open = new Set<SpoolHandle | GrowingFile>();

  constructor(last: number, after: boolean) {
    this.#last = last;
    this.#after = after;
  }

  get isKilled(): boolean {
    return this.operations >= this.#last;
  }

  get files(): SpoolFiles {
    return {
      ...spoolFiles,
      look: (path) => this.#do(() => spoolFiles.look(path)),
      isTaken: (path) => this.#do(() => spoolFiles.isTaken(path)),
      open: (path) => this.#do(async () => this.#handle(await spoolFiles.open(path))),
      renameTo: (path, free) => this.#do(() => spoolFiles.renameTo(path, free)),
      remove: (path) => this.#do(() => spoolFiles.remove(path)),
      create: (path, text) => this.#do(() => spoolFiles.create(path, text)),
      replace: (path, bytes) => this.#do(async () => this.#growing(await spoolFiles.replace(path, bytes))),
    };
  }

  /** What the system does with the files of a process that is gone. */
  async closeAll(): Promise<void> {
    for (const file of this.#open) await file.close();
  }

  #handle(handle: SpoolHandle): SpoolHandle {
    this.#open.add(handle);
    return { facts: () => handle.facts(), read: (offset, length) => this.#do(() => handle.read(offset, length)), close: () => this.#close(handle) };
  }

  #growing(file: GrowingFile): GrowingFile {
    this.#open.add(file);
    return { append: (bytes) => this.#do(async () => file.append(bytes)), close: () => this.#close(file) };
  }

  async #close(file: SpoolHandle | GrowingFile): Promise<void> {
    if (this.#open.delete(file)) await file.close();
  }

  async #do<T>(operation: () => Promise<T>): Promise<T> {
    if (this.isKilled) return never;
    this.operations++;
    if (!this.isKilled) return operation();
    if (this.#after) await operation();
    return never;
  }
}

for (const policy of [{}, { deletePolicy: 'immediate' }, { trackingPolicy: 'tracker_dir' }] as readonly Record<string, string>[]) {
  test(`T35 killed before and after each file operation, nothing is lost, and no more than one batch comes twice: ${JSON.stringify(policy)}`, async (t) => {
    const batchSize = 2;
    for (let operation = 4, isOver = false; !isOver; operation++) {
      for (const after of [false, true]) {
        const folder = new SpoolFolder(t);
        folder.write('file1', 'a\nb\nc\nd\ne\n', 1);
        folder.write('file2', 'f\n', 2);
        folder.write('file3', 'g\nh\ni\n', 3);
        const killed = new KilledFiles(operation, after);
        const first = new FakeSourceContext();
        const properties = { spoolDir: folder.path, pollDelay: '10', batchSize: String(batchSize), ...policy };
        const { values } = readOptions(spooldirSource, new Map(Object.entries(properties)));
        assert.ok(values);
        const deserializer = await values.deserializer.create({ name: '', log: first.log, count: () => undefined, charset: 'UTF-8', decodeErrorPolicy: 'FAIL' });
        const source = new SpoolSource(first, values, deserializer, killed.files);
        void source.start();
        const until = performance.now() + 1000;
        while (!killed.isKilled && first.bodies.length < 9 && performance.now() < until) await turn();
        await sleep(killed.isKilled ? 2 : 30);
        isOver = !killed.isKilled;
        const second = await folder.run({ ...properties }, () => done(folder, policy));
        const all = [...first.bodies, ...second.bodies];
        assert.deepEqual([...new Set(all)].toSorted(), [...'abcdefghi'], `operation ${operation}${after ? ', after' : ''}`);
        assert.ok(all.length <= 9 + batchSize, `operation ${operation}${after ? ', after' : ''}: ${all.join('')}`);
        assert.deepEqual(folder.trackers().filter((name) => name.startsWith('.flumespool-')), [], `operation ${operation}${after ? ', after' : ''}`);
        if (isOver) assert.deepEqual(second.bodies, []);
        // What hangs for ever is left behind; what does not, ends.
        void source.stop();
        await killed.closeAll();
      }
    }
  });
}

function done(folder: SpoolFolder, { deletePolicy, trackingPolicy }: Record<string, string>): boolean {
  if (deletePolicy !== undefined) return folder.names().length === 0;
  if (trackingPolicy !== undefined) return ['file1', 'file2', 'file3'].every((name) => folder.trackers().includes(`${name}.COMPLETED`));
  return folder.names().every((name) => name.endsWith('.COMPLETED'));
}
