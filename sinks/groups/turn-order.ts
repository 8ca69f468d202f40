/** In which order candidates are tried: each call begins one further, or at random. */
export class TurnOrder {
  readonly #random: boolean;
  #next = 0;

  constructor(random: boolean) {
    this.#random = random;
  }

  order<T>(usable: readonly T[]): readonly T[] {
    if (this.#random) return shuffled(usable);
    if (this.#next >= usable.length) this.#next = 0;
    const start = this.#next;
    this.#next = start + 1 >= usable.length ? 0 : start + 1;
    return start === 0 ? usable : [...usable.slice(start), ...usable.slice(0, start)];
  }
}

function shuffled<T>(candidates: readonly T[]): readonly T[] {
  const order = [...candidates];
  for (let at = order.length - 1; at > 0; at--) {
    const other = Math.floor(Math.random() * (at + 1));
    [order[at], order[other]] = [order[other] as T, order[at] as T];
  }
  return order;
}
