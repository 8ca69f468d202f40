import { hostname } from 'node:os';

/** What Java knows of the host it runs on. */
export interface ThisHost {
  readonly localhost: string;
  readonly ip: string;
  /** The name that belongs to the address; the address where none does. */
  readonly fqdn: string;
}

/** Throws if the host's own name has no address. */
export async function thisHost(): Promise<ThisHost> {
  const { lookup, lookupService } = process.getBuiltinModule('node:dns/promises');
  const localhost = hostname();
  const [found] = await lookup(localhost, { all: true, order: 'ipv4first' });
  if (!found) throw new Error(`the name of this host, ${localhost}, has no address`);
  const fqdn = await lookupService(found.address, 0).then(
    ({ hostname: name }) => name,
    () => found.address,
  );
  return { localhost, ip: found.address, fqdn };
}
