import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DocumentBuffer } from '../../../../sinks/elasticsearch/document-buffer.ts';

function textOf(documents: DocumentBuffer, places: readonly number[]): string {
  return documents.bytes(places).toString();
}

test('documents lie side by side, and come out in any choice', () => {
  const documents = new DocumentBuffer();
  for (const [index, text] of ['a\n', 'ü\n', '😀\n', 'd\n'].entries()) assert.ok(documents.add(10 * index, text, 1000));
  assert.equal(textOf(documents, documents.places()), 'a\nü\n😀\nd\n');
  assert.equal(textOf(documents, [1, 2]), 'ü\n😀\n');
  assert.equal(textOf(documents, [0, 3]), 'a\nd\n');
  assert.deepEqual([documents.event(2), documents.sizes([0, 1, 2])], [20, [2, 3, 5]]);
});

test('what does not fit is left out, unless it is the first', () => {
  const documents = new DocumentBuffer();
  assert.ok(documents.add(0, 'x'.repeat(50), 10));
  assert.equal(documents.add(1, 'y', 50), false);
  assert.equal(textOf(documents, documents.places()), 'x'.repeat(50));
  documents.clear();
  assert.ok(documents.add(1, 'y', 50));
  assert.equal(textOf(documents, documents.places()), 'y');
});

test('it grows, and gives back what was for something unusual', () => {
  const documents = new DocumentBuffer();
  const texts = Array.from({ length: 400 }, (_, index) => `${index} ${'ä'.repeat(20_000)}\n`);
  for (const [index, text] of texts.entries()) assert.ok(documents.add(index, text, Infinity));
  assert.equal(textOf(documents, documents.places()), texts.join(''));
  documents.clear();
  assert.equal(documents.count, 0);
  assert.ok(documents.add(0, 'again', Infinity));
  assert.equal(textOf(documents, [0]), 'again');
});
