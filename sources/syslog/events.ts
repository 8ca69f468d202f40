import { Batch, type HeaderRows } from '../../core/batch.ts';
import { RecordScanner, syslogParts, withoutReturn, type SyslogParts, type SyslogRecord } from '../../protocols/syslog-records.ts';
import type { ReadRecords } from './tcp-source.ts';

export const STATUS = 'flume.syslog.status';

/** Parts of a record that stay in its body. */
export type KeptFields = 'none' | 'all' | ReadonlySet<string>;

/** As Flume reads `keepFields`: names are looked for anywhere in the value. */
export function keptFields(value: string): KeptFields {
  const text = value.toLowerCase();
  if (text === 'all' || text === 'true') return 'all';
  const named = ['priority', 'version', 'timestamp', 'hostname'].filter((field) => text.includes(field));
  return text === 'none' || text === 'false' || named.length === 0 ? 'none' : new Set(named);
}

/** Headers that tell of the sender; they are stronger than those of the record. */
export type SenderHeaders = readonly (readonly [string, string])[];

/** Reads what comes over connections. `eventSize`: most bytes of a record. */
export function syslogRecords(eventSize: number, keepFields: string): ReadRecords {
  const keep = keptFields(keepFields);
  return (bytes, sender) => {
    const scanner = new RecordScanner(eventSize);
    const records = scanner.scan(bytes);
    return { batches: records.length > 0 ? [syslogEvents(bytes, records, keep, [sender])] : [], next: scanner.next };
  };
}

/** The events of records in `bytes`; `senders` are those of all records, or one entry for each. */
export function syslogEvents(bytes: Buffer, records: readonly SyslogRecord[], keep: KeptFields, senders: readonly SenderHeaders[]): Batch {
  const nowMs = Date.now();
  const bounds = new Uint32Array(2 * records.length);
  const parts: (SyslogParts | undefined)[] = [];
  const prefixed = new Map<number, Buffer>();
  for (const [index, record] of records.entries()) {
    const end = withoutReturn(bytes, record);
    const found = record.priority === undefined ? undefined : syslogParts(bytes.toString('latin1', record.begin, end), nowMs);
    parts.push(found);
    // Where nothing would be left the record stays whole.
    const body = found && keep !== 'all' && (record.begin + found.body < end || typeof keep === 'object') ? found.body : undefined;
    bounds[2 * index] = record.begin + (body ?? 0);
    bounds[2 * index + 1] = body === undefined ? record.end : end;
    if (found && body !== undefined && typeof keep === 'object') {
      prefixed.set(index, Buffer.concat([Buffer.from(prefixOf(found, keep), 'latin1'), bytes.subarray(record.begin + body, end)]));
    }
  }
  const batch = Batch.over(bytes, bounds, records.length, new SyslogRows(records, parts, senders));
  if (prefixed.size === 0) return batch;
  return batch.withBodies(Array.from({ length: batch.size }, (_, index) => prefixed.get(index) ?? batch.body(index)));
}

/** The parts that stay, as they are put back in front of the body. */
export function prefixOf({ priority, version, stamp, host }: Pick<SyslogParts, 'priority' | 'version' | 'stamp' | 'host'>, keep: ReadonlySet<string>): string {
  let prefix = '';
  if (keep.has('priority')) prefix += `<${priority}>`;
  if (keep.has('version') && version !== undefined) prefix += `${version} `;
  // An absent part is written as Java writes what is not there.
  if (keep.has('timestamp')) prefix += `${stamp ?? 'null'} `;
  if (keep.has('hostname')) prefix += `${host ?? 'null'} `;
  return prefix;
}

/** Headers are made when somebody asks. */
class SyslogRows implements HeaderRows {
  readonly #facts: readonly { readonly priority: number | undefined; readonly isCut: boolean }[];
  readonly #parts: readonly (SyslogParts | undefined)[];
  readonly #senders: readonly SenderHeaders[];

  constructor(facts: readonly SyslogRecord[], parts: readonly (SyslogParts | undefined)[], senders: readonly SenderHeaders[]) {
    this.#facts = facts.map(({ priority, isCut }) => ({ priority, isCut }));
    this.#parts = parts;
    this.#senders = senders;
  }

  at(row: number): ReadonlyMap<string, string> {
    const { priority = 0, isCut } = this.#facts[row] as { priority: number | undefined; isCut: boolean };
    const headers = new Map([['Facility', String(priority >> 3)], ['Severity', String(priority & 7)]]);
    const parts = this.#parts[row];
    if (parts) {
      headers.set('priority', parts.priority);
      if (parts.version !== undefined) headers.set('version', parts.version);
      if (parts.timestampMs !== undefined) headers.set('timestamp', String(parts.timestampMs));
      if (parts.host !== undefined) headers.set('host', parts.host);
    }
    if (this.#facts[row]?.priority === undefined) headers.set(STATUS, 'Invalid');
    else if (isCut) headers.set(STATUS, 'Incomplete');
    for (const [name, value] of this.#senders[this.#senders.length === 1 ? 0 : row] ?? []) headers.set(name, value);
    return headers;
  }

  get(row: number, name: string): string | undefined {
    return this.at(row).get(name);
  }
}
