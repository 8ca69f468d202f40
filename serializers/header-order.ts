import { hashOrder } from '../core/java-values.ts';

/** The names of headers in the order in which Java walks them. The events of a batch mostly have the same names, so it is kept. */
export class HeaderOrder {
  #names: readonly string[] = [];
  #order: readonly string[] = [];

  of(headers: ReadonlyMap<string, string>): readonly string[] {
    if (!this.#knows(headers)) {
      this.#names = [...headers.keys()];
      this.#order = hashOrder(this.#names);
    }
    return this.#order;
  }

  #knows(headers: ReadonlyMap<string, string>): boolean {
    if (headers.size !== this.#names.length) return false;
    let at = 0;
    for (const name of headers.keys()) if (this.#names[at++] !== name) return false;
    return true;
  }
}
