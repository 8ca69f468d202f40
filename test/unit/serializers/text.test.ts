import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Batch } from '../../../core/batch.ts';
import type { Serializer } from '../../../core/component.ts';
import { LineScanner } from '../../../core/line-scanner.ts';
import { serializers } from '../../../serializers/index.ts';
import { textSerializer } from '../../../serializers/text.ts';
import { make, recordingContext } from '../recording-context.ts';

const never = (): never => assert.fail('rejected');

function bodies(...texts: string[]): Batch {
  return Batch.of(texts.map((text) => ({ body: Buffer.from(text), headers: new Map([['a', 'b']]) })));
}

function lines(chunk: Buffer): Batch {
  const scanner = new LineScanner();
  const bounds = scanner.scan(chunk, 0);
  return Batch.over(chunk, bounds, scanner.lines);
}

function serializer(properties: Record<string, string> = {}): Promise<Serializer> {
  return make(textSerializer, properties, recordingContext());
}

async function encoded(target: Serializer, batch: Batch): Promise<string> {
  return (await target.encode(batch, never)).toString();
}

test('C8.1 SER-01 each body becomes a line, with nothing before or after', async () => {
  const text = await serializer();
  assert.equal(text.begin().length + text.end().length, 0);
  assert.equal(await encoded(text, bodies('event 1', 'event 2', 'event 3')), 'event 1\nevent 2\nevent 3\n');
  assert.equal(await encoded(text, bodies()), '');
  assert.equal(text.canAppend, true);
});

test('C8.2 SER-02 without added line feeds the bodies stand as they are', async () => {
  const text = await serializer({ appendNewline: 'false' });
  assert.equal(await encoded(text, bodies('event 1\n', 'event 2\n', 'event 3\n')), 'event 1\nevent 2\nevent 3\n');
  assert.equal(await encoded(text, lines(Buffer.from('ab\ncd\n'))), 'abcd');
});

test('found by alias in any case and by the class of the builder', () => {
  assert.equal(serializers.find('TEXT'), textSerializer);
  assert.equal(serializers.find('org.apache.flume.serialization.BodyTextEventSerializer$Builder'), textSerializer);
  assert.equal(serializers.find('org.apache.flume.serialization.BodyTextEventSerializer'), undefined);
});

test('lines that lie in one chunk are handed on without copying', async () => {
  const text = await serializer();
  const chunk = Buffer.from('xx\none\n\ntwo\nthree\nrest');
  const batch = lines(chunk).slice(1, 5);
  const bytes = await text.encode(batch, never);
  assert.equal(bytes.toString(), 'one\n\ntwo\nthree\n');
  assert.equal(bytes.buffer, chunk.buffer);
  assert.equal(bytes.byteOffset, chunk.byteOffset + 3);
});

test('whatever lies between, before and behind the bodies, the lines are the same', async () => {
  const text = await serializer();
  const chunk = Buffer.from('a\nbb\r\nccc\n\ndddd\neeeee');
  const all = lines(chunk);
  const pick = (...indices: number[]): Batch => all.select(Uint32Array.from(indices));
  assert.equal(await encoded(text, pick(0, 2, 3)), 'a\nccc\n\n');
  assert.equal(await encoded(text, pick(4, 0, 0)), 'dddd\na\na\n');
  assert.equal(await encoded(text, pick(3, 4, 0, 1)), '\ndddd\na\nbb\r\n');
  const stripped = Batch.over(chunk, Uint32Array.from([0, 1, 2, 4, 6, 9, 16, 21]), 4);
  assert.equal(await encoded(text, stripped), 'a\nbb\nccc\neeeee\n');
  const overlapping = Batch.over(chunk, Uint32Array.from([0, 4, 2, 4, 16, 21]), 3);
  assert.equal(await encoded(text, overlapping), 'a\nbb\nbb\neeeee\n');
  assert.equal(await encoded(text, Batch.concat([all, bodies('z')])), 'a\nbb\r\nccc\n\ndddd\nz\n');
});

test('the copy holds until the next call, and large batches do not stay in memory', async () => {
  const text = await serializer();
  const first = await text.encode(bodies('x'.repeat(1000), 'y'), never);
  assert.equal(first.length, 1003);
  const large = await text.encode(bodies('z'.repeat(9 << 20), 'y'), never);
  assert.equal(large.length, (9 << 20) + 3);
  assert.equal(first.toString(), `${'x'.repeat(1000)}\ny\n`);
});

test('bytes that are no text pass unchanged', async () => {
  const text = await serializer();
  const body = Buffer.from([0, 255, 10, 195]);
  const bytes = await text.encode(Batch.of([{ body, headers: new Map() }]), never);
  assert.deepEqual([...bytes], [0, 255, 10, 195, 10]);
});
