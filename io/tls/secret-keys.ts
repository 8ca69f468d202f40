import { conversion, KeyStoreError, readStoreFile } from './key-store-file.ts';
import { readPkcs12SecretKeys } from './pkcs12.ts';

/** Those of the secret keys `names` that a key store of Java holds. Throws KeyStoreError, for JCEKS with the command that converts it. */
export async function readSecretKeys(path: string, password: string, names: readonly string[], passwordOf: (name: string) => string): Promise<ReadonlyMap<string, Buffer>> {
  const file = await readStoreFile(path);
  if (file.format !== 'PKCS12') throw new KeyStoreError(`${path} is a ${file.format} file, which holds no secret keys; ${conversion(path, 'JCEKS')}, of the store that has them`);
  return readPkcs12SecretKeys(file, password, names, passwordOf);
}
