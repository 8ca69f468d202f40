/** Names and addresses of the hosts that the files belong to. */
export class Hosts {
  /** By name or address in lower case: the host. */
  readonly #known = new Map<string, string>();

  /** `aliases`: further names and addresses of a host. */
  constructor(hosts: Iterable<string>, aliases: ReadonlyMap<string, readonly string[]>) {
    for (const host of hosts) {
      this.#known.set(host.toLowerCase(), host);
      for (const alias of aliases.get(host) ?? []) this.#known.set(alias.toLowerCase(), host);
    }
  }

  /** A source bound to an address of its own tells that the address is the host's. */
  add(address: string, host: string): void {
    if (!isAnyAddress(address) && !isLoopback(address) && !this.#known.has(address.toLowerCase())) this.#known.set(address.toLowerCase(), host);
  }

  /** The host that `name` means on host `from`; `collector1.example.com` is `collector1` where no other name fits. */
  find(name: string, from: string): string | undefined {
    if (isLoopback(name)) return from;
    const lower = name.toLowerCase();
    const [first = lower] = lower.split('.');
    return this.#known.get(lower) ?? (/^[\d.]+$/.test(lower) ? undefined : this.#known.get(first));
  }
}

export function isLoopback(name: string): boolean {
  return /^(?:localhost|127(?:\.\d+){3}|::1)$/i.test(name);
}

export function isAnyAddress(address: string): boolean {
  return address === '0.0.0.0' || address === '::' || address === '';
}
