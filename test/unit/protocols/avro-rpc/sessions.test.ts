import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Batch } from '../../../../core/batch.ts';
import type { Origin } from '../../../../core/component.ts';
import { AvroWriter } from '../../../../protocols/avro-writer.ts';
import { ClientSession } from '../../../../protocols/avro-rpc/client-session.ts';
import { AvroFormatError } from '../../../../protocols/avro-rpc/cursor.ts';
import { errorAnswer, KnownProtocols, ServerSession, STATUS, statusAnswer, type Request } from '../../../../protocols/avro-rpc/server-session.ts';

const HASH = '86aadae2c45474c0fe93ffd0f2350a65';
const NO_HASH = '00'.repeat(16);

describe('the receiving end of Avro RPC', () => {
  test('AV-14 RPC-01 the first call of Flume 1.11: BOTH, OK; the second without a handshake', () => {
    const session = new ServerSession(new KnownProtocols(), 100);
    const first = call(session.receive(hex(`${HASH} 00 ${HASH} 0200 00 0c617070656e64 02026b0276 00 046869`)));
    assert.equal(first.single, true);
    assert.equal(first.batch.header(0, 'k'), 'v');
    assert.equal(first.batch.body(0).toString(), 'hi');
    assert.equal(statusAnswer(first.handshake, STATUS.ok).toString('hex'), '00000000000000');
    assert.equal(statusAnswer(first.handshake, STATUS.failed).toString('hex'), '00000000000002');
    assert.equal(errorAnswer(first.handshake, 'no').toString('hex'), '00000000000100046e6f');
    const second = call(session.receive(hex('00 16617070656e644261746368 04 00 0261 02026b027600 0262 00')));
    assert.equal(second.single, false);
    assert.equal(second.batch.size, 2);
    assert.equal(statusAnswer(second.handshake, STATUS.ok).toString('hex'), '000000');
  });

  test('AV-14 RPC-02 an unknown client is asked for its protocol, and is told ours; the call is executed when it comes again', () => {
    const known = new KnownProtocols();
    const session = new ServerSession(known, 100);
    const none = session.receive(hex(`${NO_HASH} 00 ${NO_HASH} 0200 00 0c617070656e64 00 046869`));
    assert.ok(none.kind === 'answer');
    assert.equal(none.answer[0], 4);
    assert.match(none.answer.toString('latin1'), /"protocol":"AvroSourceProtocol"/);
    const client = new ClientSession();
    const request = requestOf(client, Batch.of([{ headers: new Map(), body: Buffer.from('x') }]));
    assert.equal(call(session.receive(request)).batch.size, 1);
  });

  test('a client that was learned is known on the next connection', () => {
    const known = new KnownProtocols();
    const own = '11'.repeat(16);
    known.learn(Buffer.from(own, 'hex'));
    const answer = call(new ServerSession(known, 100).receive(hex(`${own} 00 ${HASH} 00 00 0c617070656e64 00 00`)));
    assert.equal(answer.batch.size, 1);
  });

  test('an empty name asks for the handshake only; an unknown message is an error', () => {
    const session = new ServerSession(new KnownProtocols(), 100);
    const ping = session.receive(hex(`${HASH} 00 ${HASH} 00 00 00`));
    assert.ok(ping.kind === 'answer' && ping.answer.toString('hex') === '00000000');
    const other = session.receive(hex('00 0c666f6f626172'));
    assert.ok(other.kind === 'answer');
    assert.equal(other.answer.subarray(0, 3).toString('hex'), '000100');
    assert.match(other.answer.toString('latin1'), /No such remote message: foobar$/);
  });

  test('N18 a handshake cut at each byte is an AvroFormatError', () => {
    const whole = hex(`${HASH} 00 ${HASH} 0200 00 0c617070656e64 02026b0276 00 046869`);
    for (let length = 0; length < whole.length; length++) {
      assert.throws(() => new ServerSession(new KnownProtocols(), 100).receive(whole.subarray(0, length)), AvroFormatError, `${length} bytes`);
    }
  });
});

describe('the sending end of Avro RPC', () => {
  const batch = Batch.of([{ headers: new Map(), body: Buffer.from('hi') }]);

  test('RPC-01 the first request is the one of a Java client, but for an entry that says who we are', () => {
    assert.equal(requestOf(new ClientSession(), batch).toString('hex'), hex(`${HASH} 00 ${HASH} 0202106d696c6c72616365023200 00 16 617070656e644261746368 02 00 046869 00`).toString('hex'));
  });

  test('RPC-02 after NONE the same request goes out once more with the protocol text', () => {
    const client = new ClientSession();
    requestOf(client, batch);
    assert.deepEqual(client.receive(hex(`04 00 02 ${'22'.repeat(16)} 00`)), { kind: 'again' });
    const again = requestOf(client, batch);
    assert.equal(again.subarray(0, 16).toString('hex'), '30da54059df72d9584b867d5202e2069');
    assert.match(again.toString('latin1'), /"AvroSourceProtocol"/);
    assert.deepEqual(client.receive(hex('00 00 00 00 00 00 00')), { kind: 'stored' });
    assert.throws(() => {
      const stubborn = new ClientSession();
      requestOf(stubborn, batch);
      for (let round = 0; round < 2; round++) stubborn.receive(hex('04 00 00 00'));
    }, AvroFormatError);
  });

  test('AV-13 FAILED, UNKNOWN and errors are refusals', () => {
    for (const [answer, reason] of [['00 00 02', /FAILED/], ['00 00 04', /2/], ['00 01 00 046e6f', /no$/]] as const) {
      const client = new ClientSession();
      requestOf(client, batch);
      client.receive(hex('00 00 00 00 00 00 00'));
      const told = client.receive(hex(answer));
      assert.ok(told.kind === 'refused');
      assert.match(told.reason, reason);
    }
  });
});

describe('two agents of ours', () => {
  const batch = Batch.of([{ headers: new Map([['k', 'v']]), body: Buffer.from('hi') }, { headers: new Map(), body: Buffer.alloc(0) }]);

  test('know each other after the first call, and then send blocks', () => {
    const [client, server] = [new ClientSession(), new ServerSession(new KnownProtocols(), 100)];
    const first = requestOf(client, batch);
    assert.match(first.toString('latin1'), /appendBatch/);
    const { handshake } = call(server.receive(first));
    assert.deepEqual(client.receive(statusAnswer(handshake, STATUS.ok)), { kind: 'stored' });
    assert.equal(client.receiverIsOurs, true);
    const second = requestOf(client, batch, { store: 'x', spans: [[7, 9]] });
    assert.match(second.toString('latin1'), /millrace\.appendBlock/);
    const read = call(server.receive(second)).batch;
    assert.deepEqual([...read].map(({ headers, body }) => [[...headers], body.toString()]), [[[['k', 'v']], 'hi'], [[], '']]);
    assert.deepEqual(read.origin, { store: 'x', spans: [[7, 9]], settled: 0 });
  });

  for (const [peer, entry] of [['of ours that takes no blocks', '0202106d696c6c72616365023100'], ['of Flume', '0200']] as const) {
    test(`a receiver ${peer} gets events as Flume sends them`, () => {
      const client = new ClientSession();
      requestOf(client, batch);
      assert.deepEqual(client.receive(hex(`00 00 00 ${entry} 00 00 00`)), { kind: 'stored' });
      assert.equal(requestOf(client, batch).toString('latin1', 1, 13), '\x16appendBatch');
    });
  }
});

function call(request: Request): Extract<Request, { kind: 'events' }> {
  assert.ok(request.kind === 'events');
  return request;
}

function requestOf(session: ClientSession, batch: Batch, origin?: Origin): Buffer {
  return Buffer.concat(session.request(new AvroWriter(), batch, origin));
}

function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(' ', ''), 'hex');
}
