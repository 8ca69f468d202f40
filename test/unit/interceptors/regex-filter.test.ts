import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Batch } from '../../../core/batch.ts';
import { interceptors } from '../../../interceptors/index.ts';
import { regexFilterInterceptor } from '../../../interceptors/regex-filter.ts';
import { bodiesOf, make, problemsOf, recordingContext } from '../recording-context.ts';

function batchOf(...bodies: (string | Buffer)[]): Batch {
  return Batch.of(bodies.map((body) => ({ body: Buffer.from(body), headers: new Map() })));
}

async function passed(properties: Record<string, string>, ...bodies: (string | Buffer)[]): Promise<string[]> {
  return bodiesOf((await make(regexFilterInterceptor, properties, recordingContext())).intercept(batchOf(...bodies)));
}

test('C7.4 the default keeps everything, the empty body too', async () => {
  assert.deepEqual(await passed({}, 'test', '', '\n'), ['test', '', '\n']);
});

test('C7.4 matching events are kept, or dropped', async () => {
  const lines = ['INFO: some message', 'DEBUG: some message', 'WARNING: some message', 'this message has DEBUG in it'];
  assert.deepEqual(await passed({ regex: '(INFO.*)|(WARNING.*)' }, ...lines), [lines[0], lines[2]]);
  assert.deepEqual(await passed({ regex: '.*DEBUG.*', excludeEvents: 'true' }, ...lines), [lines[0], lines[2]]);
});

test('a batch of which everything stays is handed on as it is; one of which nothing stays is empty', async () => {
  const interceptor = await make(regexFilterInterceptor, { regex: 'a' }, recordingContext());
  const batch = batchOf('a', 'ba');
  assert.equal(interceptor.intercept(batch), batch);
  assert.equal(interceptor.intercept(batchOf('b')).size, 0);
});

test('bodies are UTF-8 text, whatever the others of the batch are', async () => {
  assert.deepEqual(await passed({ regex: '^.é$' }, 'xé', 'é', Buffer.from([0xff, 0xc3, 0xa9]), 'abc'), ['xé', '\ufffdé']);
  assert.deepEqual(await passed({ regex: '\ufffd' }, Buffer.from([65, 0xff]), 'A'), ['A\ufffd']);
});

test('events in any order and place of their bytes', async () => {
  const interceptor = await make(regexFilterInterceptor, { regex: '^[bd]$' }, recordingContext());
  const batch = batchOf('a', 'b', 'c', 'd').select(Uint32Array.from([3, 0, 1]));
  assert.deepEqual(bodiesOf(interceptor.intercept(batch)), ['d', 'b']);
});

test('C7.24 Java expressions mean what they mean in Java', async () => {
  assert.deepEqual(await passed({ regex: 'foo$' }, 'foo', 'foo\n', 'foo\r', 'foo\r\n', 'foo\u0085', 'foo\n\n', 'foox'), [
    'foo',
    'foo\n',
    'foo\r',
    'foo\r\n',
    'foo\u0085',
  ]);
  assert.deepEqual(await passed({ regex: '(?i)é' }, 'É', 'é'), ['é']);
  for (const regex of ['{', '[]', 'x{,3}', '\\y']) assert.match(problemsOf(regexFilterInterceptor, { regex })[0] ?? '', /^drop regex: /);
});

test('X13 R4 a text that would take for ever is given up and its event kept; the others are filtered', async () => {
  // A back-reference keeps the engine from running it in linear time.
  const regex = '^(a+)+\\1$';
  assert.match(problemsOf(regexFilterInterceptor, { regex })[0] ?? '', /^warn regex: repeats what is itself repeated/);
  const context = recordingContext();
  const interceptor = await make(regexFilterInterceptor, { regex }, context);
  const hostile = `${'a'.repeat(40)}!`;
  const kept = interceptor.intercept(batchOf(...Array.from({ length: 100 }, () => hostile), 'b', 'aa'));
  assert.equal(kept.size, 101);
  assert.equal(context.counters.get('RegexGivenUpCount'), 100);
  assert.deepEqual(context.lines, ['warn: regular expression takes too long for some texts; they pass as if it had not matched']);
});

test('found by alias and by the class of the builder', () => {
  assert.equal(interceptors.find('Regex_Filter'), regexFilterInterceptor);
  assert.equal(interceptors.find('org.apache.flume.interceptor.RegexFilteringInterceptor$Builder'), regexFilterInterceptor);
});
