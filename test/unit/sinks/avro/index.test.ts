import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { memoryChannel } from '../../../../channels/memory.ts';
import { Batch } from '../../../../core/batch.ts';
import { ChannelFullError } from '../../../../core/errors.ts';
import { avroSink } from '../../../../sinks/avro/index.ts';
import { AvroSink } from '../../../../sinks/avro/avro-sink.ts';
import { BalancedReceivers, FailoverReceivers } from '../../../../sinks/avro/receivers.ts';
import { AvroSource, type AvroSourceSettings } from '../../../../sources/avro/avro-source.ts';
import { batchOf, bodiesOf, create, eventually, FakeContext, FakeSourceContext, never } from '../../../conformance/fakes.ts';
import { sinkConformance, type SinkUnderTest } from '../../../conformance/sink.ts';

const LISTS = { 'include-protocols': [], 'exclude-protocols': [], 'include-cipher-suites': [], 'exclude-cipher-suites': [] };
const receivers = new Map<SinkUnderTest, FakeSourceContext>();

sinkConformance('avro', {
  async create() {
    const { context, port } = await receiver();
    const sink = await sinkTo(port);
    const it = { sink, received: () => stored(context) };
    receivers.set(it, context);
    return it;
  },
  failNext(it) {
    const context = receivers.get(it) as FakeSourceContext;
    const { answer } = context;
    context.answer = () => {
      context.delivered.pop();
      context.answer = answer;
      return Promise.reject(new ChannelFullError('full'));
    };
  },
  hang(it) {
    (receivers.get(it) as FakeSourceContext).answer = () => new Promise(() => undefined);
  },
});

describe('avro sink', () => {
  test('headers of every kind and bodies of 0 to 5 MB arrive as they were', async () => {
    const { context, port } = await receiver({ messageBytes: 64 * 1024 * 1024 });
    const sink = await sinkTo(port, { 'batch-size': '1000' });
    const batch = Batch.of([
      { headers: new Map([['', ''], ['ünï \u{1f600}', 'a\nb\0c'], ['x'.repeat(300), 'y'.repeat(70_000)]]), body: Buffer.alloc(0) },
      { headers: new Map(), body: Buffer.alloc(5 * 1024 * 1024, 7) },
    ]);
    await sink.write(batch, never);
    const [got] = context.delivered;
    assert.deepEqual([...(got?.headers(0) ?? [])], [...batch.headers(0)]);
    assert.deepEqual(got?.body(1), batch.body(1));
    await sink.stop();
  });

  for (const level of [0, 1, 6, 9]) {
    test(`AV-02 AV-05 compressed at level ${level}`, async () => {
      const { context, port } = await receiver({ compressed: true });
      const sink = await sinkTo(port, { 'compression-type': 'Deflate', 'compression-level': String(level) });
      for (let round = 0; round < 20; round++) await sink.write(batchOf(...Array.from({ length: 100 }, (_, index) => `line ${round} ${index}`)), never);
      assert.equal(context.bodies.length, 2000);
      await sink.stop();
    });
  }

  for (const sides of ['sink', 'source']) {
    test(`AV-03 A6 compression at the ${sides} only: an error, never garbage`, async () => {
      const { context, port } = await receiver({ compressed: sides === 'source' });
      const sink = await sinkTo(port, { 'connect-timeout': '1000', ...(sides === 'sink' && { 'compression-type': 'deflate' }) });
      await assert.rejects(sink.write(batchOf('a'), never), /127\.0\.0\.1:\d+: /);
      assert.deepEqual(context.bodies, []);
      await sink.stop();
    });
  }

  test('AV-04 the first answer may take as long as connecting, later ones as long as a request', async () => {
    const { context, port } = await receiver();
    const sink = await sinkTo(port, { 'connect-timeout': '1000', 'request-timeout': '1500' });
    let delayMs = 1200;
    context.answer = () => new Promise((resolve) => void setTimeout(resolve, delayMs));
    await assert.rejects(sink.write(batchOf('a'), never), /no answer within 1 s; whether .* is not known/);
    delayMs = 0;
    await sink.write(batchOf('b'), never);
    delayMs = 1200;
    await sink.write(batchOf('c'), never);
    delayMs = 2000;
    await assert.rejects(sink.write(batchOf('d'), never), /no answer within 1.5 s/);
    await sink.stop();
  });

  test('AV-05 AV-10 AV-11 AV-12 a receiver that is gone and comes back', async () => {
    const first = await receiver();
    const context = new FakeContext();
    const sink = await sinkTo(first.port, {}, context);
    await sink.write(batchOf('a'), never);
    await first.source.stop();
    for (let call = 0; call < 5; call++) await assert.rejects(sink.write(batchOf('b'), never), new RegExp(`127.0.0.1:${first.port}: `));
    const again = await receiver({ port: Number(first.port) });
    for (let call = 0; call < 5; call++) await sink.write(batchOf(`c${call}`), never);
    assert.deepEqual(again.context.bodies, ['c0', 'c1', 'c2', 'c3', 'c4']);
    assert.equal(context.counted('ConnectionCreatedCount'), 2);
    assert.ok(context.counted('ConnectionFailedCount') >= 4);
    await sink.stop();
    await assert.rejects(async () => {
      await again.source.stop();
      await sink.write(batchOf('d'), never);
    });
  });

  test('AV-13 FAILED throws, and the reason says where to look', async () => {
    const { context, port } = await receiver();
    context.answer = () => Promise.reject(new ChannelFullError('full'));
    const sink = await sinkTo(port);
    await assert.rejects(sink.write(batchOf('a'), never), /answered FAILED/);
    await sink.stop();
  });

  test('AV-06 reset-connection-interval makes a new connection once the old one is that old', async () => {
    const { context, port } = await receiver();
    const own = new FakeContext();
    const sink = await sinkTo(port, { 'reset-connection-interval': '1' }, own);
    await sink.write(batchOf('a'), never);
    await sink.write(batchOf('b'), never);
    assert.equal(own.counted('ConnectionCreatedCount'), 1);
    await new Promise((resolve) => setTimeout(resolve, 1050));
    await sink.write(batchOf('c'), never);
    assert.equal(own.counted('ConnectionCreatedCount'), 2);
    assert.deepEqual(context.bodies, ['a', 'b', 'c']);
    await sink.stop();
  });

  test('X2 trust-all-certs has to be said twice', () => {
    const properties = { hostname: 'a', port: '1', ssl: 'true', 'trust-all-certs': 'true' };
    assert.throws(() => create(avroSink, properties, new FakeContext()), /trust-all-certs would send the events to whoever answers/);
    assert.ok(create(avroSink, { ...properties, 'allow-trust-all-certs': 'true' }, new FakeContext()));
  });

  for (const [properties, wanted] of [
    [{ 'client.type': 'default_loadbalance' }, /name 1 receiver with an address/],
    [{ 'client.type': 'default_loadbalance', hosts: 'h1 h2', 'hosts.h1': 'a:1' }, /name 1 receiver with an address/],
    [{ 'client.type': 'thrift' }, /none of default/],
    [{ hosts: 'h1' }, /hosts\.h1 = host:port/],
    [{ hosts: 'h1', 'hosts.h1': '::1:80' }, /hosts\.h1 = host:port/],
  ] as const) {
    test(`RPC-08 ${JSON.stringify(properties)} is refused`, () => {
      assert.throws(() => create(avroSink, { hostname: 'a', port: '1', ...properties }, new FakeContext()), wanted);
    });
  }

  test('A2 a batch whose answer is lost and that comes again, in other pieces, is stored once', async () => {
    const { context, port } = await receiver();
    const channel = await create(memoryChannel, {}, context);
    context.deliver = (batch) => channel.put(batch, never);
    const sink = await sinkTo(port);
    const batch = batchOf('a', 'b', 'c', 'd');
    await sink.write(batch, never, { store: 'x', spans: [[7, 11]] });
    await sink.write(batch.slice(0, 2), never, { store: 'x', spans: [[7, 9]] });
    await sink.write(batchOf('c', 'd', 'e'), never, { store: 'x', spans: [[9, 12]], settled: 9 });
    await sink.write(batchOf('e'), never, { store: 'another', spans: [[11, 12]] });
    assert.deepEqual(bodiesOf((await channel.take(100, never))?.batch ?? batchOf()), ['a', 'b', 'c', 'd', 'e', 'e']);
    assert.equal(context.counted('EventRepeatedCount'), 4);
    await sink.stop();
  });

  test('to an agent of ours, what a durable channel has gathered goes in one call and is stored in pieces; to others never more than batch-size', async () => {
    const { context, port } = await receiver();
    context.batchLimit = 10;
    const sink = await sinkTo(port, { 'batch-size': '7' });
    const bodies = Array.from({ length: 25 }, (_, index) => `${index}`);
    assert.equal(sink.gathersBytes, undefined);
    await sink.write(batchOf(...bodies), never, { store: 'x', spans: [[0, 25]] });
    assert.deepEqual(context.delivered.map(({ size }) => size), [7, 7, 7, 4]);
    await sink.write(batchOf('a'), never, { store: 'x', spans: [[25, 26]] });
    assert.ok((sink.gathersBytes ?? 0) > 10_000);
    context.delivered.length = 0;
    await sink.write(batchOf(...bodies), never, { store: 'x', spans: [[30, 55]] });
    assert.deepEqual(context.delivered.map(({ size }) => size), [10, 10, 5]);
    assert.deepEqual(context.delivered.map(({ origin }) => origin?.spans), [[[30, 40]], [[40, 50]], [[50, 55]]]);
    await sink.write(batchOf(...bodies), never);
    assert.equal(sink.gathersBytes, undefined);
    assert.deepEqual(context.bodies, [...bodies, ...bodies]);
    await sink.stop();
  });

  test('several calls of numbered events are under way with an agent of ours; where one fails, those behind it fail, and the order stays', async () => {
    const { context, port } = await receiver();
    const sink = await sinkTo(port);
    const numbered = (from: number): Promise<void> => sink.write(batchOf(`${from}`), never, { store: 'x', spans: [[from, from + 1]] });
    assert.equal(sink.mostWrites, 1);
    await numbered(0);
    assert.ok(sink.mostWrites > 4);
    const { answer } = context;
    const gates: { open: () => void; shut: (error: Error) => void }[] = [];
    context.answer = () => new Promise((open, shut) => gates.push({ open: () => open(undefined), shut }));
    const writes = [1, 2, 3, 4].map(numbered);
    const outcomes = Promise.allSettled(writes);
    await eventually(() => gates.length === 4, 'all four are with the receiver');
    gates[0]?.open();
    gates[1]?.shut(new ChannelFullError('full'));
    await writes[0];
    assert.deepEqual((await outcomes).map(({ status }) => status), ['fulfilled', 'rejected', 'rejected', 'rejected']);
    assert.equal(sink.mostWrites, 1);
    gates.forEach(({ open }) => open());
    context.answer = answer;
    await sink.write(batchOf('none'), never);
    assert.equal(sink.mostWrites, 1);
    await sink.stop();
  });

  test('calls are under way up to some megabytes of bodies, however large the events are', async () => {
    const { context, port } = await receiver({ messageBytes: 8 * 1024 * 1024 });
    const sink = await sinkTo(port);
    const numbered = (from: number, body: string): Promise<void> => sink.write(batchOf(body), never, { store: 'x', spans: [[from, from + 1]] });
    await numbered(0, 'first');
    const answers: (() => void)[] = [];
    context.answer = () => new Promise((resolve) => answers.push(() => resolve(undefined)));
    const large = [1, 2].map((number) => numbered(number, 'x'.repeat(1.5 * 1024 * 1024)));
    assert.equal(sink.mostWrites, 1);
    await eventually(() => answers.length === 2, 'both are with the receiver');
    answers[0]?.();
    await large[0];
    assert.ok(sink.mostWrites > 4);
    answers[1]?.();
    await large[1];
    await sink.stop();
  });

  test('AV-04 a call that waits behind others has the whole time-out once it is the first', async () => {
    const { context, port } = await receiver();
    const sink = await sinkTo(port, { 'request-timeout': '2500' });
    const numbered = (from: number): Promise<void> => sink.write(batchOf(`${from}`), never, { store: 'x', spans: [[from, from + 1]] });
    await numbered(0);
    // Three answers, a second apart: the last one comes after 3 s.
    context.answer = () => new Promise((resolve) => void setTimeout(resolve, 1000 * (context.delivered.length - 1)));
    await Promise.all([1, 2, 3].map(numbered));
    await sink.stop();
  });

  test('AV-06 a connection that has become old is not closed under the calls that are under way', async () => {
    const { context, port } = await receiver();
    const own = new FakeContext();
    const sink = await sinkTo(port, { 'reset-connection-interval': '1' }, own);
    const numbered = (from: number): Promise<void> => sink.write(batchOf(`${from}`), never, { store: 'x', spans: [[from, from + 1]] });
    await numbered(0);
    const answered: (() => void)[] = [];
    context.answer = () => new Promise((resolve) => answered.push(() => resolve(undefined)));
    const first = numbered(1);
    await eventually(() => sink.mostWrites === 1, 'the connection is old');
    const second = numbered(2);
    await eventually(() => answered.length === 2, 'both are with the receiver');
    answered.forEach((answer) => answer());
    await Promise.all([first, second]);
    assert.equal(own.counted('ConnectionCreatedCount'), 1);
    await sink.stop();
  });

  test('hosts with default_failover name the receivers', async () => {
    const one = await receiver();
    const two = await receiver();
    const sink = await sinkTo(one.port, { 'client.type': 'default_failover', hosts: 'x y', 'hosts.x': `127.0.0.1:${one.port}`, 'hosts.y': `127.0.0.1:${two.port}` });
    await sink.write(batchOf('a'), never);
    await one.source.stop();
    await sink.write(batchOf('b'), never);
    assert.deepEqual([one.context.bodies, two.context.bodies], [['a'], ['b']]);
    await sink.stop();
  });
});

describe('several receivers', () => {
  /** Names that work. */
  const up = new Set<string>();
  const calls: string[] = [];
  const attempt = (name: string): Promise<void> => {
    if (!up.has(name)) return Promise.reject(new Error(`${name} is down`));
    calls.push(name);
    return Promise.resolve();
  };
  const begin = (...names: string[]): void => {
    up.clear();
    names.forEach((name) => up.add(name));
    calls.length = 0;
  };

  test('RPC-04 RPC-05 RPC-06 RPC-07 fail-over goes round in a ring and stays where it works', async () => {
    begin('1', '2', '3');
    const ring = new FailoverReceivers(['1', '2', '3'], 3);
    await ring.send(attempt);
    for (const [down, back] of [['1'], ['2'], ['3', '2'], [undefined, '1'], ['2', '1'], ['1', '3']] as const) {
      if (down) up.delete(down);
      if (back) up.add(back);
      await ring.send(attempt);
    }
    assert.deepEqual(calls, ['1', '2', '3', '2', '2', '1', '3']);
    begin();
    await assert.rejects(ring.send(attempt), /no receiver stored the events: .*down/);
  });

  test('RPC-09 RPC-10 RPC-11 RPC-12 round robin is even; others stand in for one that fails', async () => {
    begin('a', 'b');
    const two = new BalancedReceivers(['a', 'b'], { random: false, backoff: false, maxBackoffMs: 30_000 });
    for (let call = 0; call < 100; call++) {
      if (call === 20) up.delete('b');
      if (call === 40) up.add('b');
      await two.send(attempt);
    }
    assert.equal(calls.filter((name) => name === 'a').length, 60);
    const names = Array.from({ length: 10 }, (_, index) => `h${index}`);
    begin(...names);
    const ten = new BalancedReceivers(names, { random: false, backoff: false, maxBackoffMs: 30_000 });
    for (let call = 0; call < 1000; call++) await ten.send(attempt);
    for (const name of names) assert.equal(calls.filter((one) => one === name).length, 100);
  });

  test('RPC-13 with back-off a receiver that failed is left out for a while', async () => {
    begin('1');
    let now = 0;
    const list = new BalancedReceivers(['0', '1', '2'], { random: true, backoff: true, maxBackoffMs: 30_000 }, () => now);
    for (let call = 0; call < 50; call++) await list.send(attempt);
    assert.equal(calls.length, 50);
    begin('0');
    await assert.rejects(list.send(attempt), /no receiver|left out/);
    now += 60_000;
    await list.send(attempt);
    assert.deepEqual(calls, ['0']);
  });
});

async function receiver(settings: Partial<AvroSourceSettings> = {}): Promise<{ source: AvroSource; context: FakeSourceContext; port: string }> {
  const context = new FakeSourceContext();
  context.batchLimit = 10_000;
  const basis = { bind: '127.0.0.1', port: 0, compressed: false, tls: undefined, clients: undefined, filter: undefined, maxConnections: 0, messageBytes: 1024 * 1024 };
  const source = new AvroSource(context, { ...LISTS, ...basis, ...settings });
  await source.start();
  const address = source.describe().endpoints?.[0]?.address ?? '';
  open.push(source);
  return { source, context, port: address.slice(address.lastIndexOf(':') + 1) };
}

const open: AvroSource[] = [];
test.after(() => Promise.race([Promise.all(open.map((source) => source.stop())), new Promise((resolve) => setTimeout(resolve, 500))]));

async function sinkTo(port: string, properties: Record<string, string> = {}, context = new FakeContext()): Promise<AvroSink> {
  const sink = (await create(avroSink, { hostname: '127.0.0.1', port, ...properties }, context)) as AvroSink;
  return sink;
}

async function stored(context: FakeSourceContext): Promise<string[]> {
  await eventually(() => true, 'now');
  return context.bodies;
}
