import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Batch } from '../../../core/batch.ts';
import type { Serializer } from '../../../core/component.ts';
import { headerAndTextSerializer } from '../../../serializers/header-and-text.ts';
import { make, recordingContext } from '../recording-context.ts';

const never = (): never => assert.fail('rejected');

function batchOf(headers: Record<string, string>, ...texts: string[]): Batch {
  return Batch.of(texts.map((text) => ({ body: Buffer.from(text), headers: new Map(Object.entries(headers)) })));
}

function serializer(properties: Record<string, string> = {}): Promise<Serializer> {
  return make(headerAndTextSerializer, properties, recordingContext());
}

async function encoded(target: Serializer, batch: Batch): Promise<string> {
  return (await target.encode(batch, never)).toString();
}

test('C8.3 SER-03 SER-04 headers in hash order, a blank, the body', async () => {
  const headers = { header1: 'value1', header2: 'value2' };
  const expected = [1, 2, 3].map((n) => `{header2=value2, header1=value1} event ${n}\n`).join('');
  assert.equal(await encoded(await serializer(), batchOf(headers, 'event 1', 'event 2', 'event 3')), expected);
  const bare = await serializer({ appendNewline: 'false' });
  assert.equal(await encoded(bare, batchOf(headers, 'event 1\n', 'event 2\n', 'event 3\n')), expected);
});

test('SER-07 eight headers set one by one', async () => {
  const names = ['timestamp', 'host', 'key', 'topic', 'Facility', 'Severity', 'a', 'b'];
  const line = await encoded(await serializer(), batchOf(Object.fromEntries(names.map((name) => [name, '1'])), 'x'));
  assert.equal(line, '{a=1, b=1, host=1, topic=1, Severity=1, Facility=1, key=1, timestamp=1} x\n');
});

test('no headers print as {}, shared ones as those of single events', async () => {
  const text = await serializer();
  assert.equal(await encoded(text, batchOf({}, 'a', '')), '{} a\n{} \n');
  assert.equal(await encoded(text, batchOf({}, 'a', 'b').withHeader('k', 'ü', false)), '{k=ü} a\n{k=ü} b\n');
  assert.equal(await encoded(text, batchOf({ k: 'ü' }, 'a', 'b')), '{k=ü} a\n{k=ü} b\n');
  assert.equal(await encoded(text, Batch.of([])), '');
});

test('events of a batch may have different headers; nothing is escaped', async () => {
  const batch = Batch.of([
    { body: Buffer.from('1'), headers: new Map([['b', '{x, y=z}'], ['a', '€\n']]) },
    { body: Buffer.from('2'), headers: new Map() },
    { body: Buffer.from('3'), headers: new Map([['b', '2'], ['a', '1']]) },
    { body: Buffer.from('4'), headers: new Map([['c', '2'], ['a', '1']]) },
  ]);
  assert.equal(await encoded(await serializer(), batch), '{a=€\n, b={x, y=z}} 1\n{} 2\n{a=1, b=2} 3\n{a=1, c=2} 4\n');
});

test('S26 an event whose headers cannot be read is rejected, the others are written', async () => {
  const bodies = batchOf({}, 'a', 'b', 'c');
  const batch = Batch.over(bodies.bytes, bodies.bounds, 3, {
    at(row) {
      if (row === 1) throw new Error('torn header bytes');
      return new Map([['row', String(row)]]);
    },
    get: () => undefined,
  });
  const rejected: [number, string][] = [];
  const bytes = await (await serializer()).encode(batch, (index, reason) => rejected.push([index, reason]));
  assert.equal(bytes.toString(), '{row=0} a\n{row=2} c\n');
  assert.deepEqual(rejected, [[1, 'the headers cannot be written: torn header bytes']]);
});

test('X11 X21 header names and values are plain text', async () => {
  const headers = new Map([['__proto__', '${env:HOME}'], ['constructor', '%{x}']]);
  const line = await encoded(await serializer(), Batch.of([{ body: Buffer.from('x'), headers }]));
  assert.ok(line.includes('__proto__=${env:HOME}') && line.includes('constructor=%{x}'), line);
});
