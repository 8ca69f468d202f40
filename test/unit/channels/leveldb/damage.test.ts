import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { crc32 } from 'node:zlib';
import { DurableChannel } from '../../../../channels/leveldb/channel.ts';
import { IndexTables } from '../../../../channels/leveldb/index-tables.ts';
import { LevelStore } from '../../../../channels/leveldb/level-store.ts';
import { storeFiles } from '../../../../io/store-files.ts';
import { batchOf, bodiesOf, FakeContext, never } from '../../../conformance/fakes.ts';

const EVENTS = 3000;
const PER_PUT = 50;

const top = mkdtempSync(join(tmpdir(), 'millrace-damage-'));
after(() => rmSync(top, { recursive: true, force: true }));
let count = 0;

interface Running {
  readonly channel: DurableChannel;
  readonly context: FakeContext;
}

async function start(directory: string): Promise<Running> {
  const context = new FakeContext();
  const settings = {
    dataDirectory: join(directory, 'data'),
    checkpointDirectory: join(directory, 'checkpoint'),
    unusedDirectories: [],
    capacity: 1_000_000,
    transactionCapacity: 10_000,
    keepAliveMs: 0,
    requiredBytes: 1024 * 1024,
    reserveBytes: 0,
    syncIntervalMs: 0,
    segmentBytes: 256 * 1024,
  };
  const channel = new DurableChannel(context, { store: (path) => new LevelStore(path), files: storeFiles, settings });
  await channel.start();
  return { channel, context };
}

/** The body follows from the number. */
function bodyOf(number: number): string {
  return `${number} ${'abcdefghij'[number % 10]?.repeat(200 + (number % 97))}`;
}

async function fill({ channel }: Running, from: number, to: number): Promise<void> {
  for (let at = from; at < to; at += PER_PUT) {
    await channel.put(batchOf(...Array.from({ length: Math.min(PER_PUT, to - at) }, (_, index) => bodyOf(at + index))), never);
  }
}

async function drain({ channel }: Running): Promise<number[]> {
  const numbers: number[] = [];
  while (channel.status().size > 0) {
    const loan = await channel.take(1000, AbortSignal.timeout(1000));
    if (!loan) break;
    for (const body of bodiesOf(loan.batch)) {
      const number = Number.parseInt(body, 10);
      assert.equal(body, bodyOf(number), 'an altered body');
      numbers.push(number);
    }
    await loan.commit();
  }
  assert.equal(channel.status().size, 0, 'the channel holds what it does not give');
  return numbers;
}

/** A copy of what a killed process leaves. */
function copyOf(directory: string): string {
  const copy = join(top, String(count++));
  cpSync(directory, copy, { recursive: true });
  return copy;
}

/** Each number once and in order; as many missing as were reported, and where they were reported. */
async function judge(directory: string, what: string): Promise<number> {
  const running = await start(directory);
  const numbers = await drain(running);
  const { context } = running;
  assert.deepEqual(numbers, [...new Set(numbers)].toSorted((a, b) => a - b), `${what}: twice, or out of order`);
  const missing = EVENTS - numbers.length;
  assert.equal(context.counted('EventLostCount'), missing, `${what}: ${missing} missing, ${context.counted('EventLostCount')} reported`);
  const reported = context.log.lines.filter(({ level }) => level === 'error').flatMap(({ facts }) => ranges(readFileSync(join(String(facts.aside), 'report.txt'), 'utf8')));
  assert.deepEqual(reported, missingFrom(numbers), `${what}: other events are missing than were reported`);
  for (const { facts } of context.log.lines.filter(({ level }) => level === 'error')) assert.ok(existsSync(String(facts.aside)), `${what}: nothing was set aside`);
  await fill(running, EVENTS, EVENTS + PER_PUT);
  assert.equal((await drain(running)).length, PER_PUT, `${what}: it does not go on`);
  await running.channel.stop();
  rmSync(directory, { recursive: true });
  return missing;
}

function ranges(text: string): number[] {
  return [...text.matchAll(/^missing: events (\d+) to (\d+)/gm)].flatMap(([, from, to]) => Array.from({ length: Number(to) - Number(from) + 1 }, (_, index) => Number(from) + index));
}

function missingFrom(numbers: readonly number[]): number[] {
  const there = new Set(numbers);
  return Array.from({ length: EVENTS }, (_, index) => index).filter((number) => !there.has(number));
}

function filesOf(directory: string): string[] {
  const inData = ['millrace-index', 'millrace-records'].flatMap((name) => {
    const folder = join(directory, 'data', name);
    return readdirSync(folder).map((file) => join(folder, file));
  });
  return [...inData, join(directory, 'checkpoint', 'millrace-guard'), join(directory, 'data', 'millrace-owner')].filter((path) => !/LOCK$|LOG(\.old)?$/.test(path) && existsSync(path));
}

/** The file with the last events, and where they end in it. */
function endOf(directory: string): { path: string; end: number } {
  const folder = join(directory, 'data', 'millrace-records');
  const [path = ''] = readdirSync(folder)
    .map((name) => join(folder, name))
    .toSorted((a, b) => Number(readFileSync(b).readBigUInt64BE(24) - readFileSync(a).readBigUInt64BE(24)));
  const bytes = readFileSync(path);
  return { path, end: bytes.findLastIndex((byte) => byte !== 0) + 1 };
}

describe('durable channel over damaged files', { concurrency: false }, () => {
  /** As a killed process leaves it. */
  let killed = '';
  /** Opened twice since. */
  let settled = '';

  before(async () => {
    const live = join(top, 'live');
    let running = await start(live);
    await fill(running, 0, 2000);
    await running.channel.stop();
    running = await start(live);
    await fill(running, 2000, EVENTS);
    settled = copyOf(live);
    await running.channel.stop();
    const fresh = join(top, 'fresh');
    running = await start(fresh);
    await fill(running, 0, EVENTS);
    killed = copyOf(fresh);
    await running.channel.stop();
  });

  test('C1 a copy taken at a kill holds everything', async () => {
    for (const source of [killed, settled]) assert.equal(await judge(copyOf(source), 'untouched'), 0);
  });

  for (const [title, damage] of [
    ['C14 deleted', (path: string) => rmSync(path)],
    ['C15 emptied', (path: string) => truncateSync(path, 0)],
    ['C15 cut in half', (path: string) => truncateSync(path, Math.floor(readFileSync(path).length / 2))],
    ['C6 filled with zeros', (path: string) => writeFileSync(path, Buffer.alloc(readFileSync(path).length))],
    ['C6 longer by 64 KB of garbage', (path: string) => writeFileSync(path, Buffer.concat([readFileSync(path), Buffer.alloc(65_536, 0xa7)]))],
  ] as const) {
    test(`${title}, each file in turn: all is there, or told exactly`, async () => {
      for (const source of [killed, settled]) {
        for (const path of filesOf(source)) {
          const copy = copyOf(source);
          const target = copy + path.slice(source.length);
          damage(target);
          const missing = await judge(copy, `${title} ${path}`);
          if (!/millrace-records/.test(path)) assert.equal(missing, 0, `${path} is only about the data`);
        }
      }
    });
  }

  test('C5 one bit flipped anywhere: all is there, or told exactly', async () => {
    let seed = 20261121;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      return Math.floor((seed / 2 ** 32) * below);
    };
    for (const source of [killed, settled]) {
      for (const path of filesOf(source)) {
        const bytes = readFileSync(path);
        for (let round = 0; round < 12 && bytes.length > 0; round++) {
          const copy = copyOf(source);
          const at = random(bytes.length);
          const changed = Buffer.from(bytes);
          changed[at] = (changed[at] as number) ^ (1 << random(8));
          writeFileSync(copy + path.slice(source.length), changed);
          await judge(copy, `bit of byte ${at} of ${path}`);
        }
      }
    }
  });

  test('C4 the last segment cut within its last records, or zeroed from there: what was whole is there, what is missing is told exactly', async () => {
    const { path, end } = endOf(killed);
    let missing = 0;
    for (let at = Math.max(4096, end - 40_000); at <= end; at += 2477) {
      const copies = [copyOf(killed), copyOf(killed)] as const;
      truncateSync(copies[0] + path.slice(killed.length), at);
      const zeroed = readFileSync(path);
      writeFileSync(copies[1] + path.slice(killed.length), zeroed.fill(0, at));
      for (const copy of copies) missing = await judge(copy, `${copy === copies[0] ? 'cut' : 'zeroed'} at ${at} of ${end}`);
    }
    assert.ok(missing > 0 && missing <= PER_PUT, 'the last cut goes through the last record');
  });

  test('C14 all files of events deleted: every event is told', async () => {
    const copy = copyOf(killed);
    rmSync(join(copy, 'data', 'millrace-records'), { recursive: true });
    assert.equal(await judge(copy, 'records deleted'), EVENTS);
  });

  test('C15 the whole index deleted, or the guard, or both: nothing is missing', async () => {
    for (const source of [killed, settled]) {
      for (const gone of [['data/millrace-index'], ['checkpoint'], ['data/millrace-index', 'checkpoint']]) {
        const copy = copyOf(source);
        for (const path of gone) rmSync(join(copy, path), { recursive: true });
        assert.equal(await judge(copy, `${gone.join()} deleted`), 0);
      }
    }
  });

  test('C15 guard and index deleted after files were used again: nothing is told as lost, what was not done with comes', async () => {
    const live = join(top, 'used-again');
    const running = await start(live);
    for (let round = 0; round < 4; round++) {
      await fill(running, 3000 * round, 3000 * round + 2000);
      await drain(running);
      await new Promise((resolve) => setTimeout(resolve, 250));
      await fill(running, 3000 * round + 2000, 3000 * round + 3000);
      if (round < 3) await drain(running);
    }
    await running.channel.stop();
    for (const gone of ['data/millrace-index', 'checkpoint']) rmSync(join(live, gone), { recursive: true });
    const again = await start(live);
    const numbers = await drain(again);
    assert.equal(again.context.counted('EventLostCount'), 0);
    assert.deepEqual(numbers.slice(-1000), Array.from({ length: 1000 }, (_, index) => 11_000 + index));
    assert.ok(again.context.log.lines.some(({ facts }) => String(facts.found).startsWith('nothing says what is done with')));
    await again.channel.stop();
  });

  test('C15 an older index in its place: nothing is missing, and nothing comes again', async () => {
    const live = join(top, 'older-index');
    const running = await start(live);
    await fill(running, 0, 1000);
    const older = copyOf(live);
    await fill(running, 1000, EVENTS);
    for (let taken = 0; taken < 1500; ) {
      const loan = await running.channel.take(50, never);
      taken += loan?.batch.size ?? 0;
      await loan?.commit();
    }
    await running.channel.stop();
    rmSync(join(live, 'data', 'millrace-index'), { recursive: true });
    cpSync(join(older, 'data', 'millrace-index'), join(live, 'data', 'millrace-index'), { recursive: true });
    const again = await start(live);
    assert.equal(again.context.counted('EventLostCount'), 0);
    assert.deepEqual(await drain(again), Array.from({ length: 1500 }, (_, index) => 1500 + index));
    await again.channel.stop();
  });

  test('C15 an older copy of the files of events in its place: what came since is told, what was committed stays away', async () => {
    const live = join(top, 'older');
    const running = await start(live);
    await fill(running, 0, 1000);
    const older = copyOf(live);
    await fill(running, 1000, EVENTS);
    const loan = await running.channel.take(50, never);
    await loan?.commit();
    await running.channel.stop();
    rmSync(join(live, 'data', 'millrace-records'), { recursive: true });
    cpSync(join(older, 'data', 'millrace-records'), join(live, 'data', 'millrace-records'), { recursive: true });
    const again = await start(live);
    assert.equal(again.context.counted('EventLostCount'), 2000);
    assert.deepEqual(await drain(again), Array.from({ length: 950 }, (_, index) => 50 + index));
    await again.channel.stop();
  });

  test('C17 C18 a second channel on the directory is refused, also through a link', async () => {
    const live = join(top, 'shared');
    const running = await start(live);
    await assert.rejects(start(live), /has it open/);
    symlinkSync(live, join(top, 'link'));
    await assert.rejects(start(join(top, 'link')), /has it open/);
    await running.channel.stop();
    await (await start(live)).channel.stop();
  });

  test('C28 whatever another version wrote is refused with both formats named, and left alone', async () => {
    const future: Record<string, (live: string) => Promise<void> | void> = {
      index: async (live) => {
        const store = new LevelStore(join(live, 'data', 'millrace-index'));
        await store.open();
        const meta = JSON.parse(String(await store.get(Buffer.from('m')))) as { store: string };
        await store.write([{ key: Buffer.from('m'), value: Buffer.from(JSON.stringify({ format: 3, store: meta.store })) }]);
        await store.close();
        await new IndexTables(storeFiles, join(live, 'data', 'millrace-index')).note();
      },
      segment: (live) => {
        const { path } = endOf(live);
        const bytes = readFileSync(path);
        bytes.writeUInt32LE(3, 12);
        bytes.writeUInt32LE(crc32(bytes.subarray(12, 56)), 8);
        writeFileSync(path, bytes);
      },
      guard: (live) => {
        const path = join(live, 'checkpoint', 'millrace-guard');
        const bytes = readFileSync(path);
        for (const slot of [bytes.subarray(0, 4096), bytes.subarray(4096)]) {
          slot.writeUInt32LE(3, 8);
          slot.writeUInt32LE(crc32(slot.subarray(4, slot.readUInt32LE(4))), 0);
        }
        writeFileSync(path, bytes);
      },
    };
    for (const [what, change] of Object.entries(future)) {
      const live = copyOf(settled);
      await (await start(live)).channel.stop();
      await change(live);
      const before = filesOf(live).filter((path) => !path.includes('millrace-index')).map((path) => readFileSync(path));
      await assert.rejects(start(live), /format 3.*format 2/, what);
      assert.deepEqual(filesOf(live).filter((path) => !path.includes('millrace-index')).map((path) => readFileSync(path)), before);
    }
    const former = join(top, 'former');
    mkdirSync(join(former, 'data', 'millrace-store'), { recursive: true });
    writeFileSync(join(former, 'data', 'millrace-store', 'CURRENT'), 'MANIFEST-000001\n');
    await assert.rejects(start(former), /format 1.*format 2/);
  });

  test('C16 a file that is none of the store, under a name that would be used next, is set aside', async () => {
    const copy = copyOf(killed);
    writeFileSync(join(copy, 'data', 'millrace-records', '000099.records'), 'what is this');
    assert.equal(await judge(copy, 'a strange file'), 0);
  });

  test("data of Flume's own file channel is refused with a sentence", async () => {
    const live = join(top, 'flume');
    mkdirSync(join(live, 'data'), { recursive: true });
    writeFileSync(join(live, 'data', 'log-1'), 'x');
    await assert.rejects(start(live), /file channel of Flume/);
    assert.deepEqual(readdirSync(join(live, 'data')), ['log-1']);
  });
});
