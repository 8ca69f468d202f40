/** Apache Kafka 4.3.1, one broker that is its own controller (KRaft), with plain, SASL and TLS listeners, from Maven Central. */

import { spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startDaemon } from './daemon.ts';
import { smallJvm } from './flume.ts';
import { fetchArtefacts, mavenMissing } from './maven.ts';
import { freePorts, serverOf, systemFolder, systemOf, type Server, type System } from './server.ts';

const version = '4.3.1';

export interface KafkaOptions {
  /** Further lines of server.properties, such as `message.max.bytes`. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface Kafka extends System {
  readonly broker: Server;
  /** `127.0.0.1:9092`, without login. */
  readonly plain: string;
  /** SASL_PLAINTEXT: PLAIN knows `bob` with the password `bob-secret`, SCRAM-SHA-256 and SCRAM-SHA-512 `carol` with `carol-secret`. */
  readonly sasl: string;
  /** SSL, with a certificate for 127.0.0.1 and localhost that vouches for itself; the client needs none. */
  readonly tls: string;
  /** SASL_SSL: the logins of `sasl` over TLS. */
  readonly saslTls: string;
  /** SSL, where the client needs a certificate: that of `clientStore`. */
  readonly mutualTls: string;
  /** The client's key, as PKCS12 and JKS; password `changeit`. */
  readonly clientStore: Readonly<Record<'p12' | 'jks', string>>;
  /** As `trustStore`, in Java's old format. */
  readonly trustJks: string;
  /** PKCS12 with the broker's certificate to trust; password `changeit`. */
  readonly trustStore: string;
  /** The same certificate as PEM. */
  readonly caFile: string;
}

export const kafkaLogins = { plain: { username: 'bob', password: 'bob-secret' }, scram: { username: 'carol', password: 'carol-secret' } } as const;

/** What has to be installed first; `false` when nothing is missing: `test(name, { skip: kafkaMissing() }, …)`. */
export function kafkaMissing(): string | false {
  const missing = mavenMissing();
  return missing === false ? false : `Kafka ${version} cannot be run here: ${missing}`;
}

export function getKafka(): Promise<string> {
  return fetchArtefacts({ name: `kafka-${version}`, artefacts: [`org.apache.kafka:kafka_2.13:${version}`, 'org.slf4j:slf4j-simple:1.7.36'] });
}

/** The same with the programs that measure producers and consumers: `org.apache.kafka.tools.ProducerPerformance`. */
export function getKafkaTools(): Promise<string> {
  return fetchArtefacts({ name: `kafka-tools-${version}`, artefacts: [`org.apache.kafka:kafka-tools:${version}`, 'org.slf4j:slf4j-simple:1.7.36'] });
}

export async function startKafka(options: KafkaOptions = {}): Promise<Kafka> {
  const jars = await getKafka();
  const folder = await systemFolder('kafka');
  const [plain = 0, sasl = 0, tls = 0, saslTls = 0, mutualTls = 0, controller = 0] = await freePorts(6);
  const ports = { plain, sasl, tls, saslTls, mutualTls, controller };
  const trust = await makeCertificate(folder);
  const properties = join(folder, 'server.properties');
  const settings = { ...serverSettings(folder, ports), ...options.settings };
  await writeFile(properties, Object.entries(settings).map(([key, value]) => `${key}=${value}\n`).join(''));
  const broker = await formatted('Kafka', jars, folder, properties, scramUsers());
  const system = systemOf(folder, [broker]);
  try {
    await broker.start();
  } catch (error) {
    await system.stop();
    throw error;
  }
  const at = (port: number): string => `127.0.0.1:${port}`;
  return { ...system, broker, plain: at(plain), sasl: at(sasl), tls: at(tls), saslTls: at(saslTls), mutualTls: at(mutualTls), ...trust };
}

/** A broker over the folders of its properties, not started yet. */
export async function formatted(name: string, jars: string, folder: string, properties: string, more: readonly string[] = []): Promise<Server> {
  const java = (...args: string[]) => ({ command: 'java', args: [...smallJvm, '-Dorg.slf4j.simpleLogger.defaultLogLevel=info', '-cp', `${jars}/*`, ...args], cwd: folder });
  const format = startDaemon(java('kafka.tools.StorageTool', 'format', '-t', 'bWlsbHJhY2UtdGVzdC0xMg', '-c', properties, ...more));
  if ((await format.ended) !== 0) throw new Error(`formatting the storage of ${name} failed:\n${format.lines.slice(-20).join('\n')}`);
  const broker = serverOf({
    name,
    patienceMs: 120_000,
    launch: () => java('kafka.Kafka', properties),
    answers: () => Promise.resolve(broker.lines.some((line) => line.includes('Kafka Server started'))),
  });
  return broker;
}

function scramUsers(): string[] {
  const { username, password } = kafkaLogins.scram;
  return ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => ['--add-scram', `${mechanism}=[name=${username},password=${password}]`]);
}

interface Ports {
  readonly plain: number;
  readonly sasl: number;
  readonly tls: number;
  readonly saslTls: number;
  readonly mutualTls: number;
  readonly controller: number;
}

function serverSettings(folder: string, ports: Ports): Record<string, string> {
  const { username, password } = kafkaLogins.plain;
  const scram = 'org.apache.kafka.common.security.scram.ScramLoginModule required;';
  const logins = (listener: string): Record<string, string> => ({
    [`listener.name.${listener}.plain.sasl.jaas.config`]: `org.apache.kafka.common.security.plain.PlainLoginModule required user_${username}="${password}";`,
    [`listener.name.${listener}.scram-sha-256.sasl.jaas.config`]: scram,
    [`listener.name.${listener}.scram-sha-512.sasl.jaas.config`]: scram,
  });
  const client = `PLAINTEXT://127.0.0.1:${ports.plain},SASL_PLAINTEXT://127.0.0.1:${ports.sasl},SSL://127.0.0.1:${ports.tls},SASL_SSL://127.0.0.1:${ports.saslTls},MUTUAL://127.0.0.1:${ports.mutualTls}`;
  return {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${ports.controller}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,SSL:SSL,SASL_SSL:SASL_SSL,MUTUAL:SSL,CONTROLLER:PLAINTEXT',
    listeners: `${client},CONTROLLER://127.0.0.1:${ports.controller}`,
    'advertised.listeners': client,
    'inter.broker.listener.name': 'PLAINTEXT',
    'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
    ...logins('sasl_plaintext'),
    ...logins('sasl_ssl'),
    'listener.name.mutual.ssl.client.auth': 'required',
    'ssl.truststore.location': join(folder, 'clients.p12'),
    'ssl.truststore.type': 'PKCS12',
    'ssl.truststore.password': 'changeit',
    'ssl.keystore.location': join(folder, 'key.p12'),
    'ssl.keystore.type': 'PKCS12',
    'ssl.keystore.password': 'changeit',
    'log.dirs': join(folder, 'data'),
    ...brisk(1),
  };
}

/** Small, with quick answers: topics of its own on so many brokers, of which one may be missing. */
export function brisk(replicas: number): Record<string, string> {
  const [factor, isr] = [String(replicas), String(Math.max(1, replicas - 1))];
  return {
    'offsets.topic.num.partitions': '1',
    'offsets.topic.replication.factor': factor,
    'transaction.state.log.num.partitions': '1',
    'transaction.state.log.replication.factor': factor,
    'transaction.state.log.min.isr': isr,
    'transaction.abort.timed.out.transaction.cleanup.interval.ms': '500',
    'share.coordinator.state.topic.num.partitions': '1',
    'share.coordinator.state.topic.replication.factor': factor,
    'share.coordinator.state.topic.min.isr': isr,
    'group.initial.rebalance.delay.ms': '0',
    'auto.create.topics.enable': 'false',
    'log.cleaner.dedupe.buffer.size': '2097152',
    'num.network.threads': '1',
    'num.io.threads': '2',
    'broker.session.timeout.ms': '3000',
    'broker.heartbeat.interval.ms': '300',
  };
}

type Stores = Pick<Kafka, 'trustStore' | 'trustJks' | 'caFile' | 'clientStore'>;

async function makeCertificate(folder: string): Promise<Stores> {
  await mkdir(join(folder, 'data'));
  const at = (name: string): string => join(folder, name);
  const keytool = (type: string, ...args: string[]): void => {
    const { status, stdout } = spawnSync('keytool', [...args, '-storetype', type, '-storepass', 'changeit'], { cwd: folder, encoding: 'utf8' });
    if (status !== 0) throw new Error(`keytool ${args[0]} failed: ${stdout}`);
  };
  const make = (alias: string, name: string, keystore: string): void => {
    keytool('PKCS12', '-genkeypair', '-alias', alias, '-keyalg', 'EC', '-dname', `CN=${name}`, '-ext', 'SAN=ip:127.0.0.1,dns:localhost', '-validity', '365', '-keystore', keystore);
    keytool('PKCS12', '-exportcert', '-rfc', '-alias', alias, '-file', `${alias}.pem`, '-keystore', keystore);
  };
  make('broker', 'localhost', 'key.p12');
  make('client', 'millrace', 'client.p12');
  keytool('PKCS12', '-importcert', '-noprompt', '-alias', 'broker', '-file', 'broker.pem', '-keystore', 'trust.p12');
  keytool('JKS', '-importcert', '-noprompt', '-alias', 'broker', '-file', 'broker.pem', '-keystore', 'trust.jks');
  keytool('PKCS12', '-importcert', '-noprompt', '-alias', 'client', '-file', 'client.pem', '-keystore', 'clients.p12');
  keytool('JKS', '-importkeystore', '-noprompt', '-srckeystore', 'client.p12', '-srcstoretype', 'PKCS12', '-srcstorepass', 'changeit', '-destkeystore', 'client.jks', '-deststoretype', 'JKS', '-deststorepass', 'changeit');
  return { trustStore: at('trust.p12'), trustJks: at('trust.jks'), caFile: at('broker.pem'), clientStore: { p12: at('client.p12'), jks: at('client.jks') } };
}
