import type { SenderHeaders } from './events.ts';

const MOST_NAMES = 1000;
const FRESH_MS = 60_000;

export interface SenderSettings {
  readonly clientIPHeader: string | undefined;
  readonly clientHostnameHeader: string | undefined;
}

/** Headers that tell of whoever sent a record. Names of addresses are looked up, and kept for a minute. */
export class Senders {
  readonly #settings: SenderSettings;
  readonly #names = new Map<string, { readonly name: Promise<string>; readonly untilMs: number }>();

  constructor(settings: SenderSettings) {
    this.#settings = settings;
  }

  get isNeeded(): boolean {
    return this.#settings.clientIPHeader !== undefined || this.#settings.clientHostnameHeader !== undefined;
  }

  async headersOf(address: string): Promise<SenderHeaders> {
    const { clientIPHeader, clientHostnameHeader } = this.#settings;
    const headers: [string, string][] = [];
    if (clientIPHeader !== undefined) headers.push([clientIPHeader, address]);
    if (clientHostnameHeader !== undefined) headers.push([clientHostnameHeader, await this.#nameOf(address)]);
    return headers;
  }

  #nameOf(address: string): Promise<string> {
    const known = this.#names.get(address);
    if (known && performance.now() < known.untilMs) return known.name;
    const name = process
      .getBuiltinModule('node:dns/promises')
      .lookupService(address, 0)
      .then(({ hostname }) => hostname, () => address);
    if (this.#names.size >= MOST_NAMES) this.#names.clear();
    this.#names.set(address, { name, untilMs: performance.now() + FRESH_MS });
    return name;
  }
}
