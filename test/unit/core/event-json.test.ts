import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Batch } from '../../../core/batch.ts';
import { eventJson } from '../../../core/event-json.ts';

const of = (body: Buffer | string, headers: Record<string, string> = {}): Batch => Batch.of([{ body: Buffer.from(body as string), headers: new Map(Object.entries(headers)) }]);

test('a body is text where it is UTF-8, and base64 where it is not', () => {
  assert.deepEqual(eventJson(of('grüß\u0000 \ufeff', { a: 'b' }), 0, 7), { number: 7, headers: { a: 'b' }, body: 'grüß\u0000 \ufeff' });
  assert.deepEqual(eventJson(of(Buffer.from([0xff, 0x41])), 0), { headers: {}, base64: '/0E=' });
  assert.deepEqual(eventJson(of(''), 0), { headers: {}, body: '' });
});

test('a long body is cut between characters, and says how long it is', () => {
  for (const most of [9, 10, 11, 12]) {
    const { body, bytes } = eventJson(of('€'.repeat(5)), 0, undefined, most);
    assert.deepEqual([body, bytes], ['€'.repeat(Math.floor(most / 3)), 15]);
  }
  const broken = eventJson(of(Buffer.concat([Buffer.from('ab'), Buffer.alloc(9, 0xff)])), 0, undefined, 6);
  assert.deepEqual(broken, { headers: {}, base64: Buffer.from([97, 98, 255, 255, 255, 255]).toString('base64'), bytes: 11 });
});

test('header names that mean something to JavaScript are names', () => {
  assert.equal(JSON.stringify(eventJson(of('x', { ['__proto__']: 'y', constructor: 'z' }), 0).headers).includes('constructor'), true);
});
