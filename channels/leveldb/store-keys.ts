import { resolve } from 'node:path';
import { describeError } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import { storeFiles } from '../../io/store-files.ts';
import { isKeyFile, type EncryptionValues } from './encryption-options.ts';
import type { RecordCodec } from './record.ts';
import { recordCipher } from './record-cipher.ts';
import { StoreKeyError } from './record-seal.ts';

const KEY_BYTES = [16, 24, 32];

/** How the channel with these options encrypts; throws StoreKeyError or KeyStoreError where its keys cannot be had. */
export async function recordCodec(values: EncryptionValues, log: Pick<Logger, 'warn'>): Promise<RecordCodec> {
  const names = values['encryption.keyProvider.keys'] ?? [];
  const keys = isKeyFile(values) ? await fromKeyFiles(names, values) : await fromKeyStore(names, values, log);
  for (const [name, key] of keys) {
    if (!KEY_BYTES.includes(key.length)) throw new StoreKeyError(`the key "${name}" has ${key.length} bytes; a key of AES has 16, 24 or 32`);
  }
  return recordCipher(keys, values['encryption.activeKey'] ?? '');
}

async function fromKeyFiles(names: readonly string[], values: EncryptionValues): Promise<ReadonlyMap<string, Buffer>> {
  const keys = new Map<string, Buffer>();
  for (const name of names) {
    const path = resolve(values['encryption.keyProvider.keys.*'].get(`${name}.keyFile`) ?? '');
    keys.set(name, keyIn(path, await contentOf(path, `the file of the key "${name}"`)));
  }
  return keys;
}

/** Hexadecimal digits, as `openssl rand -hex 32` writes them, or the bytes themselves. */
function keyIn(path: string, bytes: Buffer): Buffer {
  const text = bytes.toString('latin1').trim();
  const key = /^(?:[0-9a-f]{2})+$/i.test(text) && KEY_BYTES.includes(text.length / 2) ? Buffer.from(text, 'hex') : bytes;
  if (KEY_BYTES.includes(key.length)) return key;
  throw new StoreKeyError(`${path} holds no key: it has to be 16, 24 or 32 bytes, or as many in hexadecimal digits, as "openssl rand -hex 32" writes them`);
}

async function fromKeyStore(names: readonly string[], values: EncryptionValues, log: Pick<Logger, 'warn'>): Promise<ReadonlyMap<string, Buffer>> {
  const { readSecretKeys } = await import('../../io/tls/secret-keys.ts');
  const password = textOf(await contentOf(resolve(values['encryption.keyProvider.keyStorePasswordFile'] ?? ''), 'the password file of the key store'));
  const passwords = new Map<string, string>();
  for (const name of names) {
    const path = values['encryption.keyProvider.keys.*'].get(`${name}.passwordFile`);
    const own = path === undefined ? undefined : await storeFiles.read(resolve(path)).catch(() => undefined);
    // As in Flume.
    if (path !== undefined && !own) log.warn('the password file of a key cannot be read; the password of the key store is tried', { key: name, path: resolve(path) });
    passwords.set(name, own ? textOf(own) : password);
  }
  const path = resolve(values['encryption.keyProvider.keyStoreFile'] ?? '');
  const keys = await readSecretKeys(path, password, names, (name) => passwords.get(name) ?? password);
  const missing = names.find((name) => !keys.has(name));
  if (missing !== undefined) throw new StoreKeyError(`there is no secret key "${missing}" in ${path}`);
  return keys;
}

async function contentOf(path: string, what: string): Promise<Buffer> {
  try {
    const bytes = await storeFiles.read(path);
    if (bytes) return bytes;
  } catch (error) {
    throw new StoreKeyError(`${what}, ${path}, cannot be read: ${describeError(error)}`, { cause: error });
  }
  throw new StoreKeyError(`${what}, ${path}, is not there`);
}

function textOf(bytes: Buffer): string {
  return bytes.toString().trim();
}
