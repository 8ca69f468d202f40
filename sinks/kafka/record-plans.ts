import type { Batch } from '../../core/batch.ts';
import { parseJavaInteger, parseJavaLong } from '../../core/java-values.ts';
import { EscapeError, type Escapes } from '../../core/path-escapes.ts';
import type { SenderSettings } from '../../protocols/kafka/batch-sender.ts';
import type { RecordHeader } from '../../protocols/kafka/record-batch.ts';

export interface PlannerSettings {
  readonly topic: Escapes | string;
  /** Header that is stronger than `topic`. */
  readonly topicHeader: string | undefined;
  readonly partition: number | undefined;
  readonly partitionHeader: string | undefined;
  readonly timestampHeader: string | undefined;
  /** Name of an event's header to the name of the record's. */
  readonly headers: ReadonlyMap<string, string>;
  badTimestamp(text: string): void;
}

/** The header that Flume takes the key from. */
const KEY_HEADER = 'key';

/** Where each event goes: Flume's rules for topic, partition, key, time and headers. */
export function recordPlanner(settings: PlannerSettings): SenderSettings['plan'] {
  const names = [...settings.headers].map(([from, to]) => ({ from, name: Buffer.from(to) }));
  return (batch, index) => {
    let topic: string;
    try {
      topic = topicOf(settings, batch, index);
    } catch (error) {
      if (error instanceof EscapeError) return { rejected: error.message };
      throw error;
    }
    if (!/^[a-zA-Z0-9._-]{1,249}$/.test(topic) || topic === '.' || topic === '..') {
      return { rejected: `${JSON.stringify(topic.slice(0, 300))} cannot be the name of a topic: 1 to 249 of the letters, digits, ".", "_" and "-" are allowed` };
    }
    const partition = partitionOf(settings, batch, index);
    if (typeof partition === 'string') return { rejected: partition };
    const key = batch.header(index, KEY_HEADER);
    return {
      topic,
      partition,
      key: key === undefined ? undefined : Buffer.from(key),
      timeMs: timeOf(settings, batch, index),
      headers: names.length === 0 ? undefined : headersOf(names, batch, index),
    };
  };
}

function topicOf({ topicHeader, topic }: PlannerSettings, batch: Batch, index: number): string {
  const named = topicHeader === undefined ? undefined : batch.header(index, topicHeader);
  if (named !== undefined) return named;
  return typeof topic === 'string' ? topic : topic.expand((name) => batch.header(index, name));
}

/** A text says why there is none. */
function partitionOf({ partition, partitionHeader }: PlannerSettings, batch: Batch, index: number): number | string | undefined {
  const text = partitionHeader === undefined ? undefined : batch.header(index, partitionHeader);
  if (text === undefined) return partition;
  const value = parseJavaInteger(text);
  return value === undefined || value < 0 ? `its header ${partitionHeader} is ${JSON.stringify(text.slice(0, 100))}, which is not the number of a partition` : value;
}

function timeOf({ timestampHeader, badTimestamp }: PlannerSettings, batch: Batch, index: number): number | undefined {
  const text = timestampHeader === undefined ? undefined : batch.header(index, timestampHeader);
  if (text === undefined) return undefined;
  const value = parseJavaLong(text);
  if (value !== undefined && value >= 0 && Number.isSafeInteger(value)) return value;
  badTimestamp(text.slice(0, 100));
  return undefined;
}

function headersOf(names: readonly { readonly from: string; readonly name: Buffer }[], batch: Batch, index: number): RecordHeader[] {
  const headers: RecordHeader[] = [];
  for (const { from, name } of names) {
    const value = batch.header(index, from);
    if (value !== undefined) headers.push({ name, value: Buffer.from(value) });
  }
  return headers;
}
