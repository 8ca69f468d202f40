import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import * as library from '@platformatic/kafka';
import { Fetcher } from '../../../../protocols/kafka/fetcher.ts';
import { readAnswer } from '../../../../protocols/kafka/fetch-request.ts';
import type { FetchedRecords } from '../../../../protocols/kafka/fetched-records.ts';
import { NOBODY, RecordBatchWriter, seal } from '../../../../protocols/kafka/record-batch.ts';
import { recordingContext } from '../../recording-context.ts';

const SETTINGS = { withHeaders: false, committedOnly: false, minBytes: 1, maxBytes: 1000, maxBytesPerPartition: 1000, maxWaitMs: 1 };
const OUT_OF_RANGE = 1;
const NOT_LEADER = 6;
const NOT_ALLOWED = 29;

/** `error`: the code that is answered; otherwise record batches. */
type Answer = number | Buffer;

/** A cluster of one broker, with a topic of some partitions: what it answers for a partition at an offset is the test's choice. */
class Cluster {
  readonly asked: string[] = [];
  lookUps = 0;
  readonly #partitions: number;
  readonly #answer: (partition: number, offset: number) => Answer | undefined;

  constructor(partitions: number, answer: (partition: number, offset: number) => Answer | undefined) {
    this.#partitions = partitions;
    this.#answer = answer;
  }

  get client(): library.Base {
    const broker = { host: 'h', port: 1, nodeId: 1, rack: null };
    const partitions = Array.from({ length: this.#partitions }, () => ({ leader: 1, leaderEpoch: 0, replicas: [1], isr: [1], offlineReplicas: [] }));
    const connection = { socket: { destroy: () => undefined }, send: (...words: unknown[]) => this.#send(words) };
    return {
      listApis: () => Promise.resolve([{ apiKey: 1, minVersion: 4, maxVersion: 17 }]),
      metadata: () => {
        this.lookUps++;
        return Promise.resolve({ brokers: new Map([[1, broker]]), topics: new Map([['t', { id: 'id', partitions, partitionsCount: this.#partitions, lastUpdate: 0 }]]) });
      },
      connections: { get: () => Promise.resolve(connection) },
    } as unknown as library.Base;
  }

  /** Reads the request as the protocol says, and answers. */
  #send([, version, create, parse, , , callback]: unknown[]): void {
    const { buffer } = (create as () => library.Writer)();
    assert.equal(version, 11);
    // replica, wait, least, most, isolation, session, epoch; then one topic.
    let at = 4 + 4 + 4 + 4 + 1 + 4 + 4 + 4 + 2 + 1;
    const parts: { partition: number; code: number; bytes: Buffer }[] = [];
    const count = buffer.readInt32BE(at);
    at += 4;
    for (let left = count; left > 0; left--, at += 28) {
      const [partition, offset] = [buffer.readInt32BE(at), Number(buffer.readBigInt64BE(at + 8))];
      this.asked.push(`${partition}@${offset}`);
      const answer = this.#answer(partition, offset);
      if (answer !== undefined) parts.push({ partition, code: typeof answer === 'number' ? answer : 0, bytes: typeof answer === 'number' ? Buffer.alloc(0) : answer });
    }
    const reader = library.Reader.from(answerOf(parts));
    // A broker that has nothing new waits for a while.
    void setTimeout(parts.length > 0 ? 0 : 5).then(() => (callback as (error: null, answer: unknown) => void)(null, (parse as (...words: unknown[]) => unknown)(0, 1, version, reader)));
  }
}

function answerOf(parts: readonly { readonly partition: number; readonly code: number; readonly bytes: Buffer }[]): Buffer {
  const { Writer } = library;
  const writer = Writer.create().appendInt32(0).appendInt16(0).appendInt32(0).appendInt32(1).appendString('t', false).appendInt32(parts.length);
  for (const { partition, code, bytes } of parts) {
    writer.appendInt32(partition).appendInt16(code).appendInt64(9n).appendInt64(9n).appendInt64(0n).appendInt32(-1).appendInt32(-1).appendInt32(bytes.length).append(bytes);
  }
  return writer.buffer;
}

async function batch(offset: number, ...values: readonly string[]): Promise<Buffer> {
  const writer = new RecordBatchWriter();
  writer.begin(1);
  for (const value of values) writer.add(Buffer.from(value), 0, value.length);
  const bytes = await writer.end('none', (records) => records);
  bytes.writeBigInt64BE(BigInt(offset));
  seal(bytes, NOBODY, -1, library.crc32c);
  return bytes;
}

function fetcherOf(t: TestContext, cluster: Cluster, start = (_topic: string, _partition: number): Promise<number> => Promise.reject(new Error('nobody chooses'))): { fetcher: Fetcher; lines: readonly string[] } {
  const context = recordingContext();
  const fetcher = new Fetcher(library, cluster.client, SETTINGS, start, context.log);
  t.after(() => fetcher.stop());
  return { fetcher, lines: context.lines };
}

/** Values until there are so many, each with its partition. */
async function collect(fetcher: Fetcher, count: number, most = 1000): Promise<string[]> {
  const found: string[] = [];
  const signal = AbortSignal.timeout(20_000);
  while (found.length < count) {
    signal.throwIfAborted();
    const records = fetcher.next(most);
    if (records) found.push(...told(records));
    else await fetcher.wait(20_000, signal);
  }
  return found;
}

const told = ({ bytes, bounds, size, ...records }: FetchedRecords): string[] => Array.from({ length: size }, (_, index) => bytes.toString('utf8', bounds[2 * index], bounds[2 * index + 1]), records);
const starts = (...offsets: readonly number[]) => offsets.map((offset, partition) => ({ topic: 't', partition, offset }));

test('it reads one answer ahead, from behind what the last one held, and hands out as many as are wanted', async (t) => {
  const batches = new Map([[5, await batch(5, 'a', 'b', 'c')], [8, await batch(8, 'd')]]);
  const cluster = new Cluster(1, (_partition, offset) => batches.get(offset));
  const { fetcher } = fetcherOf(t, cluster);
  fetcher.assign(starts(5));
  assert.deepEqual(await collect(fetcher, 1, 1), ['a']);
  assert.equal(fetcher.handedOut('t', 0), 6);
  assert.deepEqual(await collect(fetcher, 3, 1000), ['b', 'c', 'd']);
  assert.equal(fetcher.handedOut('t', 0), 9);
  assert.deepEqual(cluster.asked.slice(0, 3), ['0@5', '0@8', '0@9']);
});

test('N21 whoever hands nothing out for now is not woken by what lies ready, so that the process gets to its other answers', async (t) => {
  const batches = new Map([[0, await batch(0, 'a')]]);
  const { fetcher } = fetcherOf(t, new Cluster(1, (_partition, offset) => batches.get(offset)));
  fetcher.assign(starts(0));
  const never = new AbortController().signal;
  await fetcher.wait(20_000, never);
  await fetcher.wait(20_000, never);
  let woken = false;
  const waiting = fetcher.wait(20_000, never, false).then(() => (woken = true));
  await setTimeout(1);
  assert.equal(woken, false);
  fetcher.stir();
  await waiting;
});

test('what was read ahead is forgotten when partitions are assigned anew; answers to older questions do not count', async (t) => {
  const one = await batch(5, 'a', 'b', 'c');
  const cluster = new Cluster(1, (_partition, offset) => (offset === 5 || offset === 6 ? one : undefined));
  const { fetcher } = fetcherOf(t, cluster);
  fetcher.assign(starts(5));
  assert.deepEqual(await collect(fetcher, 1, 1), ['a']);
  fetcher.assign(starts(6));
  assert.deepEqual(await collect(fetcher, 2), ['b', 'c']);
  fetcher.assign([]);
  assert.equal(fetcher.next(1000), undefined);
});

test('N22 a damaged record batch keeps its partition where it is, and says so; what is before it and other partitions go on', async (t) => {
  const damaged = Buffer.concat([await batch(0, 'good'), await batch(1, 'bad')]);
  damaged.writeUInt8((damaged[damaged.length - 3] as number) ^ 1, damaged.length - 3);
  const answers = new Map([['0@0', damaged], ['1@0', await batch(0, 'x', 'y')], ['1@2', await batch(2, 'z')]]);
  const { fetcher, lines } = fetcherOf(t, new Cluster(2, (partition, offset) => answers.get(`${partition}@${offset}`)));
  fetcher.assign(starts(0, 0));
  assert.deepEqual((await collect(fetcher, 4)).sort(), ['good', 'x', 'y', 'z']);
  assert.equal(fetcher.handedOut('t', 0), 1);
  assert.match(lines.join('\n'), /the record batch at offset 1 of partition 0 of t has the checksum [^\n]* not read on before it can be/);
});

test('an offset that is not there: reading goes on where the owner chooses, and a line says so; or it fails where nobody does', async (t) => {
  const late = await batch(70, 'late');
  const cluster = new Cluster(1, (_partition, offset) => (offset === 70 ? late : offset === 3 ? OUT_OF_RANGE : undefined));
  const chosen = fetcherOf(t, cluster, () => Promise.resolve(70));
  chosen.fetcher.assign(starts(3));
  assert.deepEqual(await collect(chosen.fetcher, 1), ['late']);
  assert.match(chosen.lines.join('\n'), /does not have the offset 3 any more, or not yet: it is read on at 70/);
  const { fetcher } = fetcherOf(t, cluster);
  fetcher.assign(starts(3));
  await assert.rejects(collect(fetcher, 1), /nobody chooses/);
});

test('S7 a leader that moves is looked up and asked again; what is not allowed ends in an error', async (t) => {
  const one = await batch(0, 'one');
  let refusals = 1;
  const cluster = new Cluster(1, (_partition, offset) => (offset > 0 ? undefined : refusals-- > 0 ? NOT_LEADER : one));
  const { fetcher } = fetcherOf(t, cluster);
  fetcher.assign(starts(0));
  assert.deepEqual(await collect(fetcher, 1), ['one']);
  assert.equal(cluster.lookUps, 2);
  const other = fetcherOf(t, new Cluster(1, () => NOT_ALLOWED));
  other.fetcher.assign(starts(0));
  await assert.rejects(collect(other.fetcher, 1), /partition 0 of t cannot be read: TOPIC_AUTHORIZATION_FAILED/);
});

test('an answer of an older version; one that announces more than it holds', () => {
  const { Writer } = library;
  const bytes = Writer.create().appendInt32(0).appendInt32(1).appendString('t', false).appendInt32(1).appendInt32(2).appendInt16(0).appendInt64(9n).appendInt64(9n).appendInt32(1).appendInt64(7n).appendInt64(3n).appendInt32(2).append(Buffer.from('ab')).buffer;
  const { code, partitions } = readAnswer(bytes, 4);
  assert.deepEqual([code, partitions], [0, [{ topic: 't', partition: 2, code: 0, aborted: [{ producerId: 7n, firstOffset: 3 }], begin: bytes.length - 2, end: bytes.length }]]);
  assert.throws(() => readAnswer(bytes.subarray(0, -1), 4), /announces 2 at byte/);
});
