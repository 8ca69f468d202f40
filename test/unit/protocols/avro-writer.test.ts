import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AvroWriter } from '../../../protocols/avro-writer.ts';

function written(write: (writer: AvroWriter) => void): string {
  const writer = new AvroWriter(1);
  write(writer);
  return writer.view(0).toString('hex');
}

test('numbers are zig-zag varints', () => {
  for (const [value, hex] of [
    [0, '00'],
    [1, '02'],
    [63, '7e'],
    [64, '8001'],
    [8191, 'fe7f'],
    [8192, '808001'],
    [2 ** 31, '8080808010'],
    [2 ** 40, '808080808040'],
  ] as const) {
    assert.equal(written((writer) => writer.count(value)), hex, String(value));
  }
});

test('strings and bytes carry their length in bytes', () => {
  assert.equal(written((writer) => writer.string('é')), '04c3a9');
  assert.equal(written((writer) => writer.bytes(Buffer.from('xaby'), 1, 3)), '046162');
  assert.equal(written((writer) => writer.bytes(Buffer.alloc(0))), '00');
});

test('memory grows, and what is cut off is gone', () => {
  const writer = new AvroWriter(4);
  writer.string('x'.repeat(1000));
  const length = writer.length;
  writer.string('y');
  writer.truncate(length);
  writer.raw(Buffer.from('z'));
  assert.equal(writer.length, 1003);
  assert.equal(writer.view(0).toString('latin1', 2), `${'x'.repeat(1000)}z`);
});
