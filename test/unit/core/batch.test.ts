import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Batch } from '../../../core/batch.ts';

const event = (body: string, headers: Record<string, string> = {}) => ({ body: Buffer.from(body), headers: new Map(Object.entries(headers)) });
const shown = (batch: Batch) => [...batch].map(({ body, headers }) => [body.toString(), Object.fromEntries(headers)]);

function lines(...bodies: string[]): Batch {
  const bounds = new Uint32Array(2 * bodies.length);
  let at = 0;
  bodies.forEach((body, index) => {
    bounds[2 * index] = at;
    bounds[2 * index + 1] = at + body.length;
    at += body.length + 1;
  });
  return Batch.over(Buffer.from(`${bodies.join('\n')}\n`), bounds, bodies.length);
}

test('C4.1 bodies and headers come out as they went in, and headers are copied', () => {
  const headers = new Map([['a', '1'], ['b', '2']]);
  const batch = Batch.of([{ body: Buffer.from('x'), headers }]);
  assert.deepEqual(shown(batch), [['x', { a: '1', b: '2' }]]);
  assert.equal(batch.headers(0).size, 2);
  assert.deepEqual(shown(Batch.of([event('')])), [['', {}]]);
});

test('a body is a view over the chunk, and byteLength counts bodies only', () => {
  const batch = lines('one', '', 'three');
  assert.equal(batch.body(2).buffer, batch.bytes.buffer);
  assert.equal(batch.byteLength, 8);
  assert.equal(batch.slice(1, 3).byteLength, 5);
});

test('a common header is seen by every event, of slices and selections too', () => {
  const batch = lines('a', 'b', 'c').withHeader('k', 'v', false);
  assert.equal(batch.header(2, 'k'), 'v');
  assert.deepEqual(shown(batch.slice(1, 2)), [['b', { k: 'v' }]]);
  assert.deepEqual(shown(batch.select(Uint32Array.of(2, 0))), [['c', { k: 'v' }], ['a', { k: 'v' }]]);
});

test('keepExisting keeps the header of the event that has it and sets it for the others', () => {
  const batch = Batch.of([event('a', { k: 'own' }), event('b')]);
  assert.deepEqual(shown(batch.withHeader('k', 'new', true)), [['a', { k: 'own' }], ['b', { k: 'new' }]]);
  assert.deepEqual(shown(batch.withHeader('k', 'new', false)), [['a', { k: 'new' }], ['b', { k: 'new' }]]);
  assert.equal(batch.withHeader('k', 'new', true).header(0, 'k'), 'own');
});

test('keepExisting keeps what an earlier step set, also an empty value', () => {
  const once = lines('a').withHeader('k', '', false);
  assert.equal(once.withHeader('k', 'later', true).header(0, 'k'), '');
  assert.equal(once.withHeader('k', 'later', false).header(0, 'k'), 'later');
});

test('removing headers removes common ones and those of single events', () => {
  const batch = Batch.of([event('a', { k1: '1', x: '2' }), event('b', { k2: '3' })]).withHeader('k3', '4', false);
  const left = batch.withoutHeaders((name) => name.startsWith('k'));
  assert.deepEqual(shown(left), [['a', { x: '2' }], ['b', {}]]);
  assert.equal(left.header(1, 'k2'), undefined);
  assert.deepEqual(shown(left.withHeader('k1', 'again', true)), [['a', { x: '2', k1: 'again' }], ['b', { k1: 'again' }]]);
});

test('slices of selections keep asking for the right rows', () => {
  const batch = Batch.of(['a', 'b', 'c', 'd'].map((body) => event(body, { is: body })));
  const picked = batch.slice(1, 4).select(Uint32Array.of(2, 0, 1)).slice(1, 3);
  assert.deepEqual(shown(picked), [['b', { is: 'b' }], ['c', { is: 'c' }]]);
});

test('concat keeps order, bodies and headers of batches with and without headers of their own', () => {
  const joined = Batch.concat([lines('a', 'b').withHeader('k', '1', false), Batch.of([event('c', { own: 'x' })]), lines('d')]);
  assert.deepEqual(shown(joined), [['a', { k: '1' }], ['b', { k: '1' }], ['c', { own: 'x' }], ['d', {}]]);
  assert.deepEqual(shown(joined.slice(2, 4).withHeader('z', '1', false)), [['c', { own: 'x', z: '1' }], ['d', { z: '1' }]]);
});

test('concat copies lines together with the line feeds between them', () => {
  const joined = Batch.concat([lines('one', 'two').slice(0, 2), lines('a', '', 'c').slice(1, 3)]);
  assert.equal(joined.bytes.subarray(0, 11).toString(), 'one\ntwo\n\nc\n');
  assert.deepEqual(shown(joined).map(([body]) => body), ['one', 'two', '', 'c']);
  assert.equal(joined.byteLength, 7);
});

test('concat of events in any order and with any gap keeps every body', () => {
  const batch = lines('0', '11', '222', '3333').select(Uint32Array.of(3, 0, 2));
  assert.deepEqual(shown(Batch.concat([batch, batch])).map(([body]) => body), ['3333', '0', '222', '3333', '0', '222']);
});

test('concat of equal common headers keeps them common', () => {
  const joined = Batch.concat([lines('a').withHeader('k', '1', false), lines('b').withHeader('k', '1', true)]);
  assert.equal(joined.hasOwnHeaders, false);
  assert.equal(joined.header(1, 'k'), '1');
});

test('withBodies and withHeaders replace one and keep the other', () => {
  const batch = Batch.of([event('a', { k: '1' }), event('b', { k: '2' })]);
  assert.deepEqual(shown(batch.withBodies([Buffer.from('AA'), Buffer.alloc(0)])), [['AA', { k: '1' }], ['', { k: '2' }]]);
  assert.deepEqual(shown(batch.withHeaders([new Map([['n', '1']]), new Map()])), [['a', { n: '1' }], ['b', {}]]);
});

test('X11 header names of objects are plain data', () => {
  const batch = Batch.of([event('a', JSON.parse('{"__proto__":"x","constructor":"y"}') as Record<string, string>)]).withHeader('toString', 'z', false);
  assert.deepEqual([...batch.headers(0)], [['__proto__', 'x'], ['constructor', 'y'], ['toString', 'z']]);
  assert.equal(batch.header(0, 'hasOwnProperty'), undefined);
});
