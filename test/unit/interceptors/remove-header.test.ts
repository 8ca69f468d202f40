import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Batch } from '../../../core/batch.ts';
import { removeHeaderInterceptor } from '../../../interceptors/remove-header.ts';
import { headersOf, make, problemsOf, recordingContext } from '../recording-context.ts';

const NAMES = ['my-header10', 'my-header11', 'my-header12', 'my-header20', 'my-header21'];

/** The numbers of the headers that stay. */
async function left(properties: Record<string, string>): Promise<string> {
  const interceptor = await make(removeHeaderInterceptor, properties, recordingContext());
  const batch = Batch.of([{ body: Buffer.from('a'), headers: new Map(NAMES.map((name) => [name, 'x'])) }]);
  return Object.keys(headersOf(interceptor.intercept(batch))[0] ?? {}).map((name) => name.slice(-2)).join(' ');
}

test('C7.17 by name, from a list, by expression, and all at once', async () => {
  assert.equal(await left({}), '10 11 12 20 21');
  assert.equal(await left({ withName: 'my-header20' }), '10 11 12 21');
  assert.equal(await left({ fromList: 'my-header20;my-header11' }), '10 11 12 20 21');
  assert.equal(await left({ fromList: 'my-header20 , my-header11' }), '10 12 21');
  assert.equal(await left({ fromList: 'my-header20;my-header11', fromListSeparator: ';' }), '10 12 21');
  assert.equal(await left({ fromList: 'my-header20, my-header11', fromListSeparator: ';' }), '10 11 12 20 21');
  assert.equal(await left({ matching: 'my-header1.*' }), '20 21');
  assert.equal(await left({ matching: 'header1' }), '10 11 12 20 21');
  assert.equal(await left({ withName: 'my-header20', fromList: 'my-header21', matching: 'my-header1.*' }), '');
});

test('C7.17 a wrong separator is an error', () => {
  assert.match(problemsOf(removeHeaderInterceptor, { fromList: 'a', fromListSeparator: '(' })[0] ?? '', /^drop fromListSeparator: cannot be used/);
  assert.deepEqual(problemsOf(removeHeaderInterceptor, { fromListSeparator: '(' }), []);
  assert.match(problemsOf(removeHeaderInterceptor, { matching: '(' })[0] ?? '', /^drop matching: cannot be used/);
});

test('C7.17 events without headers stay as they are; shared headers are removed too', async () => {
  const interceptor = await make(removeHeaderInterceptor, { matching: 'a.' }, recordingContext());
  const bare = Batch.of([{ body: Buffer.from('x'), headers: new Map() }]);
  assert.deepEqual(headersOf(interceptor.intercept(bare)), [{}]);
  const shared = bare.withHeader('ab', '1', false).withHeader('b', '2', false);
  assert.deepEqual(headersOf(interceptor.intercept(shared)), [{ b: '2' }]);
});

test('X20 any number of header names is asked about', async () => {
  const interceptor = await make(removeHeaderInterceptor, { matching: '[0-4]*' }, recordingContext());
  const headers = new Map(Array.from({ length: 2500 }, (_, index) => [String(index), '']));
  const batch = interceptor.intercept(Batch.of([{ body: Buffer.from('x'), headers }]));
  const expected = [...headers.keys()].filter((name) => /[5-9]/.test(name));
  assert.deepEqual([...batch.headers(0).keys()].sort(), expected.sort());
});
