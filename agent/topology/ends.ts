import type { Effective } from '../configuration/effective.ts';
import type { AgentPlan, Place, PlannedSink, PlannedSource } from '../plan/types.ts';
import { tlsChoice, type TlsChoice, type TlsLists } from '../../io/tls/tls-names.ts';
import { addressesOf } from '../../sinks/avro/hosts.ts';

/** What goes over a connection. Only ends with the same one understand each other. */
export type Protocol = 'avro' | 'thrift' | 'http' | 'other';

/** One agent on one host, as its file has it. */
export interface HostedAgent {
  readonly host: string;
  readonly file: string;
  readonly plan: AgentPlan;
  readonly effective: Effective;
}

interface End {
  readonly agent: HostedAgent;
  /** `r1`, `k1`. */
  readonly name: string;
  readonly type: string;
  readonly protocol: Protocol;
  readonly tls: boolean;
  /** The versions and cipher suites of TLS that it speaks. */
  readonly tlsChoice: TlsChoice | undefined;
  /** `compact`, `binary`: how the protocol is written, where there are several ways. */
  readonly dialect: string | undefined;
  readonly kerberos: boolean;
  readonly compressed: boolean;
  /** Where the first of these options stands that is written in the file; else the address, else the type. */
  at(...options: readonly string[]): Place | undefined;
}

/** A source that listens. */
export interface Receiver extends End {
  readonly bind: string;
  readonly port: number;
  readonly asksForCertificate: boolean;
  /** `ipFilterRules`, where they are looked at. */
  readonly rules: string | undefined;
  /** Most connections at a time. */
  readonly mostConnections: number | undefined;
  readonly channels: readonly string[];
  /** The least that its channels take in one transaction, and which channel that is. */
  readonly mostEvents: { readonly events: number; readonly channel: string } | undefined;
}

/** A sink that connects, to one of its receivers. */
export interface Sender extends End {
  readonly targetHost: string;
  readonly targetPort: number;
  /** Where its address stands. */
  readonly targetPlace: Place | undefined;
  readonly showsCertificate: boolean;
  readonly channel: string;
  readonly batchSize: number | undefined;
}

const PROTOCOLS: Readonly<Record<string, Protocol>> = { avro: 'avro', thrift: 'thrift', http: 'http' };

export function receiversOf(agent: HostedAgent): readonly Receiver[] {
  return agent.plan.sources.flatMap((source) => {
    const { values } = source;
    const bind = textOf(values['bind'] ?? values['host']) ?? '0.0.0.0';
    return portsOf(values).map((port) => ({
      ...endOf(agent, 'sources', source, ['port', 'ports']),
      bind,
      port,
      asksForCertificate: values['client-auth'] === 'required',
      rules: values['ipFilter'] === true ? textOf(values['ipFilterRules']) : undefined,
      mostConnections: numberOf(values['maxConnections']) || undefined,
      channels: source.channels,
      mostEvents: leastTransaction(agent.plan, source.channels),
    }));
  });
}

export function sendersOf(agent: HostedAgent): readonly Sender[] {
  return agent.plan.sinks.flatMap((sink) => {
    const { values } = sink;
    return targetsOf(sink).map(({ host, port }) => {
      const end = endOf(agent, 'sinks', sink, [...optionsOfTarget(sink, `${host}:${port}`), 'port', 'hosts', 'endpoint']);
      return {
        ...end,
        targetHost: host,
        targetPort: port,
        targetPlace: values['hosts'] === undefined ? end.at('hostname') : end.at(),
        showsCertificate: values['keystore'] !== undefined,
        channel: sink.channel,
        batchSize: sink.definition.batchSizeOption === undefined ? undefined : numberOf(values[sink.definition.batchSizeOption]),
      };
    });
  });
}

function endOf(agent: HostedAgent, list: 'sources' | 'sinks', component: PlannedSource | PlannedSink, options: readonly string[]): End {
  const { values, definition, name } = component;
  const [type] = definition.types;
  const endpoint = textOf(values['endpoint']);
  return {
    agent,
    name,
    type,
    protocol: PROTOCOLS[type.toLowerCase()] ?? 'other',
    tls: values['ssl'] === true || endpoint?.startsWith('https:') === true,
    tlsChoice: tlsChoiceOf(values),
    dialect: type === 'thrift' ? textOf(values['protocol']) : undefined,
    kerberos: values['kerberos'] === true,
    compressed: values['compression-type'] === 'deflate',
    at: (...wanted) => placeOf(agent, `${list}.${name}`, [...wanted, ...options]) ?? component.place,
  };
}

function tlsChoiceOf(values: Readonly<Record<string, unknown>>): TlsChoice | undefined {
  if (values['ssl'] !== true || !Array.isArray(values['include-protocols'])) return undefined;
  try {
    return tlsChoice(values as unknown as TlsLists);
  } catch {
    // Lists that leave nothing keep the component from starting, which says so.
    return undefined;
  }
}

function placeOf({ plan, effective }: HostedAgent, component: string, options: readonly string[]): Place | undefined {
  for (const option of options) {
    const property = effective.properties.get(`${plan.name}.${component}.${option}`);
    if (property) return property.origin.valuePlace();
  }
  return undefined;
}

function portsOf(values: Readonly<Record<string, unknown>>): readonly number[] {
  const ports = values['ports'];
  if (Array.isArray(ports)) return ports.map(Number).filter((port) => port > 0);
  const port = numberOf(values['port']);
  return port !== undefined && port > 0 ? [port] : [];
}

function targetsOf({ definition, values }: PlannedSink): readonly { host: string; port: number }[] {
  const [type] = definition.types;
  if (type === 'avro') return addressesOf(values as unknown as Parameters<typeof addressesOf>[0]);
  const host = textOf(values['hostname']);
  const port = numberOf(values['port']);
  if (host !== undefined && port !== undefined) return [{ host, port }];
  const endpoint = textOf(values['endpoint']);
  if (endpoint === undefined || !URL.canParse(endpoint)) return [];
  const url = new URL(endpoint);
  return [{ host: url.hostname, port: Number(url.port) || (url.protocol === 'https:' ? 443 : 80) }];
}

/** `hosts.h2`, where an address is one of a list. */
function optionsOfTarget({ values }: PlannedSink, address: string): readonly string[] {
  const hosts = values['hosts.*'];
  return hosts instanceof Map ? [...(hosts as ReadonlyMap<string, string>)].filter(([, text]) => text.trim() === address).map(([name]) => `hosts.${name}`) : [];
}

function leastTransaction(plan: AgentPlan, channels: readonly string[]): Receiver['mostEvents'] {
  let least: Receiver['mostEvents'];
  for (const { name, definition, values } of plan.channels) {
    const option = definition.transactionCapacityOption;
    const events = option === undefined || !channels.includes(name) ? undefined : numberOf(values[option]);
    if (events !== undefined && (!least || events < least.events)) least = { events, channel: name };
  }
  return least;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}
