import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  compileJavaRegex,
  compileJavaReplacement,
  javaSplit,
  PatternSyntaxError,
  RegexTimeoutError,
  ReplacementError,
} from '../../../core/java-regex.ts';

const finds = (source: string, text: string): boolean => compileJavaRegex(source).test(text);
const groups = (source: string, text: string): (string | undefined)[] | undefined => {
  const match = compileJavaRegex(source).find(text);
  return match && Array.from({ length: match.groupCount + 1 }, (_, n) => match.group(n));
};

void test('C7.24 the end, letter case, blanks and rejected patterns', () => {
  for (const text of ['foo', 'foo\n', 'foo\r', 'foo\r\n', 'foo\u0085']) assert.ok(finds('foo$', text), JSON.stringify(text));
  for (const text of ['foo\n\n', 'foox']) assert.equal(finds('foo$', text), false, JSON.stringify(text));
  assert.equal(finds('(?i)é', 'É'), false);
  assert.equal(finds('\\s', '\u00a0'), false);
  assert.equal(finds('(a)?b\\1', 'b'), false);
  assert.equal(finds('.', '\u0085'), false);
  assert.ok(finds('[]a]', ']'));
  for (const source of ['{', '[]', 'x{,3}', '\\y']) assert.throws(() => compileJavaRegex(source), PatternSyntaxError, source);
});

void test('a refused pattern is named with the place', () => {
  assert.throws(() => compileJavaRegex('ab(c'), (error: unknown) => {
    assert.ok(error instanceof PatternSyntaxError);
    assert.match(error.message, /Unclosed group near index 4 of the regular expression "ab\(c"/);
    return error.index === 4 && error.pattern === 'ab(c';
  });
  for (const source of ['?&?&&&?&?&?&&&??', '(', '*a', '(?<=(a|b)*)c', '\\p{Nope}', '(?<a_1>x)', '\\N{DIGIT ONE}']) {
    assert.throws(() => compileJavaRegex(source), PatternSyntaxError, source);
  }
});

void test('C7.23 replacements', () => {
  const replace = (source: string, text: string, by: string): string => compileJavaRegex(source).replaceAll(text, by);
  assert.equal(replace('(a)(b)?', 'a ab', '[$1$2]'), '[a] [ab]');
  assert.equal(replace('(a)', 'a', '$10'), 'a0');
  assert.throws(() => replace('(a)', 'a', '$9'), ReplacementError);
  assert.throws(() => replace('a', 'a', 'cost $'), ReplacementError);
  assert.equal(replace('a', 'b', 'cost $'), 'b');
  assert.equal(replace('a', 'aba', '\\$&$0\\\\'), '$&a\\b$&a\\');
  assert.equal(replace('(?<word>\\w+) x', 'one x two x', '<${word}>'), '<one> <two>');
  const regex = compileJavaRegex('x*');
  assert.equal(regex.replaceAll('axb', compileJavaReplacement('-', regex)), '-a--b-');
});

void test('groups survive the rounds of a loop, as in Java', () => {
  assert.deepEqual(groups('(?:(a)|b)*', 'ab'), ['ab', 'a']);
  assert.deepEqual(groups('(a*)*', 'aab'), ['aa', '']);
  assert.deepEqual(groups('(WARN)|(ERROR)', 'an ERROR'), ['ERROR', undefined, 'ERROR']);
});

void test('the machine and native expressions give the same match', () => {
  assert.deepEqual(groups('^(\\d{4})-(\\d{2})$', '2012-10'), ['2012-10', '2012', '10']);
  assert.deepEqual(groups('^(?=\\d)(\\d{4})-(\\d{2})$', '2012-10\r\n'), ['2012-10', '2012', '10']);
  assert.deepEqual(groups('^(\\d{4})-(\\d{2})$', '2012-10\r\n'), ['2012-10', '2012', '10']);
  assert.equal(compileJavaRegex('^(\\d{4})$').slowBecause, undefined);
  assert.match(compileJavaRegex('(?=a)').slowBecause ?? '', /looks ahead/);
});

void test('whole matches and code points', () => {
  assert.ok(compileJavaRegex('a|ab').matches('ab'));
  assert.equal(compileJavaRegex('foo$').matches('foo\n'), false);
  assert.ok(compileJavaRegex('..').matches('😀b'));
  assert.ok(compileJavaRegex('[^a]').matches('😀'));
  assert.equal(compileJavaRegex('[😀-😂]{2}').find('x😁😂')?.start, 1);
});

void test('splitting', () => {
  assert.deepEqual(javaSplit('a, b ,c,,', compileJavaRegex('\\s*,\\s*')), ['a', 'b', 'c']);
  assert.deepEqual(javaSplit('', compileJavaRegex(',')), ['']);
  assert.deepEqual(javaSplit('abc', compileJavaRegex('')), ['a', 'b', 'c']);
  assert.deepEqual(javaSplit(',a', compileJavaRegex(',')), ['', 'a']);
});

void test('X13 the machine gives up on a text that would never end', () => {
  const regex = compileJavaRegex('^(?=((\\w+\\s?)*$))');
  assert.throws(() => regex.test(`${'a'.repeat(30)}!`), RegexTimeoutError);
  const budget = { left: 1000 };
  assert.throws(() => compileJavaRegex('(?=(a+)+b)a').test('a'.repeat(40), budget), RegexTimeoutError);
  assert.ok(budget.left <= 0);
});
