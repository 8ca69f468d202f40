import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Channel, Context } from '../../core/component.ts';
import type { Values } from '../../core/define.ts';
import { storeFiles } from '../../io/store-files.ts';
import { DurableChannel } from './channel.ts';
import { LevelStore } from './level-store.ts';
import { OPENING_BYTES } from './opening.ts';
import type { fileChannelOptions } from './options.ts';
import { LEAST_REQUIRED_BYTES } from './space.ts';

export type DurableChannelValues = Values<typeof fileChannelOptions> & { readonly capacity: number; readonly 'keep-alive': number };

/** The channel of a configuration, on the disk. Throws where it is to be encrypted and its keys cannot be had. */
export async function createDurableChannel(context: Context, values: DurableChannelValues): Promise<Channel> {
  const [dataDirectory, ...unused] = (values.dataDirs ?? [defaultDirectory('data')]).map((path) => resolve(path));
  const checkpointDirectory = resolve(values.checkpointDir ?? defaultDirectory('checkpoint'));
  if (dataDirectory === undefined) throw new Error('dataDirs names no directory');
  if (unused.length > 0) context.log.warn('of several data directories the first is used', { used: dataDirectory, unused });
  const codec = values['encryption.keyProvider'] === undefined ? undefined : await (await import('./store-keys.ts')).recordCodec(values, context.log);
  return new DurableChannel(context, {
    store: (directory) => new LevelStore(directory),
    files: storeFiles,
    ...(codec && { codec }),
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
}

/** Flume's own places below the home directory. */
function defaultDirectory(name: 'checkpoint' | 'data'): string {
  return join(homedir(), '.flume', 'file-channel', name);
}
