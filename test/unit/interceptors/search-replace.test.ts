import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Batch } from '../../../core/batch.ts';
import { searchReplaceInterceptor } from '../../../interceptors/search-replace.ts';
import { bodiesOf, make, problemsOf, recordingContext } from '../recording-context.ts';

function batchOf(...bodies: (string | Buffer)[]): Batch {
  return Batch.of(bodies.map((body, index) => ({ body: Buffer.from(body), headers: new Map([['row', String(index)]]) })));
}

async function replaced(properties: Record<string, string>, ...bodies: (string | Buffer)[]): Promise<string[]> {
  return bodiesOf((await make(searchReplaceInterceptor, properties, recordingContext())).intercept(batchOf(...bodies)));
}

test('C7.5 C7.9 a match is replaced by nothing', async () => {
  assert.deepEqual(await replaced({ searchPattern: '^prefix' }, 'prefix non-prefix suffix'), [' non-prefix suffix']);
});

test('C7.6 a syslog priority is taken off', async () => {
  assert.deepEqual(await replaced({ searchPattern: '^<[0-9]+>' }, '<13>some syslog <1>'), ['some syslog <1>']);
});

test('C7.7 groups', async () => {
  const properties = {
    searchPattern: 'The quick brown ([a-z]+) jumped over the lazy ([a-z]+).',
    replaceString: 'The hungry $2 ate the careless $1.',
  };
  assert.deepEqual(await replaced(properties, 'The quick brown fox jumped over the lazy dog.'), ['The hungry dog ate the careless fox.']);
});

test('C7.8 all matches of a body', async () => {
  const properties = { searchPattern: '[\\w.]+@[\\w.]+', replaceString: 'REDACTED' };
  assert.deepEqual(await replaced(properties, 'a.b@c.org to d@e.org', 'none'), ['REDACTED to REDACTED', 'none']);
});

test('C7.23 groups without a part, ambiguous digits, and what is no character', async () => {
  assert.deepEqual(await replaced({ searchPattern: '(a)(b)?', replaceString: '[$1$2]' }, 'a ab'), ['[a] [ab]']);
  assert.deepEqual(await replaced({ searchPattern: '(a)', replaceString: '$10' }, 'a'), ['a0']);
  const interceptor = await make(searchReplaceInterceptor, { searchPattern: 'nothing' }, recordingContext());
  const bytes = interceptor.intercept(batchOf(Buffer.from([0xff, 0x41, 0xc3]))).body(0);
  assert.equal(bytes.toString('hex'), 'efbfbd41efbfbd');
});

test('C7.23 replacement texts that would fail at every match are refused', () => {
  for (const replaceString of ['$9', 'cost $', '${name}', '\\']) {
    assert.match(problemsOf(searchReplaceInterceptor, { searchPattern: '(a)', replaceString })[0] ?? '', /^refuse replaceString: /, replaceString);
  }
});

test('headers stay with their events, and a batch without a match is handed on as it is', async () => {
  const interceptor = await make(searchReplaceInterceptor, { searchPattern: 'b', replaceString: 'xyz' }, recordingContext());
  const batch = interceptor.intercept(batchOf('a', 'bb', 'c'));
  assert.deepEqual(bodiesOf(batch), ['a', 'xyzxyz', 'c']);
  assert.deepEqual([0, 1, 2].map((index) => batch.header(index, 'row')), ['0', '1', '2']);
  const unchanged = batchOf('a', 'ü');
  assert.equal(interceptor.intercept(unchanged), unchanged);
});

test('other character sets are read and written', async () => {
  const latin1 = Buffer.from('é€'.slice(0, 1), 'latin1');
  const interceptor = await make(searchReplaceInterceptor, { searchPattern: 'é', replaceString: 'ü€', charset: 'ISO-8859-1' }, recordingContext());
  assert.deepEqual(bodiesOf(interceptor.intercept(batchOf(latin1)), 'latin1'), ['ü?']);
  assert.match(problemsOf(searchReplaceInterceptor, { searchPattern: 'a', charset: 'klingon' })[0] ?? '', /^drop charset: /);
});

test('a missing or wrong pattern is an error', () => {
  assert.deepEqual(problemsOf(searchReplaceInterceptor, {}), ['drop searchPattern: is required']);
  assert.match(problemsOf(searchReplaceInterceptor, { searchPattern: '(' })[0] ?? '', /^drop searchPattern: cannot be used/);
});

test('X13 a body that takes too long passes unchanged', async () => {
  const context = recordingContext();
  const interceptor = await make(searchReplaceInterceptor, { searchPattern: '^(a+)+\\1$', replaceString: 'x' }, context);
  const hostile = `${'a'.repeat(60)}!`;
  assert.deepEqual(bodiesOf(interceptor.intercept(batchOf(hostile, 'aa'))), [hostile, 'x']);
  assert.equal(context.counters.get('RegexGivenUpCount'), 1);
});

test('X21 look-ups in bodies stay as they are', async () => {
  assert.deepEqual(await replaced({ searchPattern: 'x', replaceString: 'y' }, '${env:HOME} $1 x'), ['${env:HOME} $1 y']);
});
