import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Sink } from '../../../core/component.ts';
import { nullSink } from '../../../sinks/null.ts';
import { batchOf, create, FakeContext, never } from '../../conformance/fakes.ts';

describe('null sink', () => {
  test('NUL-01 it accepts every batch, and takes up to batchSize at a time', async () => {
    const sink = create(nullSink, { batchSize: '7' }, new FakeContext()) as Sink;
    await sink.start();
    assert.equal(sink.batchSize, 7);
    await sink.write(batchOf('a', ''), never);
    await sink.stop();
  });

  test('NUL-02 a batchSize or logEveryNEvents of 0 is an error', () => {
    assert.throws(() => create(nullSink, { batchSize: '0' }, new FakeContext()), /batchSize is less than 1/);
    assert.throws(() => create(nullSink, { logEveryNEvents: '0' }, new FakeContext()), /logEveryNEvents is less than 1/);
  });

  test('it says now and then how many events there were', async () => {
    const context = new FakeContext();
    const sink = create(nullSink, { logEveryNEvents: '3' }, context) as Sink;
    for (let round = 0; round < 4; round++) await sink.write(batchOf('a', 'b'), never);
    assert.deepEqual(context.log.lines.map(({ facts }) => facts['events']), [4, 6]);
  });
});
