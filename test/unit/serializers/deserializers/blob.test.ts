import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blobDeserializer } from '../../../../serializers/deserializers/blob.ts';
import { openReader, readAll } from './reading.ts';

test('SD-42 a file longer than maxBlobLength becomes several events', async () => {
  const { bodies, reads } = await readAll(await openReader(blobDeserializer, 'abcdefghijklmnopqrstuvwxyz\n', { maxBlobLength: '10' }));
  assert.deepEqual(bodies.map(String), ['abcdefghij', 'klmnopqrst', 'uvwxyz\n']);
  assert.deepEqual(reads.map(({ next }) => next.offset), [10, 20, 27]);
});

test('SD-43 a file is one event', async () => {
  const { bodies } = await readAll(await openReader(blobDeserializer, 'line 1\nline 2\n'), 10);
  assert.deepEqual(bodies.map(String), ['line 1\nline 2\n']);
});
