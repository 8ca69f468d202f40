import { KeyStoreError, type StoreFile } from './key-store-file.ts';

const PRIVATE_KEY = 1;
const TRUSTED_CERTIFICATE = 2;
const DIGEST_BYTES = 20;
/** Salts the digest over the whole store. */
const WHITENER = Buffer.from('Mighty Aphrodite');
/** OBJECT IDENTIFIER 1.3.6.1.4.1.42.2.17.1.1: a key under the JKS format's own cipher. */
const JKS_CIPHER = Buffer.from('060a2b060104012a02110101', 'hex');
const OCTET_STRING = 0x04;

export interface JksEntries {
  /** Private keys in PKCS #8, each with its certificates in DER, the own one first. */
  readonly keys: readonly { readonly alias: string; readonly key: Buffer; readonly chain: readonly Buffer[] }[];
  /** Certificates in DER. */
  readonly trusted: readonly Buffer[];
}

/**
 * Reads a Java key store of the old format (big-endian; sun.security.provider.JavaKeyStore): u32 magic, u32 version, u32 entries, then per
 * entry u32 kind, alias, u64 time and either key and chain or one certificate; behind them SHA-1 over password, whitener and all of it.
 * Without a password its integrity is not checked, as in Java, and keys stay closed.
 */
export function readJks({ path, bytes }: StoreFile, password: string | undefined): JksEntries {
  if (password !== undefined) checkDigest(path, bytes, password);
  const reader = new JksReader(path, bytes);
  const version = reader.u32(4);
  const keys: { alias: string; key: Buffer; chain: Buffer[] }[] = [];
  const trusted: Buffer[] = [];
  reader.at = 12;
  for (let left = reader.u32(8); left > 0; left--) {
    const kind = reader.next();
    const alias = reader.text();
    reader.at += 8;
    if (kind === TRUSTED_CERTIFICATE) {
      trusted.push(reader.certificate(version));
      continue;
    }
    if (kind !== PRIVATE_KEY) throw new KeyStoreError(`${path} holds an entry of kind ${kind}, which is not known`);
    const protectedKey = reader.sized();
    const chain = Array.from({ length: reader.next() }, () => reader.certificate(version));
    if (password !== undefined) keys.push({ alias, key: openKey(path, protectedKey, password), chain });
  }
  return { keys, trusted };
}

class JksReader {
  at = 0;
  readonly #path: string;
  readonly #bytes: Buffer;

  constructor(path: string, bytes: Buffer) {
    this.#path = path;
    this.#bytes = bytes;
  }

  u32(at: number): number {
    this.#need(at, 4);
    return this.#bytes.readUInt32BE(at);
  }

  next(): number {
    this.at += 4;
    return this.u32(this.at - 4);
  }

  text(): string {
    this.#need(this.at, 2);
    return this.#take(this.#bytes.readUInt16BE(this.at), 2).toString();
  }

  sized(): Buffer {
    return this.#take(this.u32(this.at), 4);
  }

  certificate(version: number): Buffer {
    // Its type, `X.509`, stands in front since version 2.
    if (version >= 2) this.text();
    return this.sized();
  }

  #take(length: number, lengthBytes: number): Buffer {
    this.#need(this.at + lengthBytes, length);
    this.at += lengthBytes + length;
    return this.#bytes.subarray(this.at - length, this.at);
  }

  #need(at: number, bytes: number): void {
    if (at + bytes > this.#bytes.length) throw new KeyStoreError(`${this.#path} ends inside an entry`);
  }
}

function checkDigest(path: string, bytes: Buffer, password: string): void {
  const body = bytes.subarray(0, bytes.length - DIGEST_BYTES);
  const digest = sha1(passwordBytes(password), WHITENER, body);
  if (!digest.equals(bytes.subarray(bytes.length - DIGEST_BYTES))) {
    throw new KeyStoreError(`${path} was altered, or its password is wrong`);
  }
}

/** The format's own cipher: the key under a chain of SHA-1 over password and salt, and SHA-1 over password and key at the end. */
function openKey(path: string, envelope: Buffer, password: string): Buffer {
  const at = envelope.indexOf(JKS_CIPHER);
  // Behind the identifier: NULL (two bytes) and the octet string.
  const octets = at < 0 ? -1 : envelope.indexOf(OCTET_STRING, at + JKS_CIPHER.length);
  if (octets < 0) throw new KeyStoreError(`a key in ${path} is protected in a way that is not known`);
  const lengthByte = envelope[octets + 1] as number;
  const data = envelope.subarray(octets + 2 + (lengthByte < 0x80 ? 0 : lengthByte & 0x7f));
  const secret = passwordBytes(password);
  const salt = data.subarray(0, DIGEST_BYTES);
  const closed = data.subarray(DIGEST_BYTES, data.length - DIGEST_BYTES);
  const key = Buffer.alloc(closed.length);
  let pad = salt;
  for (let index = 0; index < closed.length; index++) {
    if (index % DIGEST_BYTES === 0) pad = sha1(secret, pad);
    key[index] = (closed[index] as number) ^ (pad[index % DIGEST_BYTES] as number);
  }
  if (!sha1(secret, key).equals(data.subarray(data.length - DIGEST_BYTES))) throw new KeyStoreError(`the password does not open the key in ${path}`);
  return key;
}

/** UTF-16, big-endian. */
function passwordBytes(password: string): Buffer {
  return Buffer.from(password, 'utf16le').swap16();
}

function sha1(...parts: readonly Buffer[]): Buffer {
  const hash = process.getBuiltinModule('node:crypto').createHash('sha1');
  for (const part of parts) hash.update(part);
  return hash.digest();
}
