import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Batch } from '../../../core/batch.ts';
import type { Sink } from '../../../core/component.ts';
import { readOptions } from '../../../core/read-options.ts';
import { loggerSink } from '../../../sinks/logger.ts';
import { batchOf, create, FakeContext, isOpen, never } from '../../conformance/fakes.ts';
import { sinkConformance, type SinkUnderTest } from '../../conformance/sink.ts';

const contexts = new WeakMap<SinkUnderTest, FakeContext>();

sinkConformance('logger', {
  async create() {
    const context = new FakeContext();
    const sink = create(loggerSink, {}, context) as Sink;
    const it = { sink, received: () => context.log.events.map((line) => (/(\w?) }$/.exec(line)?.[1] ?? '?')) };
    contexts.set(it, context);
    return it;
  },
  hang(it) {
    const context = contexts.get(it);
    if (context) context.log.room = new Promise(() => undefined);
  },
});

describe('logger sink', () => {
  test('LOG-01 the text of the body is in the line', async () => {
    assert.match((await logged({}, event('Some text'))).join('\n'), /Some text/);
  });

  test('LOG-02 C4.17 bytes that are no visible ASCII are shown as full stops', async () => {
    const [line] = await logged({}, event(Buffer.alloc(5)));
    assert.equal(line, `Event: { headers:{} body: 00 00 00 00 00${' '.repeat(34)}..... }`);
  });

  test("LOG-03 C4.18 Flume's line, to the blank", async () => {
    assert.deepEqual(await logged({}, event('Hello world!\r')), [
      'Event: { headers:{} body: 48 65 6C 6C 6F 20 77 6F 72 6C 64 21 0D          Hello world!. }',
    ]);
  });

  test('LOG-04 maxBytesToLog=30: a dump of two lines, the second with its offset', async () => {
    assert.deepEqual(await logged({ maxBytesToLog: '30' }, event(`${'P'.repeat(24)}Test 0`)), [
      'Event: { headers:{} body: 50 50 50 50 50 50 50 50 50 50 50 50 50 50 50 50 PPPPPPPPPPPPPPPP',
      '00000010 50 50 50 50 50 50 50 50 54 65 73 74 20 30       PPPPPPPPTest 0 }',
    ]);
  });

  test('LOG-05 ten events are ten lines, in order', async () => {
    const lines = await logged({}, ...Array.from({ length: 10 }, (_, index) => event(`e${index}`)));
    assert.deepEqual(
      lines.map((line) => line.slice(-4, -2)),
      Array.from({ length: 10 }, (_, index) => `e${index}`),
    );
  });

  test('LOG-06 an empty body', async () => {
    assert.deepEqual(await logged({}, event('')), ['Event: { headers:{} body: }']);
  });

  test('LOG-07 a maxBytesToLog that is no number: 16 is used, with a warning', () => {
    const { values, problems } = readOptions(loggerSink, new Map([['maxBytesToLog', 'abc']]));
    assert.equal(values?.maxBytesToLog, 16);
    assert.deepEqual(problems.map(({ effect }) => effect), ['warn']);
  });

  test('differs: a maxBytesToLog of 0 shows no body, where Flume shows an exception', async () => {
    assert.deepEqual(await logged({ maxBytesToLog: '0' }, event('abc')), ['Event: { headers:{} body: }']);
  });

  test('no more than 16 bytes are shown without the option', async () => {
    const [line, ...others] = await logged({}, event('x'.repeat(100)));
    assert.equal(others.length, 0);
    assert.ok(line?.endsWith(` ${'x'.repeat(16)} }`));
  });

  test('C0.1 headers stand in the order of a Java hash map', async () => {
    const [line] = await logged({}, event('', { header1: 'value1', header2: 'value2' }));
    assert.equal(line, 'Event: { headers:{header2=value2, header1=value1} body: }');
  });

  test('X8 nothing in an event can end a line, move the cursor or turn the text', async () => {
    const evil = '\u001b[2J\u0007\r\b\u009b31m\u202e\nEvent: { headers:{} body: forged }';
    const lines = await logged({}, event(evil, { [evil]: evil }));
    assert.equal(lines.length, 1);
    // oxlint-disable-next-line no-control-regex
    assert.doesNotMatch(lines[0] ?? '', /[\u0000-\u001f\u007f-\u009f\u202e]/);
    assert.match(lines[0] ?? '', /\\u001b\[2J/);
  });

  test('X8 R6 headers of any length take a bounded part of the line', async () => {
    const [line] = await logged({}, event('', { long: 'x'.repeat(1_000_000) }));
    assert.ok((line?.length ?? Infinity) < 10_000);
    assert.match(line ?? '', /more characters/);
  });

  test('S23 it waits for room in the log, again and again within a large batch', async () => {
    const context = new FakeContext();
    const sink = create(loggerSink, {}, context) as Sink;
    let open: () => void = () => undefined;
    context.log.room = new Promise((resolve) => (open = resolve));
    const written = sink.write(batchOf('a'), never);
    assert.ok(await isOpen(written));
    assert.deepEqual(context.log.events, []);
    open();
    await written;
    assert.equal(context.log.events.length, 1);
    let asked = 0;
    context.log.ready = async () => void asked++;
    await sink.write(Batch.of(Array.from({ length: 100 }, () => event('', { long: 'x'.repeat(8000) }))), never);
    assert.ok(asked >= 5, `asked ${asked} times`);
  });
});

function event(body: string | Buffer, headers: Record<string, string> = {}) {
  return { body: Buffer.from(body), headers: new Map(Object.entries(headers)) };
}

async function logged(properties: Record<string, string>, ...events: ReturnType<typeof event>[]): Promise<string[]> {
  const context = new FakeContext();
  const sink = create(loggerSink, properties, context) as Sink;
  await sink.write(Batch.of(events), never);
  return context.log.events;
}
