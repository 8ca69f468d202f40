import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { test, type TestContext } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { ChannelFullError } from '../../../core/errors.ts';
import { multiportSyslogTcpSource } from '../../../sources/multiport-syslogtcp.ts';
import { eventually, FakeSourceContext } from '../../conformance/fakes.ts';
import { sourceConformance } from '../../conformance/source.ts';
import { Authority, certificatesAvailable, STORE_PASSWORD } from '../../harness/certificates.ts';
import { Late, open, started as startedOf } from './syslog/late.ts';

function started(t: Pick<TestContext, 'after'>, context: FakeSourceContext, properties: Record<string, string> = {}): Promise<Late> {
  return startedOf(t, multiportSyslogTcpSource, context, { ports: '0', ...properties });
}

type Seen = readonly [Record<string, string>, string];

/** What becomes of a text that is sent over one connection, and of an event behind it that tells that all was read. */
async function sent(t: TestContext, text: string | Buffer, properties: Record<string, string> = {}): Promise<{ readonly events: readonly Seen[]; readonly context: FakeSourceContext }> {
  const context = new FakeSourceContext();
  const source = await started(t, context, properties);
  await source.send(Buffer.concat([Buffer.from(text), Buffer.from('<13>- end the end\n')]));
  const all = (): Seen[] => context.delivered.flatMap((batch) => [...batch].map(({ headers, body }) => [Object.fromEntries(headers), body.toString('latin1')] as const));
  await eventually(() => all().some(([, body]) => body.endsWith('the end')), 'the last event');
  return { events: all().slice(0, -1), context };
}

async function one(t: TestContext, text: string | Buffer, properties: Record<string, string> = {}): Promise<Seen> {
  const { events } = await sent(t, text, properties);
  assert.equal(events.length, 1);
  return events[0] as Seen;
}

const STATUS = 'flume.syslog.status';
const INVALID = { [STATUS]: 'Invalid' };
const TEN = { Priority: '10', Facility: '1', Severity: '2' };
const THIRTEEN = { Priority: '13', Facility: '1', Severity: '5' };
/** In this year, unless that would be more than a month ahead. */
function lastTime(month: number, day: number, hour: number, minute: number, second: number): string {
  const now = new Date();
  const at = (year: number): number => Date.UTC(year, month, day, hour, minute, second);
  const soon = now.getTime() + 31 * 86_400_000;
  const year = [now.getUTCFullYear() + 1, now.getUTCFullYear()].find((candidate) => at(candidate) <= soon) ?? now.getUTCFullYear() - 1;
  return String(at(year));
}

sourceConformance('multiport_syslogtcp', {
  create: (context) => new Late(multiportSyslogTcpSource, context, { ports: '0' }),
  feed: (source, body) => (source as Late).send(`<13>- h ${body}\n`),
  ofEmpty: '<13>- h ',
  afterFailure: 'next',
});

test('MS-01 many ports, each named in a header', async (t) => {
  // Scaled: 100 ports.
  const context = new FakeSourceContext();
  const source = await started(t, context, { ports: Array(100).fill('0').join(' \t'), portHeader: 'port' });
  const nowMs = Date.now();
  const { ports } = source;
  assert.equal(new Set(ports).size, 100);
  for (const [index, port] of ports.entries()) (await open(port)).end(`<10>${new Date(nowMs).toISOString()} localhost.localdomain proc1 - some msg ${index}\n`);
  await eventually(() => context.bodies.length === 100, 'an event of each port');
  for (const batch of context.delivered) {
    for (const { headers, body } of batch) {
      const index = Number(/ (\d+)$/.exec(body.toString())?.[1]);
      assert.deepEqual(Object.fromEntries(headers), { ...TEN, timestamp: String(nowMs), host: 'localhost.localdomain', port: String(ports[index]) });
      assert.equal(body.toString(), `proc1 - some msg ${index}`);
    }
  }
});

test('MS-02 the same over TLS', { skip: certificatesAvailable() }, async (t) => {
  const authority = new Authority();
  t.after(() => authority.remove());
  const { p12 } = authority.sign('localhost');
  const context = new FakeSourceContext();
  const tls = { ssl: 'true', keystore: p12, 'keystore-password': STORE_PASSWORD, 'keystore-type': 'PKCS12' };
  const { ports } = await started(t, context, { ports: Array(10).fill('0').join(' '), portHeader: 'port', ...tls });
  for (const port of ports) {
    const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    socket.end(`<10>2012-04-13T11:11:11Z h to ${port}\n`);
  }
  await eventually(() => context.bodies.length === 10, 'an event of each port');
  for (const batch of context.delivered) assert.equal(batch.body(0).toString(), `to ${batch.headers(0).get('port')}`);
});

test('MS-03 a record that comes in pieces', async (t) => {
  const context = new FakeSourceContext();
  const source = await started(t, context);
  for (const piece of ['<1>- - blah', ' blam', ' foo\n']) {
    assert.deepEqual(context.bodies, []);
    await source.send(piece);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await eventually(() => context.bodies.length === 1, 'the event');
  assert.deepEqual(context.bodies, ['blah blam foo']);
  assert.equal(context.delivered[0]?.headers(0).get('host'), '-');
});

test('MS-04 MS-05 MS-07 each port has its character set; what is none of it is invalid, and kept byte for byte', async (t) => {
  const head = '<10>2012-08-11T01:01:01Z localhost ';
  for (const [charset, encoding] of [['UTF-8', 'utf8'], ['ISO-8859-1', 'latin1']] as const) {
    for (const body of ['Yarf yarf yarf', '¿Cómo estás?', 'Comment êtes-vous?', 'þÿÀÁ']) {
      const [headers, seen] = await one(t, Buffer.from(`${head}${body}\n`, encoding), { 'charset.default': charset });
      assert.deepEqual([headers, Buffer.from(seen, 'latin1').toString(encoding)], [{ ...TEN, timestamp: String(Date.UTC(2012, 7, 11, 1, 1, 1)), host: 'localhost' }, body]);
    }
  }
  const bad = Buffer.from(`${head}þÿÀÁ\n`, 'latin1');
  const { events, context } = await sent(t, bad);
  assert.deepEqual(events, [[INVALID, bad.subarray(0, -1).toString('latin1')]]);
  assert.equal(context.counted('EventReadFail'), 1);
  const marked = Buffer.concat([Buffer.from(head), Buffer.from([0xfe, 0xff, 10])]);
  assert.deepEqual(await one(t, marked), [INVALID, marked.subarray(0, -1).toString('latin1')]);
});

test('MS-07 a character set for one port', async (t) => {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as { port: number };
  await new Promise((resolve) => probe.close(resolve));
  const { events } = await sent(t, Buffer.from('<10>- h þÿÀÁ\n', 'latin1'), { ports: String(port), [`charset.port.${port}`]: 'ISO-8859-1' });
  assert.deepEqual([events[0]?.[0][STATUS], events[0]?.[1]], [undefined, 'þÿÀÁ']);
});

test('MS-06 MS-08 a channel that refuses holds the connection up, and is counted; a failure of another kind is told, and the source goes on', async (t) => {
  const context = new FakeSourceContext();
  let first = true;
  context.deliver = async (batch, options) => {
    assert.equal(options?.wait, true);
    if (first) {
      first = false;
      options.refused?.(new ChannelFullError('full'));
      throw new Error('a fault');
    }
    context.delivered.push(batch);
  };
  const source = await started(t, context);
  await source.send('<13>- h one\n');
  await eventually(() => context.counted('EventDroppedCount') === 1, 'the first');
  assert.deepEqual([context.counted('ChannelWriteFail'), context.counted('EventReadFail')], [1, 1]);
  await source.send('<13>- h two\n');
  await eventually(() => context.bodies.length === 1, 'the second');
  assert.deepEqual(context.bodies, ['two']);
});

test('MS-09 headers that tell of the sender', async (t) => {
  const [headers] = await one(t, '<13>- h one\n', { clientIPHeader: 'host', clientHostnameHeader: 'name' });
  assert.equal(headers['host'], '127.0.0.1');
  assert.match(headers['name'] ?? '', /localhost|127\.0\.0\.1/);
});

test('MS-10 times of RFC 5424', async (t) => {
  const times = ['1985-04-12T23:20:50.52Z', '1985-04-12T19:20:50.52-04:00', '2003-10-11T22:14:15.003Z', '2003-08-24T05:14:15.000003-07:00', '2012-04-13T11:11:11-08:00', '2012-04-13T08:08:08.0001+00:00', '2012-04-13T08:08:08.251+00:00'];
  const { events } = await sent(t, times.map((time) => `<10>1 ${time} h x\n`).join(''));
  assert.deepEqual(events.map(([{ timestamp }]) => timestamp), times.map((time) => String(Date.parse(time))));
});

const OLD = [
  ["<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8", 'mymachine', lastTime(9, 11, 22, 14, 15)],
  ['<13>Feb  5 17:32:18 10.0.0.99 Use the BFG!', '10.0.0.99', lastTime(1, 5, 17, 32, 18)],
  ['<165>Aug 24 05:34:00 CST 1987 mymachine myproc[10]: %% It\'s time', 'CST', lastTime(7, 24, 5, 34, 0)],
  ['<0>Oct 22 10:52:12 scapegoat 1990 Oct 22 10:52:01 TZ-6 x', 'scapegoat', lastTime(9, 22, 10, 52, 12)],
] as const;

const NEW = [
  ["<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - BOM'su root' failed for lonvick", 'mymachine.example.com', '2003-10-11T22:14:15.003Z'],
  ["<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time", '192.0.2.1', '2003-08-24T05:14:15-07:00'],
  ['<13>2003-08-24T05:14:15Z localhost snarf?', 'localhost', '2003-08-24T05:14:15Z'],
  ['<13>2012-08-16T14:34:03-08:00 127.0.0.1 test shnap!', '127.0.0.1', '2012-08-16T14:34:03-08:00'],
] as const;

test('MS-11 MS-12 MS-13 MS-14 lines of both RFCs, whole and with their host', async (t) => {
  const expected = [...OLD.map(([text, host, time]) => [text, host, time]), ...NEW.map(([text, host, time]) => [text, host, String(Date.parse(time))])] as [string, string, string][];
  const text = expected.map(([line]) => `${line}\n`).join('');
  const { events } = await sent(t, text);
  for (const [index, [line, host, timestamp]] of expected.entries()) {
    const [headers, body] = events[index] as Seen;
    assert.deepEqual([headers[STATUS], headers['host'], headers['timestamp']], [undefined, host, timestamp], line);
    assert.ok(line.endsWith(`${host} ${body}`), body);
  }
  const kept = await sent(t, text, { keepFields: 'all' });
  assert.deepEqual(kept.events.map(([, body]) => body), expected.map(([line]) => line));
  const hosts = await sent(t, text, { keepFields: 'hostname' });
  for (const [index, [, host]] of expected.entries()) assert.ok(hosts.events[index]?.[1].startsWith(`${host} `));
});

test('MS-15 an empty line between records is left out, and nothing else', async (t) => {
  const { events } = await sent(t, '<13>Oct 11 22:14:15 h before\n\n\n<13>Oct 11 22:14:15 h after\n');
  assert.deepEqual(events.map(([, body]) => body), ['before', 'after']);
});

test('MS-16 lines around the longest: whole, cut at 60 with nothing left, cut with a rest', async (t) => {
  const head = '<13>Oct 11 22:14:15 h ';
  const line = (length: number): string => `${head}${'x'.repeat(length - head.length)}`;
  const { events } = await sent(t, `${line(59)}\n${line(60)}\n${line(82)}\n`, { eventSize: '60' });
  assert.deepEqual(events.map(([headers, body]) => [headers[STATUS], body.length]), [[undefined, 37], ['Incomplete', 38], ['Incomplete', 38], ['Invalid', 22]]);
});

test('MS-17 to MS-21, MS-25 what is read of odd lines', async (t) => {
  const time = lastTime(9, 11, 22, 14, 15);
  const cases: readonly (readonly [string, Record<string, string>, string])[] = [
    ['<13>Oct 11 22:14:15 h crlf\r', { ...THIRTEEN, timestamp: time, host: 'h' }, 'crlf\r'],
    ['<13>Oct 11 22:14:15 hostonly', INVALID, '<13>Oct 11 22:14:15 hostonly'],
    ['<13>Oct 11 22:14:15 h ', { ...THIRTEEN, timestamp: time, host: 'h' }, '<13>Oct 11 22:14:15 h '],
    ['<12345>Oct 11 22:14:15 h p5', { Priority: '12345', Facility: '1543', Severity: '1', timestamp: time, host: 'h' }, 'p5'],
    ['<13>Abc 99 22:14:15 h x', { ...THIRTEEN, timestamp: '0', host: 'h' }, 'x'],
    ['plain', INVALID, 'plain'],
    ['<abc>x', INVALID, '<abc>x'],
    ['<13>', INVALID, '<13>'],
    ['<13>-', INVALID, '<13>-'],
  ];
  const { events, context } = await sent(t, cases.map(([line]) => `${line}\n`).join(''));
  assert.deepEqual(events, cases.map(([, headers, body]) => [headers, body]));
  assert.equal(context.counted('EventReadFail'), 5);
});

test('MS-22 a date without a year is of the last twelve months', async (t) => {
  const ago = new Date(Date.now() - 60 * 86_400_000);
  const [month, day] = [ago.toLocaleString('en-US', { month: 'short', timeZone: 'UTC' }), String(ago.getUTCDate()).padStart(2, ' ')];
  const [{ timestamp }] = await one(t, `<13>${month} ${day} 00:00:00 h x\n`);
  assert.equal(timestamp, String(Date.UTC(ago.getUTCFullYear(), ago.getUTCMonth(), ago.getUTCDate())));
});

test('MS-23 times that are none: invalid, and what follows is read', async (t) => {
  const lines = ['<13>1 2003-10-11T22:14:15 h notz', '<13>2003-10-11T22:14:15.123 h nozone', '<13>2003-13-41T22:14:15Z h nodate'];
  const { events } = await sent(t, `${lines.join('\n')}\n<13>- h good\n`);
  assert.deepEqual(events.map(([headers, body]) => [headers[STATUS], body]), [...lines.map((line) => ['Invalid', line]), [undefined, 'good']]);
});

test('MS-24 a NUL is a byte like any other', async (t) => {
  assert.equal((await one(t, '<13>Oct 11 22:14:15 h nul\0tail\n'))[1], 'nul\0tail');
});

test('MS-26 fields that stay', async (t) => {
  const [, body] = await one(t, '<13>1 2003-10-11T22:14:15Z h app\n', { keepFields: 'priority version timestamp hostname' });
  assert.equal(body, '<13>1 2003-10-11T22:14:15Z h app');
});

test('a port that is taken is left out and told; the others are there; the source fails where none is left', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  t.after(() => taken.close());
  const port = String((taken.address() as { port: number }).port);
  const context = new FakeSourceContext();
  const source = await started(t, context, { ports: `${port} 0` });
  assert.equal(source.ports.length, 1);
  await source.send('<13>- h one\n');
  await eventually(() => context.bodies.length === 1, 'the event');
  assert.ok(context.log.lines.some(({ level, sentence, facts }) => level === 'error' && /port left out/.test(sentence) && String(facts?.['reason']).includes(port)));
  await assert.rejects(started(t, new FakeSourceContext(), { ports: port }), new RegExp(port));
});

test('batches hold as many events as they may', async (t) => {
  const { context } = await sent(t, Array.from({ length: 25 }, (_, index) => `<13>- h ${index}\n`).join(''), { batchSize: '10' });
  assert.ok(context.delivered.every(({ size }) => size <= 10));
  assert.deepEqual(context.bodies.slice(0, 25), Array.from({ length: 25 }, (_, index) => String(index)));
});
