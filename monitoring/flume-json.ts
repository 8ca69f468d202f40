import type { ComponentMetrics } from '../core/metrics.ts';

type Kind = ComponentMetrics['kind'];

/** Flume's attributes of each kind, in the order in which we print them; every one is there, 0 where it was never counted. */
const ATTRIBUTES: Readonly<Record<Kind, readonly string[]>> = {
  source: [
    'EventReceivedCount',
    'EventAcceptedCount',
    'AppendReceivedCount',
    'AppendAcceptedCount',
    'AppendBatchReceivedCount',
    'AppendBatchAcceptedCount',
    'OpenConnectionCount',
    'EventReadFail',
    'ChannelWriteFail',
    'GenericProcessingFail',
  ],
  channel: ['EventPutAttemptCount', 'EventPutSuccessCount', 'EventTakeAttemptCount', 'EventTakeSuccessCount'],
  sink: [
    'ConnectionCreatedCount',
    'ConnectionClosedCount',
    'ConnectionFailedCount',
    'BatchEmptyCount',
    'BatchUnderflowCount',
    'BatchCompleteCount',
    'EventDrainAttemptCount',
    'EventDrainSuccessCount',
    'EventWriteFail',
    'ChannelReadFail',
  ],
};

interface Difference {
  readonly adds: readonly string[];
  readonly lacks: readonly string[];
}

/** Kafka's components have attributes of their own, and do not have all of the others. */
const KAFKA: Readonly<Record<Kind, Difference>> = {
  source: {
    adds: ['KafkaEventGetTimer', 'KafkaCommitTimer', 'KafkaEmptyCount'],
    lacks: ['EventReadFail', 'ChannelWriteFail', 'GenericProcessingFail'],
  },
  channel: { adds: ['KafkaEventGetTimer', 'KafkaEventSendTimer', 'KafkaCommitTimer', 'RollbackCount'], lacks: [] },
  sink: { adds: ['KafkaEventSendTimer', 'RollbackCount'], lacks: ['EventWriteFail', 'ChannelReadFail'] },
};

const FILE_CHANNEL_ERRORS = [
  'EventPutErrorCount',
  'EventTakeErrorCount',
  'CheckpointWriteErrorCount',
  'CheckpointBackupWriteErrorCount',
] as const;

const KAFKA_TYPE = /^org\.apache\.flume\.(source|channel|sink)\.kafka\.Kafka(Source|Channel|Sink)$/;
const FILE_CHANNEL_TYPES: ReadonlySet<string> = new Set(['file', 'leveldb', 'org.apache.flume.channel.file.filechannel']);

/** Attributes of ours that one component may add: a plug-in that makes names out of data does not make the answer grow. */
export const MOST_EXTRA_ATTRIBUTES = 64;

/** Java's `Double.MAX_VALUE` as Java prints it: Flume's fill percentage of a channel without a capacity. */
const NO_CAPACITY = '1.7976931348623157E308';

/**
 * The answer to `/metrics` as Flume 1.11 gives it: `<Type>.<name>` to attribute to text, without white space. What a component counts
 * beyond Flume's attributes follows after them.
 */
export function flumeJson(components: readonly ComponentMetrics[]): string {
  const entries = components.map((component) => {
    const attributes = flumeAttributes(component).map(([name, value]) => `${htmlSafe(name)}:${htmlSafe(value)}`);
    return `${htmlSafe(`${component.kind.toUpperCase()}.${component.name}`)}:{${attributes.join(',')}}`;
  });
  return `{${entries.join(',')}}`;
}

/** Names and values of one component's attributes. */
export function flumeAttributes(component: ComponentMetrics): readonly (readonly [string, string])[] {
  const { counters, kind } = component;
  const names = counterNames(component);
  const known = new Set(names);
  const computed: [string, string][] = [
    ['Type', kind.toUpperCase()],
    ['StartTime', String(component.startTime)],
    ['StopTime', String(component.stopTime)],
    ...(kind === 'channel' ? channelAttributes(component) : []),
  ];
  for (const [name] of computed) known.add(name);
  const extra = [...counters.keys()].filter((name) => !known.has(name)).slice(0, MOST_EXTRA_ATTRIBUTES);
  return [...computed, ...[...names, ...extra].map((name) => [name, String(counters.get(name) ?? 0)] as const)];
}

/** A number as Java's `Double.toString` writes it: `0.0`, `12.5`, `1.0E7`. */
export function javaDoubleText(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? 'Infinity' : '-Infinity';
  const size = Math.abs(value);
  if (size === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  if (size >= 1e-3 && size < 1e7) {
    const text = String(value);
    return text.includes('.') ? text : `${text}.0`;
  }
  const [digits = '', exponent = ''] = value.toExponential().split('e');
  return `${digits.includes('.') ? digits : `${digits}.0`}E${exponent.replace('+', '')}`;
}

function counterNames({ kind, type }: ComponentMetrics): readonly string[] {
  if (KAFKA_TYPE.test(type)) {
    const { adds, lacks } = KAFKA[kind];
    return [...ATTRIBUTES[kind].filter((name) => !lacks.includes(name)), ...adds];
  }
  return isFileChannel(kind, type) ? [...ATTRIBUTES.channel, ...FILE_CHANNEL_ERRORS] : ATTRIBUTES[kind];
}

function channelAttributes({ type, state, channel }: ComponentMetrics): [string, string][] {
  const size = channel?.size ?? 0;
  const capacity = channel?.capacity ?? 0;
  const open = state === 'running';
  return [
    ['ChannelSize', String(size)],
    ['ChannelCapacity', String(capacity)],
    ['ChannelFillPercentage', capacity === 0 ? NO_CAPACITY : javaDoubleText((size / capacity) * 100)],
    ...(isFileChannel('channel', type)
      ? ([
          ['Open', String(open)],
          ['Closed', open ? '0' : '1'],
          ['Unhealthy', state === 'failed' ? '1' : '0'],
        ] satisfies [string, string][])
      : []),
  ];
}

function isFileChannel(kind: Kind, type: string): boolean {
  return kind === 'channel' && FILE_CHANNEL_TYPES.has(type.toLowerCase());
}

/** A JSON text with the characters escaped that Flume's writer escapes for the sake of HTML. */
function htmlSafe(text: string): string {
  return JSON.stringify(text).replace(
    /[<>&='\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
