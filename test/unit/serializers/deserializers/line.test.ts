import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DecodeErrorPolicy, DeserializerContext } from '../../../../core/component.ts';
import { lineDeserializer } from '../../../../serializers/deserializers/line.ts';
import { create, FakeContext } from '../../../conformance/fakes.ts';
import { AT_HEAD, openReader, readAll } from './reading.ts';

async function lines(bytes: Buffer | string, properties: Record<string, string> = {}, context: Partial<DeserializerContext> = {}): Promise<string[]> {
  return (await readAll(await openReader(lineDeserializer, bytes, properties, context))).bodies.map(String);
}

test('SD-38 a line that is too long becomes several events', async () => {
  const text = 'reallyreallyreallyreallyLongLineHerefile1line9\n';
  assert.deepEqual(await lines(text, { maxLineLength: '12' }), ['reallyreally', 'reallyreally', 'LongLineHere', 'file1line9']);
});

test('SD-39 26 letters in pieces of 10', async () => {
  assert.deepEqual(await lines('abcdefghijklmnopqrstuvwxyz\n', { maxLineLength: '10' }), ['abcdefghij', 'klmnopqrst', 'uvwxyz']);
});

test('SD-40 reading goes on from the place behind a batch', async () => {
  const text = 'line 1\nline 2\n';
  const first = await (await openReader(lineDeserializer, text)).read(1);
  assert.deepEqual(first?.next, { offset: 7, done: 0 });
  const again = await readAll(await openReader(lineDeserializer, text, {}, {}, first.next));
  assert.deepEqual(again.bodies.map(String), ['line 2']);
});

test('SD-41 a line that fills its last piece is followed by an empty event', async () => {
  assert.deepEqual(await lines('0123456789\n0123456789X\nab\n', { maxLineLength: '10' }), ['0123456789', '', '0123456789', 'X', 'ab']);
  assert.deepEqual(await lines('0123456789', { maxLineLength: '10' }), ['0123456789']);
});

test('SD-50 only line feeds end lines; carriage returns stay, empty lines are events, and so is an unfinished last line', async () => {
  assert.deepEqual(await lines('a\r\nb\n\nlast'), ['a\r', 'b', '', 'last']);
});

test('SD-48 bytes that are not UTF-8 are left out, replaced as Java does it, or the end of the file', async () => {
  for (const [bad, units] of [['e9', 1], ['e080af', 3], ['f8a1a1a1a1', 5], ['eda080', 1], ['f09f98', 1]] as const) {
    const bytes = Buffer.concat([Buffer.from('('), Buffer.from(bad, 'hex'), Buffer.from(')\nnext\n')]);
    const policy = (decodeErrorPolicy: DecodeErrorPolicy): Promise<string[]> => lines(bytes, {}, { decodeErrorPolicy });
    assert.deepEqual(await policy('IGNORE'), ['()', 'next'], bad);
    assert.deepEqual(await policy('REPLACE'), [`(${'\ufffd'.repeat(units)})`, 'next'], bad);
    await assert.rejects(policy('FAIL'), /line at byte 0 holds bytes that are none of the character set/);
  }
});

test('U+FFFD that stands in the text is not taken for a wrong byte', async () => {
  const bytes = Buffer.concat([Buffer.from('a\ufffdb'), Buffer.from([0xff]), Buffer.from('c\n')]);
  assert.deepEqual(await lines(bytes, {}, { decodeErrorPolicy: 'IGNORE' }), ['a\ufffdbc']);
});

test('a character that the file ends in the middle of is treated as any other wrong byte', async () => {
  const bytes = Buffer.from([0x61, 0xe2, 0x82]);
  assert.deepEqual(await lines(bytes, {}, { decodeErrorPolicy: 'REPLACE' }), ['a\ufffd']);
  await assert.rejects(lines(bytes));
});

test('SD-52 nothing is delivered of a batch that holds a line which cannot be decoded; the batches before it are', async () => {
  const bytes = Buffer.concat([Buffer.from('1\n2\n3\nok\nba'), Buffer.from([0xff, 0xfe]), Buffer.from('d\nnext\n')]);
  const reader = await openReader(lineDeserializer, bytes);
  const first = await reader.read(3);
  assert.equal(first?.batch.size, 3);
  await assert.rejects(async () => reader.read(3), /line at byte 9/);
});

test('SD-49 two units that are one character are never parted, wherever reading goes on', async () => {
  const text = 'foo😘bar\n';
  assert.deepEqual(await lines(text, { maxLineLength: '4' }), ['foo', '😘ba', 'r']);
  const { reads } = await readAll(await openReader(lineDeserializer, text, { maxLineLength: '4' }), 1);
  assert.deepEqual(reads.map(({ next }) => next.offset), [3, 9, 11]);
  assert.deepEqual(await lines('😘😘\n', { maxLineLength: '1' }), ['😘', '😘', '']);
});

test('every place told is one where reading goes on without losing or repeating an event', async () => {
  const texts: readonly (readonly [Buffer, Partial<DeserializerContext>, Record<string, string>])[] = [
    [Buffer.from('a\nbb\n\nccc\nd😘e\nfffffffffffff\nlast'), {}, {}],
    [Buffer.from('a\nbb\n\nccc\nd😘e\nfffffffffffff\nlast'), {}, { maxLineLength: '3' }],
    [Buffer.from('é1\né2\n\né3éééé\n', 'latin1'), { charset: 'ISO-8859-1' }, { maxLineLength: '4' }],
    [Buffer.from('\ufeffä1\nb2\n\u0a00x\nlonger line\n', 'utf16le'), { charset: 'UTF-16' }, { maxLineLength: '5' }],
    [Buffer.from('ä1\nb2\n\u0a00x\n', 'utf16le').swap16(), { charset: 'UTF-16' }, {}],
    [Buffer.from('8261826282630a82640a', 'hex'), { charset: 'Shift_JIS' }, { maxLineLength: '2' }],
    [Buffer.concat([Buffer.from('x'), Buffer.from('ffff', 'hex'), Buffer.from('y😘zzzzz\nw\n')]), { decodeErrorPolicy: 'REPLACE' }, { maxLineLength: '3' }],
  ];
  for (const [bytes, context, properties] of texts) {
    const { bodies, reads } = await readAll(await openReader(lineDeserializer, bytes, properties, context), 1);
    assert.ok(bodies.length > 2);
    for (const [index, { next }] of reads.entries()) {
      const rest = await readAll(await openReader(lineDeserializer, bytes, properties, context, next));
      assert.deepEqual(rest.bodies.map(String), bodies.slice(index + 1).map(String), `${context.charset ?? 'UTF-8'} from ${next.offset}`);
    }
  }
});

test('UTF-16 is decoded by the byte order of its mark, which is taken off; other marks stay', async () => {
  assert.deepEqual(await lines(Buffer.from('\ufeffä\nb\n', 'utf16le'), {}, { charset: 'UTF-16' }), ['ä', 'b']);
  assert.deepEqual(await lines(Buffer.from('\ufeffä\nb\n', 'utf16le').swap16(), {}, { charset: 'UTF-16' }), ['ä', 'b']);
  assert.deepEqual(await lines(Buffer.from('ä\nb\n', 'utf16le'), {}, { charset: 'UTF-16LE' }), ['ä', 'b']);
  assert.deepEqual(await lines(Buffer.from('\ufeffa\n')), ['\ufeffa']);
});

test('bodies are in the output character set', async () => {
  const { bodies } = await readAll(await openReader(lineDeserializer, 'é€\nabc\n', { outputCharset: 'ISO-8859-1' }));
  assert.deepEqual(bodies.map((body) => body.toString('latin1')), ['é?', 'abc']);
  const ascii = await readAll(await openReader(lineDeserializer, Buffer.from([0x61, 0xe9, 0x0a]), {}, { charset: 'US-ASCII', decodeErrorPolicy: 'REPLACE' }));
  assert.deepEqual(ascii.bodies.map(String), ['a\ufffd']);
});

test('T16 lines and characters across the edges of what is read at a time stay whole', async () => {
  const expected: string[] = [];
  for (let length = 0, bytes = 0; bytes < 1_200_000; length = (length * 31 + 17) % 1999) {
    const line = `${expected.length}:${'é😘x'.repeat(length).slice(0, length)}`.replace(/[\ud800-\udbff]$/, '');
    expected.push(line);
    bytes += Buffer.byteLength(line) + 1;
  }
  const { bodies, reads } = await readAll(await openReader(lineDeserializer, `${expected.join('\n')}\n`), 1000);
  assert.deepEqual(bodies.map(String), expected);
  assert.ok(reads.every(({ batch }) => batch.size <= 1000));
});

test('T17 a line without an end comes in pieces, and is never held whole', async () => {
  let largest = 0;
  const size = 50_000_000;
  const context = Object.assign(new FakeContext(), { charset: 'UTF-8', decodeErrorPolicy: 'FAIL' as const });
  const deserializer = await create(lineDeserializer, { maxLineLength: '100000' }, context);
  const read = async (offset: number, length: number): Promise<Buffer> => {
    largest = Math.max(largest, length);
    return Buffer.alloc(Math.min(length, size - offset), 'x');
  };
  const long = await deserializer.open({ path: '/in/long', size, read }, AT_HEAD);
  let events = 0;
  for (let found = await long.read(10); found; found = await long.read(10)) {
    events += found.batch.size;
    assert.equal(found.batch.byteLength, 100_000 * found.batch.size);
  }
  assert.equal(events, 500);
  assert.ok(largest <= 1_100_000, `${largest} bytes at a time`);
});

test('T18 T19 bytes are passed as they are where no character set is changed', async () => {
  const text = `a\0b\n${'\0'.repeat(1999)}\n\u0001\u007f\n`;
  assert.deepEqual(await lines(text), text.slice(0, -1).split('\n'));
});
