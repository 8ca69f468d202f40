import type { Finding } from '../../core/define.ts';
import { javaTrim, parseJavaInteger } from '../../core/java-values.ts';
import type { Address } from './receivers.ts';

interface HostValues {
  readonly hostname: string;
  readonly port: number;
  readonly hosts: readonly string[] | undefined;
  readonly 'hosts.*': ReadonlyMap<string, string>;
  readonly 'client.type': string;
}

export type ClientKind = 'single' | 'failover' | 'balanced';

/** Flume's names, in any case, and its classes; `undefined` for any other. */
export function clientKind(type: string): ClientKind | undefined {
  switch (type.toLowerCase()) {
    case 'default':
    case 'org.apache.flume.api.nettyavrorpcclient':
      return 'single';
    case 'default_failover':
    case 'org.apache.flume.api.failoverrpcclient':
      return 'failover';
    case 'default_loadbalance':
    case 'org.apache.flume.api.loadbalancingrpcclient':
      return 'balanced';
    default:
      return undefined;
  }
}

/** The receivers of `hosts`, or the one of `hostname` and `port`. */
export function addressesOf(values: HostValues): readonly Address[] {
  if (values.hosts === undefined) return [{ host: values.hostname, port: values.port }];
  const addresses = values.hosts.flatMap((alias) => addressOf(values['hosts.*'].get(alias)) ?? []);
  return clientKind(values['client.type']) === 'single' ? addresses.slice(0, 1) : addresses;
}

/** What Flume finds out only when it connects, and then never sends anything. */
export function checkHosts(values: HostValues): readonly Finding[] {
  const kind = clientKind(values['client.type']);
  if (kind === undefined) {
    const sentence = `"${values['client.type']}" is none of default, default_failover, default_loadbalance; a client class of your own cannot be loaded`;
    return [{ option: 'client.type', effect: 'refuse', sentence }];
  }
  const findings: Finding[] = [];
  for (const alias of kind === 'single' ? (values.hosts ?? []).slice(0, 1) : (values.hosts ?? [])) {
    const text = values['hosts.*'].get(alias);
    if (text !== undefined && addressOf(text)) continue;
    if (text === undefined && kind !== 'single') continue;
    findings.push({ option: 'hosts.*', effect: 'refuse', sentence: `need hosts.${alias} = host:port${text === undefined ? '' : `, not "${text}"`}` });
  }
  const count = addressesOf(values).length;
  if (findings.length === 0 && kind === 'balanced' && count < 2) {
    findings.push({ option: 'hosts', effect: 'refuse', sentence: `name ${count} receiver${count === 1 ? '' : 's'} with an address, and default_loadbalance needs two` });
  }
  if (findings.length === 0 && count === 0) findings.push({ option: 'hosts', effect: 'refuse', sentence: 'name no receiver with an address' });
  return findings;
}

function addressOf(text: string | undefined): Address | undefined {
  const [host, port, ...rest] = javaTrim(text ?? '').split(':');
  const number = parseJavaInteger(port ?? '');
  if (!host || number === undefined || number < 1 || number > 65_535 || rest.length > 0) return undefined;
  return { host: javaTrim(host), port: number };
}
