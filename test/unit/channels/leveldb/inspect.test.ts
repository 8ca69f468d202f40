import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { crc32 } from 'node:zlib';
import { DurableChannel } from '../../../../channels/leveldb/channel.ts';
import { holdsStore, inspectStore, storedEvents, type InspectParts, type StoreView } from '../../../../channels/leveldb/inspect.ts';
import { LevelStore } from '../../../../channels/leveldb/level-store.ts';
import { planRepair, repairStore } from '../../../../channels/leveldb/repair.ts';
import { factsOf } from '../../../../channels/leveldb/store-facts.ts';
import { verifyStore } from '../../../../channels/leveldb/verify.ts';
import { CorruptionError } from '../../../../core/errors.ts';
import { storeFiles } from '../../../../io/store-files.ts';
import { batchOf, FakeContext, never } from '../../../conformance/fakes.ts';

const SEGMENT_BYTES = 256 * 1024;

interface Made {
  readonly directory: string;
  readonly parts: InspectParts & { readonly checkpointDirectory: string };
  open(): Promise<DurableChannel>;
}

function place(t: TestContext): Made {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-inspect-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return at(directory);
}

function at(directory: string): Made {
  const dataDirectory = join(directory, 'data');
  const checkpointDirectory = join(directory, 'checkpoint');
  const settings = {
    dataDirectory, checkpointDirectory, unusedDirectories: [], capacity: 1_000_000, transactionCapacity: 10_000, keepAliveMs: 0,
    requiredBytes: 0, reserveBytes: 0, segmentBytes: SEGMENT_BYTES, syncIntervalMs: 0,
  };
  return {
    directory,
    parts: { files: storeFiles, dataDirectory, checkpointDirectory },
    async open() {
      const channel = new DurableChannel(new FakeContext(), { store: (path) => new LevelStore(path), files: storeFiles, settings });
      await channel.start();
      return channel;
    },
  };
}

const body = (number: number): string => `${number} ${'x'.repeat(number % 1000)}`;

/** Puts 3,000 events into several segments and takes `taken` of them out again. */
async function filled(t: TestContext, taken = 0): Promise<Made> {
  const made = place(t);
  const channel = await made.open();
  for (let first = 0; first < 3000; first += 50) await channel.put(batchOf(...Array.from({ length: 50 }, (_, index) => body(first + index))), never);
  for (let left = taken; left > 0; ) {
    const loan = await channel.take(Math.min(left, 100), never);
    left -= loan?.batch.size ?? 0;
    await loan?.commit();
  }
  await channel.stop();
  return made;
}

async function numbersOf(view: StoreView): Promise<{ numbers: number[]; missing: [number, number][] }> {
  const numbers: number[] = [];
  const missing: [number, number][] = [];
  for await (const item of storedEvents(view)) {
    if (item.kind === 'missing') missing.push([item.from, item.to]);
    else {
      for (const [index, event] of [...item.batch].entries()) {
        assert.equal(event.body.toString(), body(item.first + index));
        numbers.push(item.first + index);
      }
    }
  }
  return { numbers, missing };
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, index) => from + index);

/** Names, lengths, times and contents of all files. */
function fingerprint(directory: string): string {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.map((entry) => join(entry.parentPath, entry.name)).sort().map((path) => `${path} ${statSync(path).mtimeMs} ${readFileSync(path).toString('base64')}`).join('\n');
}

function segmentsOf({ directory }: Made): string[] {
  const folder = join(directory, 'data', 'millrace-records');
  return readdirSync(folder).sort().map((name) => join(folder, name));
}

test('a store tells its figures and its events, and not a byte of it changes', async (t) => {
  const made = await filled(t, 1230);
  const before = fingerprint(made.directory);
  const view = await inspectStore(made.parts);
  const facts = factsOf(view);
  assert.deepEqual([facts.head, facts.tail, facts.left, facts.missing, facts.strange, facts.remarks], [1230, 3000, 1770, [], [], []]);
  assert.equal(facts.leftBytes, range(1230, 3000).reduce((sum, number) => sum + body(number).length, 0));
  assert.ok(facts.segments.length > 2 && Math.abs(Date.now() - (facts.oldestMs ?? 0)) < 60_000);
  assert.equal(facts.segments.reduce((sum, { left }) => sum + left, 0), 1770);
  assert.deepEqual(await numbersOf(view), { numbers: range(1230, 3000), missing: [] });
  const verified = await verifyStore(view);
  assert.deepEqual([verified.left, verified.leftBytes, verified.missing, verified.damage], [1770, facts.leftBytes, [], []]);
  assert.equal(fingerprint(made.directory), before);
});

test('a store that nothing was put into yet, and one that is empty again, are stores', async (t) => {
  const made = place(t);
  assert.equal(await holdsStore(made.parts), false);
  await (await made.open()).stop();
  assert.equal(await holdsStore(made.parts), true);
  const view = await inspectStore(made.parts);
  assert.deepEqual([view.left, view.tail, view.oldestMs, await numbersOf(view)], [0, 0, undefined, { numbers: [], missing: [] }]);
  assert.deepEqual((await verifyStore(view)).missing, []);
  const emptied = await inspectStore((await filled(t, 3000)).parts);
  assert.deepEqual([emptied.left, emptied.head, emptied.tail, emptied.leftBytes], [0, 3000, 3000, 0]);
});

test('without the guard everything that is there counts as left', async (t) => {
  const made = await filled(t, 700);
  const { dataDirectory, files } = made.parts;
  const view = await inspectStore({ dataDirectory, files });
  assert.deepEqual([view.tail, view.gaps], [3000, []]);
  assert.ok(view.head <= 700);
  assert.deepEqual((await numbersOf(view)).numbers, range(view.head, 3000));
  assert.equal(await holdsStore({ dataDirectory: join(made.directory, 'checkpoint'), files }), false);
});

test('C5 C14 what is damaged or gone is told with exact numbers, and the rest comes', async (t) => {
  for (const harm of ['flip', 'zeros', 'cut', 'gone'] as const) {
    const made = await filled(t, 100);
    const path = segmentsOf(made)[2] as string;
    const bytes = readFileSync(path);
    if (harm === 'flip') bytes[100_000] = (bytes[100_000] as number) ^ 4;
    if (harm === 'zeros') bytes.fill(0, 90_000, 98_192);
    if (harm === 'gone') unlinkSync(path);
    else writeFileSync(path, harm === 'cut' ? bytes.subarray(0, 120_000) : bytes);
    const view = await inspectStore(made.parts);
    const { numbers, missing } = await numbersOf(view);
    const verified = await verifyStore(view);
    const lost = missing.flatMap(([from, to]) => range(from, to));
    assert.ok(lost.length > 0 && lost.length < 1500, harm);
    assert.deepEqual([...numbers, ...lost].sort((a, b) => a - b), range(100, 3000), harm);
    assert.deepEqual(verified.missing.flatMap(({ from, to }) => range(from, to)), lost, harm);
    assert.equal(verified.left, numbers.length, harm);
    assert.ok(harm === 'gone' || harm === 'cut' || verified.damage.some(({ segment }) => segment.path === path), harm);
  }
});

async function repaired(made: Made): Promise<{ lost: number; aside: string; delivered: string[] }> {
  const plan = await planRepair(made.parts);
  const before = fingerprint(made.directory);
  assert.equal(fingerprint(made.directory), before);
  const names = readdirSync(made.directory, { recursive: true }).length;
  await repairStore(made.parts, plan, async () => (await made.open()).stop());
  assert.ok(readdirSync(made.directory, { recursive: true }).length >= names);
  const after = await verifyStore(await inspectStore(made.parts));
  assert.deepEqual([after.missing, after.damage], [[], []]);
  const channel = await made.open();
  const delivered: string[] = [];
  while (channel.status().size > 0) {
    const loan = await channel.take(1000, never);
    delivered.push(...[...(loan?.batch ?? [])].map((event) => event.body.toString()));
    await loan?.commit();
  }
  await channel.stop();
  return { lost: plan.lost.reduce((sum, { from, to }) => sum + to - from, 0), aside: plan.aside, delivered };
}

test('a repair sets damage aside, writes off what is lost, and leaves the rest to be delivered', async (t) => {
  const made = await filled(t, 100);
  const path = segmentsOf(made)[1] as string;
  const bytes = readFileSync(path);
  bytes.fill(0x5a, 60_000, 60_100);
  writeFileSync(path, bytes);
  writeFileSync(join(made.directory, 'data', 'millrace-records', '000077.records'), 'what is this');
  const { lost, aside, delivered } = await repaired(made);
  assert.equal(lost + delivered.length, 2900);
  assert.ok(lost > 0);
  assert.deepEqual(readdirSync(aside).sort(), [path.slice(path.lastIndexOf('/') + 1), '000077.records', 'report.txt'].sort());
  assert.deepEqual(readFileSync(join(aside, path.slice(path.lastIndexOf('/') + 1))).subarray(60_000, 60_100), Buffer.alloc(100, 0x5a));
  assert.match(readFileSync(join(aside, 'report.txt'), 'utf8'), new RegExp(`missing: events \\d+ to \\d+ \\(${lost}\\)`));
});

test('a guard, or a file, of another store stands in the way of an agent and is moved by a repair', async (t) => {
  const [made, other] = [await filled(t, 1000), await filled(t)];
  renameSync(join(other.directory, 'checkpoint', 'millrace-guard'), join(made.directory, 'checkpoint', 'millrace-guard'));
  const foreign = join(made.directory, 'data', 'millrace-records', '000055.records');
  cpSync(segmentsOf(other)[0] as string, foreign);
  await assert.rejects(made.open(), CorruptionError);
  await assert.rejects(inspectStore(made.parts), CorruptionError);
  const { lost, aside, delivered } = await repaired(made);
  assert.equal(lost, 0);
  assert.deepEqual(readdirSync(aside).sort(), ['000055.records', 'millrace-guard', 'report.txt']);
  assert.equal(new Set(delivered).size, delivered.length);
  for (const number of range(1000, 3000)) assert.ok(delivered.includes(body(number)));
});

test('C28 a guard of another version is refused with both versions named', async (t) => {
  const made = await filled(t, 5);
  const path = join(made.directory, 'checkpoint', 'millrace-guard');
  const bytes = readFileSync(path);
  for (const slot of [bytes.subarray(0, 4096), bytes.subarray(4096)]) {
    slot.writeUInt32LE(9, 8);
    slot.writeUInt32LE(crc32(slot.subarray(4, slot.readUInt32LE(4))), 0);
  }
  writeFileSync(path, bytes);
  for (const look of [inspectStore, planRepair]) await assert.rejects(look(made.parts), /format 9.*format 2/);
});

test('a store without fault has nothing to be repaired', async (t) => {
  const plan = await planRepair((await filled(t, 5)).parts);
  assert.deepEqual([plan.steps, plan.lost], [[], []]);
});
