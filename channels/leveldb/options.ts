import type { Finding } from '../../core/define.ts';
import { boolean, integer, list, optional, string } from '../../core/options.ts';
import { checkEncryption, encryptionOptions, type EncryptionValues } from './encryption-options.ts';

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
  ...encryptionOptions,
};

export interface FileChannelValues extends EncryptionValues {
  readonly transactionCapacity: number;
  readonly useDualCheckpoints: boolean;
  readonly checkpointDir: string | undefined;
  readonly backupCheckpointDir: string | undefined;
  readonly dataDirs: readonly string[] | undefined;
  readonly fsyncPerTransaction: boolean;
  readonly fsyncInterval: number;
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
