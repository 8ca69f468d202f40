/**
 * `node test/bench/micro/backlog.ts [EVENTS]`: W5c without sockets: a backlog of lines of 100 bytes, the process killed, another one that drains it:
 * milliseconds from its start to the first event, seconds to the last, order, memory, what the store takes afterwards.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fileChannel } from '../../../channels/leveldb/index.ts';
import { Batch } from '../../../core/batch.ts';
import type { Channel } from '../../../core/component.ts';
import { create, FakeContext, never } from '../../conformance/fakes.ts';

const LINE_BYTES = 100;
const PER_PUT = 1000;
const WINDOW = 20;
const [mode = '10000000', directory = '', count = '0'] = process.argv.slice(2);

if (mode === 'fill') await fill(Number(count));
else if (mode === 'drain') await drain(Number(count));
else await measure(Number(mode));

async function measure(events: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-backlog-'));
  try {
    const filling = run('fill', folder, events);
    await once(filling.stdout, 'data');
    filling.kill('SIGKILL');
    await once(filling, 'exit');
    const draining = run('drain', folder, events);
    draining.stdout.pipe(process.stdout);
    await once(draining, 'exit');
    console.log(`${(sizeOf(folder) / 1e6).toFixed(0)} MB of files afterwards`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function run(what: string, folder: string, events: number) {
  const program = ['--expose-gc', '--max-semi-space-size=1', fileURLToPath(import.meta.url), what, folder, String(events)];
  return spawn(process.execPath, program, { stdio: ['ignore', 'pipe', 'inherit'] });
}

async function open(): Promise<Channel> {
  const properties = { checkpointDir: directory, dataDirs: directory, minimumRequiredSpace: '0', capacity: '100000000', transactionCapacity: String(PER_PUT) };
  const channel = await create(fileChannel, properties, new FakeContext());
  await channel.start();
  return channel;
}

async function fill(events: number): Promise<void> {
  const channel = await open();
  let next = 0;
  await Promise.all(
    Array.from({ length: WINDOW }, async () => {
      while (next < events) {
        const first = next;
        next += PER_PUT;
        await channel.put(linesFrom(first), never);
      }
    }),
  );
  console.log('filled');
  setInterval(() => undefined, 1000);
}

function linesFrom(first: number): Batch {
  const bytes = Buffer.alloc(PER_PUT * LINE_BYTES, 'abcdefghij');
  const bounds = new Uint32Array(2 * PER_PUT);
  for (let index = 0; index < PER_PUT; index++) {
    const at = index * LINE_BYTES;
    bytes.write(`${String(first + index).padStart(9, '0')} `, at, 'latin1');
    bytes[at + LINE_BYTES - 1] = 10;
    bounds[2 * index] = at;
    bounds[2 * index + 1] = at + LINE_BYTES - 1;
  }
  return Batch.over(bytes, bounds, PER_PUT);
}

async function drain(events: number): Promise<void> {
  const channel = await open();
  let firstMs = 0;
  let most = 0;
  let wrong = 0;
  let next = 0;
  const began = performance.now();
  while (next < events) {
    const loan = await channel.take(PER_PUT, AbortSignal.timeout(5000));
    if (!loan) break;
    firstMs ||= performance.now();
    const { batch } = loan;
    for (let index = 0; index < batch.size; index += 100) if (Number(batch.body(index).toString('latin1', 0, 9)) !== next + index) wrong++;
    next += batch.size;
    most = Math.max(most, process.memoryUsage.rss());
    await loan.commit();
  }
  const seconds = (performance.now() - began) / 1000;
  const { user, system } = process.cpuUsage();
  console.log(`first event ${firstMs.toFixed(0)} ms after the start of the process; ${next} of ${events} drained in ${seconds.toFixed(1)} s, ${wrong} out of order; ${(most / 1e6).toFixed(0)} MB; ${((user + system) / next).toFixed(2)} CPU s/M`);
  // What is used up is given back with the next look at the account.
  await new Promise((resolve) => setTimeout(resolve, 500));
  await channel.stop();
}

function sizeOf(folder: string): number {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).reduce((sum, name) => {
    const facts = statSync(join(folder, name));
    return sum + (facts.isFile() ? facts.size : 0);
  }, 0);
}
