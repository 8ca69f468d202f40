import type { AgentMetrics, ComponentMetrics } from '../core/metrics.ts';
import { openDescriptors } from '../io/descriptors.ts';
import { MOST_EXTRA_ATTRIBUTES } from './flume-json.ts';

/** Of the text format, which every version of Prometheus reads. */
export const PROMETHEUS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

type MetricType = 'counter' | 'gauge';

interface Family {
  readonly type: MetricType;
  readonly help: string;
  /** Value by labels: a second sample of the same series would spoil the whole answer for Prometheus. */
  readonly samples: Map<string, number>;
}

/** Counters whose name alone would not tell the unit, or that can fall. */
const SPECIAL: Readonly<Record<string, { name: string; type: MetricType; help: string; factor?: number }>> = {
  OpenConnectionCount: { name: 'open_connections', type: 'gauge', help: 'Connections that are open now.' },
  FileOpenCount: { name: 'open_files', type: 'gauge', help: 'Files that are open now for being followed.' },
  FileBacklogBytes: { name: 'file_backlog_bytes', type: 'gauge', help: 'Bytes of followed files that are not stored in a channel yet.' },
  KafkaEventGetTimer: { name: 'kafka_event_get_seconds_total', type: 'counter', help: 'Time spent in fetching from Kafka.', factor: 1e-3 },
  KafkaEventSendTimer: { name: 'kafka_event_send_seconds_total', type: 'counter', help: 'Time spent in sending to Kafka.', factor: 1e-3 },
  KafkaCommitTimer: { name: 'kafka_commit_seconds_total', type: 'counter', help: 'Time spent in committing to Kafka.', factor: 1e-3 },
};

/**
 * The agent in the text format of Prometheus. Labels are agent, kind, component and type, which all come from the configuration; nothing
 * that events carry ever becomes a name or a label.
 */
export function prometheusText(metrics: AgentMetrics): string {
  const families = new Map<string, Family>();
  const add = (name: string, type: MetricType, help: string, labels: string, value: number): void => {
    let family = families.get(name);
    if (!family) families.set(name, (family = { type, help, samples: new Map() }));
    // A name is one metric, whatever asks for it: the format forbids a second type.
    if (family.type === type && !family.samples.has(labels)) family.samples.set(labels, value);
  };
  for (const component of metrics.components()) addComponent(add, component, labelsOf(metrics.agent, component));
  addProcess((name, type, help, value) => add(name, type, help, '', value));
  let text = '';
  for (const [name, { type, help, samples }] of families) {
    text += `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n`;
    for (const [labels, value] of samples) text += `${name}${labels} ${numberText(value)}\n`;
  }
  return text;
}

type Add = (name: string, type: MetricType, help: string, labels: string, value: number) => void;

function addComponent(add: Add, component: ComponentMetrics, labels: string): void {
  add('millrace_component_up', 'gauge', 'Whether the component runs.', labels, component.state === 'running' ? 1 : 0);
  add('millrace_component_start_time_seconds', 'gauge', 'Last start, in seconds since 1970; 0: never.', labels, component.startTime / 1000);
  const { channel } = component;
  if (channel) {
    add('millrace_channel_events', 'gauge', 'Events stored and not yet committed by a sink.', labels, channel.size);
    add('millrace_channel_capacity_events', 'gauge', 'Most events stored; 0: no limit in events.', labels, channel.capacity);
    add('millrace_channel_bytes', 'gauge', 'Body bytes stored.', labels, channel.byteLength);
  }
  let left = MOST_EXTRA_ATTRIBUTES;
  for (const [attribute, count] of component.counters) {
    if (left-- === 0) return;
    const special = Object.hasOwn(SPECIAL, attribute) ? SPECIAL[attribute] : undefined;
    if (special) add(`millrace_${special.name}`, special.type, special.help, labels, count * (special.factor ?? 1));
    else add(counterName(attribute), 'counter', `${attribute}, as Flume and the JSON at /metrics name it.`, labels, count);
  }
}

function addProcess(add: (name: string, type: MetricType, help: string, value: number) => void): void {
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed, external } = process.memoryUsage();
  const { active, idle } = performance.eventLoopUtilization();
  add('process_cpu_seconds_total', 'counter', 'Processor time of the process.', (user + system) / 1e6);
  add('process_resident_memory_bytes', 'gauge', 'Resident memory of the process.', rss);
  add('process_heap_bytes', 'gauge', 'JavaScript heap in use.', heapUsed);
  add('process_external_memory_bytes', 'gauge', 'Memory outside of the JavaScript heap: buffers.', external);
  add('process_start_time_seconds', 'gauge', 'Start of the process, in seconds since 1970.', performance.timeOrigin / 1000);
  add('process_event_loop_active_seconds_total', 'counter', 'Time in which the process worked.', active / 1000);
  add('process_event_loop_idle_seconds_total', 'counter', 'Time in which the process waited for something to do.', idle / 1000);
  const open = openDescriptors();
  if (open !== undefined) add('process_open_fds', 'gauge', 'Open file descriptors.', open);
}

/** `EventReceivedCount` becomes `millrace_event_received_total`, whatever else stands in a name becomes a line below. */
function counterName(attribute: string): string {
  const words = attribute
    .replace(/Count$/, '')
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .toLowerCase()
    .replace(/_total$/, '');
  return `millrace_${words}_total`;
}

function labelsOf(agent: string, { kind, name, type }: ComponentMetrics): string {
  return `{agent="${escapeLabel(agent)}",kind="${kind}",component="${escapeLabel(name)}",type="${escapeLabel(type)}"}`;
}

function escapeLabel(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"');
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

function numberText(value: number): string {
  return Number.isFinite(value) ? String(value) : Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
}
