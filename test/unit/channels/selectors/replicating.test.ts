import assert from 'node:assert/strict';
import { test } from 'node:test';
import { replicatingSelector } from '../../../../channels/selectors/replicating.ts';
import { Batch } from '../../../../core/batch.ts';
import type { Route } from '../../../../core/component.ts';
import { make, recordingContext } from '../../recording-context.ts';

const batch = Batch.of([{ body: Buffer.from('a'), headers: new Map() }]);

async function routes(properties: Record<string, string>): Promise<readonly Route[]> {
  const channels = ['ch1', 'ch2', 'ch3', 'ch4'];
  const selector = await make(replicatingSelector, properties, { ...recordingContext(), channels });
  return selector.route(batch);
}

function named(routed: readonly Route[], optional: boolean): string {
  return routed.filter((route) => route.optional === optional).map((route) => route.channel).join(' ');
}

test('C5.1 every channel is required, in order, and gets the same batch', async () => {
  const routed = await routes({});
  assert.equal(named(routed, false), 'ch1 ch2 ch3 ch4');
  assert.equal(named(routed, true), '');
  assert.ok(routed.every((route) => route.batch === batch));
});

test('C5.2 C5.3 C5.4 optional channels come after the required ones, each once', async () => {
  for (const [optional, required, extra] of [
    ['ch1', 'ch2 ch3 ch4', 'ch1'],
    ['ch1 ch4', 'ch2 ch3', 'ch1 ch4'],
    ['ch1 ch4 ch1', 'ch2 ch3', 'ch1 ch4'],
    ['ch4\tch1', 'ch2 ch3', 'ch4 ch1'],
    ['ch1 ch2 ch3 ch4', '', 'ch1 ch2 ch3 ch4'],
  ] as const) {
    const routed = await routes({ optional });
    assert.equal(named(routed, false), required);
    assert.equal(named(routed, true), extra);
  }
});

test('C5.14 an optional name that is no channel of the source is warned of and ignored', async () => {
  const routed = await routes({ optional: 'nope ch2' });
  assert.equal(named(routed, false), 'ch1 ch3 ch4');
  assert.equal(named(routed, true), 'ch2');
  const findings = replicatingSelector.checkNames?.({ optional: ['nope', 'ch2'] }, ['ch1', 'ch2']);
  assert.deepEqual(findings?.map(({ option, effect }) => [option, effect]), [['optional', 'warn']]);
  assert.match(findings?.[0]?.sentence ?? '', /"nope"/);
});
