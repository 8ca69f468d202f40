/**
 * Avro RPC between Millrace and real Flume 1.11, both ways, for each transport: events go from our sink to a source of Flume, through its
 * memory channel, and from its sink to our source, where they are compared with what was sent.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Batch } from '../../core/batch.ts';
import type { Event } from '../../core/event.ts';
import type { Source } from '../../core/component.ts';
import { avroSink } from '../../sinks/avro/index.ts';
import { avroSource } from '../../sources/avro/index.ts';
import { create, FakeContext, FakeSourceContext, never } from '../conformance/fakes.ts';
import { Authority, certificatesAvailable, STORE_PASSWORD } from '../harness/certificates.ts';
import { oddEvent, sortedHeaders } from '../harness/odd-events.ts';
import { freePort, until } from '../servers/daemon.ts';
import { flumeAvailable, startFlume, type Flume } from '../servers/flume.ts';

interface Transport {
  readonly name: string;
  readonly tls: boolean;
  readonly deflate: boolean;
}

const TRANSPORTS: readonly Transport[] = [
  { name: 'plain', tls: false, deflate: false },
  { name: 'deflate', tls: false, deflate: true },
  { name: 'TLS', tls: true, deflate: false },
  { name: 'TLS and deflate, with a client certificate that Flume does not ask for', tls: true, deflate: true },
];

const skip = flumeAvailable() || certificatesAvailable();

// Flume's sinks rest for seconds when a channel is empty: side by side the transports rest at the same time.
describe('Avro RPC with Flume 1.11', { skip, timeout: 240_000, concurrency: 8 }, () => {
  const authority = skip === false ? new Authority() : undefined;
  const ends: { transport: Transport; intoFlume: number; ours: { source: Source; context: FakeSourceContext; port: number } }[] = [];
  let flume: Flume | undefined;
  let stores = { keystore: '', truststore: '' };
  /** Two plain sources of ours for Flume's sink groups, and two of Flume's for our clients. */
  const groups = new Map<string, { context: FakeSourceContext; source: Source; port: number }>();
  const flumePair: number[] = [];

  before(async () => {
    if (!authority) return;
    authority.sign('server');
    stores = authority.javaStores('server', 'JKS');
    for (const transport of TRANSPORTS) ends.push({ transport, intoFlume: await freePort(), ours: await ourSource(transport, stores.keystore) });
    for (const name of ['balanced1', 'balanced2', 'failover1', 'failover2']) groups.set(name, await ourSource(TRANSPORTS[0] as Transport, ''));
    groups.set('asks', await ourSource(TRANSPORTS[2] as Transport, stores.keystore, { 'client-auth': 'required', truststore: authority.trustPem }));
    for (let index = 0; index < 5; index++) flumePair.push(await freePort());
    flume = await startFlume({ agent: 'a', conf: flumeConf(), monitoringPort: await freePort() });
    await flume.ready();
  });

  after(async () => {
    await flume?.stop();
    for (const { source } of [...ends.map(({ ours }) => ours), ...groups.values()]) await source.stop();
    authority?.remove();
  });

  for (const [index, transport] of TRANSPORTS.entries()) {
    describe(transport.name, { concurrency: 1 }, () => {
      for (const size of [1, 100, 10_000]) {
        test(`A6 AV-17 ours to Flume to ours, ${transport.name}, batches of ${size}`, async () => {
          const count = size === 1 ? 20 : 2 * size;
          const events = Array.from({ length: count }, (_, number) => oddEvent(number));
          await there(index, events, size);
        });
      }

      test(`A6 ours to Flume to ours, ${transport.name}, empty bodies and bodies of 5 MB`, async () => {
        const large = Buffer.alloc(5 * 1024 * 1024, 'large ');
        await there(index, [{ headers: new Map(), body: Buffer.alloc(0) }, { headers: new Map([['size', '5 MB']]), body: large }], 2);
      });
    });
  }

  for (const kind of ['balanced', 'failover']) {
    test(`A9 Flume's ${kind === 'balanced' ? 'load_balance' : 'failover'} group over two sources of ours, one of which goes away`, async () => {
      const [one, two] = [groups.get(`${kind}1`), groups.get(`${kind}2`)];
      if (!one || !two) assert.fail('there are two sources');
      const sink = await ourSink(flumePair[kind === 'balanced' ? 2 : 3] as number, TRANSPORTS[0] as Transport);
      const sent: string[] = [];
      const send = async (from: number, to: number): Promise<void> => {
        for (let number = from; number < to; number++) {
          await sink.write(Batch.of([{ headers: new Map(), body: Buffer.from(`${kind} ${number}`) }]), never);
          sent.push(`${kind} ${number}`);
        }
      };
      await send(0, 50);
      await until('the first half has come', () => one.context.bodies.length + two.context.bodies.length >= 50 || undefined);
      await (one.context.bodies.length > 0 ? one : two).source.stop();
      await send(50, 100);
      await until('all have come', () => new Set([...one.context.bodies, ...two.context.bodies]).size >= 100 || undefined, 60_000);
      assert.deepEqual([...new Set([...one.context.bodies, ...two.context.bodies])].sort(), [...sent].sort());
      await sink.stop();
    });
  }

  test('A10 a source of ours that asks for a client certificate, which Flume cannot show, takes nothing from it and says so', async () => {
    const { context } = groups.get('asks') ?? assert.fail('there is a source that asks');
    const sink = await ourSink(flumePair[4] as number, TRANSPORTS[0] as Transport);
    await sink.write(Batch.of([{ headers: new Map(), body: Buffer.from('x') }]), never);
    await until('Flume was turned away', () => context.counted('TlsHandshakeFailedCount') > 0 || undefined);
    assert.deepEqual(context.bodies, []);
    await sink.stop();
  });

  test('A9 our load-balancing client over two sources of Flume', async () => {
    const [first, second] = flumePair;
    const sink = await create(
      avroSink,
      { hostname: '127.0.0.1', port: String(first), 'client.type': 'default_loadbalance', hosts: 'h1 h2', 'hosts.h1': `127.0.0.1:${first}`, 'hosts.h2': `127.0.0.1:${second}` },
      new FakeContext(),
    );
    const batch = Batch.of([{ headers: new Map(), body: Buffer.from('x') }]);
    for (let call = 0; call < 20; call++) await sink.write(batch, never);
    const metrics = (await flume?.metrics()) ?? {};
    assert.equal(metrics['SOURCE.n1']?.['AppendBatchAcceptedCount'], '10');
    assert.equal(metrics['SOURCE.n2']?.['AppendBatchAcceptedCount'], '10');
    await sink.stop();
  });

  /** Sends the events and waits until all of them, and nothing else, has come back. */
  async function there(index: number, events: readonly Event[], size: number): Promise<void> {
    const { transport, intoFlume, ours } = ends[index] as (typeof ends)[number];
    ours.context.delivered.length = 0;
    const sink = await ourSink(intoFlume, transport);
    for (let from = 0; from < events.length; from += size) await sink.write(Batch.of(events.slice(from, from + size)), never);
    const count = (): number => ours.context.delivered.reduce((sum, batch) => sum + batch.size, 0);
    await until(() => `${events.length} events have come back, ${count()} so far`, () => count() >= events.length || undefined, 60_000);
    const back = ours.context.delivered.flatMap((batch) => [...batch]);
    assert.equal(back.length, events.length);
    for (const [number, event] of events.entries()) {
      assert.deepEqual(back[number]?.body, event.body, `body ${number}`);
      assert.deepEqual(sortedHeaders(back[number]?.headers), sortedHeaders(event.headers), `headers ${number}`);
    }
    await sink.stop();
  }

  async function ourSink(port: number, { tls, deflate }: Transport) {
    const sink = await create(
      avroSink,
      {
        hostname: 'localhost',
        port: String(port),
        'batch-size': '10000',
        ...(tls && { ssl: 'true', truststore: stores.truststore, 'truststore-password': STORE_PASSWORD }),
        ...(tls && deflate && { keystore: stores.keystore, 'keystore-password': STORE_PASSWORD }),
        ...(deflate && { 'compression-type': 'deflate' }),
      },
      new FakeContext(),
    );
    await sink.start();
    return sink;
  }

  function flumeConf(): string {
    const sources: string[] = [];
    const sinks: string[] = [];
    const lines: string[] = [];
    const set = (properties: Record<string, string | number>): void => {
      for (const [key, value] of Object.entries(properties)) lines.push(`a.${key} = ${value}`);
    };
    const channel = (name: string): void => set({ [`channels.${name}.type`]: 'memory', [`channels.${name}.capacity`]: 30_000, [`channels.${name}.transactionCapacity`]: 10_000 });
    const source = (name: string, port: number, to: string, more: Record<string, string> = {}): void => {
      sources.push(name);
      set({ [`sources.${name}.type`]: 'avro', [`sources.${name}.bind`]: '127.0.0.1', [`sources.${name}.port`]: port, [`sources.${name}.channels`]: to });
      for (const [key, value] of Object.entries(more)) set({ [`sources.${name}.${key}`]: value });
    };
    const sink = (name: string, port: number, from: string, more: Record<string, string> = {}): void => {
      sinks.push(name);
      set({ [`sinks.${name}.type`]: 'avro', [`sinks.${name}.hostname`]: '127.0.0.1', [`sinks.${name}.port`]: port, [`sinks.${name}.channel`]: from, [`sinks.${name}.batch-size`]: 1000 });
      for (const [key, value] of Object.entries(more)) set({ [`sinks.${name}.${key}`]: value });
    };
    const channels: string[] = [];
    for (const [index, { transport, intoFlume, ours }] of ends.entries()) {
      const deflate: Record<string, string> = transport.deflate ? { 'compression-type': 'deflate' } : {};
      const server: Record<string, string> = transport.tls ? { ssl: 'true', keystore: stores.keystore, 'keystore-password': STORE_PASSWORD } : {};
      const client: Record<string, string> = transport.tls ? { ssl: 'true', truststore: stores.truststore, 'truststore-password': STORE_PASSWORD } : {};
      channels.push(`c${index}`);
      channel(`c${index}`);
      source(`r${index}`, intoFlume, `c${index}`, { ...deflate, ...server });
      sink(`k${index}`, ours.port, `c${index}`, { ...deflate, ...client });
    }
    for (const [index, kind] of ['balanced', 'failover'].entries()) {
      channels.push(kind);
      channel(kind);
      source(`${kind}In`, flumePair[2 + index] as number, kind);
      for (const number of [1, 2]) sink(`${kind}${number}`, groups.get(`${kind}${number}`)?.port ?? 0, kind);
      set({ [`sinkgroups.${kind}.sinks`]: `${kind}1 ${kind}2`, [`sinkgroups.${kind}.processor.type`]: kind === 'balanced' ? 'load_balance' : 'failover' });
      if (kind === 'failover') set({ 'sinkgroups.failover.processor.priority.failover1': 10, 'sinkgroups.failover.processor.priority.failover2': 5 });
    }
    channels.push('stranger', 'nothing');
    channel('stranger');
    source('stranger', flumePair[4] as number, 'stranger');
    sink('stranger', groups.get('asks')?.port ?? 0, 'stranger', { ssl: 'true', truststore: stores.truststore, 'truststore-password': STORE_PASSWORD });
    channel('nothing');
    source('n1', flumePair[0] as number, 'nothing');
    source('n2', flumePair[1] as number, 'nothing');
    sinks.push('null');
    set({ 'sinks.null.type': 'null', 'sinks.null.channel': 'nothing', sinkgroups: 'balanced failover' });
    set({ sources: sources.join(' '), channels: channels.join(' '), sinks: sinks.join(' ') });
    return `${lines.join('\n')}\n`;
  }
});

async function ourSource({ tls, deflate }: Transport, keystore: string, more: Record<string, string> = {}): Promise<{ source: Source; context: FakeSourceContext; port: number }> {
  const context = new FakeSourceContext();
  context.batchLimit = 10_000;
  const source = await create(
    avroSource,
    {
      bind: '127.0.0.1',
      port: '0',
      ...(tls && { ssl: 'true', keystore, 'keystore-password': STORE_PASSWORD }),
      ...(deflate && { 'compression-type': 'deflate' }),
      ...more,
    },
    context,
  );
  await source.start();
  const address = source.describe?.().endpoints?.[0]?.address ?? '';
  return { source, context, port: Number(address.slice(address.lastIndexOf(':') + 1)) };
}
