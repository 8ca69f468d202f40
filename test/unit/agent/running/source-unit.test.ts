import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PlannedSource } from '../../../../agent/plan/types.ts';
import { sourceUnit } from '../../../../agent/running/source-unit.ts';
import type { Source } from '../../../../core/component.ts';
import { define } from '../../../../core/define.ts';
import { until } from '../../../servers/daemon.ts';
import { fakeLog } from '../fakes.ts';

const log = fakeLog();

function polled(poll: NonNullable<Source['poll']>, backoff = { incrementMs: 5, maxMs: 10 }) {
  const source = define('source', {
    types: ['fake'],
    summary: 'Polled by a test.',
    options: {},
    create: () => ({ start: async () => undefined, stop: async () => undefined, poll }),
  });
  const selector = define('selector', { types: ['none'], summary: 'Nowhere.', options: {}, create: () => ({ route: () => [] }) });
  const plan: PlannedSource = {
    name: 'r1',
    definition: source,
    values: {},
    canonical: '',
    channels: [],
    selector: { definition: selector, values: {} },
    interceptors: [],
    backoff,
  };
  return sourceUnit('a1', plan, new Map(), { logger: () => log, setAside: async () => undefined, fatal: (error) => assert.fail(error) });
}

test('R4 a source that always has more leaves room for timers', async () => {
  let rounds = 0;
  const unit = polled(async () => {
    rounds++;
    return 'more';
  });
  await unit.start();
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.ok(rounds > 1);
  await unit.stop();
});

test('GEN-09 pauses grow with each idle answer up to the most, and more ends them', async () => {
  const times: number[] = [];
  const answers = ['idle', 'idle', 'idle', 'more', 'idle'] as const;
  const unit = polled(async () => {
    times.push(performance.now());
    return answers[times.length - 1] ?? 'idle';
  }, { incrementMs: 30, maxMs: 60 });
  await unit.start();
  await until('six polls', () => times.length >= 6 || undefined);
  await unit.stop();
  const pauses = times.slice(1).map((time, index) => time - (times[index] as number));
  assert.ok((pauses[0] as number) >= 29 && (pauses[1] as number) >= 59 && (pauses[2] as number) >= 59 && (pauses[4] as number) >= 29);
});

test('C3.7 a poll that throws is asked again after the longest pause', async () => {
  let rounds = 0;
  const unit = polled(async () => {
    if (++rounds % 2 === 1) throw new Error('broken');
    return 'more';
  });
  await unit.start();
  await until('five rounds', () => rounds >= 5 || undefined);
  assert.equal(unit.state, 'running');
  await unit.stop();
  assert.ok(log.lines.some(({ facts }) => facts['reason'] === 'broken'));
});
