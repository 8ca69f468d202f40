import assert from 'node:assert/strict';
import { createServer, type AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Delivery } from '../../../agent/running/deliver.ts';
import { MemoryChannel } from '../../../channels/memory.ts';
import type { Source, SourceContext } from '../../../core/component.ts';
import { ChannelFullError } from '../../../core/errors.ts';
import { netcatSource } from '../../../sources/netcat.ts';
import { create, eventually, FakeSourceContext, isOpen, takeNow } from '../../conformance/fakes.ts';
import { sourceConformance } from '../../conformance/source.ts';
import { TcpClient } from './tcp-client.ts';

const ENGLISH = Array.from({ length: 20 }, (_, index) => `The quick brown fox jumps over the lazy dog ${index}`);
const FRENCH = Array.from({ length: 20 }, (_, index) => `Dès Noël où un zéphyr haï me vêt de glaçons würmiens ${index}`);
const FULL = "Space for commit to queue couldn't be acquired. Sinks are likely not keeping up with sources, or the buffer size is too tight";

const clients = new WeakMap<Source, Promise<TcpClient>>();

sourceConformance('netcat', {
  create: (context) => make({}, context),
  async feed(source, body) {
    const known = clients.get(source) ?? TcpClient.to(addressOf(source));
    clients.set(source, known);
    (await known).send(`${body}\n`);
  },
  afterFailure: 'next',
});

describe('netcat source', () => {
  test('NC-01 a line becomes an event and is answered with OK', () =>
    running({}, async ({ client, context }) => {
      client.send('Test message\n');
      assert.deepEqual(await client.lines(1), ['OK']);
      assert.deepEqual(context.bodies, ['Test message']);
      assert.equal(context.counted('EventReceivedCount'), 1);
      assert.equal(context.counted('EventAcceptedCount'), 1);
      assert.equal(context.counted('OpenConnectionCount'), 1);
    }));

  test('NC-02 without acknowledgements nothing is sent back', () =>
    running({ 'ack-every-event': 'false' }, async ({ client, context }) => {
      client.send('Test message\n');
      client.socket.end();
      assert.equal(await client.untilEnded(), '');
      assert.deepEqual(context.bodies, ['Test message']);
    }));

  for (const [charset, encode] of [
    ['UTF-16BE', (text: string) => Buffer.from(text, 'utf16le').swap16()],
    ['UTF-16LE', (text: string) => Buffer.from(text, 'utf16le')],
    ['UTF-8', (text: string) => Buffer.from(text)],
    ['ISO-8859-1', (text: string) => Buffer.from(text, 'latin1')],
  ] as const) {
    test(`NC-03 NC-04 NC-05 forty lines in ${charset}: bodies are UTF-8, one OK each`, () =>
      running({ encoding: charset }, async ({ client, context }) => {
        const lines = [...ENGLISH, ...FRENCH];
        const bytes = encode(lines.map((line) => `${line}\n`).join(''));
        for (let at = 0; at < bytes.length; at += 101) client.send(bytes.subarray(at, at + 101));
        const answers = encode('OK\n'.repeat(40));
        await eventually(() => client.received.length >= answers.length, 'all answers');
        assert.deepEqual(client.received, answers);
        assert.deepEqual(context.bodies, lines);
      }));
  }

  test('NC-06 a line that is too long makes no event; differs: the next line does, on the same connection', () =>
    running({ 'max-line-length': '10', 'ack-every-event': 'false' }, async ({ client, context }) => {
      client.send(`123456789\n${'x'.repeat(200)}\nnext\n`);
      await eventually(() => context.delivered.length === 2, 'both good lines');
      assert.deepEqual(context.bodies, ['123456789', 'next']);
    }));

  test('NC-07 the answer to a line that is too long names the limit', () =>
    running({ 'max-line-length': '10' }, async ({ client }) => {
      client.send(`123456789\n${'x'.repeat(200)}`);
      assert.deepEqual(await client.lines(2), ['OK', 'FAILED: Event exceeds the maximum length (10 chars, including newline)']);
      client.send(`${'x'.repeat(200)}\nok\n`);
      assert.equal((await client.lines(3))[2], 'OK');
    }));

  test('NC-08 N20 a port that is taken fails the start, with the address; nothing is left open', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as AddressInfo;
    const source = make({ port: String(port) }, new FakeSourceContext());
    await assert.rejects(source.start(), new RegExp(`EADDRINUSE.*127\\.0\\.0\\.1:${port}`));
    await source.stop();
    assert.deepEqual(source.describe?.(), {});
    await new Promise((resolve) => taken.close(resolve));
  });

  test('NC-09 only LF ends a line; N5 what is left at the end is counted and logged', () =>
    running({}, async ({ client, context }) => {
      client.send('abc\r\ndef\n\nghi');
      client.socket.end();
      assert.equal(await client.untilEnded(), 'OK\nOK\nOK\n');
      assert.deepEqual(context.bodies, ['abc\r', 'def', '']);
      assert.equal(context.counted('EventIncompleteCount'), 1);
      assert.deepEqual(context.log.lines.find(({ sentence }) => sentence.includes('without an end'))?.facts['bytes'], 3);
    }));

  test('NC-10 bytes that are no UTF-8; differs: that line is answered with FAILED, the next is stored', () =>
    running({}, async ({ client, context }) => {
      client.send(Buffer.from([0x61, 0xff, 0x62, 0x0a, 0x63, 0x0a]));
      assert.deepEqual(await client.lines(2), ['FAILED: line is not UTF-8 text', 'OK']);
      assert.deepEqual(context.bodies, ['c']);
      assert.equal(context.counted('EventReadFail'), 1);
    }));

  test('NC-11 the limit includes the line feed, and counts UTF-16 units', () =>
    running({ 'max-line-length': '10' }, async ({ client, context }) => {
      client.send('1234567890\n€€€€€€€€€\n\u{1F600}\u{1F600}\u{1F600}\u{1F600}x\n\u{1F600}\u{1F600}\u{1F600}\u{1F600}\u{1F600}\n');
      const answers = (await client.lines(4)).map((line) => line.slice(0, 6));
      assert.deepEqual(answers, ['FAILED', 'OK', 'OK', 'FAILED']);
      assert.deepEqual(context.bodies, ['€€€€€€€€€', '\u{1F600}\u{1F600}\u{1F600}\u{1F600}x']);
    }));

  test('NC-12 a full channel, acknowledged: FAILED in the words of Flume once keep-alive has passed; the connection stays', async () => {
    const { channel, context } = overMemoryChannel(2, 10);
    await running({}, async ({ client }) => {
      client.send('1\n2\n3\n4\n');
      assert.deepEqual(await client.lines(4), ['OK', 'OK', `FAILED: ${FULL}`, `FAILED: ${FULL}`]);
      await (await takeNow(channel, 2))?.commit();
      client.send('5\n');
      assert.equal((await client.lines(5))[4], 'OK');
    }, context);
    assert.equal(channel.status().size, 1);
    assert.equal(context.counted('ChannelWriteFail'), 1);
  });

  test('NC-12 differs: without acknowledgements nobody listens to FAILED, so the lines wait for room', async () => {
    const { channel, context } = overMemoryChannel(2, 10);
    await running({ 'ack-every-event': 'false' }, async ({ client }) => {
      client.send('1\n2\n3\n4\n');
      await eventually(() => channel.status().size === 2, 'the channel is full');
      await sleep(30);
      await (await takeNow(channel, 2))?.commit();
      await eventually(() => channel.status().size === 2, 'the next two lines are stored');
      assert.equal(client.text, '');
    }, context);
  });

  test('NC-13 differs: nothing is read once the source has stopped', async () => {
    const context = new FakeSourceContext();
    const source = make({}, context);
    await source.start();
    const client = await TcpClient.to(addressOf(source));
    client.send('before\n');
    await client.lines(1);
    await source.stop();
    client.send('after\n');
    assert.equal(await client.untilEnded(), 'OK\n');
    assert.deepEqual(context.bodies, ['before']);
  });

  test('what comes while the source stops is not taken, although a delivery settles meanwhile', async () => {
    const context = new FakeSourceContext();
    let settle: () => void = () => undefined;
    context.answer = () => new Promise((resolve) => (settle = resolve));
    const source = make({}, context);
    await source.start();
    const client = await TcpClient.to(addressOf(source));
    client.send('first\n');
    await eventually(() => context.delivered.length === 1, 'the first line');
    const stopped = source.stop();
    client.send('second\n');
    await sleep(20);
    settle();
    await stopped;
    assert.equal(await client.untilEnded(), 'OK\n');
    assert.deepEqual(context.bodies, ['first']);
  });

  test('N3 connections over the limit are closed at once and counted; the others go on', () =>
    running({ maxConnections: '1' }, async ({ client, context, address }) => {
      client.send('a\n');
      await client.lines(1);
      const second = await TcpClient.to(address);
      await second.untilEnded();
      await eventually(() => context.counted('ConnectionRefusedCount') === 1, 'the refusal is counted');
      client.send('b\n');
      await client.lines(2);
    }));

  test('N4 a client that shuts its writing side gets an answer to each line, then the end', () =>
    running({}, async ({ client, context }) => {
      client.send(Array.from({ length: 1000 }, (_, index) => `line ${index}\n`).join(''));
      client.socket.end();
      assert.equal(await client.untilEnded(), 'OK\n'.repeat(1000));
      assert.equal(context.bodies.length, 1000);
    }));

  test('N6 a huge line is not kept: only its beginning is, up to the limit', () =>
    running({}, async ({ client, context }) => {
      const block = Buffer.alloc(1024 * 1024, 'x');
      for (let index = 0; index < 20; index++) client.send(block);
      client.send('\nshort\n');
      const [first, second] = await client.lines(2);
      assert.match(first ?? '', /^FAILED: Event exceeds the maximum length \(512 chars/);
      assert.equal(second, 'OK');
      assert.equal(client.text.split('\n').length, 3);
      assert.deepEqual(context.bodies, ['short']);
    }));

  test('N6 bytes that begin no character do not pass the limit either', () =>
    running({ 'max-line-length': '10' }, async ({ client }) => {
      client.send(Buffer.alloc(1000, 0x80));
      assert.match((await client.lines(1))[0] ?? '', /^FAILED: Event exceeds/);
    }));

  test('N7 a reset at each place of two lines leaves the source alive, and makes no event of a broken line', () =>
    running({}, async ({ context, address }) => {
      const message = 'first line\nsecond line\n';
      for (let length = 0; length <= message.length; length++) {
        const one = await TcpClient.to(address);
        one.send(message.slice(0, length));
        one.socket.resetAndDestroy();
      }
      const last = await TcpClient.to(address);
      last.send('alive\n');
      assert.deepEqual(await last.lines(1), ['OK']);
      assert.deepEqual(new Set(context.bodies), new Set([...context.bodies.filter((body) => /^(first|second) line$/.test(body)), 'alive']));
      await eventually(() => context.counted('OpenConnectionCount') === 2, 'the broken connections are gone');
    }));

  test('N8 R1 while nothing is stored no more is read than a window, empty lines included', async () => {
    for (const line of ['x'.repeat(99), '']) {
      const context = new FakeSourceContext();
      let stored = false;
      const releases: (() => void)[] = [];
      context.answer = () => (stored ? Promise.resolve() : new Promise((resolve) => releases.push(resolve)));
      await running({ 'ack-every-event': 'false' }, async ({ client }) => {
        const block = Buffer.from(`${line}\n`.repeat(1000));
        const total = line === '' ? 400_000 : 100_000;
        for (let lines = 0; lines < total; lines += 1000) client.socket.write(block);
        await eventually(() => context.delivered.length > 0, 'something is read');
        let read = 0;
        for (let calm = 0; calm < 5; ) {
          await sleep(20);
          const now = context.counted('EventReceivedCount');
          calm = now === read ? calm + 1 : 0;
          read = now;
        }
        stored = true;
        for (const release of releases) release();
        // The window, and the 64 kB by which it was passed.
        const chunk = (64 * 1024 * (line.length + 16)) / (line.length + 1);
        assert.ok(read * (line.length + 16) <= 2 * 1024 * 1024 + chunk, `${read} lines were read`);
        client.socket.end();
        await client.untilEnded();
        assert.equal(context.counted('EventAcceptedCount'), total);
      }, context);
    }
  });

  test('a client that sends no character set the source can read is told, and closed', () =>
    running({ encoding: 'US-ASCII' }, async ({ client, context }) => {
      client.send('good\n');
      await client.lines(1);
      client.send(Buffer.from('b\u00e4d\nmore\n'));
      assert.equal(await client.untilEnded(), 'OK\nFAILED: line is not US-ASCII text; connection closed\n');
      assert.deepEqual(context.bodies, ['good']);
    }));

  test('answers keep the order of the lines, whatever fails', async () => {
    const context = new FakeSourceContext();
    context.batchLimit = 1;
    context.answer = async (_batch, call) => {
      await sleep(call === 1 ? 20 : 0);
      if (call === 2) throw new ChannelFullError('full');
    };
    await running({}, async ({ client }) => {
      client.send(Buffer.concat([Buffer.from('a\nb\n'), Buffer.from([0xff, 0x0a]), Buffer.from('c\n')]));
      assert.deepEqual(await client.lines(4), ['OK', 'FAILED: full', 'FAILED: line is not UTF-8 text', 'OK']);
    }, context);
  });

  test('a missing bind or port is an error that names it', () => {
    assert.throws(() => create(netcatSource, { port: '0' }, new FakeSourceContext()), /bind is required/);
    assert.throws(() => create(netcatSource, { bind: 'localhost' }, new FakeSourceContext()), /port is required/);
    assert.throws(() => make({ encoding: 'EBCDIC-XX' }, new FakeSourceContext()), /encoding is not the name of a character set/);
  });

  test('the picture shows the address, and a command that works', () =>
    running({}, async ({ source, address }) => {
      assert.deepEqual(source.describe?.().endpoints, [{ protocol: 'tcp', address, tls: false, authentication: false }]);
      assert.match(source.describe?.().tryIt ?? '', /nc -w 1 127\.0\.0\.1 \d+$/);
    }));

  test('stop is safe without start', async () => {
    await make({}, new FakeSourceContext()).stop();
  });

  test('a delivery that never ends holds the stop until it is given up', async () => {
    const context = new FakeSourceContext();
    let fail: (error: Error) => void = () => undefined;
    context.answer = () => new Promise((_resolve, reject) => (fail = reject));
    const source = make({}, context);
    await source.start();
    const client = await TcpClient.to(addressOf(source));
    client.send('line\n');
    await eventually(() => context.delivered.length === 1, 'the line');
    const stopped = source.stop();
    assert.ok(await isOpen(stopped));
    fail(new DOMException('stopped', 'AbortError'));
    await stopped;
    assert.match(await client.untilEnded(), /^FAILED: stopped\n$/);
  });
});

interface Running {
  readonly source: Source;
  readonly client: TcpClient;
  readonly context: FakeSourceContext;
  readonly address: string;
}

async function running(
  properties: Record<string, string>,
  body: (running: Running) => Promise<void>,
  context = new FakeSourceContext(),
): Promise<void> {
  const source = make(properties, context);
  await source.start();
  const address = addressOf(source);
  const client = await TcpClient.to(address);
  try {
    await body({ source, client, context, address });
    assert.deepEqual(context.failures, []);
  } finally {
    client.socket.destroy();
    await source.stop();
  }
}

function make(properties: Record<string, string>, context: SourceContext): Source {
  return create(netcatSource, { bind: '127.0.0.1', port: '0', ...properties }, context) as Source;
}

function addressOf(source: Source): string {
  return source.describe?.().endpoints?.[0]?.address ?? '';
}

/** A context whose deliveries go to a memory channel of `capacity` events, as in an agent. */
function overMemoryChannel(capacity: number, keepAliveMs: number): { channel: MemoryChannel; context: FakeSourceContext } {
  const channel = new MemoryChannel({ capacity, transactionCapacity: capacity, keepAliveMs, slots: 1_000_000 });
  const context = new FakeSourceContext();
  const delivery = new Delivery({
    interceptors: [],
    selector: { route: (batch) => [{ channel: 'c1', batch, optional: false }] },
    channels: new Map([['c1', channel]]),
    log: context.log,
    signal: new AbortController().signal,
    setAside: async () => undefined,
    count: (name, amount) => context.count(name, amount),
  });
  context.batchLimit = capacity;
  context.deliver = (batch, options) => delivery.deliver(batch, options);
  return { channel, context };
}
