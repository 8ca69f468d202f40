import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, randomBytes, type KeyObject } from 'node:crypto';
import { chunkWasRead } from '../../io/read-memory.ts';
import { RECORD_HEADER_BYTES, type RecordCodec } from './record.ts';
import { CHECK_BYTES, isPlain, isSealed, MOST_NAME_BYTES, readSeal, SALT_BYTES, sealBytes, SEALED, StoreKeyError, TAG_BYTES, writeSeal } from './record-seal.ts';

const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
const PURPOSE = 'millrace records 1';
/** Salts whose keys are kept: one per start of an agent. */
const KEPT = 16;

interface Derived {
  readonly key: KeyObject;
  readonly check: Buffer;
}

/**
 * Encrypts records with AES-256-GCM. Each start has a key of its own, derived (HKDF, RFC 5869) from the active one and 16 random bytes, and
 * numbers its records under it: so no nonce comes twice, however many stores and starts share a key file. The header is associated data:
 * a record that was altered, or put into another place, does not open. `keys` by their names; plain records are read as they are.
 */
export function recordCipher(keys: ReadonlyMap<string, Buffer>, active: string): RecordCodec {
  if (Buffer.byteLength(active) > MOST_NAME_BYTES) throw new StoreKeyError(`"${active}" is too long for the name of a key: it may have ${MOST_NAME_BYTES} bytes`);
  const kept = new Map<string, Derived>();
  const salt = randomBytes(SALT_BYTES);
  const own = derived(active, salt);
  if (!own) throw new StoreKeyError(`there is no key "${active}" to encrypt events with`);
  const { key: ownKey, check } = own;
  let number = 0;

  function derived(name: string, of: Buffer): Derived | undefined {
    const id = `${of.toString('hex')} ${name}`;
    const known = kept.get(id);
    const key = keys.get(name);
    if (known || !key) return known;
    const bytes = Buffer.from(hkdfSync('sha256', key, of, PURPOSE, KEY_BYTES + CHECK_BYTES));
    const made = { key: createSecretKey(bytes.subarray(0, KEY_BYTES)), check: bytes.subarray(KEY_BYTES) };
    kept.set(id, made);
    for (const oldest of kept.keys()) if (kept.size > KEPT) kept.delete(oldest);
    return made;
  }

  function refusal(header: Buffer): string | undefined {
    if (!isSealed(header)) return undefined;
    const seal = readSeal(extraOf(header));
    const found = derived(seal.name, seal.salt);
    if (!found) return `it holds events under the key "${seal.name}", which is not among ${[...keys.keys()].join(', ')}: add it to encryption.keyProvider.keys until they are delivered`;
    return found.check.equals(seal.check) ? undefined : `it holds events under another key of the name "${seal.name}" than the one that is configured`;
  }

  return {
    flags: SEALED,
    extraBytes: sealBytes(active),
    seal(record) {
      const extra = extraOf(record);
      writeSeal(extra, { salt, number, check, name: active });
      const cipher = createCipheriv(CIPHER, ownKey, nonceOf(number), { authTagLength: TAG_BYTES });
      number++;
      cipher.setAAD(associated(record, extra));
      const content = record.subarray(RECORD_HEADER_BYTES + extra.length);
      const closed = cipher.update(content);
      chunkWasRead(closed.length);
      closed.copy(content);
      cipher.final();
      cipher.getAuthTag().copy(extra);
    },
    open(record) {
      if (!isSealed(record)) return isPlain(record) ? record.subarray(RECORD_HEADER_BYTES) : undefined;
      const why = refusal(record);
      if (why !== undefined) throw new StoreKeyError(`a record cannot be opened: ${why}`);
      const extra = extraOf(record);
      const seal = readSeal(extra);
      const decipher = createDecipheriv(CIPHER, (derived(seal.name, seal.salt) as Derived).key, nonceOf(seal.number), { authTagLength: TAG_BYTES });
      decipher.setAuthTag(seal.tag);
      decipher.setAAD(associated(record, extra));
      const content = decipher.update(record.subarray(RECORD_HEADER_BYTES + extra.length));
      try {
        decipher.final();
        return content;
      } catch {
        return undefined;
      }
    },
    refusal,
    isAlike(header) {
      if (!isSealed(header)) return false;
      const seal = readSeal(extraOf(header));
      return seal.name === active && derived(active, seal.salt)?.check.equals(seal.check) === true;
    },
  };
}

function extraOf(record: Buffer): Buffer {
  return record.subarray(RECORD_HEADER_BYTES, RECORD_HEADER_BYTES + record.readUInt16LE(18));
}

/** The header but for its two checksums and the tag. */
function associated(record: Buffer, extra: Buffer): Buffer {
  return Buffer.concat([record.subarray(0, 8), record.subarray(16, RECORD_HEADER_BYTES), extra.subarray(TAG_BYTES)]);
}

function nonceOf(number: number): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeBigUInt64BE(BigInt(number), 4);
  return nonce;
}
