import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { define, type Finding } from '../../core/define.ts';
import { integer } from '../../core/options.ts';
import { storeFiles } from '../../io/store-files.ts';
import { DurableChannel } from './channel.ts';
import { LevelStore } from './level-store.ts';
import { OPENING_BYTES } from './opening.ts';
import { checkFileChannel, encryptionFiles, fileChannelOptions, type FileChannelValues } from './options.ts';
import { LEAST_REQUIRED_BYTES } from './space.ts';

/** `file` and `leveldb` are one channel: Flume's properties over a store of ours, see docs/leveldb-channel.md. */
export const fileChannel = define('channel', {
  types: ['file', 'leveldb', 'org.apache.flume.channel.file.FileChannel'],
  summary: 'Keeps events on disk: what was stored is there after a crash.',
  options: {
    capacity: integer({ default: 1_000_000, min: 1, outside: 'warn', doc: 'Most events held.' }),
    'keep-alive': integer({ default: 3, doc: 'Seconds that a put waits for room before the channel counts as full.' }),
    ...fileChannelOptions,
  },
  transactionCapacityOption: 'transactionCapacity',
  check: (values) => [...checkFileChannel(values, values.capacity), ...refuseEncryption(values)],
  readableFiles: encryptionFiles,
  create: (context, values) => {
    const [dataDirectory, ...unused] = (values.dataDirs ?? [defaultDirectory('data')]).map((path) => resolve(path));
    const checkpointDirectory = resolve(values.checkpointDir ?? defaultDirectory('checkpoint'));
    if (dataDirectory === undefined) throw new Error('dataDirs names no directory');
    if (unused.length > 0) context.log.warn('of several data directories the first is used', { used: dataDirectory, unused });
    return new DurableChannel(context, {
      store: (directory) => new LevelStore(directory),
      files: storeFiles,
      settings: {
        dataDirectory,
        checkpointDirectory,
        unusedDirectories: unused,
        capacity: values.capacity,
        transactionCapacity: values.transactionCapacity,
        keepAliveMs: Math.max(0, values['keep-alive']) * 1000,
        requiredBytes: Math.max(LEAST_REQUIRED_BYTES, values.minimumRequiredSpace),
        reserveBytes: OPENING_BYTES,
        syncIntervalMs: values.fsyncPerTransaction ? 0 : values.fsyncInterval * 1000,
      },
    });
  },
});

/** Flume's own places below the home directory. */
function defaultDirectory(name: 'checkpoint' | 'data'): string {
  return join(homedir(), '.flume', 'file-channel', name);
}

function refuseEncryption(values: FileChannelValues): readonly Finding[] {
  if (values['encryption.keyProvider'] === undefined) return [];
  const sentence = 'cannot be read: it is a key store of Java, and Millrace does not encrypt its store yet; leave out encryption.* and keep the directories on an encrypted file system';
  return [{ option: 'encryption.keyProvider', effect: 'refuse', sentence }];
}
