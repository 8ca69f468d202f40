// test: alone, because it looks at the memory of the whole process
import assert from 'node:assert/strict';
import { createServer, type AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createDeflate, createInflate, constants } from 'node:zlib';
import { Delivery } from '../../../../agent/running/deliver.ts';
import { memoryChannel } from '../../../../channels/memory.ts';
import { Batch } from '../../../../core/batch.ts';
import type { Source } from '../../../../core/component.ts';
import { ChannelFullError } from '../../../../core/errors.ts';
import { ClientSession } from '../../../../protocols/avro-rpc/client-session.ts';
import { AvroWriter } from '../../../../protocols/avro-writer.ts';
import { frameHead } from '../../../../protocols/avro-rpc/frames.ts';
import { avroSource } from '../../../../sources/avro/index.ts';
import { AvroSource, type AvroSourceSettings } from '../../../../sources/avro/avro-source.ts';
import { batchOf, create, eventually, FakeSourceContext } from '../../../conformance/fakes.ts';
import { sourceConformance } from '../../../conformance/source.ts';
import { TcpClient } from '../tcp-client.ts';

const FLUME_HASH = '86aadae2c45474c0fe93ffd0f2350a65';
const FIRST = `00000001 00000002 0000002b ${FLUME_HASH} 00 ${FLUME_HASH} 0200 00 0c617070656e64 00000009 02026b0276 00 046869`;
const SECOND = '00000002 00000002 0000000d 00 16617070656e644261746368 0000000d 04 00 0261 02026b027600 0262 00';

const DEFAULTS: AvroSourceSettings = {
  bind: '127.0.0.1',
  port: 0,
  compressed: false,
  tls: undefined,
  clients: undefined,
  filter: undefined,
  maxConnections: 0,
  messageBytes: 1024 * 1024,
  'include-protocols': [],
  'exclude-protocols': [],
  'include-cipher-suites': [],
  'exclude-cipher-suites': [],
};

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const clients = new WeakMap<Source, Promise<{ client: TcpClient; session: ClientSession }>>();
let serial = 0;

sourceConformance('avro', {
  create: (context) => new AvroSource(context, DEFAULTS),
  async feed(source, body) {
    const known = clients.get(source) ?? TcpClient.to(addressOf(source)).then((client) => ({ client, session: new ClientSession() }));
    clients.set(source, known);
    const { client, session } = await known;
    const before = client.received.length;
    const message = Buffer.concat(session.request(new AvroWriter(), batchOf(body)));
    client.send(frameHead(++serial, message.length));
    client.send(message);
    if (before > 0) return;
    await eventually(() => client.received.length > 0 || client.ended, 'the handshake is answered', 500).catch(() => undefined);
    if (client.received.length > 12) session.receive(client.received.subarray(12));
  },
  afterFailure: 'next',
});

describe('avro source', () => {
  test('AV-01 starts and stops', async () => {
    const source = new AvroSource(new FakeSourceContext(), DEFAULTS);
    await source.start();
    await source.stop();
  });

  test('AV-02 AV-03 a port that is taken, and a host that does not exist, fail the start', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await eventually(() => other.listening, 'the port is taken');
    const { port } = other.address() as AddressInfo;
    await assert.rejects(new AvroSource(new FakeSourceContext(), { ...DEFAULTS, port }).start(), new RegExp(`EADDRINUSE.*${port}`));
    await assert.rejects(new AvroSource(new FakeSourceContext(), { ...DEFAULTS, bind: 'host.invalid' }).start(), /host\.invalid/);
    other.close();
  });

  test('AV-04 AV-14 a call of Flume 1.11 is stored, and answered as Flume answers it', () =>
    running({}, async ({ client, context }) => {
      client.send(hex(FIRST));
      await eventually(() => client.received.length >= 19, 'the first answer');
      client.send(hex(SECOND));
      await eventually(() => client.received.length >= 34, 'the second answer');
      assert.equal(client.received.toString('hex'), '00000001000000010000000700000000000000000000020000000100000003000000');
      assert.deepEqual(context.bodies, ['hi', 'a', 'b']);
      assert.equal(context.delivered[0]?.header(0, 'k'), 'v');
      assert.equal(context.counted('AppendReceivedCount'), 1);
      assert.equal(context.counted('AppendBatchAcceptedCount'), 1);
      assert.equal(context.counted('EventAcceptedCount'), 3);
    }));

  test('pipelined calls are stored and answered in order', () =>
    running({}, async ({ client, context }) => {
      client.send(hex(FIRST));
      for (let call = 2; call < 300; call++) client.send(hex(SECOND.replace('00000002', call.toString(16).padStart(8, '0'))));
      await eventually(() => client.received.length >= 19 + 298 * 15, 'all answers');
      const serials = Array.from({ length: 298 }, (_, index) => client.received.readInt32BE(19 + 15 * index));
      assert.deepEqual(serials, Array.from({ length: 298 }, (_, index) => index + 2));
      assert.equal(context.bodies.length, 1 + 2 * 298);
    }));

  test('AV-13 a channel that refuses is answered with FAILED, for append and for appendBatch', () => {
    const context = new FakeSourceContext();
    context.answer = () => Promise.reject(new ChannelFullError('full'));
    return running(
      {},
      async ({ client }) => {
        client.send(Buffer.concat([hex(FIRST), hex(SECOND)]));
        await eventually(() => client.received.length >= 34, 'two answers');
        assert.equal(client.received[18], 2);
        assert.equal(client.received[33], 2);
        assert.equal(context.counted('ChannelWriteFail'), 2);
        assert.match(context.log.complaints[0] ?? '', /not stored/);
      },
      context,
    );
  });

  test('AV-16 a batch above the transaction capacity is answered with FAILED, whole', async () => {
    const channel = await create(memoryChannel, { transactionCapacity: '2' }, new FakeSourceContext());
    const context = new FakeSourceContext();
    context.batchLimit = channel.transactionCapacity;
    await running(
      {},
      async ({ client }) => {
        const message = Buffer.concat(new ClientSession().request(new AvroWriter(), batchOf('a', 'b', 'c')));
        client.send(Buffer.concat([frameHead(1, message.length), message]));
        await eventually(() => client.received.length >= 15, 'the answer');
        // The first answer begins with that to the handshake.
        assert.equal(client.received.subarray(12, 15).toString('hex'), '000000');
        assert.equal(client.received.at(-1), 2);
        assert.deepEqual(context.bodies, []);
      },
      context,
    );
  });

  test('behind a call of an agent of ours that failed, none is stored over the same connection; over the next one they are', async () => {
    const context = new FakeSourceContext();
    const session = new ClientSession();
    let serial = 1;
    const frame = (body: string): Buffer => {
      const message = Buffer.concat(session.request(new AvroWriter(), batchOf(body), { store: 'x', spans: [[serial, serial + 1]] }));
      return Buffer.concat([frameHead(serial++, message.length), message]);
    };
    await running(
      {},
      async ({ client, address }) => {
        client.send(frame('a'));
        await eventually(() => client.received.length > 12, 'the handshake is answered');
        session.receive(client.received.subarray(12));
        const before = client.received.length;
        const { answer } = context;
        context.answer = () => Promise.reject(new ChannelFullError('full'));
        client.send(frame('b'));
        await eventually(() => client.received.length === before + 15, 'the second is answered');
        context.answer = answer;
        client.send(frame('c'));
        await eventually(() => client.received.length === before + 30, 'the third is answered');
        assert.deepEqual([client.received.at(before + 14), client.received.at(-1)], [2, 2]);
        const next = await TcpClient.to(address);
        next.send(hex(FIRST));
        await eventually(() => next.received.length >= 19, 'an answer');
        assert.equal(next.received.at(-1), 0);
        next.socket.destroy();
      },
      context,
    );
    assert.ok(!context.bodies.includes('c'));
  });

  test('AV-05 both directions are one zlib stream', () =>
    running({ compressed: true }, async ({ client, context }) => {
      const deflate = createDeflate({ level: 9 });
      const inflate = createInflate();
      const answers: Buffer[] = [];
      inflate.on('data', (bytes: Buffer) => answers.push(bytes));
      client.socket.on('data', (bytes) => inflate.write(bytes));
      deflate.on('data', (bytes: Buffer) => client.send(bytes));
      for (const [call, length] of [[FIRST, 19], [SECOND, 34]] as const) {
        deflate.write(hex(call));
        deflate.flush(constants.Z_SYNC_FLUSH);
        await eventually(() => Buffer.concat(answers).length >= length, 'the answer');
      }
      assert.deepEqual(context.bodies, ['hi', 'a', 'b']);
      assert.equal(client.received.subarray(0, 2).toString('hex'), '789c');
    }));

  test('AV-06 a client that compresses, or does not, when we do otherwise is closed and nothing is stored', async () => {
    for (const compressed of [true, false]) {
      await running({ compressed }, async ({ client, context }) => {
        client.send(compressed ? hex(FIRST) : hex('789c6260646060600262'));
        await client.untilEnded();
        assert.deepEqual(context.bodies, []);
      });
    }
  });

  for (const [what, bytes] of [
    ['HTTP', Buffer.from('POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n')],
    ['TLS', hex('16030100c0010000bc0303')],
    ['a negative count', hex('00000001ffffffff')],
    ['a call that is no Avro', hex('00000001 00000001 00000004 ffffffff')],
    ['a frame of 2 GB', hex('00000001 00000001 7fffffff')],
  ] as const) {
    test(`N18 ${what} closes the connection with one line that names the peer, and nobody else's`, () =>
      running({}, async ({ client, context, address }) => {
        const other = await TcpClient.to(address);
        client.send(bytes);
        await client.untilEnded();
        assert.equal(context.log.complaints.length, 1);
        assert.match(String(context.log.lines.at(-1)?.facts['peer']), /^127\.0\.0\.1:\d+$/);
        other.send(hex(FIRST));
        await eventually(() => other.received.length >= 19, 'the other client is served');
        other.socket.destroy();
      }));
  }

  test('N18 a handshake that stops at any byte leaves others alone', () =>
    running({}, async ({ context, address }) => {
      const whole = hex(FIRST);
      for (let length = 0; length < whole.length; length += 5) {
        const client = await TcpClient.to(address);
        client.send(whole.subarray(0, length));
        client.socket.end();
        await client.untilEnded();
      }
      assert.deepEqual(context.bodies, []);
    }));

  test('N18 many connections that announce the largest message and send a part of it take the memory of the budget together, and others are served', () =>
    running({ messageBytes: 256 * 1024 * 1024 }, async ({ client, address }) => {
      // What a source keeps of unfinished messages, one of them beyond it, and each connection's first 64 KB and last piece.
      const [budget, sent, peers] = [64 * 1024 * 1024, 8 * 1024 * 1024, 24];
      const most = budget + 2 * sent + peers * 128 * 1024;
      const piece = Buffer.alloc(sent / 8, 1);
      const before = heldMemory();
      const hostile = await Promise.all(Array.from({ length: peers }, () => TcpClient.to(address)));
      for (const peer of hostile) {
        peer.send(frameHead(1, 256 * 1024 * 1024));
        for (let count = 0; count < 8; count++) peer.send(piece);
      }
      await eventually(() => heldMemory() - before >= budget, 'the budget is used up', 60_000);
      client.send(hex(FIRST));
      await eventually(() => client.received.length >= 19, 'an answer');
      const held = heldMemory() - before;
      assert.ok(held <= most, `${held} bytes are held, and ${most} may be`);
      for (const { socket } of hostile) socket.destroy();
      await eventually(() => heldMemory() - before < sent, 'all of it is given back', 60_000);
    }));

  test('a full channel holds the sender: no more than one piece of the stream is read beyond the calls that may wait', async () => {
    const context = new FakeSourceContext();
    const waiting: (() => void)[] = [];
    context.answer = () => new Promise((resolve) => void waiting.push(resolve));
    await running(
      {},
      async ({ client }) => {
        client.send(hex(FIRST));
        client.send(Buffer.concat(Array.from({ length: 10_000 }, () => hex(SECOND))));
        await eventually(() => context.delivered.length > 64, 'calls wait');
        await sleep(100);
        const open = context.delivered.length;
        const timer = setInterval(() => waiting.splice(0).forEach((done) => done()), 1);
        await eventually(() => context.delivered.length === 10_001, 'all are read once there is room');
        await eventually(() => client.received.length === 19 + 10_000 * 15, 'all are answered');
        clearInterval(timer);
        assert.ok(open < 2500, `${open} calls were open`);
      },
      context,
    );
  });

  test('a delivery through a real channel brings the events out again with their headers', async () => {
    const channel = await create(memoryChannel, {}, new FakeSourceContext());
    const context = new FakeSourceContext();
    const selector = { route: (batch: Batch) => [{ channel: 'c1', batch, optional: false }] };
    const parts = { interceptors: [], selector, channels: new Map([['c1', channel]]), log: context.log, signal: AbortSignal.timeout(10_000), setAside: () => Promise.resolve(), count: () => undefined };
    const delivery = new Delivery(parts);
    context.deliver = (batch) => delivery.deliver(batch);
    await running(
      {},
      async ({ client }) => {
        client.send(Buffer.concat([hex(FIRST), hex(SECOND)]));
        await eventually(() => client.received.length >= 34, 'two answers');
        const { batch } = (await channel.take(10, AbortSignal.timeout(1000))) ?? assert.fail('nothing was stored');
        assert.deepEqual([...batch].map(({ body, headers }) => [body.toString(), [...headers]]), [
          ['hi', [['k', 'v']]],
          ['a', []],
          ['b', [['k', 'v']]],
        ]);
      },
      context,
    );
  });
});

describe('ipFilterRules of the avro source', () => {
  const allowed = [
    'allow:name:localhost,deny:ip:*',
    'allow:ip:127.0.0.1,deny:ip:*',
    'allow:ip:*',
    'allow:ip:127*,deny:ip:*',
    'allow:ip:127.0.0.2,allow:ip:127*,deny:ip:*',
    'allow:name:localhost',
    'deny:ip:127.0.0.2,allow:ip:*,deny:ip:127.0.0.1',
  ];
  const denied = ['deny:ip:*', 'deny:name:localhost', 'deny:ip:127.0.0.1,allow:ip:*', 'allow:ip:45.2.2.2,deny:ip:*', 'deny:ip:127*,allow:ip:*'];
  for (const rules of [...allowed, ...denied]) {
    const isAllowed = allowed.includes(rules);
    test(`${isAllowed ? 'AV-09 AV-11' : 'AV-10'} ${rules} ${isAllowed ? 'lets' : 'does not let'} 127.0.0.1 in`, async () => {
      const properties = { bind: '127.0.0.1', port: '0', ipFilter: 'true', ipFilterRules: rules };
      const source = await create(avroSource, properties, new FakeSourceContext());
      await source.start();
      const client = await TcpClient.to(addressOf(source));
      client.send(hex(FIRST));
      if (isAllowed) await eventually(() => client.received.length >= 19, 'an answer');
      else assert.equal(await client.untilEnded(), '');
      client.socket.destroy();
      await source.stop();
    });
  }

  for (const rules of [undefined, '', 'homer:ip:45.4.23.1', 'allow:sleeps:45.4.23.1']) {
    test(`AV-12 ipFilterRules ${rules === undefined ? 'missing' : JSON.stringify(rules)} is an error that names it`, () => {
      const properties = { bind: '127.0.0.1', port: '0', ipFilter: 'true', ...(rules !== undefined && { ipFilterRules: rules }) };
      assert.throws(() => create(avroSource, properties, new FakeSourceContext()), /ipFilter/);
    });
  }
});

interface Running {
  readonly client: TcpClient;
  readonly context: FakeSourceContext;
  readonly address: string;
}

async function running(settings: Partial<AvroSourceSettings>, body: (running: Running) => Promise<void>, context = new FakeSourceContext()): Promise<void> {
  const source = new AvroSource(context, { ...DEFAULTS, ...settings });
  await source.start();
  const address = addressOf(source);
  const client = await TcpClient.to(address);
  try {
    await body({ client, context, address });
    assert.deepEqual(context.failures, []);
  } finally {
    client.socket.destroy();
    await source.stop();
  }
}

function addressOf(source: Source): string {
  return source.describe?.().endpoints?.[0]?.address ?? '';
}

/** Memory of buffers that somebody holds. */
function heldMemory(): number {
  collect();
  return process.memoryUsage().arrayBuffers;
}

function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(' ', ''), 'hex');
}
