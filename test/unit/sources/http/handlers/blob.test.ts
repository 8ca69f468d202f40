import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HttpHandler } from '../../../../../core/component.ts';
import { blobHandler } from '../../../../../sources/http/handlers/blob.ts';
import { create, FakeContext } from '../../../../conformance/fakes.ts';

test('a request is one event; its headers are the parameters and the content type; what is too long is cut off, counted and said', async () => {
  const context = new FakeContext();
  const handler: HttpHandler = await create(blobHandler, { maxBlobLength: '5' }, context);
  const request = { parameters: new Map([['a', 'b']]), headers: new Map<string, string>() };
  const batch = await handler.handle({ ...request, body: Buffer.from('12345678'), contentType: 'text/plain' });
  assert.deepEqual([...batch].map(({ headers, body }) => [[...headers], body.toString()]), [[[['a', 'b'], ['Content-Type', 'text/plain']], '12345']]);
  assert.equal(context.counted('EventCutCount'), 1);
  const empty = await handler.handle({ ...request, body: Buffer.alloc(0), contentType: undefined });
  assert.deepEqual([empty.size, [...empty.headers(0)]], [1, [['a', 'b']]]);
});
