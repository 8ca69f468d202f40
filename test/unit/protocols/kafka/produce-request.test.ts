import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as library from '@platformatic/kafka';
import { produce, type PieceAnswer } from '../../../../protocols/kafka/produce-request.ts';

const pieces = [0, 1].map((partition) => ({ topic: 't', partition, bytes: Buffer.from('records'), count: 1 }));

/** A broker that answers, in version 8, for these partitions with these codes; without any it answers nothing. */
function ask(acks: -1 | 0, codes: ReadonlyMap<number, number>): Promise<readonly PieceAnswer[]> {
  const { Reader, Writer } = library;
  const answer = Writer.create().appendInt32(1).appendString('t', false).appendInt32(codes.size);
  for (const [partition, code] of codes) answer.appendInt32(partition).appendInt16(code).appendInt64(7n).appendInt64(-1n).appendInt64(0n).appendInt32(0).appendString(null, false);
  const send = (...[, version, , parse, , , callback]: unknown[]): void => {
    const read = (parse as (...words: unknown[]) => unknown)(1, 0, version, Reader.from(answer.buffer));
    (callback as (error: null, answers: unknown) => void)(null, codes.size > 0 ? read : undefined);
  };
  return produce(library, { send } as unknown as library.Connection, { version: 8, acks, timeoutMs: 1, transactionalId: null }, pieces);
}

test('answers come in the order of the pieces', async () => {
  assert.deepEqual((await ask(-1, new Map([[1, 6], [0, 0]]))).map(({ code }) => code), [0, 6]);
});

test('a piece counts as stored only where the broker says so, or is not asked to', async () => {
  await assert.rejects(ask(-1, new Map([[0, 0]])), /does not tell of partition 1 of t/);
  await assert.rejects(ask(-1, new Map()), /does not tell of partition 0 of t/);
  assert.deepEqual((await ask(0, new Map())).map(({ code }) => code), [0, 0]);
});
