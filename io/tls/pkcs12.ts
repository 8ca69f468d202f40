import { children, joined, octets, read, SEQUENCE, type Element } from './der.ts';
import { conversion, KeyStoreError, type StoreFile } from './key-store-file.ts';

/** Object identifiers, as their bytes in hexadecimal. */
const DATA = '2a864886f70d010701';
const ENCRYPTED_DATA = '2a864886f70d010706';
const CERTIFICATE_BAG = '2a864886f70d010c0a0103';
const SECRET_BAG = '2a864886f70d010c0a0105';
const FRIENDLY_NAME = '2a864886f70d010914';
const PBES2 = '2a864886f70d01050d';
const CIPHERS: Readonly<Record<string, string>> = {
  '60864801650304012a': 'aes-256-cbc',
  '608648016503040116': 'aes-192-cbc',
  '608648016503040102': 'aes-128-cbc',
};
const DIGESTS: Readonly<Record<string, string>> = {
  '2a864886f70d0207': 'sha1',
  '2a864886f70d0209': 'sha256',
  '2a864886f70d020a': 'sha384',
  '2a864886f70d020b': 'sha512',
};
const MOST_ROUNDS = 10_000_000;

/**
 * The certificates of a PKCS #12 store (RFC 7292) in DER, whoever they belong to: Node reads only stores with a key of their own, and Java's
 * trust stores have none. Reads what keytool of Java 17 and OpenSSL 3 write (PBES2 with AES); for the older ciphers the error names
 * the command that converts.
 */
export function readPkcs12Certificates(file: StoreFile, password: string | undefined): readonly Buffer[] {
  return readBags(file, password, ({ type, value }) => (type === CERTIFICATE_BAG ? octets(children(value)[1]?.value) : undefined));
}

/**
 * The secret keys of a PKCS #12 store as keytool writes them, by their names, which Java keeps in lower case. `passwordOf` a key: that of the
 * store mostly. Those of `names` alone are opened.
 */
export function readPkcs12SecretKeys(file: StoreFile, password: string, names: readonly string[], passwordOf: (name: string) => string): ReadonlyMap<string, Buffer> {
  const found = readBags(file, password, ({ type, value, attributes }) => {
    const alias = type === SECRET_BAG ? aliasOf(attributes) : undefined;
    const name = names.find((one) => one.toLowerCase() === alias?.toLowerCase());
    if (name === undefined) return undefined;
    const [, wrapped] = children(value);
    const [algorithm, closed] = children(read(octets(wrapped?.value), 0).value);
    const [, , key] = children(read(decipher(file.path, algorithm, closed, passwordOf(name)), 0).value);
    return [name, joined(key)] as const;
  });
  return new Map(found);
}

interface Bag {
  /** Object identifier, in hexadecimal. */
  readonly type: string | undefined;
  readonly value: Buffer | undefined;
  readonly attributes: Buffer | undefined;
}

/** What `pick` makes of each bag of a store. */
function readBags<T>({ path, bytes }: StoreFile, password: string | undefined, pick: (bag: Bag) => T | undefined): T[] {
  try {
    const [, authenticated] = children(read(bytes, 0).value);
    const content = octets(children(authenticated?.value)[1]?.value);
    const bags = children(read(content, 0).value).flatMap((info) => children(read(open(path, info, password), 0).value));
    return bags.flatMap((bag) => {
      const [type, wrapped, attributes] = children(bag.value);
      const picked = pick({ type: type?.value.toString('hex'), value: children(wrapped?.value)[0]?.value, attributes: attributes?.value });
      return picked === undefined ? [] : [picked];
    });
  } catch (error) {
    if (error instanceof KeyStoreError) throw error;
    throw new KeyStoreError(`${path} cannot be read as a PKCS12 store${password === undefined ? ' without a password' : ': it is damaged, or its password is wrong'}`, { cause: error });
  }
}

/** The SafeContents of one ContentInfo. */
function open(path: string, info: Element, password: string | undefined): Buffer {
  const [type, content] = children(info.value);
  const name = type?.value.toString('hex');
  if (name === DATA) return octets(content?.value);
  if (name !== ENCRYPTED_DATA) throw new KeyStoreError(`${path} holds contents of a kind that is not read (${name})`);
  const [, encrypted] = children(children(content?.value)[0]?.value);
  const [, algorithm, closed] = children(encrypted?.value);
  return decipher(path, algorithm, closed, password ?? '');
}

function decipher(path: string, algorithm: Element | undefined, closed: Element | undefined, password: string): Buffer {
  const { createDecipheriv, pbkdf2Sync } = process.getBuiltinModule('node:crypto');
  const [scheme, parameters] = children(algorithm?.value);
  if (scheme?.value.toString('hex') !== PBES2) {
    throw new KeyStoreError(`what lies in ${path} is under a cipher of before 2021, which is not read; ${conversion(path, 'PKCS12')}`);
  }
  const [derivation, encryption] = children(parameters?.value);
  const parts = children(children(derivation?.value)[1]?.value);
  const [salt, rounds] = parts;
  const pseudoRandom = parts.find(({ tag }) => tag === SEQUENCE);
  const [cipherName, iv] = children(encryption?.value);
  const cipher = CIPHERS[cipherName?.value.toString('hex') ?? ''];
  const digest = pseudoRandom ? DIGESTS[children(pseudoRandom.value)[0]?.value.toString('hex') ?? ''] : 'sha1';
  const count = rounds?.value.readUIntBE(0, rounds.value.length) ?? 0;
  if (!cipher || !digest || !salt || !iv || count < 1 || count > MOST_ROUNDS) {
    throw new KeyStoreError(`what lies in ${path} is under a cipher that is not read; ${conversion(path, 'PKCS12')}`);
  }
  const key = pbkdf2Sync(password, salt.value, count, Number(cipher.slice(4, 7)) / 8, digest);
  const opened = createDecipheriv(cipher, key, iv.value);
  return Buffer.concat([opened.update(joined(closed)), opened.final()]);
}

/** The name that people gave, UTF-16 with the high byte first. */
function aliasOf(attributes: Buffer | undefined): string | undefined {
  for (const attribute of children(attributes)) {
    const [type, values] = children(attribute.value);
    const [name] = children(values?.value);
    if (type?.value.toString('hex') === FRIENDLY_NAME && name) return Buffer.from(name.value).swap16().toString('utf16le');
  }
  return undefined;
}
