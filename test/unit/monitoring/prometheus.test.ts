import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ComponentMetrics } from '../../../core/metrics.ts';
import { prometheusText } from '../../../monitoring/prometheus.ts';

function text(...components: ComponentMetrics[]): string {
  return prometheusText({ agent: 'a1', components: () => components });
}

const source: ComponentMetrics = {
  kind: 'source',
  name: 'r1',
  type: 'netcat',
  state: 'running',
  startTime: 1_795_240_210_500,
  stopTime: 0,
  counters: new Map([
    ['EventReceivedCount', 5],
    ['OpenConnectionCount', 2],
    ['KafkaEventGetTimer', 1500],
  ]),
};

test('each counter is one metric with a unit, a help line and the labels agent, kind, component, type', () => {
  const lines = text(source).split('\n');
  const labels = '{agent="a1",kind="source",component="r1",type="netcat"}';
  assert.ok(lines.includes('# TYPE millrace_event_received_total counter'));
  assert.ok(lines.includes(`millrace_event_received_total${labels} 5`));
  assert.ok(lines.includes('# TYPE millrace_open_connections gauge'));
  assert.ok(lines.includes(`millrace_open_connections${labels} 2`));
  assert.ok(lines.includes(`millrace_kafka_event_get_seconds_total${labels} 1.5`));
  assert.ok(lines.includes(`millrace_component_up${labels} 1`));
  assert.ok(lines.includes(`millrace_component_start_time_seconds${labels} 1795240210.5`));
});

test('channels show size, capacity and bytes, components that failed are down, the process tells memory and time', () => {
  const channel: ComponentMetrics = {
    ...source,
    kind: 'channel',
    name: 'c1',
    type: 'memory',
    state: 'failed',
    counters: new Map(),
    channel: { size: 7, capacity: 100, byteLength: 123 },
  };
  const answer = text(channel);
  for (const line of ['channel_events', 'channel_capacity_events', 'channel_bytes']) assert.match(answer, new RegExp(`^millrace_${line}\\{`, 'm'));
  assert.match(answer, /^millrace_component_up\{.*\} 0$/m);
  assert.match(answer, /^process_resident_memory_bytes \d+$/m);
  assert.match(answer, /^process_cpu_seconds_total [\d.]+$/m);
});

test('every line is a comment or a sample that Prometheus reads, each family stands together and no series twice', () => {
  const odd: ComponentMetrics = {
    ...source,
    name: 'quote"back\\slash\nline',
    counters: new Map([
      ['Odd name-1', 1],
      ['OddName1', 2],
      ['OddName1Count', 3],
      ['__proto__', 4],
      ['constructor', Number.POSITIVE_INFINITY],
    ]),
  };
  const seen = new Set<string>();
  const families: string[] = [];
  const label = '[a-z]+="(?:[^"\\\\\\n]|\\\\["\\\\n])*"';
  const sample = new RegExp(`^([a-z_][a-z0-9_]*)(\\{${label}(?:,${label})*\\})? (?:[-+]?(?:\\d[\\d.e+-]*|Inf)|NaN)$`);
  for (const line of text(source, odd).trimEnd().split('\n')) {
    const type = /^# TYPE (\S+) (?:counter|gauge)$/.exec(line)?.[1];
    if (type !== undefined) families.push(type);
    if (line.startsWith('#')) continue;
    const [, name, labels] = sample.exec(line) ?? assert.fail(`not a sample: ${line}`);
    assert.equal(name, families.at(-1), line);
    assert.equal(seen.has(`${name}${labels}`), false, line);
    seen.add(`${name}${labels}`);
  }
  assert.equal(new Set(families).size, families.length);
});

test('X20 names made out of data do not make the answer grow', () => {
  const counters = new Map(Array.from({ length: 5000 }, (_, index) => [`Made${index}`, 1]));
  assert.equal(text({ ...source, counters }).match(/^millrace_made/gm)?.length, 64);
});
