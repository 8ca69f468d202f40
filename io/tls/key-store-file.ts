import { readFile } from 'node:fs/promises';
import { AgentError } from '../../core/errors.ts';

/** A key store or trust store cannot be used: the message names the file, what is wrong, and what helps. */
export class KeyStoreError extends AgentError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('M141', message, options);
  }
}

export type StoreFormat = 'JKS' | 'PKCS12' | 'PEM';

export interface StoreFile {
  readonly path: string;
  readonly bytes: Buffer;
  readonly format: StoreFormat;
}

const JKS_MAGIC = 0xfeedfeed;
const JCEKS_MAGIC = 0xcececece;
const DER_SEQUENCE = 0x30;
/** No store of keys is larger. */
const MOST_BYTES = 16 * 1024 * 1024;

/**
 * Reads a store and tells its format by its bytes: Java reads JKS and PKCS12 under either name since version 9, and PEM is ours.
 */
export async function readStoreFile(path: string): Promise<StoreFile> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw new KeyStoreError(`the key store ${path} cannot be read`, { cause: error });
  }
  if (bytes.length > MOST_BYTES) throw new KeyStoreError(`${path} has ${bytes.length} bytes, which no key store has`);
  return { path, bytes, format: formatOf(path, bytes) };
}

function formatOf(path: string, bytes: Buffer): StoreFormat {
  if (bytes.includes('-----BEGIN ')) return 'PEM';
  const magic = bytes.length >= 4 ? bytes.readUInt32BE(0) : 0;
  if (magic === JKS_MAGIC) return 'JKS';
  if (magic === JCEKS_MAGIC) throw new KeyStoreError(`${path} is a JCEKS key store, which is not read; ${conversion(path, 'JCEKS')}`);
  if (bytes[0] === DER_SEQUENCE) return 'PKCS12';
  throw new KeyStoreError(`${path} is neither a JKS nor a PKCS12 key store, nor PEM text`);
}

/** The command that turns a store into one that is read. */
export function conversion(path: string, type: string): string {
  return `convert it: keytool -importkeystore -srckeystore ${path} -srcstoretype ${type} -destkeystore ${path}.p12 -deststoretype PKCS12`;
}
