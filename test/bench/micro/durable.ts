/**
 * `node --expose-gc test/bench/micro/durable.ts [EVENTS]`: the durable channel without an agent beside the framed file, in turn: lines of 100 bytes
 * in batches of 1,000 and of 100, put and taken at the same time; then all stored, and all drained. CPU, memory, bytes written.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileChannel } from '../../../channels/leveldb/index.ts';
import { Batch } from '../../../core/batch.ts';
import type { Channel } from '../../../core/component.ts';
import { LineScanner } from '../../../core/line-scanner.ts';
import { create, FakeContext, never } from '../../conformance/fakes.ts';
import { FramedFile } from '../baselines/framed-file.ts';

const EVENTS = Number(process.argv[2] ?? 3_000_000);
const ROUNDS = 3;
const WINDOW = 20;
const LINE_BYTES = 100;

function chunkOf(size: number): Batch {
  const bytes = Buffer.from(Array.from({ length: size }, (_, index) => `${String(index).padStart(9, '0')} `.padEnd(LINE_BYTES - 1, 'abcdefghij') + '\n').join(''));
  return Batch.over(bytes, new LineScanner().scan(bytes, 0).slice(), size);
}

/** A chunk as a source reads it: memory of its own. */
function fresh({ bytes, bounds, size }: Batch): Batch {
  return Batch.over(Buffer.from(bytes), bounds, size);
}

async function open(directory: string, size: number): Promise<Channel> {
  const properties = { checkpointDir: directory, dataDirs: directory, minimumRequiredSpace: '0', capacity: '100000000', transactionCapacity: String(Math.max(size, 1000)) };
  const channel = await create(fileChannel, properties, new FakeContext());
  await channel.start();
  return channel;
}

async function putAll(channel: Channel, chunk: Batch): Promise<void> {
  let left = EVENTS / chunk.size;
  await Promise.all(
    Array.from({ length: WINDOW }, async () => {
      while (left-- > 0) await channel.put(fresh(chunk), never);
    }),
  );
}

async function takeAll(channel: Channel): Promise<void> {
  for (let taken = 0; taken < EVENTS; ) {
    const loan = await channel.take(1000, never);
    if (!loan) throw new Error('nothing was lent');
    taken += loan.batch.size;
    await loan.commit();
  }
}

async function figures(name: string, run: () => Promise<void>): Promise<void> {
  globalThis.gc?.();
  const cpu = process.cpuUsage();
  const written = bytesWritten();
  let most = 0;
  const timer = setInterval(() => (most = Math.max(most, process.memoryUsage.rss())), 20);
  const began = performance.now();
  await run();
  const seconds = (performance.now() - began) / 1000;
  clearInterval(timer);
  const { user, system } = process.cpuUsage(cpu);
  const columns = [
    name.padEnd(34),
    `${(EVENTS / seconds / 1e6).toFixed(2)} M/s`,
    `${((user + system) / EVENTS).toFixed(2)} CPU s/M`,
    `${(most / 1024 / 1024).toFixed(0)} MB`,
    `${((bytesWritten() - written) / EVENTS / LINE_BYTES).toFixed(2)} bytes written per byte`,
  ];
  console.log(columns.join('  '));
}

/** To all disks, by everybody: what /proc/self/io says counts whole folios of the page cache, ten times what a small write into one writes. */
function bytesWritten(): number {
  const lines = readFileSync('/proc/diskstats', 'latin1').trim().split('\n').map((line) => line.trim().split(/\s+/));
  const disks = lines.filter(([, , name = '']) => /^(?:[svx]?vd[a-z]+|sd[a-z]+|nvme\d+n\d+)$/.test(name));
  return disks.reduce((sum, fields) => sum + 512 * Number(fields[9]), 0);
}

const top = mkdtempSync(join(process.env['BENCH_DIR'] ?? tmpdir(), 'millrace-bench-'));
try {
  for (let round = 1; round <= ROUNDS; round++) {
    for (const size of [1000, 100]) {
      const chunk = chunkOf(size);
      const framed = new FramedFile(join(top, 'framed'));
      await figures(`framed, ${size} per sync`, async () => {
        for (let left = EVENTS / size; left > 0; left--) await framed.append(fresh(chunk).bytes, size);
      });
      framed.close();
      const channel = await open(join(top, `${round}-${size}`), size);
      await figures(`durable, ${size} per put`, async () => void (await Promise.all([putAll(channel, chunk), takeAll(channel)])));
      await figures(`durable, ${size} per put, stored`, () => putAll(channel, chunk));
      await figures('durable, drained', () => takeAll(channel));
      await channel.stop();
    }
  }
} finally {
  rmSync(top, { recursive: true, force: true });
}
