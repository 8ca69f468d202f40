/** One broker, topics made and read by the client library, and what the tests of source, sink and channel share. */

import { Admin, Connection, Consumer, listTransactionsV1, Producer } from '@platformatic/kafka';
import type { TestContext } from 'node:test';
import { until } from '../servers/daemon.ts';
import { readTopicWithKafka } from '../servers/kafka-reader.ts';
import type { Kafka } from '../servers/kafka.ts';

export interface Read {
  readonly partition: number;
  readonly offset: bigint;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly timestamp: bigint;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Written {
  readonly key?: string;
  readonly value?: Buffer | string | null;
  readonly partition?: number;
  readonly headers?: Readonly<Record<string, string | Buffer>>;
  readonly timestamp?: bigint;
}

type Servers = Pick<Kafka, 'plain'>;

let number = 0;

/** A topic of its own name; answers the name. */
export async function createTopic({ plain }: Servers, partitions = 1, configs: Readonly<Record<string, string>> = {}, name = `t${process.pid}-${++number}`, replicas = 1): Promise<string> {
  const admin = new Admin({ clientId: 'rig', bootstrapBrokers: plain.split(',') });
  await admin.createTopics({ topics: [name], partitions, replicas, configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })) });
  await admin.close();
  return name;
}

/** Reads a topic from its beginning until there are so many records, or, without a number, until nothing came for half a second. */
export async function readTopic({ plain }: Servers, topic: string, expected?: number, isolationLevel: 0 | 1 = 1): Promise<Read[]> {
  const consumer = new Consumer({ clientId: 'rig', bootstrapBrokers: plain.split(','), groupId: `rig-${process.pid}-${++number}`, isolationLevel });
  const stream = await consumer.consume({ topics: [topic], mode: 'earliest', maxWaitTime: 50, autocommit: false });
  const records: Read[] = [];
  await new Promise<void>((resolve, reject) => {
    let quiet = setTimeout(resolve, expected === undefined ? 1500 : 20_000);
    stream.on('error', reject);
    stream.on('data', ({ partition, offset, key, value, timestamp, headers }) => {
      const texts = Object.fromEntries([...headers].map(([name, bytes]) => [String(name), String(bytes)]));
      records.push({ partition, offset, key, value, timestamp, headers: texts });
      clearTimeout(quiet);
      if (records.length === expected) resolve();
      else quiet = setTimeout(resolve, expected === undefined ? 500 : 20_000);
    });
  });
  await consumer.close(true);
  return records;
}

/**
 * What keeps readers of committed records from going on: partitions with records behind their last stable offset, and the transactions that
 * are open. Where there are partitions and no transactions, the brokers have lost the end of one: Kafka 4.3.1 was seen to do that when it was
 * killed between the decision about a transaction and the marks in its partitions.
 */
export async function heldUp({ plain }: Servers, topic: string, partitions: number): Promise<string> {
  const admin = new Admin({ clientId: 'rig', bootstrapBrokers: plain.split(',') });
  const ends = async (isolationLevel: 0 | 1): Promise<Map<number, bigint>> => {
    const places = Array.from({ length: partitions }, (_, partitionIndex) => ({ partitionIndex, timestamp: -1n }));
    const [answer] = await admin.listOffsets({ topics: [{ name: topic, partitions: places }], isolationLevel });
    return new Map(answer?.partitions.map(({ partitionIndex, offset }) => [partitionIndex, offset]));
  };
  const [stable, last] = [await ends(1), await ends(0)];
  await admin.close();
  const held = [...stable].filter(([partition, offset]) => offset < (last.get(partition) ?? 0n)).map(([partition, offset]) => `${partition} at ${offset}`);
  const [host = '', port] = (plain.split(',')[0] as string).split(':');
  const connection = new Connection('rig');
  await connection.connect(host, Number(port));
  const { transactionStates } = await listTransactionsV1.api.async(connection, [], [], -1n, null);
  await connection.close();
  const open = transactionStates.filter(({ transactionState }) => !/^(Complete|Empty|Dead)/.test(transactionState)).map(({ transactionalId }) => transactionalId);
  return `partitions held up: ${held.join(', ') || 'none'}; open transactions: ${open.join(', ') || 'none'}`;
}

/** Writes records with the client library, in order. */
export async function writeTopic({ plain }: Servers, topic: string, records: readonly Written[]): Promise<void> {
  // Without a number of its own it would write twice what a slow broker answers late.
  const producer = new Producer({ clientId: 'rig', bootstrapBrokers: plain.split(','), idempotent: true });
  await producer.send({
    acks: -1,
    messages: records.map(({ key, value, headers, ...rest }) => ({
      topic,
      value: typeof value === 'string' ? Buffer.from(value) : (value as Buffer),
      ...(key !== undefined && { key: Buffer.from(key) }),
      ...(headers && { headers: new Map(Object.entries(headers).map(([name, bytes]) => [Buffer.from(name), Buffer.from(bytes)])) }),
      ...rest,
    })),
  });
  await producer.close();
}

/** The values of the committed records of a topic, as Kafka's own consumer sees them, once there are as many as are expected. */
export async function committed(t: TestContext, { plain }: Servers, topic: string, expected: number): Promise<string[]> {
  const values: string[] = [];
  const reader = await readTopicWithKafka(plain, topic, ({ value }) => values.push(String(value)));
  t.after(() => reader.stop());
  await until(() => `${expected} records; ${values.length} are there ${reader.failure() ?? ''}`, () => values.length >= expected || undefined);
  return values;
}
