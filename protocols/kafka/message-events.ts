import { Batch, type HeaderRows } from '../../core/batch.ts';
import { decodeHeaders } from '../../core/encoded-headers.ts';
import { AvroCursor } from '../avro-rpc/cursor.ts';
import type { FetchedRecords, RecordFacts } from './fetched-records.ts';

export interface EventForm {
  /** Values are events in Avro's encoding. */
  readonly avro: boolean;
  /** Adds to the headers that the event brought with it what is known of the record. */
  decorate(headers: Map<string, string>, record: RecordFacts): void;
  /** A value that is no event. */
  undecodable(record: RecordFacts, error: unknown): void;
}

/** Events of records, in their order, over the same bytes; what cannot be decoded is left out. */
export function eventsOf(records: FetchedRecords, form: EventForm): Batch {
  if (form.avro) return decoded(records, form);
  return Batch.over(records.bytes, records.bounds, records.size, new RecordHeaders(records.withoutValues(), form));
}

function decoded(records: FetchedRecords, form: EventForm): Batch {
  const { bytes, size } = records;
  const bounds = new Uint32Array(2 * size);
  const rows = new Uint32Array(size);
  const headersAt = new Uint32Array(size);
  let kept = 0;
  for (let row = 0; row < size; row++) {
    const begin = records.bounds[2 * row] as number;
    const end = records.bounds[2 * row + 1] as number;
    try {
      const cursor = new AvroCursor(bytes.subarray(0, end), begin);
      cursor.skipMap();
      const { length } = cursor.sized();
      bounds[2 * kept] = cursor.at - length;
      bounds[2 * kept + 1] = cursor.at;
    } catch (error) {
      form.undecodable(records.facts(row), error);
      continue;
    }
    rows[kept] = row;
    headersAt[kept++] = begin;
  }
  return Batch.over(bytes, bounds.subarray(0, 2 * kept), kept, new RecordHeaders(records.withoutValues(), form, { bytes, rows, at: headersAt }));
}

class RecordHeaders implements HeaderRows {
  readonly #records: FetchedRecords;
  readonly #form: EventForm;
  /** Where the headers in front of each event begin, and the record of each. */
  readonly #encoded: { readonly bytes: Buffer; readonly rows: Uint32Array; readonly at: Uint32Array } | undefined;

  constructor(records: FetchedRecords, form: EventForm, encoded?: { readonly bytes: Buffer; readonly rows: Uint32Array; readonly at: Uint32Array }) {
    this.#records = records;
    this.#form = form;
    this.#encoded = encoded;
  }

  at(row: number): ReadonlyMap<string, string> {
    const encoded = this.#encoded;
    const headers = encoded ? decodeHeaders(encoded.bytes, encoded.at[row] as number) : new Map<string, string>();
    this.#form.decorate(headers, this.#records.facts(encoded ? (encoded.rows[row] as number) : row));
    return headers;
  }

  get(row: number, name: string): string | undefined {
    return this.at(row).get(name);
  }
}
