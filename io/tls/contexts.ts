import type { SecureContext, SecureContextOptions } from 'node:tls';
import { KeyStoreError, readStoreFile, type StoreFile } from './key-store-file.ts';
import { readJks } from './jks.ts';
import { readPkcs12Certificates } from './pkcs12.ts';
import { tlsChoice, type TlsLists } from './tls-names.ts';

export interface StoreOptions {
  readonly path: string;
  readonly password: string | undefined;
}

/** What a listener needs to speak TLS: the key and certificates of `keystore`, and, to ask clients for theirs, those it trusts. */
export async function serverContext(keystore: StoreOptions, lists: TlsLists, truststore?: StoreOptions): Promise<SecureContext> {
  const material = { ...(await keyMaterial(keystore)), ...(truststore && { ca: await trustedCertificates(truststore) }) };
  return context({ ...material, ...tlsChoice(lists), honorCipherOrder: true }, keystore.path);
}

/** What a client needs: whom it trusts, absent those that Node brings, and, where the server asks for it, its own key and certificates. */
export async function clientContext(truststore: StoreOptions | undefined, lists: TlsLists, keystore?: StoreOptions): Promise<SecureContext> {
  const ca = truststore && (await trustedCertificates(truststore));
  return context({ ...(ca && { ca }), ...(keystore && (await keyMaterial(keystore))), ...tlsChoice(lists) }, keystore?.path ?? truststore?.path);
}

function context(options: SecureContextOptions, path: string | undefined): SecureContext {
  try {
    return process.getBuiltinModule('node:tls').createSecureContext(options);
  } catch (error) {
    throw new KeyStoreError(`${path ?? 'the TLS options'} cannot be used: the store is damaged, or its password is wrong`, { cause: error });
  }
}

async function keyMaterial({ path, password }: StoreOptions): Promise<SecureContextOptions> {
  const file = await readStoreFile(path);
  const passphrase = password === undefined ? {} : { passphrase: password };
  if (file.format === 'PKCS12') return { pfx: file.bytes, ...passphrase };
  if (file.format === 'PEM') return { key: file.bytes, cert: file.bytes, ...passphrase };
  const [entry] = readJks(file, password).keys;
  if (!entry) throw new KeyStoreError(`${path} holds no private key${password === undefined ? ' that can be opened without a password' : ''}`);
  return { key: pem('PRIVATE KEY', entry.key), cert: entry.chain.map((one) => pem('CERTIFICATE', one)).join('') };
}

async function trustedCertificates({ path, password }: StoreOptions): Promise<string[]> {
  const certificates = certificatesIn(await readStoreFile(path), password);
  if (certificates.length === 0) throw new KeyStoreError(`${path} holds no certificate to trust`);
  return certificates;
}

function certificatesIn(file: StoreFile, password: string | undefined): string[] {
  if (file.format === 'PEM') return [...file.bytes.toString('latin1').matchAll(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)].map(([text]) => text);
  const bytes = file.format === 'JKS' ? readJks(file, password).trusted : readPkcs12Certificates(file, password);
  return bytes.map((certificate) => pem('CERTIFICATE', certificate));
}

function pem(label: string, bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
