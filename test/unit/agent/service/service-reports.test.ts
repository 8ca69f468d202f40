// test: alone
import assert from 'node:assert/strict';
import { describe, mock, test } from 'node:test';
import { ServiceReports, type ReportedAgent } from '../../../../agent/service/service-reports.ts';
import type { ComponentMetrics, ComponentState } from '../../../../core/metrics.ts';
import { FakeLog } from '../../../conformance/fakes.ts';

describe('word to the service manager', () => {
  test('O8 READY once every component runs, and more time while stores are recovered', () =>
    reporting({ state: 'starting' }, ({ agent, sent, pass }) => {
      pass(1000);
      assert.ok(!sent.includes('READY=1'));
      assert.ok(sent.includes('EXTEND_TIMEOUT_USEC=30000000'));
      agent.state = 'failed';
      sent.length = 0;
      pass(1000);
      assert.ok(!sent.some((state) => state.startsWith('EXTEND_TIMEOUT') || state === 'READY=1'), 'what has failed gets no more time');
      agent.state = 'running';
      pass(1000);
      assert.equal(sent.filter((state) => state === 'READY=1').length, 1);
    }));

  test('STATUS tells rates, what waits, and what does not run', () =>
    reporting({}, ({ agent, sent, pass }) => {
      pass(2000);
      agent.received += 5000;
      agent.delivered += 2500;
      agent.waiting = 1234;
      sent.length = 0;
      pass(2500);
      assert.match(sent.find((state) => state.startsWith('STATUS=')) ?? '', /^STATUS=[12],\d{3} events\/s in, (?:1,\d{3}|\d{3}) out; 1,234 waiting$/);
      agent.state = 'failed';
      pass(2500);
      assert.match(sent.findLast((state) => state.startsWith('STATUS=')) ?? '', /^STATUS=source r1 failed \(port taken\); channel c1 failed/);
    }));

  test('O8 signs of life go on while nothing is in hand that hangs, and stop when a part is stuck', () =>
    reporting({ watchdogMs: 3000, stuckMs: 10_000 }, ({ agent, sent, log, pass }) => {
      pass(30_000);
      assert.ok(sent.filter((state) => state === 'WATCHDOG=1').length >= 20);
      sent.length = 0;
      agent.hangs = 'sink k1 has been writing for 11 s';
      pass(30_000);
      assert.ok(!sent.includes('WATCHDOG=1'));
      assert.deepEqual(log.complaints, ['a part of the pipeline hangs; the service manager gets no more signs of life']);
      assert.match(sent.findLast((state) => state.startsWith('STATUS=')) ?? '', /sink k1 has been writing for 11 s/);
      agent.hangs = '';
      pass(3000);
      assert.ok(sent.includes('WATCHDOG=1'));
    }));

  test('RELOADING with the time of the monotonic clock, READY after it, STOPPING with time to drain', () =>
    reporting({}, ({ reports, sent, pass }) => {
      pass(500);
      reports.reloading();
      assert.match(sent.at(-1) ?? '', /^RELOADING=1\nMONOTONIC_USEC=\d+$/);
      reports.reloaded();
      assert.equal(sent.at(-1), 'READY=1');
      reports.stopping();
      assert.match(sent.at(-1) ?? '', /^STOPPING=1\nSTATUS=stopping/);
      sent.length = 0;
      pass(1000);
      assert.deepEqual([...new Set(sent)], ['EXTEND_TIMEOUT_USEC=30000000']);
    }));
});

class FakeAgent implements ReportedAgent {
  state: ComponentState = 'running';
  received = 0;
  delivered = 0;
  waiting = 0;
  hangs = '';

  components(): readonly ComponentMetrics[] {
    const common = { type: 'x', state: this.state, ...(this.state === 'failed' && { reason: 'port taken' }), startTime: 0, stopTime: 0 };
    return [
      { ...common, kind: 'source', name: 'r1', counters: new Map([['EventAcceptedCount', this.received]]) },
      { ...common, kind: 'channel', name: 'c1', counters: new Map(), channel: { size: this.waiting, capacity: 10_000, byteLength: 0 } },
      { ...common, kind: 'sink', name: 'k1', counters: new Map([['EventDrainSuccessCount', this.delivered]]) },
    ];
  }

  stuck(): readonly string[] {
    return this.hangs === '' ? [] : [this.hangs];
  }
}

interface Reporting {
  readonly reports: ServiceReports;
  readonly agent: FakeAgent;
  readonly log: FakeLog;
  readonly sent: string[];
  pass(ms: number): void;
}

function reporting({ state = 'running', ...options }: { state?: ComponentState; watchdogMs?: number; stuckMs?: number }, body: (it: Reporting) => void): void {
  let now = Math.ceil(performance.now());
  const clock = mock.method(performance, 'now', () => now);
  mock.timers.enable({ apis: ['setInterval'] });
  const sent: string[] = [];
  const agent = new FakeAgent();
  agent.state = state;
  const log = new FakeLog();
  const reports = new ServiceReports({ agent, log, notify: (state) => void sent.push(state), watchdogMs: 0, stuckMs: 300_000, ...options });
  const pass = (ms: number): void => {
    for (const end = now + ms; now < end; ) {
      now += 250;
      mock.timers.tick(250);
    }
  };
  try {
    reports.start();
    body({ reports, agent, log, sent, pass });
  } finally {
    reports.close();
    mock.timers.reset();
    clock.mock.restore();
  }
}
