import assert from 'node:assert/strict';
import { test } from 'node:test';
import { define } from '../../../core/define.ts';
import { boolean, choice, ignored, integer, list, optional, prefix, string } from '../../../core/options.ts';
import { nested, readOptions } from '../../../core/read-options.ts';
import { Registry } from '../../../core/registry.ts';

const properties = (entries: Record<string, string>): Map<string, string> => new Map(Object.entries(entries));
const inner = define('serializer', {
  types: ['inner', 'org.example.Inner'],
  summary: 'For tests.',
  options: { width: integer({ default: 3, min: 1, doc: 'Width.' }) },
  create: (_context, { width }) => ({ canAppend: true, begin: () => Buffer.alloc(width), encode: () => Buffer.alloc(0), end: () => Buffer.alloc(0) }),
});
const outer = define('sink', {
  types: ['outer'],
  summary: 'For tests.',
  options: {
    host: string({ doc: 'Host.', aliases: ['hostname'] }),
    size: integer({ default: 7, min: 1, max: 9, outside: 'warn', doc: 'Size.' }),
    fast: boolean({ default: false, doc: 'Fast.' }),
    mode: choice({ values: ['One', 'Two'], default: 'One', doc: 'Mode.' }),
    names: list({ default: [], doc: 'Names.' }),
    note: optional(string({ doc: 'Note.' })),
    old: ignored({ doc: 'is read by nobody; use size' }),
    'my.*': prefix({ doc: 'Passed on.' }),
    serializer: nested(new Registry('serializer', [inner]), { default: 'inner', doc: 'Serializer.' }),
  },
});

test('C0.3 values are read by their kinds, and what is absent has its default', () => {
  const { values, problems } = readOptions(outer, properties({ host: 'h', fast: 'TRUE', mode: 'two', names: 'a  b\tc' }));
  assert.deepEqual(problems, []);
  assert.deepEqual([values?.host, values?.size, values?.fast, values?.mode, values?.names, values?.note], ['h', 7, true, 'Two', ['a', 'b', 'c'], undefined]);
});

test('C0.4 a prefix takes what stands below it, and nothing else', () => {
  const { values } = readOptions(outer, properties({ host: 'h', 'my.key': '1', 'my.a.b': '2' }));
  assert.deepEqual([...(values?.['my.*'] ?? [])], [['key', '1'], ['a.b', '2']]);
});

test('a missing option, an unknown key and a bad value are told together', () => {
  const { values, problems } = readOptions(outer, properties({ hots: 'h', size: 'x', fast: 'yes', old: '1' }));
  assert.equal(values, undefined);
  assert.deepEqual(
    problems.map(({ key, fault, effect }) => [key, fault, effect]),
    [
      ['host', 'missing', 'drop'],
      ['size', 'bad', 'drop'],
      ['fast', 'bad', 'warn'],
      ['old', 'without effect', 'warn'],
      ['hots', 'unknown', 'warn'],
    ],
  );
  assert.deepEqual(problems.find(({ key }) => key === 'hots')?.known, ['host']);
});

test('a value that Flume replaces by its default is a warning, and the default is used', () => {
  const { values, problems } = readOptions(outer, properties({ host: 'h', size: '10' }));
  assert.equal(values?.size, 7);
  assert.deepEqual(problems.map(({ effect }) => effect), ['warn']);
});

test('another spelling of an option is taken, and its own spelling wins', () => {
  assert.equal(readOptions(outer, properties({ hostname: 'a' })).values?.host, 'a');
  assert.equal(readOptions(outer, properties({ hostname: 'a', host: 'b' })).values?.host, 'b');
});

test('a nested type brings its own options, and their faults carry the whole key', async () => {
  const { values } = readOptions(outer, properties({ host: 'h', 'serializer.width': '5' }));
  const serializer = await values?.serializer.create({} as never);
  assert.equal(serializer?.begin().length, 5);
  const bad = readOptions(outer, properties({ host: 'h', serializer: 'INNER', 'serializer.width': '0', 'serializer.with': '1' })).problems;
  assert.deepEqual(bad.map(({ key, fault }) => [key, fault]), [['serializer.width', 'bad'], ['serializer.with', 'unknown']]);
  assert.equal(readOptions(outer, properties({ host: 'h', serializer: 'outer' })).problems[0]?.sentence, 'is no serializer type');
});

test('X11 keys that are names of objects are keys', () => {
  const { values, problems } = readOptions(outer, properties({ host: 'h', constructor: '1', 'my.__proto__': '2' }));
  assert.deepEqual(problems.map(({ key, fault }) => [key, fault]), [['constructor', 'unknown']]);
  assert.equal(values?.['my.*'].get('__proto__'), '2');
});
