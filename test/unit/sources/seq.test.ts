import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Source } from '../../../core/component.ts';
import { ChannelFullError } from '../../../core/errors.ts';
import { sequenceSource } from '../../../sources/seq.ts';
import { create, FakeSourceContext, never } from '../../conformance/fakes.ts';

describe('seq source', () => {
  test('SQ-01 five rounds with the defaults: 0 to 4, one by one', async () => {
    const { context, poll } = make({});
    for (let round = 0; round < 5; round++) assert.equal(await poll(), 'more');
    assert.deepEqual(context.bodies, ['0', '1', '2', '3', '4']);
    assert.equal(context.delivered.length, 5);
    assert.equal(context.counted('EventAcceptedCount'), 5);
    assert.equal(context.counted('AppendBatchAcceptedCount'), 0);
    assert.equal(context.counted('EventReceivedCount'), 0);
  });

  test('SQ-02 one by one, the second put fails: six puts, 0 to 4', async () => {
    const { context, poll } = make({ totalEvents: '5' });
    failOnce(context, 2);
    const rounds: string[] = [];
    for (let round = 0; round < 7; round++) rounds.push(await poll().catch(() => 'failed'));
    assert.deepEqual(rounds, ['more', 'failed', 'more', 'more', 'more', 'more', 'idle']);
    assert.deepEqual(context.bodies, ['0', '1', '1', '2', '3', '4']);
    assert.equal(context.counted('ChannelWriteFail'), 1);
  });

  test('SQ-03 three at a time, the second put fails: three puts, 0 to 4', async () => {
    const { context, poll } = make({ totalEvents: '5', batchSize: '3' });
    failOnce(context, 2);
    for (let round = 0; round < 4; round++) await poll().catch(() => undefined);
    assert.deepEqual(context.bodies, ['0', '1', '2', '3', '4', '3', '4']);
    assert.equal(context.delivered.length, 3);
    assert.equal(context.counted('AppendBatchAcceptedCount'), 2);
  });

  test('SQ-04 a batchSize of 0 is an error', () => {
    assert.throws(() => make({ batchSize: '0' }), /batchSize is less than 1/);
  });

  test('numbers of different lengths stand in one batch', async () => {
    const { context, poll } = make({ batchSize: '12' });
    await poll();
    assert.deepEqual(context.bodies, [...'0123456789', '10', '11']);
  });
});

function make(properties: Record<string, string>): { context: FakeSourceContext; poll(): Promise<'more' | 'idle'> } {
  const context = new FakeSourceContext();
  const source = create(sequenceSource, properties, context) as Source;
  return { context, poll: () => source.poll?.(never) ?? Promise.reject(new Error('seq is a polled source')) };
}

function failOnce(context: FakeSourceContext, failing: number): void {
  context.answer = async (_batch, call) => {
    if (call === failing) throw new ChannelFullError('full');
  };
}
