import { conversion, KeyStoreError, type StoreFile } from './key-store-file.ts';

const SEQUENCE = 0x30;
const OCTET_STRING = 0x04;
const CONTEXT_0 = 0xa0;
const IMPLICIT_0 = 0x80;

/** Object identifiers, as their bytes in hexadecimal. */
const DATA = '2a864886f70d010701';
const ENCRYPTED_DATA = '2a864886f70d010706';
const CERTIFICATE_BAG = '2a864886f70d010c0a0103';
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
export function readPkcs12Certificates({ path, bytes }: StoreFile, password: string | undefined): readonly Buffer[] {
  try {
    const [, authenticated] = children(read(bytes, 0).value);
    const content = octets(children(authenticated?.value)[1]?.value);
    return children(read(content, 0).value).flatMap((info) => certificatesOf(open(path, info, password)));
  } catch (error) {
    if (error instanceof KeyStoreError) throw error;
    throw new KeyStoreError(`${path} cannot be read as a PKCS12 store${password === undefined ? ' without a password' : ': it is damaged, or its password is wrong'}`, { cause: error });
  }
}

interface Element {
  readonly tag: number;
  readonly value: Buffer;
}

/** The SafeContents of one ContentInfo. */
function open(path: string, info: Element, password: string | undefined): Buffer {
  const [type, content] = children(info.value);
  const name = type?.value.toString('hex');
  if (name === DATA) return octets(content?.value);
  if (name !== ENCRYPTED_DATA) throw new KeyStoreError(`${path} holds contents of a kind that is not read (${name})`);
  const [, encrypted] = children(children(content?.value)[0]?.value);
  const [, algorithm, closed] = children(encrypted?.value);
  const [scheme, parameters] = children(algorithm?.value);
  if (scheme?.value.toString('hex') !== PBES2) {
    throw new KeyStoreError(`the certificates in ${path} are under a cipher of before 2021, which is not read; ${conversion(path, 'PKCS12')}`);
  }
  return decipher(path, children(parameters?.value), joined(closed), password ?? '');
}

function decipher(path: string, [derivation, encryption]: readonly Element[], closed: Buffer, password: string): Buffer {
  const { createDecipheriv, pbkdf2Sync } = process.getBuiltinModule('node:crypto');
  const parts = children(children(derivation?.value)[1]?.value);
  const [salt, rounds] = parts;
  const pseudoRandom = parts.find(({ tag }) => tag === SEQUENCE);
  const [cipherName, iv] = children(encryption?.value);
  const cipher = CIPHERS[cipherName?.value.toString('hex') ?? ''];
  const digest = pseudoRandom ? DIGESTS[children(pseudoRandom.value)[0]?.value.toString('hex') ?? ''] : 'sha1';
  const count = rounds?.value.readUIntBE(0, rounds.value.length) ?? 0;
  if (!cipher || !digest || !salt || !iv || count < 1 || count > MOST_ROUNDS) {
    throw new KeyStoreError(`the certificates in ${path} are under a cipher that is not read; ${conversion(path, 'PKCS12')}`);
  }
  const key = pbkdf2Sync(password, salt.value, count, Number(cipher.slice(4, 7)) / 8, digest);
  const opened = createDecipheriv(cipher, key, iv.value);
  return Buffer.concat([opened.update(closed), opened.final()]);
}

function certificatesOf(safeContents: Buffer): readonly Buffer[] {
  return children(read(safeContents, 0).value).flatMap((bag) => {
    const [type, wrapped] = children(bag.value);
    if (type?.value.toString('hex') !== CERTIFICATE_BAG) return [];
    const [, certificate] = children(children(wrapped?.value)[0]?.value);
    return [octets(certificate?.value)];
  });
}

/** An octet string inside of an explicit tag. */
function octets(bytes: Buffer | undefined): Buffer {
  return joined(children(bytes)[0]);
}

/** An octet string in one piece or in several. */
function joined(element: Element | undefined): Buffer {
  if (!element) throw new Error('an element is missing');
  if (element.tag === OCTET_STRING || element.tag === IMPLICIT_0) return element.value;
  if (element.tag !== (OCTET_STRING | 0x20) && element.tag !== CONTEXT_0) throw new Error('an octet string is missing');
  return Buffer.concat(children(element.value).map((piece) => piece.value));
}

function children(bytes: Buffer | undefined): readonly Element[] {
  const elements: Element[] = [];
  for (let at = 0; bytes && at < bytes.length; ) {
    const element = read(bytes, at);
    elements.push(element);
    at = element.next;
  }
  return elements;
}

/** One element of DER (ITU-T X.690) at `at`. */
function read(bytes: Buffer, at: number): Element & { readonly next: number } {
  const tag = bytes.readUInt8(at);
  let length = bytes.readUInt8(at + 1);
  let begin = at + 2;
  if (length > 0x80) {
    const size = length & 0x7f;
    length = bytes.readUIntBE(begin, size);
    begin += size;
  }
  if (begin + length > bytes.length) throw new Error('an element is longer than what holds it');
  return { tag, value: bytes.subarray(begin, begin + length), next: begin + length };
}
