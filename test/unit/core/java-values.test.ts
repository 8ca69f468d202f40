import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  hashOrder,
  javaStringHash,
  javaTrim,
  javaWhitespaceSplit,
  parseJavaBigLong,
  parseJavaBoolean,
  parseJavaDouble,
  parseJavaFloat,
  parseJavaInteger,
  parseJavaLong,
} from '../../../core/java-values.ts';

void test('trim removes control characters and leaves other blanks', () => {
  assert.equal(javaTrim(' \t\u0001 a b \u0000\u001f'), 'a b');
  assert.equal(javaTrim('\u00a0a\u3000'), '\u00a0a\u3000');
  assert.equal(javaTrim(' \t'), '');
});

void test('a white-space split knows six separators and drops empty pieces at the end only', () => {
  assert.deepEqual(javaWhitespaceSplit('a\tb \n\u000b\f\rc  '), ['a', 'b', 'c']);
  assert.deepEqual(javaWhitespaceSplit(' a'), ['', 'a']);
  assert.deepEqual(javaWhitespaceSplit('a\u00a0b\u0085c'), ['a\u00a0b\u0085c']);
  assert.deepEqual(javaWhitespaceSplit(''), ['']);
  assert.deepEqual(javaWhitespaceSplit('  '), []);
});

void test('integers are 32-bit decimal digits with a sign', () => {
  assert.equal(parseJavaInteger(' +12\t'), 12);
  assert.equal(Object.is(parseJavaInteger('-0'), 0), true);
  assert.equal(parseJavaInteger('2147483647'), 2147483647);
  assert.equal(parseJavaInteger('-2147483648'), -2147483648);
  for (const bad of ['2147483648', '-2147483649', '', '+', '1_0', '0x10', '1.0', '1e3', '1 2', '\u00a01', '--1']) {
    assert.equal(parseJavaInteger(bad), undefined, bad);
  }
});

void test('longs are 64-bit, C0.3 the largest one comes back exact', () => {
  assert.equal(parseJavaBigLong('9223372036854775807'), 9223372036854775807n);
  assert.equal(parseJavaBigLong('-9223372036854775808'), -9223372036854775808n);
  assert.equal(parseJavaBigLong('9223372036854775808'), undefined);
  assert.equal(parseJavaBigLong('0000000000000000000000000000012'), 12n);
  assert.equal(parseJavaBigLong('9'.repeat(1000)), undefined);
  assert.equal(parseJavaLong('9007199254740991'), 9007199254740991);
  assert.equal(parseJavaLong('9223372036854775807'), 2 ** 63);
  assert.equal(parseJavaLong('1L'), undefined);
});

void test('floats and doubles are Java literals', () => {
  assert.equal(parseJavaDouble(' 1 '), 1);
  assert.equal(parseJavaDouble('1.5d'), 1.5);
  assert.equal(parseJavaDouble('1e3F'), 1000);
  assert.equal(parseJavaDouble('.5'), 0.5);
  assert.equal(parseJavaDouble('5.'), 5);
  assert.equal(parseJavaDouble('-Infinity'), -Infinity);
  assert.ok(Number.isNaN(parseJavaDouble('NaN')));
  assert.equal(parseJavaDouble('0x1.8p3'), 12);
  assert.equal(parseJavaDouble('-0x10p0'), -16);
  assert.equal(parseJavaDouble('0x.8p1'), 1);
  assert.equal(parseJavaFloat('0.1'), Math.fround(0.1));
  for (const bad of ['', '.', '1,5', 'nan', '0x10', '1e', 'f', '1ff', '0x.p1']) assert.equal(parseJavaDouble(bad), undefined, bad);
});

void test('only true is true', () => {
  for (const yes of ['true', ' TRUE ', 'True']) assert.equal(parseJavaBoolean(yes), true);
  for (const no of ['yes', '1', 'on', '', 'truee', 't rue']) assert.equal(parseJavaBoolean(no), false);
});

void test('string hashes wrap at 32 bits', () => {
  assert.equal(javaStringHash(''), 0);
  assert.equal(javaStringHash('hello'), 99162322);
  assert.equal(javaStringHash('polygenelubricants'), -2147483648);
});

void test('C0.1 two headers walk backwards, fresh and copied', () => {
  assert.deepEqual(hashOrder(['header1', 'header2']), ['header2', 'header1']);
  assert.deepEqual(hashOrder(['header1', 'header2'], { copied: true }), ['header2', 'header1']);
});

void test('C0.2 names in sets', () => {
  assert.deepEqual(hashOrder(['c1', 'c2', 'c3']), ['c3', 'c1', 'c2']);
  assert.deepEqual(hashOrder(['k1', 'k2', 'k3']), ['k1', 'k2', 'k3']);
  assert.deepEqual(hashOrder(['fileCh', 'memCh']), ['memCh', 'fileCh']);
  assert.deepEqual(hashOrder(['ch10', 'ch9', 'ch1'], { fromList: true }), ['ch9', 'ch10', 'ch1']);
});
