/** Java's names of TLS versions and cipher suites, and what they are called here. */

const VERSIONS = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const;
export type TlsVersion = (typeof VERSIONS)[number];
/** Java 17 speaks no older one unless it is told to. */
const ENABLED: readonly TlsVersion[] = ['TLSv1.2', 'TLSv1.3'];

export interface TlsLists {
  readonly 'include-protocols': readonly string[];
  readonly 'exclude-protocols': readonly string[];
  readonly 'include-cipher-suites': readonly string[];
  readonly 'exclude-cipher-suites': readonly string[];
}

export interface TlsChoice {
  readonly minVersion: TlsVersion;
  readonly maxVersion: TlsVersion;
  /** In OpenSSL's spelling; absent: those that Node has by default. */
  readonly ciphers?: string;
}

/** What Flume's lists leave: enabled and included, if any is named, and not excluded. Throws a sentence where nothing is left. */
export function tlsChoice(lists: TlsLists): TlsChoice {
  const included = lists['include-protocols'];
  const excluded = new Set([...lists['exclude-protocols'], 'SSLv3']);
  const versions = ENABLED.filter((version) => (included.length === 0 || included.includes(version)) && !excluded.has(version));
  const [minVersion] = versions;
  const maxVersion = versions.at(-1);
  if (!minVersion || !maxVersion) {
    throw new Error(`include-protocols and exclude-protocols leave no TLS version; there are ${ENABLED.join(' and ')}`);
  }
  const ciphers = ciphersOf(lists);
  return { minVersion, maxVersion, ...(ciphers !== undefined && { ciphers }) };
}

function ciphersOf(lists: TlsLists): string | undefined {
  const included = lists['include-cipher-suites'].map(opensslName);
  const excluded = new Set(lists['exclude-cipher-suites'].map(opensslName));
  if (included.length === 0 && excluded.size === 0) return undefined;
  const { DEFAULT_CIPHERS, getCiphers } = process.getBuiltinModule('node:tls');
  const known = new Set(getCiphers().map((name) => name.toUpperCase()));
  const all = included.length > 0 ? included.filter((name) => known.has(name.toUpperCase())) : DEFAULT_CIPHERS.split(':');
  const left = all.filter((name) => !excluded.has(name));
  if (left.length === 0) throw new Error('include-cipher-suites and exclude-cipher-suites leave no cipher suite');
  return left.join(':');
}

/** `TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256` is `ECDHE-RSA-AES128-GCM-SHA256`; those of TLS 1.3 are called the same. */
export function opensslName(name: string): string {
  const parts = /^(?:TLS|SSL)_(\w+)_WITH_(\w+)$/.exec(name);
  if (!parts) return name;
  const [, keyExchange = '', cipher = ''] = parts;
  const exchange = keyExchange === 'RSA' ? '' : `${keyExchange.replaceAll('_', '-')}-`;
  const spelled = cipher
    .replace(/^AES_(\d+)_CBC_/, 'AES$1-')
    .replace(/^AES_(\d+)_/, 'AES$1-')
    .replace(/^CHACHA20_POLY1305_SHA256$/, 'CHACHA20-POLY1305')
    .replace(/^3DES_EDE_CBC_/, 'DES-CBC3-');
  return exchange + spelled.replaceAll('_', '-');
}
