import { Batch, type HeaderRows } from '../core/batch.ts';

/** The value of a header for event i, or `undefined` where the event does not get it. Always the same answer for the same event. */
export type HeaderOf = (index: number) => string | undefined;

/**
 * Sets each header named in `added`, event by event; what the events have besides is kept. With `keepExisting` so is a header that an
 * event has already. The functions are asked only once somebody wants the headers.
 */
export function withEventHeaders(batch: Batch, added: ReadonlyMap<string, HeaderOf>, keepExisting: boolean): Batch {
  return Batch.over(batch.bytes, batch.bounds, batch.size, new AddedRows(batch, added, keepExisting));
}

class AddedRows implements HeaderRows {
  readonly #batch: Batch;
  readonly #added: ReadonlyMap<string, HeaderOf>;
  readonly #keepExisting: boolean;

  constructor(batch: Batch, added: ReadonlyMap<string, HeaderOf>, keepExisting: boolean) {
    this.#batch = batch.withoutBodies();
    this.#added = added;
    this.#keepExisting = keepExisting;
  }

  at(row: number): ReadonlyMap<string, string> {
    const headers = new Map(this.#batch.headers(row));
    for (const [name, valueOf] of this.#added) {
      if (this.#keepExisting && headers.has(name)) continue;
      const value = valueOf(row);
      if (value !== undefined) headers.set(name, value);
    }
    return headers;
  }

  get(row: number, name: string): string | undefined {
    const valueOf = this.#added.get(name);
    if (!valueOf) return this.#batch.header(row, name);
    const existing = this.#keepExisting ? this.#batch.header(row, name) : undefined;
    return existing ?? valueOf(row) ?? this.#batch.header(row, name);
  }
}
