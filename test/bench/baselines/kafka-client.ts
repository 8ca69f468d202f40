/**
 * The client library used plainly, an object per record: `produce BROKERS TOPIC RECORDS BYTES` (1,000 a send, four sends in flight, lz4, acks
 * from all) or `consume BROKERS TOPIC RECORDS`. Prints its figures.
 */
import { randomUUID } from 'node:crypto';
import { Consumer, Producer } from '@platformatic/kafka';
import { figuresOf } from '../process-figures.ts';

const [what, brokers = '', topic = '', total = '0', bytes = '100'] = process.argv.slice(2);
const records = Number(total);
const PER_SEND = 1000;
const IN_FLIGHT = 4;
const client = { clientId: 'plain', bootstrapBrokers: [brokers] };

await (what === 'produce' ? produce() : consume());

async function produce(): Promise<void> {
  const producer = new Producer({ ...client, acks: -1, compression: 'lz4', idempotent: true, producerId: -1n, producerEpoch: -1 });
  const value = Buffer.from(Array.from({ length: Number(bytes) }, () => 65 + Math.floor(Math.random() * 26)));
  const send = async (count: number): Promise<void> => {
    await producer.send({ messages: Array.from({ length: count }, () => ({ topic, value })) });
  };
  await send(1);
  const [began, before] = [performance.now(), figuresOf(process.pid)];
  let left = records - 1;
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, async () => {
      while (left > 0) {
        const count = Math.min(PER_SEND, left);
        left -= count;
        await send(count);
      }
    }),
  );
  print(began, before);
  await producer.close();
}

async function consume(): Promise<void> {
  const consumer = new Consumer({ ...client, groupId: randomUUID(), autocommit: 1000 });
  const stream = await consumer.consume({ topics: [topic], mode: 'earliest' });
  let began = 0;
  let before = figuresOf(process.pid);
  let count = 0;
  for await (const { value } of stream) {
    if (count === 0) [began, before] = [performance.now(), figuresOf(process.pid)];
    if (value !== null) count++;
    if (count === records) break;
  }
  print(began, before);
  await consumer.close(true);
}

function print(began: number, before: ReturnType<typeof figuresOf>): void {
  const after = figuresOf(process.pid);
  console.log(JSON.stringify({ seconds: (performance.now() - began) / 1000, cpuSeconds: after.cpuSeconds - before.cpuSeconds, peakMb: after.peakMb }));
}
