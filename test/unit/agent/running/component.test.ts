import assert, { AssertionError } from 'node:assert/strict';
import { test } from 'node:test';
import { Component, type ComponentSpec } from '../../../../agent/running/component.ts';
import type { Context, Lifecycle } from '../../../../core/component.ts';
import { until } from '../../../servers/daemon.ts';
import { fakeLog } from '../fakes.ts';

interface Script {
  readonly failStarts?: number;
  readonly hangStop?: boolean;
}

function scripted(script: Script = {}, more: Partial<ComponentSpec<Lifecycle>> = {}) {
  const seen = { created: 0, started: 0, stopped: 0, contexts: [] as Context[], fatal: [] as Error[] };
  const log = fakeLog();
  const component = new Component<Lifecycle>({
    kind: 'sink',
    id: 'k1',
    name: 'a1.sinks.k1',
    type: 'fake',
    log,
    fatal: (error) => void seen.fatal.push(error),
    create(context) {
      seen.created++;
      seen.contexts.push(context);
      return {
        start: async () => {
          if (seen.created <= (script.failStarts ?? 0)) throw new Error('port taken');
          seen.started++;
        },
        stop: async () => void seen.stopped++,
      };
    },
    ...more,
  });
  return { component, seen, log };
}

test('C3.1 a component is started once and stopped once', async () => {
  const { component, seen } = scripted();
  await component.start();
  assert.equal(component.state, 'running');
  await component.stop();
  assert.deepEqual([seen.created, seen.started, seen.stopped], [1, 1, 1]);
  assert.equal(component.state, 'stopped');
});

test('stop without start is safe', async () => {
  const { component, seen } = scripted();
  await component.stop();
  assert.equal(seen.created, 0);
});

test('N20 a start that fails is told, stopped, and tried again with a new product until it works', async () => {
  const { component, seen, log } = scripted({ failStarts: 1 });
  await component.start();
  assert.equal(component.state, 'failed');
  assert.equal(component.reason, 'port taken');
  await until('the second start', () => component.state === 'running' || undefined);
  assert.deepEqual([seen.created, seen.started, seen.stopped], [2, 1, 1]);
  assert.match(log.lines[0]?.sentence ?? '', /cannot start/);
  assert.equal(component.metrics().reason, undefined);
  await component.stop();
});

test('O7 a running component that reports a failure is stopped and created anew', async () => {
  const { component, seen, log } = scripted();
  await component.start();
  seen.contexts[0]?.fail(new Error('listener broke'));
  await until('the restart', () => seen.started === 2 || undefined);
  assert.equal(seen.stopped, 1);
  assert.deepEqual(log.lines.map(({ sentence }) => sentence), ['component failed; it is started again']);
  assert.equal(log.lines[0]?.facts['reason'], 'listener broke');
  await component.stop();
});

test('O7 work that ends by an exception restarts the component', async () => {
  let rounds = 0;
  const { component, seen } = scripted({}, {
    work: (_product, signal) =>
      ++rounds === 1 ? Promise.reject(new Error('poll broke')) : new Promise((resolve) => signal.addEventListener('abort', () => resolve())),
  });
  await component.start();
  await until('the restart', () => seen.started === 2 || undefined);
  await component.stop();
  assert.equal(seen.stopped, 2);
});

test('a broken invariant ends the process instead of being retried', async () => {
  const { component, seen } = scripted({}, { create: () => { throw new AssertionError({ message: 'gap in the sequence' }); } });
  await component.start();
  await until('the end', () => seen.fatal.length === 1 || undefined);
  assert.equal(seen.fatal[0]?.message, 'gap in the sequence');
});

test('C10.1 counters begin at 0 with each start and are kept by the stop', async () => {
  const { component, seen } = scripted();
  await component.start();
  component.count('EventDrainSuccessCount', 2);
  component.count('EventDrainSuccessCount', 3);
  assert.equal(component.metrics().counters.get('EventDrainSuccessCount'), 5);
  assert.notEqual(component.metrics().startTime, 0);
  assert.equal(component.metrics().stopTime, 0);
  seen.contexts[0]?.fail(new Error('again'));
  await until('the restart', () => seen.started === 2 || undefined);
  assert.equal(component.metrics().counters.size, 0);
  component.count('EventDrainSuccessCount', 1);
  await component.stop();
  assert.equal(component.metrics().counters.get('EventDrainSuccessCount'), 1);
  assert.notEqual(component.metrics().stopTime, 0);
});

test('a component that needs something first waits for it, and stops while waiting', async () => {
  const { component: needed } = scripted();
  const { component } = scripted({}, {
    create: async (_context, signal) => needed.running(signal),
  });
  const started = component.start();
  await Promise.resolve();
  assert.equal(component.state, 'starting');
  await component.stop();
  await started;
  assert.equal(component.state, 'stopped');
});

test('G8 a component that hangs in create or start can be stopped all the same, and what it makes later is stopped too', async () => {
  for (const where of ['create', 'start'] as const) {
    const hanging = Promise.withResolvers<void>();
    const reached = Promise.withResolvers<void>();
    let stopped = 0;
    const hang = (): Promise<void> => {
      reached.resolve();
      return hanging.promise;
    };
    const { component } = scripted({}, {
      async create() {
        if (where === 'create') await hang();
        return { start: () => (where === 'start' ? hang() : Promise.resolve()), stop: async () => void stopped++ };
      },
    });
    void component.start();
    await reached.promise;
    await component.stop();
    assert.equal(component.state, 'stopped');
    const before = stopped;
    hanging.resolve();
    await until(`a stop after the late ${where}`, () => stopped === before + 1 || undefined);
  }
});
