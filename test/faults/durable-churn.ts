/**
 * A durable channel of very small files at work until it is killed: `node durable-churn.ts DIRECTORY FROM CAPACITY`. Files are begun, used
 * up and written over all the time. Twenty put, two take; what is noted outlives the process: `a N` acknowledged, `l N` lent, `c N` committed.
 */

import { openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { batchOf, never } from '../conformance/fakes.ts';
import { churning } from './durable-small.ts';

const [directory = '', from = '0', capacity = '100000'] = process.argv.slice(2);
const notes = openSync(join(directory, 'notes'), 'a');
const { channel } = churning(directory, Number(capacity));
await channel.start();
let next = Number(from);
const note = (what: string, numbers: readonly string[]): void => void writeSync(notes, numbers.map((number) => `${what} ${number}\n`).join(''));

async function put(): Promise<void> {
  for (;;) {
    const numbers = Array.from({ length: 1 + (next % 17) }, (_, index) => String(next + index));
    next += numbers.length;
    await channel.put(batchOf(...numbers.map((number) => `${number} ${'x'.repeat(Number(number) % 301)}`)), never).then(
      () => note('a', numbers),
      // The channel is full: the numbers are not used again.
      () => undefined,
    );
  }
}

async function take(): Promise<void> {
  for (;;) {
    const loan = await channel.take(50, never);
    if (!loan) return;
    const numbers = [...loan.batch].map(({ body }) => body.toString('latin1').split(' ')[0] ?? '');
    note('l', numbers);
    await loan.commit();
    note('c', numbers);
  }
}

await Promise.all([...Array.from({ length: 20 }, put), take(), take()]);
