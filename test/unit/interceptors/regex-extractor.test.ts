import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Batch } from '../../../core/batch.ts';
import { interceptors } from '../../../interceptors/index.ts';
import { extractorSerializers } from '../../../interceptors/extractor-serializers.ts';
import { regexExtractorInterceptor } from '../../../interceptors/regex-extractor.ts';
import { bodiesOf, headersOf, make, problemsOf, recordingContext } from '../recording-context.ts';

const PASS_THROUGH = 'org.apache.flume.interceptor.RegexExtractorInterceptorPassThroughSerializer';

function batchOf(...bodies: string[]): Batch {
  return Batch.of(bodies.map((body, index) => ({ body: Buffer.from(body), headers: new Map([['row', String(index)]]) })));
}

async function extracted(properties: Record<string, string>, ...bodies: string[]): Promise<Record<string, string>[]> {
  const batch = (await make(regexExtractorInterceptor, properties, recordingContext())).intercept(batchOf(...bodies));
  assert.deepEqual(bodiesOf(batch), bodies);
  return headersOf(batch).map((headers) => Object.fromEntries(Object.entries(headers).filter(([name]) => name !== 'row')));
}

const MILLIS = 'org.apache.flume.interceptor.RegexExtractorInterceptorMillisSerializer';

/** Serializers s1, s2, … for the headers. */
function named(regex: string, ...headers: string[]): Record<string, string> {
  const names = headers.map((header, index) => [`serializers.s${index + 1}.name`, header]);
  return { regex, serializers: headers.map((_, index) => `s${index + 1}`).join(' '), ...Object.fromEntries(names) };
}

test('C7.10 a missing or wrong expression, missing serializers or names are errors', () => {
  const firstProblem = (properties: Record<string, string>): string => problemsOf(regexExtractorInterceptor, properties)[0] ?? '';
  assert.equal(firstProblem({ serializers: 's1', 'serializers.s1.name': 'a' }), 'drop regex: is required');
  assert.match(firstProblem(named('?&?&&&?&?&?&&&??', 'a')), /^drop regex: cannot be used/);
  assert.equal(firstProblem({ regex: '(a)' }), 'drop serializers: is required');
  assert.match(firstProblem({ regex: '(a)', serializers: ',,,' }), /^drop serializers\.,,,\.name: is required/);
  assert.match(firstProblem({ regex: '(a)', serializers: 's1 s2', 'serializers.s1.name': 'a' }), /^drop serializers\.s2\.name: is required/);
});

test('C7.11 groups become headers, the body stays', async () => {
  assert.deepEqual(await extracted(named('(\\d):(\\d):(\\d)', 'Num1', 'Num2', 'Num3'), '1:2:3.4foobar5'), [{ Num1: '1', Num2: '2', Num3: '3' }]);
});

test('C7.12 groups without a serializer and serializers without a group have no effect', async () => {
  const regex = '^(\\d\\d\\d\\d-\\d\\d-\\d\\d\\s\\d\\d:\\d\\d)(:\\d\\d,\\d\\d\\d)';
  assert.deepEqual(await extracted(named(regex, 'timestamp'), '2012-10-17 14:34:44,338'), [{ timestamp: '2012-10-17 14:34' }]);
  assert.deepEqual(await extracted(named('(a)', 'x', 'y'), 'a'), [{ x: 'a' }]);
});

test('C7.13 C7.16 a time as epoch milliseconds, in the zone of the process', async () => {
  const regex = '^(\\d\\d\\d\\d-\\d\\d-\\d\\d\\s\\d\\d:\\d\\d)(:\\d\\d,\\d\\d\\d)';
  const properties = { ...named(regex, 'timestamp', 'rest'), 'serializers.s1.type': MILLIS, 'serializers.s1.pattern': 'yyyy-MM-dd HH:mm' };
  const expected = String(new Date(2012, 9, 17, 14, 34).getTime());
  assert.deepEqual(await extracted(properties, '2012-10-17 14:34:00,000 x'), [{ timestamp: expected, rest: ':00,000' }]);
  const zoned = { ...named('(.*)', 't'), 'serializers.s1.type': MILLIS, 'serializers.s1.pattern': 'yyyy-MM-dd HH:mm Z' };
  assert.deepEqual(await extracted(zoned, '2012-10-17 14:34 +0000'), [{ t: '1350484440000' }]);
});

test('C7.14 a missing or wrong pattern is an error', () => {
  const firstProblem = (pattern: Record<string, string>): string =>
    problemsOf(regexExtractorInterceptor, { ...named('(a)', 'x'), 'serializers.s1.type': MILLIS, ...pattern })[0] ?? '';
  assert.match(firstProblem({}), /^drop serializers\.s1\.pattern: is required/);
  assert.match(firstProblem({ 'serializers.s1.pattern': 'ABCDEFG' }), /^drop serializers\.s1\.pattern: cannot be used/);
});

test('S26 a text that is no time sets no header, which is counted, and stops nothing', async () => {
  const context = recordingContext();
  const properties = { ...named('t=(\\S+) (\\w+)', 't', 'w'), 'serializers.s1.type': MILLIS, 'serializers.s1.pattern': 'yyyy-MM-dd' };
  const interceptor = await make(regexExtractorInterceptor, properties, context);
  const batch = interceptor.intercept(batchOf('t=2012-02-30 a', 't=x b', 't=1970-01-01 c'));
  const midnight = String(new Date(1970, 0, 1).getTime());
  assert.deepEqual(headersOf(batch), [{ row: '0', w: 'a' }, { row: '1', w: 'b' }, { row: '2', t: midnight, w: 'c' }]);
  assert.equal(context.counters.get('HeaderNotSetCount'), 2);
  assert.equal(context.lines.length, 1);
});

test('C7.15 the text itself, by default and by class', async () => {
  assert.equal(extractorSerializers.get(PASS_THROUGH)?.create(new Map())('text'), 'text');
  const properties = { ...named('(.+)', 'all'), 'serializers.s1.type': PASS_THROUGH };
  assert.deepEqual(await extracted(properties, 'a longer text with ünïcode'), [{ all: 'a longer text with ünïcode' }]);
});

test('C7.21 a group that took no part sets no header', async () => {
  assert.deepEqual(await extracted(named('(WARN)|(ERROR)', 'w', 'e'), 'an ERROR', 'a WARN', 'none'), [{ e: 'ERROR' }, { w: 'WARN' }, {}]);
});

test('C7.22 the lower-case type default is an error that says what was meant', () => {
  const properties = { ...named('(a)', 'x'), 'serializers.s1.type': 'default' };
  assert.deepEqual(problemsOf(regexExtractorInterceptor, properties), [
    'drop serializers.s1.type: is no serializer of regex_extractor; did you mean "DEFAULT"?',
  ]);
});

test('properties without effect are warned of', () => {
  const properties = { ...named('(a)', 'x'), 'serializers.s1.patern': 'y', 'serializers.s2.name': 'z' };
  assert.deepEqual(problemsOf(regexExtractorInterceptor, properties), [
    'warn serializers.s1.patern: has no effect: the serializer does not read it',
    'warn serializers.s2.name: has no effect: serializers does not list it',
  ]);
});

test('existing headers are replaced, others kept, and events without a match keep theirs', async () => {
  const interceptor = await make(regexExtractorInterceptor, named('n=(\\d+)', 'row'), recordingContext());
  const batch = interceptor.intercept(batchOf('n=7', 'none', 'n=9').withHeader('host', 'h', false));
  assert.deepEqual(headersOf(batch), [{ row: '7', host: 'h' }, { row: '1', host: 'h' }, { row: '9', host: 'h' }]);
  assert.deepEqual(headersOf(batch.select(Uint32Array.from([2, 1]))).map(({ row }) => row), ['9', '1']);
  assert.deepEqual(headersOf(batch.slice(1, 3)).map(({ row }) => row), ['1', '9']);
});

test('a batch without any match is handed on as it is', async () => {
  const interceptor = await make(regexExtractorInterceptor, named('(x)', 'x'), recordingContext());
  const batch = batchOf('a', 'b');
  assert.equal(interceptor.intercept(batch), batch);
});

test('of two serializers for one header the last with a value counts', async () => {
  assert.deepEqual(await extracted(named('(a)(b)?', 'x', 'x'), 'ab', 'a'), [{ x: 'b' }, { x: 'a' }]);
});

test('X13 an event that takes too long passes unchanged', async () => {
  const context = recordingContext();
  const interceptor = await make(regexExtractorInterceptor, named('^(a+)+\\1$', 'x'), context);
  const batch = interceptor.intercept(batchOf(`${'a'.repeat(60)}!`, 'aa'));
  assert.deepEqual(headersOf(batch), [{ row: '0' }, { row: '1', x: 'a' }]);
  assert.equal(context.counters.get('RegexGivenUpCount'), 1);
});

test('found by alias and by the class of the builder', () => {
  assert.equal(interceptors.find('regex_EXTRACTOR'), regexExtractorInterceptor);
  assert.equal(interceptors.find('org.apache.flume.interceptor.RegexExtractorInterceptor$Builder'), regexExtractorInterceptor);
});
