import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseProperties } from '../../../../agent/configuration/properties.ts';
import type { Rules } from '../../../../agent/plan/types.ts';
import { planTexts, problemsIn } from '../planning.ts';

async function parse(text: string | Buffer, rules: Rules = 'flume'): Promise<Record<string, string>> {
  const { properties } = await parseProperties('x.conf', Buffer.from(text as string), rules);
  return Object.fromEntries(properties.map(({ key, value }) => [key, value]));
}

test('C1.41 continuation lines, escapes in keys and values, a backslash at the end', async () => {
  assert.deepEqual(await parse('d = one \\\n    two\ne = esc\\ttab\\\\back\\u0041\nf\\ key\\=x = y\nz = end\\'), {
    d: 'one two',
    e: 'esc\ttab\\backA',
    'f key=x': 'y',
    z: 'end',
  });
});

test('C1.41 UTF-8 is read as ISO-8859-1 by the rules of Flume, and as UTF-8 by ours', async () => {
  assert.deepEqual(await parse('k = é'), { k: 'Ã©' });
  assert.deepEqual(await parse('k = é', 'millrace'), { k: 'é' });
});

test('G3 CR LF, separators, \\u escapes and trailing blanks mean what they mean in Flume', async () => {
  assert.deepEqual(await parse('a = 1\r\nb: 2\rc 3\nd\t=\t4  \n! no\n # no\ne=\\u00e9\n'), { a: '1', b: '2', c: '3', d: '4  ', e: 'é' });
});

test('G3 a byte order mark is skipped by our rules and part of the first key by those of Flume', async () => {
  assert.deepEqual(await parse('\ufeffa1.sources = r1', 'millrace'), { 'a1.sources': 'r1' });
  assert.deepEqual(Object.keys(await parse('\ufeffa1.sources = r1')), ['ï»¿a1.sources']);
});

test('G3 a key set twice is warned of with both lines; a later file may set it again', async () => {
  const text = 'a1.x = 1\n\na1.x = 2\n';
  const { problems, effective } = await planTexts([text, 'a1.x = 3\n'], 'millrace');
  const twice = problems.filter(({ code }) => code === 'M005');
  assert.equal(twice.length, 1);
  assert.deepEqual([twice[0]?.place?.line, twice[0]?.other?.line], [3, 1]);
  assert.equal(effective.reader.getRaw('a1.x'), '3');
});

test('a byte that is not UTF-8 is shown, and the file read as ISO-8859-1', async () => {
  const { properties, problems } = await parseProperties('x.conf', Buffer.from('a = 1\nb = \xe9t\xe9\n', 'latin1'), 'millrace');
  assert.deepEqual(properties.map(({ value }) => value), ['1', 'été']);
  assert.deepEqual(problems.map(({ code, severity, place }) => [code, severity, place?.line, place?.column]), [['M002', 'warning', 2, 5]]);
});

test('a file in UTF-16 is an error', async () => {
  const { problems } = await parseProperties('x.conf', Buffer.from('\ufeffa1.sources = r1', 'utf16le'), 'millrace');
  assert.deepEqual(problems.map(({ code, severity }) => [code, severity]), [['M002', 'error']]);
});

test('an incomplete \\u is an error at its place, and fatal in Flume; in comments it is nothing', async () => {
  const text = '# \\u1\na = \\\\u12\nb = x\\u12G4\nc = \\u00\\\n  41\n';
  const ours = await parseProperties('x.conf', Buffer.from(text), 'millrace');
  assert.deepEqual(ours.problems.map(({ code, place }) => [code, place?.line, place?.column]), [['M004', 3, 6]]);
  assert.deepEqual(ours.properties.map(({ value }) => value), ['\\u12', 'x\\u12G4', 'A']);
  const flumes = await parseProperties('x.conf', Buffer.from(text), 'flume');
  assert.match(flumes.fatal ?? '', /Malformed/);
});

test('places of keys and values, also on continuation lines and behind escapes', async () => {
  const text = '  a1.k\\u0065y : some value  \nlist = one \\\n   two \\\n\t three\nempty =\n';
  const { properties } = await parseProperties('x.conf', Buffer.from(text), 'millrace');
  const [first, second, third] = properties;
  assert.deepEqual(first?.keyPlace(), { file: 'x.conf', line: 1, column: 3, length: 11 });
  assert.deepEqual(first?.keyPlace(3), { file: 'x.conf', line: 1, column: 6, length: 8 });
  assert.deepEqual(first?.valuePlace(), { file: 'x.conf', line: 1, column: 17, length: 10 });
  const value = second?.value ?? '';
  assert.deepEqual(second?.valuePlace(value.indexOf('three'), value.length), { file: 'x.conf', line: 4, column: 3, length: 5 });
  assert.deepEqual(second?.valuePlace(value.indexOf('two'), value.indexOf('two') + 3), { file: 'x.conf', line: 3, column: 4, length: 3 });
  assert.deepEqual(third?.valuePlace(), third?.keyPlace());
});

test('C1.47 x = \\t and x = are no values', async () => {
  assert.deepEqual(await problemsIn('a1.x = \\t\na1.y =\n'), ['M006 1:1', 'M006 2:1', 'M003'].sort());
});

test('X11 keys like __proto__ are plain data', async () => {
  const text = ['__proto__.x = 1', 'constructor = 2', 'a1.sources.__proto__.x = 3', 'a1.__proto__ = 4', 'toString.hasOwnProperty = 5', ''].join('\n');
  const { effective, agents } = await planTexts([text], 'millrace');
  assert.equal(effective.reader.getRaw('__proto__.x'), '1');
  assert.equal(effective.reader.getRaw('a1.sources.__proto__.x'), '3');
  assert.deepEqual([...effective.reader.entries()].length, 5);
  assert.deepEqual(agents.map(({ name }) => name).sort(), ['__proto__', 'a1', 'toString']);
  assert.equal(Object.getPrototypeOf({}), Object.prototype);
  assert.equal('x' in {}, false);
});
