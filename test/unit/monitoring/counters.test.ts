import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Component } from '../../../agent/running/component.ts';
import type { Context, Lifecycle } from '../../../core/component.ts';
import type { Logger } from '../../../core/log.ts';
import { flumeAttributes } from '../../../monitoring/flume-json.ts';
import { until } from '../../servers/daemon.ts';

const log: Logger = { error() {}, warn() {}, info() {}, debug() {}, event() {}, ready: async () => {} };

for (const kind of ['source', 'channel', 'sink'] as const) {
  test(`C10.1 the counters of a ${kind}: all 0, times, counting, kept at the stop, 0 again after the next start`, async () => {
    let context: Context | undefined;
    const component = new Component<Lifecycle>({
      kind,
      id: 'x',
      name: `a1.${kind}s.x`,
      type: 'memory',
      log,
      create: (given) => {
        context = given;
        return { start: async () => {}, stop: async () => {} };
      },
      fatal: (error) => assert.fail(error),
    });
    const counter = { source: 'EventReceivedCount', channel: 'EventPutAttemptCount', sink: 'EventDrainAttemptCount' }[kind];
    const read = (): Record<string, string> => Object.fromEntries(flumeAttributes(component.metrics()));
    const counted = (): string[] =>
      Object.entries(read())
        .filter(([name]) => /Count$|Fail$/.test(name))
        .map(([, value]) => value);
    assert.ok(counted().every((value) => value === '0'));

    await component.start();
    const first = read();
    assert.notEqual(first.StartTime, '0');
    assert.equal(first.StopTime, '0');
    context?.count(counter, 1);
    assert.equal(read()[counter], '1');
    context?.count(counter, 41);
    assert.equal(read()[counter], '42');

    context?.fail(new Error('broken'));
    await until('the component to fail', () => read().StopTime !== '0' || undefined);
    assert.notEqual(read().StopTime, '0');
    assert.equal(read()[counter], '42');

    await until('the component to run again', () => component.state === 'running' || undefined);
    const second = read();
    assert.ok(Number(second.StartTime) > Number(first.StartTime));
    assert.equal(second.StopTime, '0');
    assert.ok(counted().every((value) => value === '0'));

    context?.count(counter, 7);
    await component.stop();
    assert.notEqual(read().StopTime, '0');
    assert.equal(read()[counter], '7');
  });
}
