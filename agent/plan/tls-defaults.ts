/** Option of a component, system property and environment variable (Flume's SSLUtil). */
const GLOBALS: readonly (readonly [option: string, property: string, variable: string])[] = [
  ['keystore', 'javax.net.ssl.keyStore', 'KEYSTORE_PATH'],
  ['keystore-password', 'javax.net.ssl.keyStorePassword', 'KEYSTORE_PASSWORD'],
  ['keystore-type', 'javax.net.ssl.keyStoreType', 'KEYSTORE_TYPE'],
  ['truststore', 'javax.net.ssl.trustStore', 'TRUSTSTORE_PATH'],
  ['truststore-password', 'javax.net.ssl.trustStorePassword', 'TRUSTSTORE_PASSWORD'],
  ['truststore-type', 'javax.net.ssl.trustStoreType', 'TRUSTSTORE_TYPE'],
  ['include-protocols', 'flume.ssl.include.protocols', 'INCLUDE_PROTOCOLS'],
  ['exclude-protocols', 'flume.ssl.exclude.protocols', 'EXCLUDE_PROTOCOLS'],
  ['include-cipher-suites', 'flume.ssl.include.cipherSuites', 'INCLUDE_CIPHERSUITES'],
  ['exclude-cipher-suites', 'flume.ssl.exclude.cipherSuites', 'EXCLUDE_CIPHERSUITES'],
];

/**
 * What components with the option `ssl` take where they leave a TLS option out: the JVM's system properties, then `FLUME_SSL_*` of the
 * environment. Lists may be separated by commas there; options are split at blanks.
 */
export function tlsDefaults(systemProperties: ReadonlyMap<string, string>, env: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const defaults = new Map<string, string>();
  for (const [option, property, variable] of GLOBALS) {
    const value = systemProperties.get(property) ?? env.get(`FLUME_SSL_${variable}`);
    if (value) defaults.set(option, /^(?:in|ex)clude-/.test(option) ? value.replaceAll(',', ' ') : value);
  }
  return defaults;
}

/** Kafka's names for the stores, of which each client of Kafka has its own. */
const KAFKA_NAMES: readonly (readonly [option: string, name: string])[] = [
  ['keystore', 'ssl.keystore.location'],
  ['keystore-password', 'ssl.keystore.password'],
  ['keystore-type', 'ssl.keystore.type'],
  ['truststore', 'ssl.truststore.location'],
  ['truststore-password', 'ssl.truststore.password'],
  ['truststore-type', 'ssl.truststore.type'],
];

/** The properties of a component, with what it takes from `defaults`. They do not switch TLS on: its `ssl`, or Kafka's `security.protocol`, does. */
export function withTlsDefaults(given: ReadonlyMap<string, string>, options: Readonly<Record<string, unknown>>, defaults: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  if (defaults.size === 0) return given;
  const more = new Map('ssl' in options ? [...defaults].filter(([key]) => key in options) : []);
  for (const client of ['kafka.producer', 'kafka.consumer']) {
    const protocol = given.get(`${client}.security.protocol`);
    if (!(`${client}.*` in options) || !protocol || !/^(?:SASL_)?SSL$/i.test(protocol)) continue;
    for (const [option, name] of KAFKA_NAMES) {
      const value = defaults.get(option);
      if (value !== undefined) more.set(`${client}.${name}`, value);
    }
  }
  return new Map([...more, ...given]);
}
