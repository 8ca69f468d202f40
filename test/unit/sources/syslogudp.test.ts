import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { test } from 'node:test';
import type { Source } from '../../../core/component.ts';
import { syslogUdpSource } from '../../../sources/syslogudp.ts';
import { create, eventually, FakeSourceContext } from '../../conformance/fakes.ts';

async function events(datagrams: readonly string[], wanted: number, properties: Record<string, string> = {}): Promise<FakeSourceContext> {
  const context = new FakeSourceContext();
  const source: Source = await create(syslogUdpSource, { host: '127.0.0.1', port: '0', ...properties }, context);
  await source.start();
  const port = Number(/:(\d+)$/.exec(source.describe?.().endpoints?.[0]?.address ?? '')?.[1]);
  const socket = createSocket('udp4');
  try {
    for (const text of datagrams) await new Promise<void>((resolve) => socket.send(text, port, '127.0.0.1', () => resolve()));
    await eventually(() => context.bodies.length >= wanted, `${wanted} events`);
  } finally {
    socket.close();
    await source.stop();
  }
  return context;
}

test('SU-01 ten datagrams, with and without fields kept', async () => {
  const text = '<10>1 2012-04-13T11:11:11+08:00 h some msg';
  for (const [keepFields, body] of [['none', 'some msg'], ['hostname', 'h some msg'], ['all', text]] as const) {
    const context = await events(Array.from({ length: 10 }, () => text), 10, { keepFields });
    assert.deepEqual(context.bodies, Array.from({ length: 10 }, () => body));
    assert.equal(context.counted('EventAcceptedCount'), 10);
  }
});

test('SU-02 SU-03 SU-06 SU-07 SU-08 SU-09 datagrams of every kind: whole, invalid, long, of two lines, empty', async () => {
  const long = `<13>Oct 11 22:14:15 h ${'x'.repeat(3000)}`;
  const context = await events(['x'.repeat(1000), 'test', long, '<13>1 - h first\n<13>1 - h second\n', '', '<', '<13>1 - h last', 'plain'], 6);
  assert.deepEqual(context.bodies.map((body) => body.slice(0, 20)), ['x'.repeat(20), 'test', 'x'.repeat(20), 'first', 'last', 'plain']);
  assert.equal(context.bodies[2]?.length, 3000);
  assert.equal(context.delivered.at(-1)?.header((context.delivered.at(-1)?.size ?? 1) - 1, 'priority'), undefined);
  assert.deepEqual([context.counted('DatagramRestDroppedCount'), context.counted('EventReadFail')], [1, 2]);
});

test('SU-05 headers that tell of the sender', async () => {
  const context = await events(['<13>1 - h one'], 1, { clientIPHeader: 'ip', clientHostnameHeader: 'name' });
  assert.equal(context.delivered[0]?.header(0, 'ip'), '127.0.0.1');
  assert.match(context.delivered[0]?.header(0, 'name') ?? '', /localhost|127\.0\.0\.1/);
});
