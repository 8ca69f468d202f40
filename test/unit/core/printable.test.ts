import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cut, escapeControls } from '../../../core/printable.ts';

test('X8: controls, direction marks and line separators are shown as escapes', () => {
  assert.equal(escapeControls('a\nb\rc\td'), String.raw`a\nb\rc\td`);
  assert.equal(escapeControls('\u001b[31m\u0007\b\u007f\u0000'), String.raw`\u001b[31m\u0007\u0008\u007f\u0000`);
  assert.equal(escapeControls('\u009b2J\u0085'), String.raw`\u009b2J\u0085`);
  assert.equal(escapeControls('\u202eevil\u2066\u200f\u061c\u2028\ufeff'), String.raw`\u202eevil\u2066\u200f\u061c\u2028\ufeff`);
});

test('halves of surrogate pairs are escaped, whole pairs stay', () => {
  assert.equal(escapeControls('\ud83d\ude00 \ud83d'), `\u{1f600} ${String.raw`\ud83d`}`);
});

test('text without controls is the same text', () => {
  const text = String.raw`grüße "x" \n äöü 日本`;
  assert.equal(escapeControls(text), text);
});

test('a cut says how much is missing and never splits a pair', () => {
  assert.equal(cut('abcdef', 6), 'abcdef');
  assert.equal(cut('abcdef', 4), 'abcd… (2 more characters)');
  assert.equal(cut('abc\u{1f600}', 4), 'abc… (2 more characters)');
});
