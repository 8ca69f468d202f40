/** Many calls under way between our sink and our source, with memory channels, broken wherever it may be: each event is stored once, in order. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SinkRunner } from '../../agent/running/sink-runner.ts';
import { MemoryChannel } from '../../channels/memory.ts';
import { avroSink } from '../../sinks/avro/index.ts';
import { avroSource } from '../../sources/avro/index.ts';
import { randomOf } from '../compat/random.ts';
import { batchOf, bodiesOf, create, FakeContext, FakeSourceContext, never } from '../conformance/fakes.ts';
import { FaultProxy, HOWS, type Fault } from './fault-proxy.ts';

const EVENTS = 20_000;
const FAULTS = 30;
const LIMITS = { capacity: EVENTS, transactionCapacity: EVENTS, keepAliveMs: 1000, slots: 10 * EVENTS };
const bodyOf = (event: number): string => `event ${event} `.padEnd(200, 'x');

test('A2 sixteen calls under way, the connection broken again and again: lost 0, duplicates 0, in order', { timeout: 120_000 }, async (t) => {
  const seed = Number(process.env['MILLRACE_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  t.diagnostic(`seed ${seed}`);
  const random = randomOf(seed);
  const [from, to] = [new MemoryChannel(LIMITS), new MemoryChannel(LIMITS)];
  for (let event = 0; event < EVENTS; event += 20) await from.put(batchOf(...Array.from({ length: 20 }, (_, index) => bodyOf(event + index))), never);
  const context = new FakeSourceContext();
  context.batchLimit = 1000;
  context.deliver = (batch) => to.put(batch, never);
  const source = await create(avroSource, { bind: '127.0.0.1', port: '0' }, context);
  await source.start();
  const proxy = await new FaultProxy(Number(source.describe?.().endpoints?.[0]?.address.split(':')[1])).start();
  proxy.plan = (): Fault | undefined => {
    if (proxy.connections > FAULTS) return undefined;
    const side = random.below(2) === 0 ? 'request' : 'answer';
    // Those that nobody is told of take the whole time-out.
    const how = HOWS[random.below(10) === 0 ? 2 + random.below(2) : random.below(2)] ?? 'cut';
    return { side, at: random.below(side === 'request' ? 6000 : 150), how, lateMs: 1100 };
  };
  const sink = await create(avroSink, { hostname: '127.0.0.1', port: String(proxy.port), 'batch-size': '20', 'connect-timeout': '1000', 'request-timeout': '1000' }, new FakeContext());
  const runner = new SinkRunner({ channel: from, log: context.log, countsBatches: true, count: () => undefined, setAside: () => Promise.reject(new Error('nothing is rejected')) });
  const done = new AbortController();
  const moved = async (): Promise<void> => {
    if (from.status().size === 0) done.abort();
  };
  let failures = 0;
  while (from.status().size > 0) await runner.move(sink, done.signal, undefined, moved).catch(() => failures++);
  await Promise.all([sink.stop(), proxy.stop()]);
  await source.stop();
  const stored: string[] = [];
  while (to.status().size > 0) {
    const loan = (await to.take(EVENTS, never)) ?? assert.fail('nothing was lent');
    stored.push(...bodiesOf(loan.batch));
    await loan.commit();
  }
  t.diagnostic(`${proxy.played.length} faults, ${failures} writes failed, ${context.counted('EventReceivedCount')} events received`);
  assert.deepEqual(stored, Array.from({ length: EVENTS }, (_, event) => bodyOf(event)));
  assert.ok(proxy.played.length >= FAULTS / 3 && failures >= FAULTS / 3);
});
