import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Batch } from '../../../core/batch.ts';
import { staticInterceptor } from '../../../interceptors/static.ts';
import { headersOf, make, recordingContext } from '../recording-context.ts';

async function intercepted(properties: Record<string, string>, headers: Record<string, string>): Promise<Record<string, string> | undefined> {
  const batch = Batch.of([{ body: Buffer.from('a'), headers: new Map(Object.entries(headers)) }]);
  return headersOf((await make(staticInterceptor, properties, recordingContext())).intercept(batch))[0];
}

test('C7.3 header and value, by default and configured', async () => {
  assert.deepEqual(await intercepted({}, {}), { key: 'value' });
  assert.deepEqual(await intercepted({ key: 'myKey', value: 'myVal' }, { a: 'b' }), { a: 'b', myKey: 'myVal' });
});

test('C7.3 what is there is kept unless told otherwise', async () => {
  assert.deepEqual(await intercepted({}, { key: 'incumbent value' }), { key: 'incumbent value' });
  assert.deepEqual(await intercepted({ preserveExisting: 'true' }, { key: 'incumbent value' }), { key: 'incumbent value' });
  assert.deepEqual(await intercepted({ preserveExisting: 'false' }, { key: 'incumbent value' }), { key: 'value' });
});

test('X11 a header named __proto__ is a header', async () => {
  const interceptor = await make(staticInterceptor, { key: '__proto__', value: 'x' }, recordingContext());
  const batch = interceptor.intercept(Batch.of([{ body: Buffer.from('a'), headers: new Map() }]));
  assert.equal(batch.header(0, '__proto__'), 'x');
  assert.equal(({} as Record<string, unknown>)['x'], undefined);
});
