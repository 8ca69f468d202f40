import assert from 'node:assert/strict';
import { test } from 'node:test';
import { javaUtf8 } from '../../../core/java-utf8.ts';

/** `?` for U+FFFD. */
function decoded(hex: string): string {
  return javaUtf8(Buffer.from(hex.replaceAll(' ', ''), 'hex')).replaceAll('\ufffd', '?');
}

test('text that is UTF-8 comes out as it is, a byte order mark included', () => {
  assert.equal(javaUtf8(Buffer.from('\ufeffaé€😀\ufffd')), '\ufeffaé€😀\ufffd');
  assert.equal(javaUtf8(Buffer.from('xabcx'), 1, 4), 'abc');
  assert.equal(javaUtf8(Buffer.alloc(0)), '');
});

test('C7.23 wrong bytes, as Java 17 was seen to replace them', () => {
  assert.equal(decoded('ff 41 c3'), '?A?');
  assert.equal(decoded('e2 82'), '?');
  assert.equal(decoded('c0 af'), '??');
  assert.equal(decoded('f4 90 80 80'), '????');
  assert.equal(decoded('ed a0 80 7a'), '?z');
});

test('the bytes of a surrogate count as one', () => {
  assert.equal(decoded('ed a0 80 ed b0 80'), '??');
  assert.equal(decoded('ed a0 41'), '?A');
  assert.equal(decoded('41 ed bf'), 'A?');
  assert.equal(decoded('ed 9f bf'), '\ud7ff');
  assert.equal(decoded('e2 82 ed a0 80 c3 a9'), '??é');
});
