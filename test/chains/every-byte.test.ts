/** One exchange between our sink and our source, broken at each of its bytes in each way: stored once, and told as stored. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { PutOnce } from '../../channels/put-once.ts';
import type { Origin, Source } from '../../core/component.ts';
import { avroSink } from '../../sinks/avro/index.ts';
import { avroSource } from '../../sources/avro/index.ts';
import { batchOf, bodiesOf, create, eventually, FakeContext, FakeSourceContext, never } from '../conformance/fakes.ts';
import { FaultProxy, type Fault } from './fault-proxy.ts';

describe('A2 one exchange, broken at each byte', { concurrency: 2 }, () => {
  let source: Source;
  let port = 0;
  const context = new FakeSourceContext();
  const stored = new Map<string, number>();
  const length = { request: 0, answer: 0 };

  before(async () => {
    const once = new PutOnce(() => undefined);
    context.answer = (batch) => once.put(batch, async (fresh) => bodiesOf(fresh).forEach((body) => stored.set(body, (stored.get(body) ?? 0) + 1)));
    source = await create(avroSource, { bind: '127.0.0.1', port: '0' }, context);
    await source.start();
    port = Number(source.describe?.().endpoints?.[0]?.address.split(':')[1]);
    const proxy = await play('whole', undefined);
    Object.assign(length, proxy.last);
    assert.ok(length.request > 100 && length.answer > 20);
  });

  after(() => source.stop());

  for (const side of ['request', 'answer'] as const) {
    for (const how of ['cut', 'reset'] as const) {
      test(`${how} at each byte of the ${side}`, async () => {
        for (let at = 0; at < length[side]; at++) await play(`${how} ${side} ${at}`, { side, at, how });
      });
    }

    // These take as long as the sink's patience: all at the same time.
    for (const how of ['swallow', 'late'] as const) {
      test(`${how} at each byte of the ${side}`, async () => {
        const places = Array.from({ length: Math.ceil(length[side] / 3) }, (_, index) => 3 * index);
        await Promise.all(places.map((at) => play(`${how} ${side} ${at}`, { side, at, how, lateMs: 1200 })));
      });
    }
  }

  /** Two batches over a connection with the fault, and over new ones until they are stored. */
  async function play(name: string, fault: Fault | undefined): Promise<FaultProxy> {
    const proxy = await new FaultProxy(port).start();
    proxy.plan = () => (proxy.connections === 0 ? fault : undefined);
    const sink = await create(avroSink, { hostname: '127.0.0.1', port: String(proxy.port), 'connect-timeout': '1000', 'request-timeout': '1000' }, new FakeContext());
    try {
      for (const [from, to] of [[0, 2], [2, 4]] as const) {
        const origin: Origin = { store: name, spans: [[from, to]], settled: from };
        const batch = batchOf(...Array.from({ length: to - from }, (_, index) => `${name} ${from + index}`));
        let attempts = 0;
        while (!(await sink.write(batch, never, origin).then(() => true, () => false))) assert.ok(++attempts < 50, `${name}: never stored`);
      }
      if (fault?.how === 'late') await eventually(() => proxy.released > 0, `${name}: the late bytes`);
      const counts = [0, 1, 2, 3].map((number) => stored.get(`${name} ${number}`));
      assert.deepEqual(counts, [1, 1, 1, 1], name);
      if (fault) assert.equal(proxy.played.length, 1, `${name}: the fault was played`);
      return proxy;
    } finally {
      await sink.stop();
      await proxy.stop();
    }
  }
});
