import type { SecureContext } from 'node:tls';
import type { ClientOptions } from './library.ts';

/** What `io/tls/contexts.ts` does for a client. */
export type LoadContext = (
  truststore: Store | undefined,
  lists: Readonly<Record<'include-protocols' | 'exclude-protocols' | 'include-cipher-suites' | 'exclude-cipher-suites', readonly string[]>>,
  keystore?: Store,
) => Promise<SecureContext>;

interface Store {
  readonly path: string;
  readonly password: string | undefined;
}

export type KafkaProperties = ReadonlyMap<string, string>;

const SHARED = [
  'bootstrap.servers', 'client.id', 'request.timeout.ms', 'metadata.max.age.ms', 'socket.connection.setup.timeout.ms',
  'security.protocol', 'sasl.mechanism', 'sasl.jaas.config', 'ssl.truststore.location', 'ssl.truststore.password', 'ssl.truststore.type',
  'ssl.keystore.location', 'ssl.keystore.password', 'ssl.keystore.type', 'ssl.key.password', 'ssl.endpoint.identification.algorithm',
  'ssl.disableTLSHostnameVerification', 'ssl.enabled.protocols', 'ssl.cipher.suites',
];
const PRODUCER = [...SHARED, 'acks', 'compression.type', 'enable.idempotence', 'delivery.timeout.ms', 'retry.backoff.ms', 'max.request.size', 'transaction.timeout.ms', 'transactional.id'];
const CONSUMER = [
  ...SHARED, 'group.id', 'auto.offset.reset', 'enable.auto.commit', 'session.timeout.ms', 'heartbeat.interval.ms', 'max.poll.interval.ms', 'group.instance.id',
  'isolation.level', 'fetch.min.bytes', 'fetch.max.bytes', 'fetch.max.wait.ms', 'max.partition.fetch.bytes', 'client.rack', 'max.poll.records',
];

export interface PropertyFault {
  readonly name: string;
  readonly refuse: boolean;
  readonly sentence: string;
}

/** What is wrong with, or without effect among, the settings of a Java client. */
export function propertyFaults(properties: KafkaProperties, kind: 'producer' | 'consumer'): readonly PropertyFault[] {
  const faults: PropertyFault[] = [];
  const known = kind === 'producer' ? PRODUCER : CONSUMER;
  for (const name of properties.keys()) {
    if (!known.includes(name)) faults.push({ name, refuse: false, sentence: `has no effect: Millrace's Kafka ${kind} does not have this setting` });
  }
  const refuse = (name: string, sentence: string): void => void faults.push({ name, refuse: true, sentence });
  const protocol = properties.get('security.protocol')?.toUpperCase() ?? 'PLAINTEXT';
  if (!['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'].includes(protocol)) refuse('security.protocol', 'is not one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL');
  if (protocol.startsWith('SASL')) {
    const mechanism = properties.get('sasl.mechanism') ?? 'GSSAPI';
    if (mechanism === 'GSSAPI') refuse('sasl.mechanism', 'is GSSAPI, as it is where nothing is said: Millrace logs in with PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512, not with Kerberos');
    else if (!MECHANISMS.includes(mechanism as Mechanism)) refuse('sasl.mechanism', 'is not one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512');
    else if (loginOf(properties) === undefined) refuse('sasl.jaas.config', 'is required with SASL: …LoginModule required username="…" password="…";');
  }
  for (const name of known) {
    const text = properties.get(name);
    if (text !== undefined && /\.(ms|bytes|size|records)$/.test(name) && !/^\d+$/.test(text.trim())) refuse(name, 'is not a whole number');
  }
  const reads: readonly [string, readonly string[]][] = [['compression.type', ['none', 'gzip', 'snappy', 'lz4', 'zstd']], ['isolation.level', ['read_committed', 'read_uncommitted']], ['auto.offset.reset', ['earliest', 'latest', 'none']]];
  for (const [name, values] of reads) {
    const text = properties.get(name);
    if (text !== undefined && known.includes(name) && !values.includes(text)) refuse(name, `is not one of ${values.join(', ')}`);
  }
  return faults;
}

/** The whole number of a setting that was checked before. */
export function numberOf(properties: KafkaProperties, name: string, otherwise: number): number {
  const text = properties.get(name);
  return text === undefined ? otherwise : Number(text);
}

const MECHANISMS = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const;
type Mechanism = (typeof MECHANISMS)[number];

/** Addresses, login and TLS of a client, from Kafka's own names for them. */
export async function clientOptions(servers: string, properties: KafkaProperties, name: string, loadContext: LoadContext): Promise<ClientOptions> {
  const protocol = properties.get('security.protocol')?.toUpperCase() ?? 'PLAINTEXT';
  const login = protocol.startsWith('SASL') ? loginOf(properties) : undefined;
  return {
    clientId: (properties.get('client.id') ?? `millrace-${name}`).replace(/\s/g, '-'),
    bootstrapBrokers: servers.split(',').map((server) => server.trim()).filter((server) => server !== ''),
    requestTimeout: numberOf(properties, 'request.timeout.ms', 30_000),
    connectTimeout: numberOf(properties, 'socket.connection.setup.timeout.ms', 10_000),
    ...(login && { sasl: { mechanism: properties.get('sasl.mechanism') as Mechanism, ...login } }),
    ...(protocol.endsWith('SSL') && { tls: await tlsOptions(properties, loadContext) }),
  };
}

async function tlsOptions(properties: KafkaProperties, loadContext: LoadContext): Promise<NonNullable<ClientOptions['tls']>> {
  const store = (which: 'truststore' | 'keystore'): Store | undefined => {
    const path = properties.get(`ssl.${which}.location`);
    return path === undefined ? undefined : { path, password: properties.get(`ssl.${which}.password`) ?? properties.get('ssl.key.password') };
  };
  const list = (name: string): string[] => (properties.get(name) ?? '').split(',').map((entry) => entry.trim()).filter((entry) => entry !== '');
  const lists = { 'include-protocols': list('ssl.enabled.protocols'), 'exclude-protocols': [], 'include-cipher-suites': list('ssl.cipher.suites'), 'exclude-cipher-suites': [] };
  const anyHost = properties.get('ssl.endpoint.identification.algorithm') === '' || properties.get('ssl.disableTLSHostnameVerification')?.toLowerCase() === 'true';
  const secureContext = await loadContext(store('truststore'), lists, store('keystore'));
  return { secureContext, ...(anyHost && { checkServerIdentity: () => undefined }) };
}

/** User and password of `…LoginModule required username="…" password="…";`. */
function loginOf(properties: KafkaProperties): { username: string; password: string } | undefined {
  const text = properties.get('sasl.jaas.config') ?? '';
  const value = (name: string): string | undefined => {
    const found = new RegExp(`\\b${name}\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\s;"]+))`).exec(text);
    return found?.[1]?.replace(/\\(.)/g, '$1') ?? found?.[2];
  };
  const username = value('username');
  const password = value('password');
  return username === undefined || password === undefined ? undefined : { username, password };
}
