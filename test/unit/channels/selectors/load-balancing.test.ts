import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadBalancingSelector } from '../../../../channels/selectors/load-balancing.ts';
import { Batch } from '../../../../core/batch.ts';
import type { Selector } from '../../../../core/component.ts';
import { bodiesOf, make, problemsOf, recordingContext } from '../../recording-context.ts';

const CHANNELS = ['ch1', 'ch2', 'ch3', 'ch4'];

function selectorWith(properties: Record<string, string>): Promise<Selector> {
  return make(loadBalancingSelector, properties, { ...recordingContext(), channels: CHANNELS });
}

function events(from: number, to: number): Batch {
  return Batch.of(Array.from({ length: to - from }, (_, index) => ({ body: Buffer.from(`${from + index}`), headers: new Map() })));
}

test('C5.10 single events go to the channels in turn, each to one required channel', async () => {
  const selector = await selectorWith({});
  const seen = Array.from({ length: 9 }, (_, index) => selector.route(events(index, index + 1)));
  assert.deepEqual(seen.map((routes) => routes.map(({ channel, optional }) => [channel, optional])), [...CHANNELS, ...CHANNELS, 'ch1'].map((channel) => [[channel, false]]));
});

test('the events of a batch are spread one by one, and the turn goes on with the next batch', async () => {
  const selector = await selectorWith({ policy: 'ROUND_ROBIN' });
  const shown = (batch: Batch): string[] => selector.route(batch).map((route) => `${route.channel} ${bodiesOf(route.batch).join(' ')}`);
  assert.deepEqual(shown(events(0, 6)), ['ch1 0 4', 'ch2 1 5', 'ch3 2', 'ch4 3']);
  assert.deepEqual(shown(events(6, 9)), ['ch1 8', 'ch3 6', 'ch4 7']);
});

test('random: every event has one channel, every channel gets some', async () => {
  const selector = await selectorWith({ policy: 'random' });
  const routes = selector.route(events(0, 1000));
  assert.deepEqual(routes.map(({ channel }) => channel), CHANNELS);
  assert.equal(new Set(routes.flatMap(({ batch }) => bodiesOf(batch))).size, 1000);
});

test('C5.11 Flume drops the source, which the definition says; an unknown policy is an error', () => {
  assert.match(loadBalancingSelector.flume?.alwaysDropped ?? '', /load_balancing/);
  assert.deepEqual(problemsOf(loadBalancingSelector, { policy: 'fair' }), ['drop policy: is none of round_robin, random']);
});
