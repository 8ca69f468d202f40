import { AgentError } from '../../core/errors.ts';
import { readU64, writeU64 } from './keys.ts';

/** The key of stored events is not there, or is another one. Nothing was changed, and nothing is lost. */
export class StoreKeyError extends AgentError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('M136', message, options);
  }
}

/** Flag of a record whose content is encrypted. */
export const SEALED = 1;
/** UTF-8; what fits into the extra bytes of a header. */
export const MOST_NAME_BYTES = 128;

export const TAG_BYTES = 16;
export const SALT_BYTES = 16;
export const CHECK_BYTES = 8;
/** Before the name. */
const SEAL_BYTES = TAG_BYTES + SALT_BYTES + 8 + CHECK_BYTES + 1;

/**
 * What the header of an encrypted record says, in its extra bytes:
 *
 *   0   16 bytes tag of AES-GCM
 *   16  16 bytes salt: the key of these records comes from it and from the key with the name
 *   32  u64, big-endian, number of the record under that salt
 *   40  8 bytes by which the right key is known
 *   48  u8 bytes of the name, name of the key in UTF-8, zeros up to a multiple of 8
 */
export interface Seal {
  readonly tag: Buffer;
  readonly salt: Buffer;
  readonly number: number;
  readonly check: Buffer;
  readonly name: string;
}

/** Whether a record is encrypted, by its header; what says so without a whole seal was altered. */
export function isSealed(header: Buffer): boolean {
  return header[17] === SEALED && header.readUInt16LE(18) >= SEAL_BYTES;
}

/** Whether a record is as it is: not encrypted, and with nothing but its content behind the header. */
export function isPlain(header: Buffer): boolean {
  return header[17] === 0 && header.readUInt16LE(18) === 0;
}

export function sealBytes(name: string): number {
  return (SEAL_BYTES + Buffer.byteLength(name) + 7) & ~7;
}

/** Writes all but the tag. */
export function writeSeal(extra: Buffer, { salt, number, check, name }: Omit<Seal, 'tag'>): void {
  extra.fill(0);
  salt.copy(extra, TAG_BYTES);
  writeU64(extra, number, TAG_BYTES + SALT_BYTES);
  check.copy(extra, SEAL_BYTES - 1 - CHECK_BYTES);
  extra[SEAL_BYTES - 1] = extra.write(name, SEAL_BYTES);
}

export function readSeal(extra: Buffer): Seal {
  const nameBytes = extra[SEAL_BYTES - 1] ?? 0;
  return {
    tag: extra.subarray(0, TAG_BYTES),
    salt: extra.subarray(TAG_BYTES, TAG_BYTES + SALT_BYTES),
    number: readU64(extra, TAG_BYTES + SALT_BYTES),
    check: extra.subarray(SEAL_BYTES - 1 - CHECK_BYTES, SEAL_BYTES - 1),
    name: extra.toString('utf8', SEAL_BYTES, SEAL_BYTES + nameBytes),
  };
}
