import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { AvroFormatError } from '../../../../protocols/avro-rpc/cursor.ts';
import { frameHead, FrameReader } from '../../../../protocols/avro-rpc/frames.ts';

const LIMITS = { messageBytes: 1024 * 1024 };

describe('frames of Avro RPC', () => {
  test('messages come out whole however the stream is cut and the frames are divided into buffers', () => {
    const message = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 5 });
    fc.assert(
      fc.property(fc.array(message, { maxLength: 6 }), fc.infiniteStream(fc.integer({ min: 1, max: 30 })), (messages, cuts) => {
        const stream = Buffer.concat(messages.map((buffers, serial) => frame(serial, buffers)));
        const read: string[] = [];
        const reader = new FrameReader(LIMITS, (serial, bytes) => read.push(`${serial} ${bytes.toString('hex')}`));
        for (let at = 0; at < stream.length; ) {
          const { value: length } = cuts.next() as { value: number };
          reader.read(stream.subarray(at, at + length));
          at += length;
        }
        assert.deepEqual(read, messages.map((buffers, serial) => `${serial} ${Buffer.concat(buffers).toString('hex')}`));
        assert.equal(reader.isInside, false);
        assert.equal(reader.heldBytes, 0);
      }),
    );
  });

  test('AV-15 an event of 20,000 bytes in buffers of 8,192 is one message', () => {
    const body = Buffer.alloc(20_000, 'x');
    const read: Buffer[] = [];
    const reader = new FrameReader(LIMITS, (_serial, bytes) => read.push(bytes));
    reader.read(frame(7, [body.subarray(0, 8192), body.subarray(8192, 16_384), body.subarray(16_384)]));
    assert.deepEqual(read, [body]);
  });

  test('N18 memory follows what has come, not what is announced', () => {
    const reader = new FrameReader({ messageBytes: 2 ** 30 }, () => assert.fail('no message is whole'));
    const head = frameHead(1, 2 ** 30);
    reader.read(head);
    reader.read(Buffer.alloc(100));
    assert.ok(reader.heldBytes < 64 * 1024, `${reader.heldBytes} bytes`);
  });

  for (const [what, numbers] of [
    ['a negative count', [1, -1]],
    ['a count of 2^31-1', [1, 2 ** 31 - 1]],
    ['a negative length', [1, 1, -1]],
    ['a length of 2^31-1', [1, 1, 2 ** 31 - 1]],
  ] as const) {
    test(`N18 ${what} ends the connection`, () => {
      const bytes = Buffer.alloc(4 * numbers.length);
      numbers.forEach((number, index) => bytes.writeInt32BE(number, 4 * index));
      assert.throws(() => new FrameReader(LIMITS, () => undefined).read(bytes), AvroFormatError);
    });
  }

  test('N18 a request of HTTP and a hello of TLS are no frames', () => {
    for (const text of ['GET / HTTP/1.1\r\nHost: x\r\n\r\n', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03']) {
      assert.throws(() => new FrameReader(LIMITS, () => undefined).read(Buffer.from(text, 'latin1')), AvroFormatError);
    }
  });
});

function frame(serial: number, buffers: readonly Uint8Array[]): Buffer {
  const numbers = (...values: number[]): Buffer => {
    const bytes = Buffer.alloc(4 * values.length);
    values.forEach((value, index) => bytes.writeInt32BE(value, 4 * index));
    return bytes;
  };
  return Buffer.concat([numbers(serial, buffers.length), ...buffers.flatMap((bytes) => [numbers(bytes.length), bytes])]);
}
