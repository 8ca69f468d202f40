import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Batch } from '../../../core/batch.ts';
import { interceptors } from '../../../interceptors/index.ts';
import { timestampInterceptor } from '../../../interceptors/timestamp.ts';
import { headersOf, make, problemsOf, recordingContext } from '../recording-context.ts';

const with1 = Batch.of([
  { body: Buffer.from('a'), headers: new Map([['timestamp', '1']]) },
  { body: Buffer.from('b'), headers: new Map() },
]);

test('C7.1 the time of arrival replaces what is there, or leaves it', async () => {
  const before = Date.now();
  const replaced = headersOf((await make(timestampInterceptor, {}, recordingContext())).intercept(with1));
  assert.ok(Number(replaced[0]?.['timestamp']) >= before);
  assert.ok(Number(replaced[1]?.['timestamp']) >= before);
  const kept = headersOf((await make(timestampInterceptor, { preserveExisting: 'true' }, recordingContext())).intercept(with1));
  assert.equal(kept[0]?.['timestamp'], '1');
  assert.ok(Number(kept[1]?.['timestamp']) >= before);
});

test('C7.1 another header, leaving timestamp alone', async () => {
  const interceptor = await make(timestampInterceptor, { headerName: 'timestampHeader' }, recordingContext());
  const [first] = headersOf(interceptor.intercept(with1));
  assert.equal(first?.['timestamp'], '1');
  assert.match(first?.['timestampHeader'] ?? '', /^[0-9]{13}$/);
});

test('the key that the guide names is warned of', () => {
  assert.match(problemsOf(timestampInterceptor, { header: 'x' })[0] ?? '', /^warn header: .*headerName/);
});

test('types are aliases in any case and builder classes', () => {
  for (const [alias, builder] of [
    ['Timestamp', 'TimestampInterceptor'],
    ['HOST', 'HostInterceptor'],
    ['static', 'StaticInterceptor'],
  ] as const) {
    const definition = interceptors.find(alias);
    assert.ok(definition);
    assert.equal(interceptors.find(`org.apache.flume.interceptor.${builder}$Builder`), definition);
    assert.equal(interceptors.find(`org.apache.flume.interceptor.${builder}`), undefined);
  }
});
