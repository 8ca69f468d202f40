import { define } from '../core/define.ts';
import { ignored, integer } from '../core/options.ts';
import { encryptionFiles } from './leveldb/encryption-options.ts';
import { checkFileChannel, fileChannelOptions } from './leveldb/options.ts';

const DEFAULT_FILE_CAPACITY = 1_000_000;
const DEFAULT_BYTE_CAPACITY = 64 * 1024 * 1024;

export const spillableMemoryChannel = define('channel', {
  types: ['SPILLABLEMEMORY', 'org.apache.flume.channel.SpillableMemoryChannel'],
  summary: 'Keeps events in memory, and on disk those for which memory has no room.',
  options: {
    memoryCapacity: integer({
      default: 10_000,
      min: 0,
      unreadable: 'warn',
      outside: 'warn',
      doc: 'Most events held in memory; 0: all go to disk.',
    }),
    overflowCapacity: integer({ default: 100_000_000, unreadable: 'warn', doc: 'Most events held on disk; less than 1: none are.' }),
    overflowTimeout: integer({
      default: 3,
      unreadable: 'warn',
      doc: 'Seconds that a put waits for room in memory before it goes to disk.',
    }),
    overflowDeactivationThreshold: integer({
      default: 5,
      unreadable: 'warn',
      doc: 'Share of memoryCapacity, in percent, that has to be free before events go to memory again.',
    }),
    byteCapacity: integer({
      default: DEFAULT_BYTE_CAPACITY,
      long: true,
      unreadable: 'warn',
      doc: 'Most bytes of bodies held in memory, counted in slots of avgEventSize; 0: no limit.',
    }),
    byteCapacityBufferPercentage: integer({
      default: 20,
      unreadable: 'warn',
      doc: 'Share of byteCapacity, in percent, that is set aside for headers.',
    }),
    avgEventSize: integer({ default: 500, min: 1, unreadable: 'warn', outside: 'warn', doc: 'Bytes of a usual event.' }),
    capacity: ignored({ doc: 'is not read: the limits are memoryCapacity and overflowCapacity' }),
    'keep-alive': ignored({ doc: 'is not read: the waiting time is overflowTimeout' }),
    ...fileChannelOptions,
  },
  transactionCapacityOption: 'transactionCapacity',
  check: (values) => checkFileChannel(values, values.overflowCapacity < 1 ? DEFAULT_FILE_CAPACITY : values.overflowCapacity),
  readableFiles: encryptionFiles,
});
