/**
 * A durable channel at work in a process of its own, whose system calls a test lets fail: `node worker.ts DIRECTORY MODE FROM`. Says what
 * was acknowledged and what came out on standard output, line by line, so that it is known even if the next call is the last one.
 *
 *   once   one put after the other, one take that is committed, one that is not, stop
 *   fill   50 puts of 100 events, five takes of as many that are committed, stop
 *   left   as fill, and killed a moment later instead of a stop
 *   load   four puts in flight until 40 were acknowledged, each repeated until it is; takes and commits beside, and roll-backs; stop
 */

import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileChannel } from '../../../channels/leveldb/index.ts';
import { Batch } from '../../../core/batch.ts';
import { create, FakeContext, never } from '../../conformance/fakes.ts';
import { Bodies } from '../referee/bodies.ts';

const [directory = '', mode = 'once', from = '0'] = process.argv.slice(2);
const PUTS = 40;
const isFill = mode === 'fill' || mode === 'left';
const bodies = new Bodies(isFill ? 'numbered-short' : 'numbered-edges');
const context = new FakeContext();
const properties = { checkpointDir: join(directory, 'checkpoint'), dataDirs: join(directory, 'data'), minimumRequiredSpace: '0', capacity: '20000', 'keep-alive': '0' };
const channel = create(fileChannel, properties, context);

// A wait for events that never come is no reason to end.
const awake = setInterval(() => undefined, 1000);
let next = Number(from);
// As the supervisor does: what does not start is tried again.
for (let attempt = 0; ; attempt++) {
  try {
    await (await channel).start();
    break;
  } catch (error) {
    say('not started', String(error));
    if (attempt === 5) process.exit(3);
    await sleep(50);
  }
}
say('started');
await (isFill ? fill() : mode === 'once' ? once() : load());
if (mode === 'left') {
  // Long enough for the last commit to be in more than one place.
  await sleep(400);
  process.kill(process.pid, 'SIGKILL');
}
await (await channel).stop();
say('reported', String(context.counted('EventLostCount')));
say('stopped');
clearInterval(awake);

async function once(): Promise<void> {
  for (const size of [1, 20, 300]) await put(size, 1).catch((error: unknown) => say('refused', String(error)));
  await (await take(15))?.commit();
  await take(15);
}

async function fill(): Promise<void> {
  for (let count = 0; count < 50; count++) await put(100, 1);
  for (let count = 0; count < 5; count++) await (await take(100))?.commit();
}

async function load(): Promise<void> {
  const done = new AbortController();
  let left = PUTS;
  const puts = Array.from({ length: 4 }, async () => {
    while (left-- > 0) await put(1 + ((left * 37) % 120), 400);
  });
  const takes = (async () => {
    for (let round = 0; ; round++) {
      const loan = await take(100, done.signal);
      if (!loan) return;
      // A sink that fails, and one whose commit the disk refuses, get the events again.
      if (round % 7 === 3) await loan.rollback();
      else await loan.commit();
    }
  })();
  await Promise.all(puts);
  done.abort();
  await takes;
}

async function put(size: number, attempts: number): Promise<void> {
  const first = next;
  next += size;
  const batch = Batch.of(Array.from({ length: size }, (_, index) => ({ body: bodies.bodyOf(0, first + index), headers: new Map([['n', String(first + index)]]) })));
  say('put', `${first} ${size}`);
  for (let attempt = 1; ; attempt++) {
    try {
      await (await channel).put(batch, never);
      return say('acknowledged', `${first} ${size}`);
    } catch (error) {
      if (attempt === attempts) throw error;
      await sleep(5);
    }
  }
}

interface Loan {
  commit(): Promise<void>;
  rollback(): Promise<void>;
}

async function take(most: number, signal = AbortSignal.timeout(3000)): Promise<Loan | undefined> {
  const loan = await (await channel).take(most, signal);
  if (!loan) return undefined;
  const numbers: number[] = [];
  for (const { body, headers } of loan.batch) {
    const reading = bodies.read(body);
    if (reading.kind === 'whole' && String(reading.number) === headers.get('n')) numbers.push(reading.number);
    else say('altered', JSON.stringify(reading));
  }
  return {
    rollback: () => loan.rollback(),
    async commit() {
      // An attempt that fails may have reached the disk all the same.
      say('committing', numbers.join(' '));
      await loan.commit().then(() => say('committed', numbers.join(' ')), (error: unknown) => say('not committed', String(error)));
    },
  };
}

function say(what: string, facts = ''): void {
  writeSync(1, `${what} ${facts.replaceAll('\n', ' ')}\n`);
}
