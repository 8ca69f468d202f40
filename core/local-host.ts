import { hostname } from 'node:os';
import type { HostNames } from './path-escapes.ts';

const dns = (): typeof import('node:dns/promises') => process.getBuiltinModule('node:dns/promises');

/** How the system's resolver answers; replaced in tests. */
export interface HostResolver {
  addressesOf(name: string): Promise<readonly string[]>;
  nameOf(address: string): Promise<string>;
}

const SYSTEM: HostResolver = {
  addressesOf: async (name) => (await dns().lookup(name, { all: true, order: 'ipv4first' })).map(({ address }) => address),
  nameOf: async (address) => (await dns().lookupService(address, 0)).hostname,
};

/**
 * The address that the host's own name resolves to, IPv4 first, or the full name that belongs to the address, as Java finds them: a name
 * that does not lead back to the address is not believed, and the address stands in for it. Throws if the host's name does not resolve.
 */
export async function localHost(wantsAddress: boolean, resolver: HostResolver = SYSTEM): Promise<string> {
  const [address] = await resolver.addressesOf(hostname());
  if (address === undefined) throw new Error(`the name of this host, ${hostname()}, has no address`);
  if (wantsAddress) return address;
  try {
    const name = await resolver.nameOf(address);
    return (await resolver.addressesOf(name)).includes(address) ? name : address;
  } catch {
    return address;
  }
}

/** What `%[localhost]`, `%[IP]` and `%[FQDN]` stand for; where the host's name does not resolve, the name itself. */
export async function hostNames(resolver: HostResolver = SYSTEM): Promise<HostNames> {
  const localhost = hostname();
  const [ip, fqdn] = await Promise.all([true, false].map((wantsAddress) => localHost(wantsAddress, resolver).catch(() => localhost)));
  return { localhost, ip: ip ?? localhost, fqdn: fqdn ?? localhost };
}
