import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { CorruptionError } from '../../../../core/errors.ts';
import { logFiles, type LogFile, type LogFiles } from '../../../../io/log-files.ts';
import { ObjectReader } from '../../../../sinks/s3/object-reader.ts';
import { Stage } from '../../../../sinks/s3/stage.ts';
import type { StagedObject } from '../../../../sinks/s3/staged-object.ts';
import { FakeContext } from '../../../conformance/fakes.ts';

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-stage-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const open = (directory: string, files: LogFiles = logFiles): Promise<Stage> => Stage.open(new FakeContext(), files, directory);
const begin = (stage: Stage, key: string): StagedObject => stage.newObject({ bucket: 'b', key, compression: 'none' });
const origin = (event: number) => ({ store: 's', spans: [[event, event + 1]] as const });
const take = (stage: Stage, object: StagedObject, event: number): Promise<void> =>
  stage.take([{ object, events: 1, parts: [Buffer.from(`${event}`.padEnd(40, '.')), Buffer.from('\n')] }], origin(event));

async function bytesOf(stage: Stage, object: StagedObject): Promise<string> {
  const into = Buffer.alloc(object.bytes);
  assert.equal(await new ObjectReader(stage, object).fill(into), object.bytes);
  return into.toString();
}

/** Every event in the stage, by key, in the order of the objects. */
async function eventsIn(stage: Stage): Promise<number[]> {
  const texts: string[] = [];
  for (const object of stage.recovered) texts.push(await bytesOf(stage, object));
  return texts.join('').split('\n').slice(0, -1).map((line) => Number(line.replaceAll('.', '')));
}

/** Fails the n-th operation, after doing half of it where it is a write; later ones succeed. */
class FailingFiles implements LogFiles {
  operations = 0;
  readonly #failAt: number;

  constructor(failAt: number) {
    this.#failAt = failAt;
  }

  list(directory: string): Promise<string[]> {
    return logFiles.list(directory);
  }

  async create(path: string): Promise<LogFile> {
    this.#count();
    return this.#wrap(await logFiles.create(path));
  }

  async open(path: string): Promise<LogFile> {
    return this.#wrap(await logFiles.open(path));
  }

  async remove(path: string): Promise<void> {
    this.#count();
    await logFiles.remove(path);
  }

  #wrap(file: LogFile): LogFile {
    return {
      path: file.path,
      size: file.size,
      write: async (parts, position) => {
        const whole = Buffer.concat(parts);
        try {
          this.#count();
        } catch (error) {
          await file.write([whole.subarray(0, Math.ceil(whole.length / 2))], position);
          throw error;
        }
        await file.write(parts, position);
      },
      sync: async () => {
        this.#count();
        await file.sync();
      },
      read: (into, position) => file.read(into, position),
      close: () => file.close(),
    };
  }

  #count(): void {
    if (++this.operations === this.#failAt) throw new Error('ENOSPC: said by the test');
  }
}

test('whichever operation fails, what was taken is there once after a crash, and a take that failed can be made again', async (t) => {
  let failAt = 1;
  for (; ; failAt++) {
    const folder = folderOf(t);
    const files = new FailingFiles(failAt);
    const stage = await open(folder, files).catch(() => open(folder, files));
    const [a, b] = [begin(stage, 'a'), begin(stage, 'b')];
    for (let event = 0; event < 8; event++) {
      const object = event % 2 === 0 ? a : b;
      await take(stage, object, event).catch(() => take(stage, object, event));
      if (event === 3) await stage.note({ begun: { object: a.id, bucket: 'b', key: 'a', uploadId: 'u' } }).catch(() => undefined);
    }
    const done = begin(stage, 'done');
    await take(stage, done, 8).catch(() => take(stage, done, 8));
    await stage.finish(done).catch(() => stage.finish(done));
    await stage.close();
    const again = await open(folder);
    const found = (await eventsIn(again)).filter((event) => event < 8);
    assert.deepEqual(found, [0, 2, 4, 6, 1, 3, 5, 7], `operation ${failAt}`);
    assert.equal(again.taken.missing({ store: 's', spans: [[0, 9]] })?.length, 0);
    await again.close();
    if (files.operations < failAt) break;
  }
  assert.ok(failAt > 20);
});

test('cut at any length, and with any byte changed: whole batches, what is damaged is said or refused; never anything else', async (t) => {
  const folder = folderOf(t);
  const stage = await open(folder);
  const object = begin(stage, 'a');
  for (let event = 0; event < 5; event++) await take(stage, object, event);
  await stage.close();
  const [name] = readdirSync(folder) as [string];
  const size = statSync(join(folder, name)).size;
  const bytes = readFileSync(join(folder, name));
  const look = async (change: (path: string) => void, what: string): Promise<number> => {
    const copy = folderOf(t);
    cpSync(folder, copy, { recursive: true });
    change(join(copy, name));
    let damaged: Stage | undefined;
    try {
      const context = new FakeContext();
      damaged = await Stage.open(context, logFiles, copy);
      const events = await eventsIn(damaged);
      assert.deepEqual(events, [...new Set(events)].sort((a, b) => a - b), what);
      // Only what a power cut does to the end of a file is passed over in silence.
      const inMiddle = events.some((event, index) => event !== index);
      if (inMiddle) assert.equal(context.log.complaints.length, 1, what);
      return events.length;
    } catch (error) {
      assert.ok(error instanceof CorruptionError, `${what}: ${String(error)}`);
      return 0;
    } finally {
      await damaged?.close();
    }
  };
  for (const length of [...Array.from({ length: Math.ceil(size / 13) }, (_, index) => 13 * index), size]) {
    const found = await look((path) => truncateSync(path, length), `cut to ${length}`);
    assert.equal(found === 5, length === size);
  }
  for (let at = 0; at < size; at += 11) {
    await look((path) => {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] as number) ^ 0x11;
      writeFileSync(path, changed);
    }, `byte ${at}`);
  }
});

test('files are given back once no object needs them, and what is known outlives them', async (t) => {
  const folder = folderOf(t);
  const stage = await open(folder);
  const slow = begin(stage, 'slow');
  await take(stage, slow, 0);
  const big = Buffer.alloc(20 * 1024 * 1024, 'x');
  for (let round = 0; round < 8; round++) {
    const object = begin(stage, `big${round}`);
    await stage.take([{ object, events: 1, parts: [big] }], origin(10 + round));
    await stage.note({ begun: { object: object.id, bucket: 'b', key: 'k', uploadId: `u${round}` } });
    await stage.finish(object);
  }
  assert.ok(readdirSync(folder).length <= 3, 'the first file, and the one written to');
  assert.deepEqual([...stage.oldest], [slow]);
  await stage.close();
  const again = await open(folder);
  assert.deepEqual(again.recovered.map(({ key }) => key), ['slow']);
  assert.equal(again.uploads.size, 8);
  assert.equal(again.taken.missing({ store: 's', spans: [[10, 18]] })?.length, 0);
  assert.deepEqual([...(again.taken.missing({ store: 's', spans: [[8, 12]] }) ?? [])], [0, 1]);
  const [object] = again.recovered as [StagedObject];
  assert.match(await bytesOf(again, object), /^0\.+\n$/);
  await again.finish(object);
  assert.equal(readdirSync(folder).length, 1);
  await again.close();
});

test('a piece that the disk gives back changed is not handed on', async (t) => {
  const folder = folderOf(t);
  const stage = await open(folder);
  const object = begin(stage, 'a');
  await take(stage, object, 7);
  const [name] = readdirSync(folder) as [string];
  const bytes = readFileSync(join(folder, name));
  bytes[bytes.length - 10] = 0;
  writeFileSync(join(folder, name), bytes);
  await assert.rejects(bytesOf(stage, object), CorruptionError);
  await stage.close();
});
