import { define } from '../../core/define.ts';
import { integer } from '../../core/options.ts';
import { encryptionFiles } from './encryption-options.ts';
import { checkFileChannel, fileChannelOptions } from './options.ts';

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
  check: (values) => checkFileChannel(values, values.capacity),
  readableFiles: encryptionFiles,
  // Loaded by agents that have such a channel.
  create: async (context, values) => (await import('./create.ts')).createDurableChannel(context, values),
});
