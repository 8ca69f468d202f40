import type { Finding } from '../../core/define.ts';
import { boolean, choice, integer, list, optional, prefix, string } from '../../core/options.ts';

const CIPHER_CLASS = 'org.apache.flume.channel.file.encryption.AESCTRNoPaddingProvider';

/** The file channel's options; the spillable memory channel has them too. */
export const fileChannelOptions = {
  checkpointDir: optional(string({ doc: 'Directory of the guard, which tells a store that lost something; absent: .flume/file-channel/checkpoint below the home directory.' })),
  dataDirs: optional(
    list({
      separator: /\s*,\s*/,
      doc: 'Directories of the data, separated by commas, of which the first is used; absent: .flume/file-channel/data below the home directory.',
    }),
  ),
  useDualCheckpoints: boolean({ default: false, doc: 'Has no effect: the account of the store is always kept twice.' }),
  backupCheckpointDir: optional(string({ doc: 'Stays unused; needed with useDualCheckpoints.' })),
  compressBackupCheckpoint: boolean({ default: false, doc: 'Has no effect.' }),
  transactionCapacity: integer({
    default: 10_000,
    min: 1,
    outside: 'warn',
    doc: 'Most events that a source puts or a sink takes at a time.',
  }),
  checkpointInterval: integer({
    default: 30_000,
    min: 1,
    long: true,
    outside: 'warn',
    doc: 'Has no effect: there are no checkpoints.',
  }),
  checkpointOnClose: boolean({ default: true, doc: 'Has no effect: the account is always written.' }),
  maxFileSize: integer({
    default: 1_623_195_647,
    min: 1,
    max: 1_623_195_647,
    long: true,
    outside: 'warn',
    doc: 'Has no effect: the files of the store are small.',
  }),
  minimumRequiredSpace: integer({
    default: 524_288_000,
    long: true,
    doc: 'Bytes of the disk that stay free: below, sources wait and sinks go on. Less than 1048576 is taken as that much.',
  }),
  'use-log-replay-v1': boolean({ default: false, doc: 'Has no effect.' }),
  'use-fast-replay': boolean({ default: false, doc: 'Has no effect.' }),
  fsyncPerTransaction: boolean({ default: true, doc: 'Have the disk confirm what was stored before sources are told.' }),
  fsyncInterval: integer({ default: 5, doc: 'Seconds between two confirmations of the disk without fsyncPerTransaction.' }),
  'encryption.keyProvider': optional(
    choice({
      values: ['JCEKSFILE', 'org.apache.flume.channel.file.encryption.JCEFileKeyProvider$Builder'],
      doc: 'Where keys come from; set, it turns encryption on.',
    }),
  ),
  'encryption.activeKey': optional(string({ doc: 'Name of the key that new data files are encrypted with.' })),
  'encryption.cipherProvider': optional(string({ doc: 'Cipher of new data files: AESCTRNOPADDING.' })),
  'encryption.keyProvider.keyStoreFile': optional(string({ doc: 'JCEKS file with the keys.' })),
  'encryption.keyProvider.keyStorePasswordFile': optional(string({ doc: 'File that holds the password of the key store.' })),
  'encryption.keyProvider.keys': optional(list({ doc: 'Names of the keys, separated by white space.' })),
  'encryption.keyProvider.keys.*': prefix({ doc: 'File that holds the password of one key: keys.<name>.passwordFile.' }),
};

export interface FileChannelValues {
  readonly transactionCapacity: number;
  readonly useDualCheckpoints: boolean;
  readonly checkpointDir: string | undefined;
  readonly backupCheckpointDir: string | undefined;
  readonly dataDirs: readonly string[] | undefined;
  readonly fsyncPerTransaction: boolean;
  readonly fsyncInterval: number;
  readonly 'encryption.keyProvider': string | undefined;
  readonly 'encryption.activeKey': string | undefined;
  readonly 'encryption.cipherProvider': string | undefined;
  readonly 'encryption.keyProvider.keyStoreFile': string | undefined;
  readonly 'encryption.keyProvider.keyStorePasswordFile': string | undefined;
  readonly 'encryption.keyProvider.keys': readonly string[] | undefined;
}

/** Rules between the options of `fileChannelOptions`; `capacity` is the one that the channel on disk will have. */
export function checkFileChannel(values: FileChannelValues, capacity: number): readonly Finding[] {
  const findings: Finding[] = [...checkEncryption(values)];
  const { transactionCapacity, backupCheckpointDir, checkpointDir, dataDirs, fsyncInterval } = values;
  if (transactionCapacity > capacity) {
    const sentence = `${transactionCapacity} is above the capacity of ${capacity}: a transaction could never fit`;
    findings.push({ option: 'transactionCapacity', effect: 'drop', sentence });
  }
  if (values.useDualCheckpoints && (backupCheckpointDir === undefined || backupCheckpointDir === checkpointDir)) {
    const sentence = backupCheckpointDir === undefined ? 'is required with useDualCheckpoints = true' : 'is the checkpointDir itself';
    findings.push({ option: 'backupCheckpointDir', effect: 'drop', sentence });
  }
  if (dataDirs?.length === 0) findings.push({ option: 'dataDirs', effect: 'refuse', sentence: 'names no directory' });
  if (!values.fsyncPerTransaction && fsyncInterval < 1) {
    findings.push({ option: 'fsyncInterval', effect: 'refuse', sentence: `${fsyncInterval} is less than 1 second` });
  }
  return findings;
}

/** Files that Flume reads while it configures a channel with encryption. */
export function encryptionFiles(
  values: Pick<FileChannelValues, 'encryption.keyProvider'>,
): readonly ('encryption.keyProvider.keyStoreFile' | 'encryption.keyProvider.keyStorePasswordFile')[] {
  if (values['encryption.keyProvider'] === undefined) return [];
  return ['encryption.keyProvider.keyStoreFile', 'encryption.keyProvider.keyStorePasswordFile'];
}

function checkEncryption(values: FileChannelValues): readonly Finding[] {
  const on = values['encryption.keyProvider'] !== undefined;
  const findings: Finding[] = [];
  for (const option of ['encryption.activeKey', 'encryption.cipherProvider'] as const) {
    if (on === (values[option] !== undefined)) continue;
    const sentence = on ? 'is required with encryption.keyProvider' : 'makes no sense without encryption.keyProvider';
    findings.push({ option, effect: 'drop', sentence });
  }
  if (!on) return findings;
  for (const name of ['keyStoreFile', 'keyStorePasswordFile', 'keys'] as const) {
    const option = `encryption.keyProvider.${name}` as const;
    if (values[option] === undefined) findings.push({ option, effect: 'drop', sentence: 'is required with encryption.keyProvider' });
  }
  const cipher = values['encryption.cipherProvider'];
  if (cipher !== undefined && cipher.toUpperCase() !== 'AESCTRNOPADDING' && cipher !== CIPHER_CLASS) {
    findings.push({ option: 'encryption.cipherProvider', effect: 'refuse', sentence: `"${cipher}" is no cipher: AESCTRNOPADDING is` });
  }
  return findings;
}
