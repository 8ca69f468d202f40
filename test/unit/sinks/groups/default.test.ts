import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultProcessor } from '../../../../sinks/groups/default.ts';
import { make, recordingContext } from '../../recording-context.ts';
import { FakeMembers } from './fake-members.ts';

test('C6.15 one sink gets everything and its failures are passed on', async () => {
  const fakes = new FakeMembers();
  const processor = await make(defaultProcessor, {}, { ...recordingContext(), members: ['s1'] });
  await fakes.run(processor, 3);
  assert.equal(fakes.count('s1'), 3);
  fakes.broken.add('s1');
  await assert.rejects(fakes.run(processor, 1), /s1 is broken/);
});

test('C6.14 two sinks are refused', async () => {
  await assert.rejects(make(defaultProcessor, {}, { ...recordingContext(), members: ['s1', 's2'] }), /exactly one/);
  assert.deepEqual(defaultProcessor.checkNames?.({}, ['s1', 's2']).map(({ option, effect }) => [option, effect]), [['type', 'drop']]);
  assert.deepEqual(defaultProcessor.checkNames?.({}, ['s1']), []);
});
