import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { OutputLines } from '../../../sources/exec-lines.ts';
import { bodiesOf } from '../../conformance/fakes.ts';

void test('lines are the same however the output is cut into chunks', () => {
  const piece = fc.constantFrom('a', 'é', '€', '\u{1F600}', '\r', '\n', '\r\n', 'long text without an end ');
  const output = fc.array(piece, { maxLength: 30 }).map((pieces) => Buffer.from(pieces.join('')));
  fc.assert(
    fc.property(output, fc.array(fc.nat({ max: 200 })), (bytes, cuts) => {
      const places = [0, ...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length];
      const chunks = places.slice(1).map((end, index) => bytes.subarray(places[index], end));
      const expected = bytes.toString().split(/\r\n|\r|\n/);
      if (expected.at(-1) === '') expected.pop();
      assert.deepEqual(read(new OutputLines('UTF-8', 1024), chunks), expected);
    }),
    { numRuns: 500 },
  );
});

void test('EX-13 bad bytes become U+FFFD, whether a character is cut by a chunk or not', () => {
  const lines = new OutputLines('UTF-8', 1024);
  assert.deepEqual(read(lines, [Buffer.from([0xe2, 0x82]), Buffer.from([0xac, 0xff, 0x0a]), Buffer.from([0xe2, 0x82])]), ['€\ufffd', '\ufffd']);
});

void test('N23 a line that is too long is cut between characters, and nothing of it is lost', () => {
  const lines = new OutputLines('UTF-8', 1024);
  const text = '€'.repeat(5000);
  const bytes = Buffer.from(`${text}\nnext\n`);
  const chunks = Array.from({ length: Math.ceil(bytes.length / 100) }, (_, index) => bytes.subarray(100 * index, 100 * index + 100));
  const bodies = read(lines, chunks);
  assert.equal(bodies.pop(), 'next');
  assert.equal(bodies.join(''), text);
  assert.ok(bodies.every((body) => Buffer.byteLength(body) <= 1024 + 100));
  assert.equal(lines.split, bodies.length - 1);
});

void test('the end of a line just cut is not an empty line', () => {
  const lines = new OutputLines('UTF-8', 10);
  assert.deepEqual(read(lines, [Buffer.from('0123456789ab'), Buffer.from('\nx\n')]), ['0123456789', 'ab', 'x']);
});

function read(lines: OutputLines, chunks: readonly Buffer[]): string[] {
  const batches = [...chunks.map((chunk) => lines.push(chunk)), lines.finish()];
  return batches.flatMap((batch) => (batch ? bodiesOf(batch) : []));
}
