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
