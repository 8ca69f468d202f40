import { Batch, type HeaderRows } from '../../core/batch.ts';
import { encodeText, isUtf8Charset, textReader } from '../../core/charset.ts';
import { linesOf, multiportParts, type Line, type MultiportParts } from '../../protocols/multiport-records.ts';
import { keptFields, prefixOf, STATUS, type KeptFields, type SenderHeaders } from './events.ts';
import type { ReadRecords } from './tcp-source.ts';

export interface MultiportSettings {
  readonly eventSize: number;
  readonly batchSize: number;
  readonly keepFields: string;
  readonly portHeader: string | undefined;
  readonly charset: (port: number) => string;
}

/** Reads what comes over connections, as Flume's `multiport_syslogtcp` does: other header names than those of its other two syslog sources. */
export function multiportRecords({ eventSize, batchSize, keepFields, portHeader, charset }: MultiportSettings): ReadRecords {
  const keep = keptFields(keepFields);
  return (bytes, sender, port) => {
    const { lines, next } = linesOf(bytes, eventSize);
    const common = portHeader === undefined ? sender : [[portHeader, String(port)] as const, ...sender];
    const records = lines.map((line) => recordOf(bytes, line, charset(port), keep));
    const batches: Batch[] = [];
    for (let from = 0; from < records.length; from += batchSize) batches.push(batchOf(bytes, records.slice(from, from + batchSize), common));
    return { batches, next, invalid: records.filter(({ parts }) => !parts).length };
  };
}

interface Record {
  readonly line: Line;
  /** Absent: the record is invalid. */
  readonly parts: MultiportParts | undefined;
  /** Where the body begins in the bytes. */
  readonly begin: number;
  /** What is put in front of it. */
  readonly prefix: string;
}

function recordOf(bytes: Buffer, line: Line, charset: string, keep: KeptFields): Record {
  const text = decoded(bytes.subarray(line.begin, line.end), charset);
  const parts = text === undefined ? undefined : multiportParts(text, Date.now());
  if (text === undefined || parts?.body === undefined || keep === 'all') return { line, parts, begin: line.begin, prefix: '' };
  const prefix = keep === 'none' ? '' : prefixOf(parts, keep);
  return { line, parts, begin: line.begin + encodeText(text.slice(0, parts.body), charset).length, prefix };
}

function decoded(bytes: Buffer, charset: string): string | undefined {
  if (isUtf8Charset(charset) && bytes.every((byte) => byte < 128)) return bytes.toString('latin1');
  try {
    return textReader(charset, true).read(bytes, true);
  } catch {
    return undefined;
  }
}

function batchOf(bytes: Buffer, records: readonly Record[], common: SenderHeaders): Batch {
  const bounds = new Uint32Array(records.flatMap(({ begin, line }) => [begin, line.end]));
  const batch = Batch.over(bytes, bounds, records.length, new MultiportRows(records, common));
  if (records.every(({ prefix }) => prefix === '')) return batch;
  return batch.withBodies(records.map(({ prefix }, index) => Buffer.concat([Buffer.from(prefix), batch.body(index)])));
}

/** Headers are made when somebody asks. */
class MultiportRows implements HeaderRows {
  readonly #records: readonly Pick<Record, 'line' | 'parts'>[];
  readonly #common: SenderHeaders;

  constructor(records: readonly Record[], common: SenderHeaders) {
    this.#records = records.map(({ line, parts }) => ({ line, parts }));
    this.#common = common;
  }

  at(row: number): ReadonlyMap<string, string> {
    const { line, parts } = this.#records[row] as Record;
    const headers = new Map<string, string>();
    if (parts) {
      const { priority, version, timestampMs, host } = parts;
      const value = Number(priority);
      headers.set('Priority', priority).set('Facility', String(Math.trunc(value / 8))).set('Severity', String(value % 8));
      if (version !== undefined) headers.set('Version', version);
      headers.set('timestamp', String(timestampMs)).set('host', host);
    }
    if (!parts) headers.set(STATUS, 'Invalid');
    else if (line.isCut) headers.set(STATUS, 'Incomplete');
    for (const [name, value] of this.#common) headers.set(name, value);
    return headers;
  }

  get(row: number, name: string): string | undefined {
    return this.at(row).get(name);
  }
}
