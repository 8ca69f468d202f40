/** What every channel owes sources and sinks. Call `channelConformance` in the channel's own test file. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { Batch } from '../../core/batch.ts';
import type { Channel, Transaction } from '../../core/component.ts';
import { ChannelFullError, TooLargeError } from '../../core/errors.ts';
import { batchOf, bodiesOf, isOpen, never, takeNow } from './fakes.ts';

export interface ChannelLimits {
  /** Most events. */
  readonly capacity: number;
  readonly transactionCapacity: number;
  readonly keepAliveMs: number;
}

export interface ChannelSubject {
  /** A started channel over data of its own, with these limits. */
  create(limits: ChannelLimits): Promise<Channel>;
  /** For durable channels: stops it, and starts another one over the same data. */
  reopen?(channel: Channel): Promise<Channel>;
  /** Promises, by title, that the channel does not make, each with the reason. One that it keeps after all fails the suite. */
  readonly exceptions?: Readonly<Record<string, string>>;
  /** Runs of the model test. */
  readonly modelRuns?: number;
}

const LIMITS: ChannelLimits = { capacity: 10, transactionCapacity: 5, keepAliveMs: 3000 };

/** A promise that is not kept may show as waiting for ever. */
const EXCEPTION_MS = 1000;

type Promised = (title: string, body: (channel: Channel) => Promise<void>, limits?: Partial<ChannelLimits>) => void;

export function channelConformance(name: string, subject: ChannelSubject): void {
  describe(`${name} keeps what every channel promises`, () => {
    const titles: string[] = [];
    const promised: Promised = (title, body, limits = {}) => {
      titles.push(title);
      const reason = subject.exceptions?.[title];
      const run = async (): Promise<void> => {
        const channel = await subject.create({ ...LIMITS, ...limits });
        try {
          await body(channel);
        } finally {
          await channel.stop();
        }
      };
      test(reason === undefined ? title : `${title}: not promised, because ${reason}`, () =>
        reason === undefined ? run() : assert.rejects(within(EXCEPTION_MS, run()), 'the exception is stale: the promise is kept'),
      );
    };
    storing(promised);
    lending(promised);
    waiting(promised);
    failing(promised);
    if (subject.reopen) restarting(subject as Required<Pick<ChannelSubject, 'reopen' | 'create'>>);
    promised('model: random puts, takes, commits and roll-backs end as in a simple list', async () => {
      await fc.assert(modelProperty(subject), { numRuns: subject.modelRuns ?? 200 });
    });
    test('every exception names a promise', () => {
      for (const title of Object.keys(subject.exceptions ?? {})) assert.ok(titles.includes(title), `no promise is called "${title}"`);
    });
  });
}

function storing(promised: Promised): void {
  promised('C4.3 events come out as they went in, in order', async (channel) => {
    await channel.put(batchOf('a', 'b'), never);
    await channel.put(batchOf('c'), never);
    assert.deepEqual(await drain(channel), ['a', 'b', 'c']);
  });
  promised('C21 empty bodies and odd headers come out as they went in', async (channel) => {
    const headers = new Map([
      ['', 'empty name'],
      ['with space', ''],
      ['line\nfeed', 'a\r\nb'],
      ['ümlaut…', '\u{1F600}'],
      ['__proto__', 'constructor'],
      ['long', 'x'.repeat(1024 * 1024)],
      ...Array.from({ length: 1000 }, (_, index): [string, string] => [`h${index}`, String(index)]),
    ]);
    const empty = { body: Buffer.alloc(0), headers: new Map<string, string>() };
    await channel.put(Batch.of([empty, { body: Buffer.from([0, 255, 10]), headers }, empty]), never);
    const events: { body: string; headers: Map<string, string> }[] = [];
    while (events.length < 3) {
      const { batch, commit } = await take(channel);
      for (const event of batch) events.push({ body: event.body.toString('hex'), headers: new Map(event.headers) });
      await commit();
    }
    assert.deepEqual(events[0], { body: '', headers: new Map() });
    assert.equal(events[1]?.body, '00ff0a');
    assert.deepEqual(events[1]?.headers, headers);
    assert.deepEqual(events[2], { body: '', headers: new Map() });
  });
  promised('a batch without events changes nothing', async (channel) => {
    await channel.put(batchOf(), never);
    assert.equal(await takeNow(channel, 1), undefined);
    assert.equal(channel.status().size, 0);
  });
  promised('a put counts before it is taken, and until it is committed', async (channel) => {
    assert.deepEqual(channel.status(), { size: 0, capacity: channel.status().capacity, byteLength: 0 });
    await channel.put(batchOf('four', 'xx', ''), never);
    assert.equal(channel.status().size, 3);
    assert.equal(channel.status().byteLength, 6);
    const loan = await take(channel, 3);
    assert.equal(channel.status().size, 3);
    await loan.rollback();
    assert.equal(channel.status().size, 3);
    assert.equal(channel.status().byteLength, 6);
    await drain(channel);
    assert.equal(channel.status().size, 0);
    assert.equal(channel.status().byteLength, 0);
  });
}

function lending(promised: Promised): void {
  promised('a take lends no more than was asked for, and no more than a transaction holds', async (channel) => {
    await channel.put(batchOf('a', 'b', 'c', 'd', 'e'), never);
    await channel.put(batchOf('f', 'g', 'h', 'i', 'j'), never);
    const loan = await take(channel, 2);
    assert.ok(loan.batch.size >= 1 && loan.batch.size <= 2);
    await loan.commit();
    assert.ok((await take(channel, 1000)).batch.size <= channel.transactionCapacity);
  });
  promised('a roll-back gives the events back, ahead of those never taken', async (channel) => {
    await channel.put(batchOf('a', 'b', 'c', 'd'), never);
    await (await take(channel, 2)).rollback();
    assert.deepEqual(await drain(channel), ['a', 'b', 'c', 'd']);
  });
  promised('loans rolled back in any order come back in the order of the events', async (channel) => {
    await channel.put(batchOf('a', 'b', 'c'), never);
    await channel.put(batchOf('d', 'e', 'f'), never);
    const loans = [await take(channel, 2), await take(channel, 2), await take(channel, 1)];
    for (const index of [1, 0, 2]) await (loans[index] as Transaction).rollback();
    assert.deepEqual(await drain(channel), ['a', 'b', 'c', 'd', 'e', 'f']);
  });
  promised('a loan ends once', async (channel) => {
    await channel.put(batchOf('a', 'b'), never);
    const committed = await take(channel, 1);
    await committed.commit();
    await assert.rejects(async () => committed.commit());
    await assert.rejects(async () => committed.rollback());
    const rolledBack = await take(channel, 1);
    await rolledBack.rollback();
    await assert.rejects(async () => rolledBack.commit());
    assert.deepEqual(await drain(channel), ['b']);
  });
  promised('C23 endless roll-backs cost no room, no event and no order', async (channel) => {
    await channel.put(batchOf('a', 'b', 'c'), never);
    for (let round = 0; round < 2000; round++) await (await take(channel, 2)).rollback();
    await channel.put(batchOf('d', 'e'), never);
    await channel.put(batchOf('f', 'g', 'h', 'i', 'j'), never);
    assert.deepEqual(await drain(channel), [...'abcdefghij']);
  });
}

function waiting(promised: Promised): void {
  promised('a take waits for a put', async (channel) => {
    const taken = channel.take(5, never);
    assert.ok(await isOpen(taken));
    await channel.put(batchOf('a'), never);
    assert.deepEqual(bodiesOf((await taken)?.batch ?? batchOf()), ['a']);
  });
  promised('a take ends without events once its signal aborts', async (channel) => {
    const stop = new AbortController();
    const taken = channel.take(5, stop.signal);
    stop.abort();
    assert.equal(await taken, undefined);
    assert.equal(await channel.take(5, stop.signal), undefined);
    await channel.put(batchOf('a'), never);
    assert.deepEqual(await drain(channel), ['a']);
  });
  promised('a put waits for room, and all of its events come at once', async (channel) => {
    await fill(channel);
    const put = channel.put(batchOf('x', 'y'), never);
    assert.ok(await isOpen(put));
    assert.equal(channel.status().size, 10);
    await (await take(channel, 1)).commit();
    assert.ok(await isOpen(put));
    await (await take(channel, 1)).commit();
    await put;
    assert.deepEqual((await drain(channel)).slice(-2), ['x', 'y']);
  });
  promised('a put waits for loans that end, not for loans that are given back', async (channel) => {
    await fill(channel);
    const put = channel.put(batchOf('x'), never);
    await (await take(channel, 5)).rollback();
    assert.ok(await isOpen(put));
    await (await take(channel, 5)).commit();
    await put;
  });
  promised('puts that wait are stored in the order of the calls', async (channel) => {
    await fill(channel);
    const puts = [channel.put(batchOf('v', 'w', 'x'), never), channel.put(batchOf('y'), never)];
    const bodies = await drain(channel);
    await Promise.all(puts);
    assert.deepEqual([...bodies, ...(await drain(channel))].slice(-4), ['v', 'w', 'x', 'y']);
  });
  promised('stop ends with a loan open', async (channel) => {
    await channel.put(batchOf('a'), never);
    const loan = await take(channel, 1);
    await channel.stop();
    await loan.commit().catch(() => undefined);
  });
}

function failing(promised: Promised): void {
  promised(
    'a put fails once its keep-alive has passed, and stores nothing',
    async (channel) => {
      await fill(channel);
      await assert.rejects(channel.put(batchOf('x', 'y'), never), ChannelFullError);
      assert.equal(channel.status().size, 10);
      assert.ok(!(await drain(channel)).includes('x'));
    },
    { keepAliveMs: 20 },
  );
  promised(
    'puts that wait behind one that fails fail too, whatever room there is',
    async (channel) => {
      await fill(channel);
      await (await take(channel, 1)).commit();
      const puts = [channel.put(batchOf('x', 'y'), never), channel.put(batchOf('z'), never)];
      for (const put of puts) await assert.rejects(put, ChannelFullError);
      assert.ok(!(await drain(channel)).includes('z'));
    },
    { keepAliveMs: 20 },
  );
  promised('a put that waits fails once its signal aborts, and stores nothing', async (channel) => {
    await fill(channel);
    const stop = new AbortController();
    const put = channel.put(batchOf('x'), stop.signal);
    stop.abort();
    await assert.rejects(put, { name: 'AbortError' });
    await assert.rejects(channel.put(batchOf('y'), stop.signal), { name: 'AbortError' });
    assert.deepEqual(
      (await drain(channel)).filter((body) => body === 'x' || body === 'y'),
      [],
    );
  });
  promised('C20 a batch that would not even fit into the empty channel fails at once and for good; others go on', async (channel) => {
    const many = Array.from({ length: 11 }, (_, index) => String(index));
    await assert.rejects(channel.put(batchOf(...many), never), TooLargeError);
    await channel.put(batchOf('a'), never);
    assert.deepEqual(await drain(channel), ['a']);
  });
}

function restarting(subject: Required<Pick<ChannelSubject, 'reopen' | 'create'>>): void {
  test('what was put and not committed is there after a restart, loans included', async () => {
    let channel = await subject.create(LIMITS);
    await channel.put(batchOf('a', 'b'), never);
    await channel.put(batchOf('c', 'd'), never);
    await (await take(channel, 1)).commit();
    await take(channel, 1);
    channel = await subject.reopen(channel);
    assert.equal(channel.durable, true);
    assert.equal(channel.status().size, 3);
    assert.deepEqual(await drain(channel), ['b', 'c', 'd']);
    await channel.stop();
  });
}

interface Loan {
  readonly transaction: Transaction;
  readonly numbers: readonly number[];
}

function modelProperty(subject: ChannelSubject): fc.IAsyncProperty<unknown> {
  const amount = fc.integer({ min: 1, max: 5 });
  const action = fc.oneof(
    fc.record({ do: fc.constant('put' as const), amount }),
    fc.record({ do: fc.constant('take' as const), amount }),
    fc.record({ do: fc.constant('commit' as const), amount }),
    fc.record({ do: fc.constant('roll back' as const), amount }),
  );
  return fc.asyncProperty(fc.array(action, { maxLength: 60 }), async (actions) => {
    const channel = await subject.create(LIMITS);
    let waitingNumbers: number[] = [];
    const loans: Loan[] = [];
    let next = 0;
    const held = (): number => waitingNumbers.length + loans.reduce((sum, loan) => sum + loan.numbers.length, 0);
    for (const { do: what, amount: count } of actions) {
      const [loan] = loans.length > 0 ? loans.splice(count % loans.length, what === 'commit' || what === 'roll back' ? 1 : 0) : [];
      if (what === 'put' && held() + count <= LIMITS.capacity) {
        const numbers = Array.from({ length: count }, () => next++);
        await channel.put(batchOf(...numbers.map(String)), never);
        waitingNumbers.push(...numbers);
      } else if (what === 'take' && waitingNumbers.length > 0) {
        const transaction = await take(channel, count);
        const numbers = bodiesOf(transaction.batch).map(Number);
        assert.ok(numbers.length >= 1 && numbers.length <= count);
        assert.deepEqual(numbers, waitingNumbers.splice(0, numbers.length));
        loans.push({ transaction, numbers });
      } else if (what === 'commit') {
        await loan?.transaction.commit();
      } else if (loan) {
        await loan.transaction.rollback();
        waitingNumbers = [...waitingNumbers, ...loan.numbers].sort((a, b) => a - b);
      }
      assert.equal(channel.status().size, held());
    }
    assert.deepEqual((await drain(channel, waitingNumbers.length)).map(Number), waitingNumbers);
    await channel.stop();
  });
}

async function within(ms: number, promise: Promise<void>): Promise<void> {
  await Promise.race([promise, sleep(ms).then(() => assert.fail(`still waiting after ${ms} ms`))]);
}

async function fill(channel: Channel): Promise<void> {
  await channel.put(batchOf('0', '1', '2', '3', '4'), never);
  await channel.put(batchOf('5', '6', '7', '8', '9'), never);
}

async function take(channel: Channel, max = 1000): Promise<Transaction> {
  const transaction = await takeNow(channel, max);
  assert.ok(transaction, 'the channel lent nothing');
  return transaction;
}

/** Bodies of all that is there, committed. */
async function drain(channel: Channel, most = Infinity): Promise<string[]> {
  const bodies: string[] = [];
  // A status of 0 means that nothing is stored; what others hold on loan never comes.
  while (channel.status().size > 0 && bodies.length < most) {
    const transaction = await channel.take(1000, AbortSignal.timeout(200));
    if (!transaction) break;
    bodies.push(...bodiesOf(transaction.batch));
    await transaction.commit();
  }
  return bodies;
}
