import { hostname } from 'node:os';
import { define } from '../core/define.ts';
import { describeError } from '../core/errors.ts';
import { boolean, string } from '../core/options.ts';

export const hostInterceptor = define('interceptor', {
  types: ['host', 'org.apache.flume.interceptor.HostInterceptor$Builder'],
  summary: 'Sets a header to the address or the name of the host that the agent runs on.',
  options: {
    hostHeader: string({ default: 'host', doc: 'Header to set.' }),
    useIP: boolean({ default: true, doc: 'Set the address of the host; false: its full name.' }),
    preserveExisting: boolean({ default: false, doc: 'Leave the header alone where an event has it.' }),
  },
  async create({ log }, { hostHeader, useIP, preserveExisting }) {
    const host = await localHost(useIP).catch((error: unknown) => {
      log.warn('address of this host is not known; its header is not set', { host: hostname(), reason: describeError(error) });
      return undefined;
    });
    return { intercept: (batch) => (host === undefined ? batch : batch.withHeader(hostHeader, host, preserveExisting)) };
  },
});

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
