import { isIP } from 'node:net';

/** Names and addresses of the hosts that the files belong to. */
export class Hosts {
  /** By name or address as `canonical` has it: the host. */
  readonly #known = new Map<string, string>();

  /** `aliases`: further names and addresses of a host. */
  constructor(hosts: Iterable<string>, aliases: ReadonlyMap<string, readonly string[]>) {
    for (const host of hosts) {
      this.#known.set(canonical(host), host);
      for (const alias of aliases.get(host) ?? []) this.#known.set(canonical(alias), host);
    }
  }

  /** A source bound to an address of its own tells that the address is the host's. */
  add(address: string, host: string): void {
    if (!isAnyAddress(address) && !isLoopback(address) && !this.#known.has(canonical(address))) this.#known.set(canonical(address), host);
  }

  /** The host that `name` means on host `from`; `collector1.example.com` is `collector1` where no other name fits. */
  find(name: string, from: string): string | undefined {
    // Whoever connects to 0.0.0.0 gets to the own host.
    if (isLoopback(name) || isAnyAddress(name)) return from;
    const plain = canonical(name);
    return this.#known.get(plain) ?? (isIP(plain) === 0 ? this.#known.get(plain.split('.')[0] ?? plain) : undefined);
  }

  /** What is known of a host: its addresses and its names. */
  callsOf(host: string): { readonly addresses: readonly string[]; readonly names: readonly string[] } {
    const calls = [...this.#known].flatMap(([call, of]) => (of === host ? [call] : []));
    return { addresses: calls.filter((call) => isIP(call) > 0), names: calls.filter((call) => isIP(call) === 0) };
  }
}

export function isLoopback(name: string): boolean {
  return /^(?:localhost|127(?:\.\d+){3}|::1)$/.test(canonical(name));
}

export function isAnyAddress(address: string): boolean {
  return ['0.0.0.0', '::', ''].includes(canonical(address));
}

/** One spelling for names and addresses that are the same: `[FD00:0::7]` is `fd00::7`. */
export function canonical(name: string): string {
  const plain = name.toLowerCase().replace(/^\[(.*)\]$/, '$1');
  return isIP(plain) === 6 ? new URL(`http://[${plain}]`).hostname.slice(1, -1) : plain;
}
