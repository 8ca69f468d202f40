import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Batch } from '../../../core/batch.ts';
import { interceptors } from '../../../interceptors/index.ts';
import { uuidInterceptor } from '../../../interceptors/uuid.ts';
import { headersOf, make, recordingContext } from '../recording-context.ts';

const V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

function batchOf(...ids: (string | undefined)[]): Batch {
  return Batch.of(
    ids.map((id) => ({ body: Buffer.from('x'), headers: new Map<string, string>(id === undefined ? [] : [['id', id], ['a', 'b']]) })),
  );
}

test('C7.18 every event gets a UUID of its own, and keeps it', async () => {
  const interceptor = await make(uuidInterceptor, {}, recordingContext());
  const batch = interceptor.intercept(batchOf(...Array.from({ length: 200 }, () => undefined)));
  const ids = headersOf(batch).map((headers) => headers['id'] ?? '');
  assert.ok(ids.every((id) => V4.test(id)), ids[0]);
  assert.equal(new Set(ids).size, 200);
  assert.deepEqual(ids, Array.from(ids, (_, index) => batch.header(index, 'id')));
  assert.deepEqual(headersOf(batch.select(Uint32Array.from([7, 3]))).map(({ id }) => id), [ids[7], ids[3]]);
  assert.deepEqual(headersOf(Batch.concat([batch.slice(3, 5), batch.slice(0, 1)])).map(({ id }) => id), [ids[3], ids[4], ids[0]]);
});

test('C7.18 an existing header is kept, unless it may be replaced', async () => {
  const keeping = (await make(uuidInterceptor, {}, recordingContext())).intercept(batchOf('foo', undefined, ''));
  assert.deepEqual(headersOf(keeping)[0], { id: 'foo', a: 'b' });
  assert.match(keeping.header(1, 'id') ?? '', V4);
  assert.equal(keeping.header(2, 'id'), '');
  const replacing = (await make(uuidInterceptor, { preserveExisting: 'false' }, recordingContext())).intercept(batchOf('foo'));
  assert.match(replacing.header(0, 'id') ?? '', V4);
  assert.match(headersOf(replacing)[0]?.['id'] ?? '', V4);
  assert.equal(replacing.header(0, 'a'), 'b');
});

test('C7.18 a prefix stands in front, in the header that is wanted', async () => {
  const interceptor = await make(uuidInterceptor, { prefix: 'bar#', headerName: 'uid' }, recordingContext());
  const batch = interceptor.intercept(batchOf('foo').withHeader('host', 'h', false));
  assert.match(batch.header(0, 'uid') ?? '', /^bar#[0-9a-f-]{36}$/);
  assert.deepEqual(Object.keys(headersOf(batch)[0] ?? {}).sort(), ['a', 'host', 'id', 'uid']);
});

test('found by the class of Flume and by an alias of ours', () => {
  assert.equal(interceptors.find('org.apache.flume.sink.solr.morphline.UUIDInterceptor$Builder'), uuidInterceptor);
  assert.equal(interceptors.find('UUID'), uuidInterceptor);
});
