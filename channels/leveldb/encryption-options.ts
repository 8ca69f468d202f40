import type { Finding } from '../../core/define.ts';
import { choice, list, optional, prefix, string } from '../../core/options.ts';

/** A key in a file each: ours. */
const KEY_FILE = 'KEYFILE';
const CTR = 'AESCTRNOPADDING';
const CTR_CLASS = 'org.apache.flume.channel.file.encryption.AESCTRNoPaddingProvider';
const GCM = 'AESGCM';

/** Encryption of the file channel. What Flume means by AESCTRNOPADDING is AES in counter mode; here its records are authenticated as well. */
export const encryptionOptions = {
  'encryption.keyProvider': optional(
    choice({
      values: ['JCEKSFILE', 'org.apache.flume.channel.file.encryption.JCEFileKeyProvider$Builder', KEY_FILE],
      doc: 'Where keys come from; set, it turns encryption on. JCEKSFILE: a key store of Java, which has to be PKCS12. KEYFILE: a file per key.',
    }),
  ),
  'encryption.activeKey': optional(string({ doc: 'Name of the key that new events are encrypted with.' })),
  'encryption.cipherProvider': optional(string({ doc: 'AESCTRNOPADDING or AESGCM, which are the same here: AES-256-GCM, counter mode with authentication.' })),
  'encryption.keyProvider.keyStoreFile': optional(string({ doc: 'Key store with the keys, with JCEKSFILE.' })),
  'encryption.keyProvider.keyStorePasswordFile': optional(string({ doc: 'File that holds the password of the key store.' })),
  'encryption.keyProvider.keys': optional(list({ doc: 'Names of the keys, separated by white space: the active one, and those of events that are still stored.' })),
  'encryption.keyProvider.keys.*': prefix({ doc: 'File of each key: keys.<name>.passwordFile holds the password of one key, with JCEKSFILE; keys.<name>.keyFile holds the key, 16, 24 or 32 bytes or as many in hexadecimal, with KEYFILE.' }),
};

export interface EncryptionValues {
  readonly 'encryption.keyProvider': string | undefined;
  readonly 'encryption.activeKey': string | undefined;
  readonly 'encryption.cipherProvider': string | undefined;
  readonly 'encryption.keyProvider.keyStoreFile': string | undefined;
  readonly 'encryption.keyProvider.keyStorePasswordFile': string | undefined;
  readonly 'encryption.keyProvider.keys': readonly string[] | undefined;
  readonly 'encryption.keyProvider.keys.*': ReadonlyMap<string, string>;
}

export function isKeyFile(values: Pick<EncryptionValues, 'encryption.keyProvider'>): boolean {
  return values['encryption.keyProvider']?.toUpperCase() === KEY_FILE;
}

/** Files that Flume reads while it configures a channel with encryption. */
export function encryptionFiles(
  values: Pick<EncryptionValues, 'encryption.keyProvider'>,
): readonly ('encryption.keyProvider.keyStoreFile' | 'encryption.keyProvider.keyStorePasswordFile')[] {
  if (values['encryption.keyProvider'] === undefined || isKeyFile(values)) return [];
  return ['encryption.keyProvider.keyStoreFile', 'encryption.keyProvider.keyStorePasswordFile'];
}

export function checkEncryption(values: EncryptionValues): readonly Finding[] {
  const on = values['encryption.keyProvider'] !== undefined;
  const findings: Finding[] = [];
  for (const option of ['encryption.activeKey', 'encryption.cipherProvider'] as const) {
    if (on === (values[option] !== undefined) || (option === 'encryption.cipherProvider' && isKeyFile(values))) continue;
    const sentence = on ? 'is required with encryption.keyProvider' : 'makes no sense without encryption.keyProvider';
    findings.push({ option, effect: 'drop', sentence });
  }
  if (!on) return findings;
  const needed = isKeyFile(values) ? (['keys'] as const) : (['keyStoreFile', 'keyStorePasswordFile', 'keys'] as const);
  for (const name of needed) {
    const option = `encryption.keyProvider.${name}` as const;
    if (values[option] === undefined) findings.push({ option, effect: 'drop', sentence: 'is required with encryption.keyProvider' });
  }
  const cipher = values['encryption.cipherProvider'];
  if (cipher !== undefined && cipher.toUpperCase() !== CTR && cipher !== CTR_CLASS && cipher.toUpperCase() !== GCM) {
    findings.push({ option: 'encryption.cipherProvider', effect: 'refuse', sentence: `"${cipher}" is no cipher: ${CTR} and ${GCM} are` });
  }
  return [...findings, ...checkNames(values)];
}

function checkNames(values: EncryptionValues): readonly Finding[] {
  const { 'encryption.activeKey': active, 'encryption.keyProvider.keys': names = [], 'encryption.keyProvider.keys.*': own } = values;
  const findings: Finding[] = [];
  if (active !== undefined && names.length > 0 && !names.includes(active)) {
    findings.push({ option: 'encryption.activeKey', effect: 'refuse', sentence: `"${active}" is none of encryption.keyProvider.keys (${names.join(', ')})` });
  }
  for (const name of isKeyFile(values) ? names : []) {
    if (own.has(`${name}.keyFile`)) continue;
    findings.push({ option: 'encryption.keyProvider.keys', effect: 'refuse', sentence: `names "${name}", and encryption.keyProvider.keys.${name}.keyFile is missing` });
  }
  return findings;
}
