import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { Source } from '../../../core/component.ts';
import { netcatUdpSource } from '../../../sources/netcatudp.ts';
import { bodiesOf, create, eventually, FakeSourceContext } from '../../conformance/fakes.ts';
import { sourceConformance } from '../../conformance/source.ts';

sourceConformance('netcatudp', {
  create: (context) => create(netcatUdpSource, { bind: '127.0.0.1', port: '0' }, context) as Source,
  async feed(source, body) {
    const client = createSocket('udp4');
    const port = Number(addressOf(source).split(':').at(-1));
    await new Promise<void>((resolve, reject) => client.send(body, port, '127.0.0.1', (error) => (error ? reject(error) : resolve())));
    await turn();
    client.close();
  },
  afterFailure: 'next',
});

describe('netcatudp source', () => {
  for (const [id, body] of [
    ['NU-01', 'Lorem ipsum dolor sit amet.'],
    ['NU-02', 'y'.repeat(101)],
    ['NU-03', 'x'.repeat(1000)],
    ['NU-04 differs: whole, where Flume cuts at 2048 bytes', 'x'.repeat(3000)],
    ['NU-04 differs: the largest there is', 'x'.repeat(65_507)],
  ] as const) {
    test(`${id}: ten datagrams of ${body.length} bytes are ten events`, () =>
      running({}, async ({ send, context }) => {
        for (let index = 0; index < 10; index++) {
          await send(body);
          await eventually(() => context.bodies.length === index + 1, `event ${index + 1}`);
        }
        assert.deepEqual(new Set(context.bodies), new Set([body]));
        assert.equal(context.counted('EventReceivedCount'), 10);
        assert.equal(context.counted('EventAcceptedCount'), 10);
      }));
  }

  test('NU-05 only the first line of a datagram becomes an event; differs: the loss of others is counted', () =>
    running({}, async ({ send, context }) => {
      await send('l1\nl2\n');
      await send('alone\n');
      await eventually(() => context.bodies.length === 2, 'both events');
      assert.deepEqual(context.bodies, ['l1', 'alone']);
      assert.equal(context.counted('DatagramRestDroppedCount'), 1);
    }));

  test('NU-06 an empty datagram is an event without a body', () =>
    running({}, async ({ send, context }) => {
      await send('');
      await eventually(() => context.bodies.length === 1, 'the event');
      assert.deepEqual(context.bodies, ['']);
    }));

  test('NU-07 the header named by remoteAddress holds the sender; CR and other bytes stay', () =>
    running({ remoteAddress: 'ra' }, async ({ send, client, context }) => {
      await send('hello\r\nzz');
      await send(Buffer.from([0xff, 0x00]));
      await eventually(() => context.bodies.length === 2, 'both events');
      const [first] = context.delivered;
      assert.equal(first?.header(0, 'ra'), `/127.0.0.1:${client.address().port}`);
      assert.deepEqual(first?.headers(0), new Map([['ra', `/127.0.0.1:${client.address().port}`]]));
      assert.equal(first?.body(0).toString(), 'hello\r');
      assert.deepEqual(context.delivered.at(-1)?.body((context.delivered.at(-1)?.size ?? 0) - 1), Buffer.from([0xff, 0x00]));
    }));

  test('without remoteAddress there is no header', () =>
    running({}, async ({ send, context }) => {
      await send('hello');
      await eventually(() => context.bodies.length === 1, 'the event');
      assert.equal(context.delivered[0]?.headers(0).size, 0);
    }));

  test('without bind it listens on every address, and names IPv4 senders as such', async () => {
    const context = new FakeSourceContext();
    const source = create(netcatUdpSource, { port: '0', remoteAddress: 'ra' }, context) as Source;
    await source.start();
    const port = Number(addressOf(source).split(':').at(-1));
    const client = createSocket('udp4');
    await new Promise((resolve) => client.send('hi', port, '127.0.0.1', resolve));
    await eventually(() => context.bodies.length === 1, 'the event');
    assert.equal(context.delivered[0]?.header(0, 'ra'), `/127.0.0.1:${client.address().port}`);
    client.close();
    await source.stop();
  });

  test('N17 R1 memory is bounded while nothing is stored: what comes beyond the window is dropped and counted', async () => {
    const context = new FakeSourceContext();
    const releases: (() => void)[] = [];
    context.answer = () => new Promise((resolve) => releases.push(resolve));
    await running({}, async ({ send }) => {
      const large = Buffer.alloc(60_000, 'x');
      for (let sent = 0; sent < 5000 && context.counted('DatagramDroppedCount') === 0; sent++) {
        await send(large);
        await turn();
      }
      const kept = context.counted('EventReceivedCount');
      const dropped = context.counted('DatagramDroppedCount');
      context.answer = () => Promise.resolve();
      for (const release of releases) release();
      assert.ok(dropped > 0, 'no drop was counted');
      assert.ok(kept <= 140, `${kept} datagrams of 60,000 bytes were kept`);
      assert.ok(context.log.complaints.some((sentence) => /datagrams dropped/.test(sentence)));
      await eventually(() => context.counted('EventAcceptedCount') > 0, 'what was kept is stored');
      const before = context.counted('EventAcceptedCount');
      await send('after');
      await eventually(() => context.counted('EventAcceptedCount') > before && context.bodies.includes('after'), 'new datagrams pass');
    }, context);
  });

  test('datagrams that wait together are delivered together', () =>
    running({}, async ({ send, context }) => {
      await Promise.all(Array.from({ length: 50 }, (_, index) => send(`d${index}`)));
      await eventually(() => context.bodies.length === 50, 'all events');
      assert.ok(context.delivered.length < 50);
      assert.deepEqual(context.bodies, Array.from({ length: 50 }, (_, index) => `d${index}`));
      assert.ok(context.options.every((options) => options?.wait === true));
    }));

  test('a delivery that fails is counted, and later datagrams pass', async () => {
    const context = new FakeSourceContext();
    context.answer = async (batch) => {
      if (bodiesOf(batch).includes('bad')) throw new Error('interceptor failed');
    };
    await running({}, async ({ send }) => {
      await send('bad');
      await eventually(() => context.counted('DatagramDroppedCount') === 1, 'the drop is counted');
      await send('good');
      await eventually(() => context.counted('EventAcceptedCount') === 1, 'the next is stored');
    }, context);
  });

  test('N20 a port that is taken fails the start', async () => {
    const taken = createSocket('udp4');
    await new Promise<void>((resolve) => taken.bind(0, '127.0.0.1', resolve));
    const { port } = taken.address();
    const source = create(netcatUdpSource, { bind: '127.0.0.1', port: String(port) }, new FakeSourceContext()) as Source;
    await assert.rejects(source.start(), new RegExp(`EADDRINUSE.*127\\.0\\.0\\.1:${port}`));
    await source.stop();
    await new Promise<void>((resolve) => taken.close(resolve));
  });

  test('remoteAddressHeader is warned of', async () => {
    const { readOptions } = await import('../../../core/read-options.ts');
    const { problems } = readOptions(netcatUdpSource, new Map([['port', '1'], ['remoteAddressHeader', 'x']]));
    assert.deepEqual(problems.map(({ key, effect }) => [key, effect]), [['remoteAddressHeader', 'warn']]);
  });
});

interface Running {
  readonly context: FakeSourceContext;
  readonly client: Socket;
  send(bytes: string | Buffer): Promise<void>;
}

async function running(properties: Record<string, string>, body: (running: Running) => Promise<void>, context = new FakeSourceContext()): Promise<void> {
  const source = create(netcatUdpSource, { bind: '127.0.0.1', port: '0', ...properties }, context) as Source;
  await source.start();
  const port = Number(addressOf(source).split(':').at(-1));
  const client = createSocket('udp4');
  await new Promise<void>((resolve) => client.bind(0, '127.0.0.1', resolve));
  const send = (bytes: string | Buffer): Promise<void> =>
    new Promise((resolve, reject) => client.send(bytes, port, '127.0.0.1', (error) => (error ? reject(error) : resolve())));
  try {
    await body({ context, client, send });
    assert.deepEqual(context.failures, []);
  } finally {
    client.close();
    await source.stop();
  }
}

function addressOf(source: Source): string {
  return source.describe?.().endpoints?.[0]?.address ?? '';
}
