import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { tlsDefaults } from '../../../../agent/plan/tls-defaults.ts';
import { flumes, planTexts, stay, type Surroundings } from '../planning.ts';

const CONF = `
a1.sources = r1 r2
a1.channels = c1
a1.sinks = k1
a1.sources.r1.type = avro
a1.sources.r1.bind = 0.0.0.0
a1.sources.r1.port = 4141
a1.sources.r1.ssl = true
a1.sources.r1.channels = c1
a1.sources.r2.type = netcat
a1.sources.r2.bind = 0.0.0.0
a1.sources.r2.port = 4142
a1.sources.r2.channels = c1
a1.channels.c1.type = memory
a1.sinks.k1.type = avro
a1.sinks.k1.hostname = h
a1.sinks.k1.port = 1
a1.sinks.k1.ssl = true
a1.sinks.k1.channel = c1
`;
const KEYSTORE = import.meta.filename;

describe('TLS settings of the JVM and of FLUME_SSL_*', () => {
  test('AV-08 a source with ssl takes its key store from them; without any it is dropped', async () => {
    assert.equal(stay(await flumes(CONF)), 'r2 | c1 | k1 | ');
    for (const surroundings of [
      { system: { 'javax.net.ssl.keyStore': KEYSTORE, 'javax.net.ssl.keyStorePassword': 'p' } },
      { env: { FLUME_SSL_KEYSTORE_PATH: KEYSTORE, FLUME_SSL_KEYSTORE_PASSWORD: 'p' } },
    ] as Surroundings[]) {
      const agent = await flumes(CONF, surroundings);
      assert.equal(stay(agent), 'r1 r2 | c1 | k1 | ');
      assert.equal(valuesOf(agent.sources, 'r1')['keystore'], KEYSTORE);
    }
  });

  test('the component comes first, then the property, then the variable', async () => {
    const system = { 'javax.net.ssl.trustStore': '/sys', 'javax.net.ssl.trustStoreType': 'PKCS12' };
    const env = { FLUME_SSL_TRUSTSTORE_PATH: '/env', FLUME_SSL_TRUSTSTORE_PASSWORD: 'secret-of-env' };
    const { agents, secrets } = await planTexts([`${CONF}a1.sinks.k1.truststore-type = JKS\n`], 'flume', { system, env });
    const values = valuesOf(agents[0]?.sinks ?? [], 'k1');
    assert.deepEqual([values['truststore'], values['truststore-password'], values['truststore-type']], ['/sys', 'secret-of-env', 'JKS']);
    assert.ok(secrets.has('secret-of-env'));
  });

  test('a client of Kafka takes the stores that it does not name, where it speaks TLS', async () => {
    const system = { 'javax.net.ssl.trustStore': '/sys', 'javax.net.ssl.trustStorePassword': 'p', 'javax.net.ssl.keyStore': '/keys' };
    const conf = (protocol: string) =>
      `a1.sinks = k1\na1.channels = c1\na1.channels.c1.type = memory\na1.sinks.k1.channel = c1\na1.sinks.k1.type = org.apache.flume.sink.kafka.KafkaSink\n` +
      `a1.sinks.k1.kafka.bootstrap.servers = h:1\na1.sinks.k1.kafka.producer.security.protocol = ${protocol}\na1.sinks.k1.kafka.producer.ssl.keystore.location = /own\n`;
    const given = async (protocol: string): Promise<object> => {
      const { agents } = await planTexts([conf(protocol)], 'flume', { system });
      const properties = valuesOf(agents[0]?.sinks ?? [], 'k1')['kafka.producer.*'] as ReadonlyMap<string, string>;
      return Object.fromEntries([...properties].filter(([name]) => name.startsWith('ssl')));
    };
    assert.deepEqual(await given('SSL'), { 'ssl.keystore.location': '/own', 'ssl.truststore.location': '/sys', 'ssl.truststore.password': 'p' });
    assert.deepEqual(await given('PLAINTEXT'), { 'ssl.keystore.location': '/own' });
  });

  test('commas of the global lists become blanks', () => {
    const lists = tlsDefaults(new Map([['flume.ssl.exclude.protocols', 'TLSv1,TLSv1.1']]), new Map([['FLUME_SSL_INCLUDE_CIPHERSUITES', 'A,B C']]));
    assert.deepEqual([...lists], [['exclude-protocols', 'TLSv1 TLSv1.1'], ['include-cipher-suites', 'A B C']]);
  });
});

function valuesOf(components: readonly { readonly name: string; readonly values?: unknown }[], name: string): Readonly<Record<string, unknown>> {
  return (components.find((component) => component.name === name)?.values ?? {}) as Readonly<Record<string, unknown>>;
}
