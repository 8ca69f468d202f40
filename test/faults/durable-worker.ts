/**
 * Puts numbered events into a durable channel and takes them out again until it is killed: `node durable-worker.ts DIR FROM`. What was
 * acknowledged and what was delivered is noted in files that outlive it. With FROM = drain it takes out what is there, and ends.
 */
import { openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileChannel } from '../../channels/leveldb/index.ts';
import { Batch } from '../../core/batch.ts';
import { create, FakeContext, never } from '../conformance/fakes.ts';
import { bodyOf } from './durable-bodies.ts';

const [directory = '', from = ''] = process.argv.slice(2);
const acknowledged = openSync(join(directory, 'acknowledged'), 'a');
const delivered = openSync(join(directory, 'delivered'), 'a');
const context = new FakeContext();
const properties = { checkpointDir: join(directory, 'checkpoint'), dataDirs: join(directory, 'data'), minimumRequiredSpace: '0', capacity: '20000', transactionCapacity: '1000' };
const channel = await create(fileChannel, properties, context);
await channel.start();
const lost = context.counted('EventLostCount');
if (lost > 0) throw new Error(`${lost} events are reported as lost`);

if (from === 'drain') {
  const idle = setInterval(() => {
    if (channel.status().size > 0) return;
    clearInterval(idle);
    void channel.stop();
  }, 5);
} else {
  let next = Number(from);
  for (let window = 0; window < 4; window++) void putForEver();
  async function putForEver(): Promise<void> {
    for (;;) {
      const size = 1 + ((next * 7) % 150);
      const first = next;
      next += size;
      await channel.put(Batch.of(Array.from({ length: size }, (_, index) => ({ body: bodyOf(first + index), headers: new Map([['n', String(first + index)]]) }))), never);
      writeSync(acknowledged, `${first} ${size}\n`);
    }
  }
}

const stopped = new AbortController();
for (;;) {
  const loan = await channel.take(100, stopped.signal);
  if (!loan) break;
  const lines: string[] = [];
  for (const { body, headers } of loan.batch) {
    const number = Number(headers.get('n'));
    lines.push(body.equals(bodyOf(number)) ? String(number) : `altered ${number}`);
  }
  writeSync(delivered, `${lines.join('\n')}\n`);
  await loan.commit();
}
