import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { protocolFault } from '../../../../protocols/avro-rpc/client-protocol.ts';
import { PROTOCOL_HASH, PROTOCOL_TEXT } from '../../../../protocols/avro-rpc/handshake.ts';

describe('protocols of clients', () => {
  test('our own text has the hash we send', () => {
    assert.equal(createHash('md5').update(PROTOCOL_TEXT).digest('hex'), PROTOCOL_HASH.toString('hex'));
    assert.equal(PROTOCOL_TEXT.length, 509);
  });

  test('the same shape under other names, with documentation, in line or by name, is taken', () => {
    assert.equal(protocolFault(PROTOCOL_TEXT), undefined);
    const inline = { type: 'array', items: { type: 'record', name: 'E', fields: [{ name: 'h', type: { type: 'map', values: { type: 'string', 'avro.java.string': 'String' } } }, { name: 'b', type: 'bytes' }] } };
    assert.equal(protocolFault(JSON.stringify({ protocol: 'X', messages: { appendBatch: { request: [{ name: 'list', type: inline }], response: 'int' } } })), undefined);
  });

  test('X12 a foreign, recursive or malformed protocol is refused, and nothing of it is used', () => {
    const withEvent = (event: object): string => PROTOCOL_TEXT.replace(/\{"type":"record".*?"bytes"\}\]\}/, JSON.stringify(event));
    for (const text of [
      'no JSON',
      '['.repeat(100_000),
      withEvent({ type: 'record', name: 'AvroFlumeEvent', fields: [{ name: 'body', type: 'bytes' }, { name: 'headers', type: { type: 'map', values: 'string' } }] }),
      withEvent({ type: 'record', name: 'AvroFlumeEvent', fields: [{ name: 'next', type: 'AvroFlumeEvent' }] }),
      withEvent({ type: 'record', name: '__proto__', fields: [] }),
    ]) {
      assert.notEqual(protocolFault(text), undefined, text.slice(0, 200));
    }
  });
});
